// The server as the commands see it: one request, one reply. HttpApi speaks to a real one, FakeApi
// follows a test's script. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/client.h"
#include "http/message.h"

namespace hearth::cli {

struct Request {
  http::Method method = http::Method::kGet;
  std::string path;  // "/functions/hello", encoded
  std::string body;  // JSON
  std::vector<http::Header> headers = {};

  bool operator==(const Request&) const = default;
};

struct Reply {
  int status = 0;
  std::string body;
  std::string request_id;   // X-Hearth-Request-Id: of an invocation
  std::string retry_after;  // Retry-After, in seconds: of a 503

  bool operator==(const Reply&) const = default;
};

class Api {
 public:
  virtual ~Api() = default;

  // Any status is a reply. kIo without a connection, kTimeout without an answer in time,
  // kInvalidArgument or kUnsupported for an endpoint that is none.
  virtual base::Result<Reply> send(const Request& request) = 0;

  // The same with a body (JSON) that is read in pieces.
  virtual base::Result<Reply> upload(http::Method method, const std::string& path,
                                     http::BodySource& body) = 0;
};

// For a segment of a path, or a value in a query.
std::string percent_encoded(std::string_view text);

// "/functions/{name}{rest}", the name percent-encoded.
std::string function_path(std::string_view name, std::string_view rest = "");
// "/workers/{id}{rest}", the same way.
std::string worker_path(std::string_view id, std::string_view rest);
// "/executions/{id}{rest}", the same way.
std::string execution_path(std::string_view id, std::string_view rest = "");

}  // namespace hearth::cli
