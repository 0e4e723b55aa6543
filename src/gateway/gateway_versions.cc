// The gateway's answers about past versions, calls of them, and rolling back.
#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "gateway/answer.h"
#include "gateway/gateway.h"
#include "gateway/gateway_call.h"
#include "gateway/rollback.h"

namespace hearth::gateway {
namespace {

using model::ApiErrorCode;

constexpr std::size_t kVersionsListed = 100;  // at once

}  // namespace

// The one that the query names, itself or by an alias; 0: none is named. Nothing: the call has been refused.
std::optional<std::uint32_t> Gateway::named_version(Call& call, const http::RequestHead& head) {
  const auto version = query_value(head.query(), "version");
  const auto alias = query_value(head.query(), "alias");
  if (version && alias) {
    call.responder.send(refusal(ApiErrorCode::kBadRequest, "a call names a version or an alias, not both"));
    return std::nullopt;
  }
  if (alias) {
    return version_of_alias(call, *alias, head);
  }
  if (!version) {
    return 0;
  }
  const auto number = version_number(*version);
  if (!number) {
    call.responder.send(refusal(ApiErrorCode::kBadRequest,
                                fmt::format("version={}: the number of a version, from 1", *version)));
  } else if (*number > call.function->current.number) {  // the store need not be asked
    const ApiFailure none = no_such_version(*call.function, *number);
    call.responder.send(refusal(none.code, none.message));
    return std::nullopt;
  }
  return number;
}

void Gateway::invoke_past(std::uint32_t number, std::shared_ptr<Call> call, std::string&& body) {
  auto held = std::make_shared<std::string>(std::move(body));
  past_versions_.find(call->function->id, number,
                      [this, call, held, number](const ApiResult<model::VersionPtr>& result) {
                        const auto* const found = std::get_if<model::VersionPtr>(&result);
                        if (found != nullptr && parts_.functions.find(call->function->id)) {
                          execute(call, *found, std::move(*held));
                          return;
                        }
                        const auto* const failed = std::get_if<ApiFailure>(&result);
                        const bool none = failed == nullptr || failed->code == ApiErrorCode::kNotFound;
                        const ApiFailure told = none ? no_such_version(*call->function, number) : *failed;
                        call->responder.send(refusal(told.code, told.message));
                      });
}

// The code of a deleted function may be gone before its last calls have started: then nothing is wrong with
// the start, and the store says so.
void Gateway::returned(const std::shared_ptr<Call>& call, dispatch::Answer&& answer) {
  const auto* const execution = std::get_if<model::Execution>(&answer.result);
  if (execution == nullptr || execution->outcome.kind != model::OutcomeKind::kStartFailed) {
    answer_call(call, std::move(answer));
    return;
  }
  auto held = std::make_shared<dispatch::Answer>(std::move(answer));
  parts_.versions.find(call->function->id, model::kFirstVersion,
                       [this, call, held](const ApiResult<model::VersionPtr>& result) {
                         const auto* const failed = std::get_if<ApiFailure>(&result);
                         if (failed != nullptr && failed->code == ApiErrorCode::kNotFound) {
                           held->result = dispatch::Rejection{
                               ApiErrorCode::kNotFound, "the function was deleted while the call waited"};
                         }
                         answer_call(call, std::move(*held));
                       });
}

void Gateway::versions(const model::FunctionPtr& function, const http::RequestHead& head,
                       http::Responder responder) {
  const auto before = query_value(head.query(), "before");
  const auto number = before ? version_number(*before) : std::optional<std::uint32_t>(0);
  if (!number) {
    responder.send(refusal(ApiErrorCode::kBadRequest,
                           fmt::format("before={}: the number of a version, from 1", *before)));
    return;
  }
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.versions.list(function->id, *number, kVersionsListed,
                       [this, held, function](const ApiResult<std::vector<model::Version>>& result) {
                         if (const auto* failed = std::get_if<ApiFailure>(&result)) {
                           held->send(refusal(failed->code, failed->message));
                           return;
                         }
                         http::Response response;
                         std::string& body = response.body[0];
                         body = R"({"versions":[)";
                         const auto& found = std::get<std::vector<model::Version>>(result);
                         for (const model::Version& each : found) {
                           body += body.back() == '[' ? "" : ",";
                           body += version_json(each, function->current.number,
                                                parts_.code.uri(each.code_digest));
                         }
                         // What is left, if anything is: numbers have no gaps.
                         const bool more = !found.empty() && found.back().number > 1;
                         body += more ? fmt::format(R"(],"before":{}}})", found.back().number) : "]}";
                         held->send(std::move(response));
                       });
}

void Gateway::version(const model::FunctionPtr& function, std::uint32_t number, http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.versions.find(
      function->id, number, [this, held, function, number](const ApiResult<model::VersionPtr>& result) {
        if (const auto* failed = std::get_if<ApiFailure>(&result)) {
          const ApiFailure told =
              failed->code == ApiErrorCode::kNotFound ? no_such_version(*function, number) : *failed;
          held->send(refusal(told.code, told.message));
          return;
        }
        const model::Version& found = *std::get<model::VersionPtr>(result);
        http::Response response;
        response.body[0] = version_json(found, function->current.number, parts_.code.uri(found.code_digest));
        held->send(std::move(response));
      });
}

void Gateway::roll_back(const model::FunctionPtr& function, http::Request&& request,
                        http::Responder responder) {
  const auto to = parse_rollback(request.body);
  if (!to) {
    responder.send(refused_body(to.error()));
    return;
  }
  parts_.changes.roll_back(function, *to, show_when_changed(std::move(responder)));
}

}  // namespace hearth::gateway
