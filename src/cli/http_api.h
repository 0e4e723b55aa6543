// The Api over HTTP.
#pragma once

#include <chrono>
#include <string>

#include "cli/api.h"

namespace hearth::cli {

// Where the server is and how to speak to it.
struct Connection {
  std::string endpoint;
  std::string api_key;  // empty: none is sent
  std::chrono::milliseconds timeout{0};
};

class HttpApi final : public Api {
 public:
  explicit HttpApi(const Connection& connection);

  base::Result<Reply> send(const Request& request) override;
  base::Result<Reply> upload(http::Method method, const std::string& path, http::BodySource& body) override;

 private:
  http::Client client_;
};

}  // namespace hearth::cli
