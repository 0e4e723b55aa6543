// A blocking HTTP/1.1 client over one keep-alive connection: for the command line and for tests.
// One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace hearth::http {

struct ClientResponse {
  int status = 0;
  std::vector<Header> headers;
  std::string body;

  std::optional<std::string_view> header(std::string_view name) const;
};

// Where a request body comes from when it is too large to hold: `bytes` in all, read in pieces.
struct BodySource {
  std::uint64_t bytes = 0;
  std::function<base::Result<std::size_t>(char* buffer, std::size_t size)> read;  // 0 at the end
  std::function<void(std::uint64_t sent)> progress;                               // may be empty
};

class Client {
 public:
  // `endpoint`: "http://HOST:PORT", a path behind it is kept as a prefix. kInvalidArgument from the
  // first request when it is malformed ("https" is kUnsupported for now).
  Client(std::string endpoint, std::chrono::milliseconds timeout);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // Sent with every request, e.g. {"Authorization", "Bearer …"}.
  void set_header(Header header);

  // Connects when needed, sends, reads the whole answer. kIo when there is no connection (the
  // message names the endpoint and what to do), kTimeout when no answer came within the time-out.
  // Never repeated by itself, but for a kept connection found closed before a byte was sent. `headers`: of
  // this request alone.
  base::Result<ClientResponse> request(Method method, std::string_view target, std::string_view body = {},
                                       std::string_view content_type = "application/json",
                                       const std::vector<Header>& headers = {});
  base::Result<ClientResponse> upload(Method method, std::string_view target, BodySource& source,
                                      std::string_view content_type);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hearth::http
