// The gateway's answers about aliases and publishing, and which version a call that names an alias executes.
#include <fmt/format.h>

#include <utility>

#include "gateway/alias_settings.h"
#include "gateway/answer.h"
#include "gateway/execution_json.h"
#include "gateway/gateway.h"
#include "gateway/gateway_call.h"

namespace hearth::gateway {
namespace {

using model::ApiErrorCode;

constexpr std::size_t kMostStickyBytes = 255;

std::string no_such_alias(const model::Function& function, std::string_view name) {
  return fmt::format("\"{}\" has no alias \"{}\"", function.label(), name);
}

}  // namespace

// Nothing: the call has been refused.
std::optional<std::uint32_t> Gateway::version_of_alias(Call& call, const std::string& name,
                                                       const http::RequestHead& head) {
  const auto found = call.function->aliases.find(name);
  if (found == call.function->aliases.end()) {
    call.responder.send(refusal(ApiErrorCode::kNotFound, no_such_alias(*call.function, name)));
    return std::nullopt;
  }
  auto sticky = head.header("X-Hearth-Sticky");
  if (!sticky && asks_for_async(head)) {
    sticky = head.header(
        "Idempotency-Key");  // a repeated submission is the same execution, so of the same version
  }
  if (sticky && sticky->size() > kMostStickyBytes) {
    call.responder.send(refusal(ApiErrorCode::kBadRequest,
                                fmt::format("X-Hearth-Sticky: {} bytes at most", kMostStickyBytes)));
    return std::nullopt;
  }
  const model::Alias& alias = found->second;
  call.named_version = alias.version;
  if (alias.canary) {
    call.named_version = model::version_at(
        alias, sticky ? model::sticky_point(name, *sticky) : model::random_point(parts_.request_ids));
  }
  return call.named_version;
}

http::Response Gateway::show_aliases(const model::Function& function) {
  http::Response response;
  response.body[0] = fmt::format(R"({{"aliases":{}}})", aliases_json(function.aliases));
  return response;
}

void Gateway::alias(const model::FunctionPtr& function, const std::string& name, http::Request&& request,
                    http::Responder responder) {
  if (request.head.method == http::Method::kPut) {
    set_alias(function, name, request, std::move(responder));
  } else if (request.head.method == http::Method::kDelete) {
    remove_alias(function, name, std::move(responder));
  } else {
    responder.send(show_alias(*function, name));
  }
}

http::Response Gateway::show_alias(const model::Function& function, const std::string& name) {
  const auto found = function.aliases.find(name);
  if (found == function.aliases.end()) {
    return refusal(ApiErrorCode::kNotFound, no_such_alias(function, name));
  }
  http::Response response;
  response.body[0] = alias_json(found->second);
  return response;
}

void Gateway::set_alias(const model::FunctionPtr& function, const std::string& name,
                        const http::Request& request, http::Responder responder) {
  const auto alias = parse_alias(name, request.body);
  if (!alias) {
    responder.send(refused_body(alias.error()));
    return;
  }
  parts_.changes.change(
      function, *alias,
      answer_when_changed(std::move(responder), [this, name](const model::Function& changed) {
        return show_alias(changed, name);
      }));
}

void Gateway::remove_alias(const model::FunctionPtr& function, const std::string& name,
                           http::Responder responder) {
  if (!function->aliases.contains(name)) {
    responder.send(refusal(ApiErrorCode::kNotFound, no_such_alias(*function, name)));
    return;
  }
  parts_.changes.change(function, model::RemovedAlias{name},
                        answer_when_changed(std::move(responder), [](const model::Function&) {
                          http::Response response;
                          response.status = 204;
                          response.content_type = {};
                          return response;
                        }));
}

// Versions are numbered and never change: what is published is the current one, as it is. With an alias, that
// points at it afterwards.
void Gateway::publish(const model::FunctionPtr& function, http::Request&& request,
                      http::Responder responder) {
  const auto alias = parse_publication(request.body);
  if (!alias) {
    responder.send(refused_body(alias.error()));
    return;
  }
  const auto answer = [this, function](const model::Function&) {
    const model::Version& version = function->current;
    http::Response response;
    response.status = 201;
    response.headers.push_back(
        {"Location", fmt::format("/functions/{}/versions/{}", function->id, version.number)});
    response.body[0] = version_json(version, version.number, parts_.code.uri(version.code_digest));
    return response;
  };
  if (alias->empty()) {
    responder.send(answer(*function));
    return;
  }
  parts_.changes.change(function, model::Alias{*alias, function->current.number, std::nullopt, 0},
                        answer_when_changed(std::move(responder), answer));
}

}  // namespace hearth::gateway
