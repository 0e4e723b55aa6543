#include "cli/http_api.h"

#include <utility>

namespace hearth::cli {
namespace {

base::Result<Reply> to_reply(base::Result<http::ClientResponse> answer) {
  if (!answer) {
    return answer.error();
  }
  Reply reply;
  reply.status = answer->status;
  reply.request_id = answer->header("X-Hearth-Request-Id").value_or("");
  reply.retry_after = answer->header("Retry-After").value_or("");
  reply.body = std::move(answer->body);
  return reply;
}

}  // namespace

HttpApi::HttpApi(const Connection& connection) : client_(connection.endpoint, connection.timeout) {
  if (!connection.api_key.empty()) {
    client_.set_header({"Authorization", "Bearer " + connection.api_key});
  }
}

base::Result<Reply> HttpApi::send(const Request& request) {
  return to_reply(
      client_.request(request.method, request.path, request.body, "application/json", request.headers));
}

base::Result<Reply> HttpApi::upload(http::Method method, const std::string& path, http::BodySource& body) {
  return to_reply(client_.upload(method, path, body, "application/json"));
}

}  // namespace hearth::cli
