// The gateway's answers to changes of functions.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "gateway/gateway.h"
#include "gateway/upload.h"

namespace hearth::gateway {

using model::ApiErrorCode;

std::shared_ptr<Upload> Gateway::whole_upload(const http::Request& request, http::Responder& responder) {
  auto upload = static_cast<UploadSink&>(*request.sink).upload();
  if (request.body_failed && upload->status()) {
    // Its pieces found no place on the pool: what has arrived is no whole upload.
    responder.send(refusal(ApiErrorCode::kQueueFull, "too many uploads at once: try again"));
    return nullptr;
  }
  return upload;
}

void Gateway::create(http::Request&& request, http::Responder responder) {
  const std::string host(request.head.header("Host").value_or(""));
  auto upload = whole_upload(request, responder);
  if (!upload) {
    return;
  }
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.changes.create(std::move(upload), [this, held, host](ApiResult<model::FunctionPtr> result) {
    if (const auto* failed = std::get_if<ApiFailure>(&result)) {
      held->send(refusal(failed->code, failed->message));
      return;
    }
    const model::Function& function = *std::get<model::FunctionPtr>(result);
    http::Response response = show(function);
    response.status = 201;
    response.headers.push_back(
        {"Location", fmt::format("{}{}/functions/{}", host.empty() ? "" : "http://", host, function.id)});
    held->send(std::move(response));
  });
}

void Gateway::update(const model::FunctionPtr& function, http::Request&& request, http::Responder responder) {
  if (auto upload = whole_upload(request, responder)) {
    parts_.changes.update(function, std::move(upload), show_when_changed(std::move(responder)));
  }
}

FunctionChanges::Changed Gateway::show_when_changed(http::Responder responder) {
  return answer_when_changed(std::move(responder),
                             [this](const model::Function& function) { return show(function); });
}

FunctionChanges::Changed Gateway::answer_when_changed(
    http::Responder responder, std::function<http::Response(const model::Function&)> answer) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  return [this, held, answer = std::move(answer)](const ApiResult<model::FunctionPtr>& result) {
    if (const auto* failed = std::get_if<ApiFailure>(&result)) {
      held->send(refusal(failed->code, failed->message));
    } else {
      held->send(answer(*std::get<model::FunctionPtr>(result)));
    }
  };
}

// Of a small body of settings that cannot be read.
http::Response Gateway::refused_body(const base::Error& error) {
  const bool no_json = error.code == base::ErrorCode::kCorrupt;
  return refusal(no_json ? ApiErrorCode::kBadJson : ApiErrorCode::kBadRequest, error.message);
}

void Gateway::remove(const model::FunctionPtr& function, http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.changes.remove(function, [this, held](ApiResult<std::monostate> result) {
    if (const auto* failed = std::get_if<ApiFailure>(&result)) {
      held->send(refusal(failed->code, failed->message));
      return;
    }
    http::Response response;
    response.status = 204;
    response.content_type = {};
    held->send(std::move(response));
  });
}

}  // namespace hearth::gateway
