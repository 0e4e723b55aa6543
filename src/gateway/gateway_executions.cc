// The gateway's answers about asynchronous executions.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "base/words.h"
#include "gateway/answer.h"
#include "gateway/body_fields.h"
#include "gateway/execution_json.h"
#include "gateway/gateway.h"
#include "gateway/gateway_call.h"
#include "gateway/json_check.h"

namespace hearth::gateway {
namespace {

using model::ApiErrorCode;
using model::AsyncExecution;

constexpr std::size_t kMostKeyBytes = 255;
constexpr std::size_t kListed = 100;  // at once
constexpr std::size_t kMostListed = 1'000;

std::optional<model::ExecutionState> state_of(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(model::kLastExecutionState); ++i) {
    if (const auto state = static_cast<model::ExecutionState>(i); to_string(state) == name) {
      return state;
    }
  }
  return std::nullopt;
}

ApiFailure no_such_execution(std::string_view id) {
  return {ApiErrorCode::kNotFound, fmt::format("there is no execution \"{}\"", id)};
}

// What is wrong, or nothing.
std::string read_filter(const http::RequestHead& head, store::ExecutionFilter& filter) {
  if (const auto state = query_value(head.query(), "state")) {
    filter.state = state_of(*state);
    if (!filter.state) {
      return fmt::format("state={}: pending, running, done, dead or cancelled", *state);
    }
  }
  filter.limit = kListed;
  if (const auto limit = query_value(head.query(), "limit")) {
    const auto number = version_number(*limit);
    if (!number || *number > kMostListed) {
      return fmt::format("limit={}: a number from 1 to {}", *limit, kMostListed);
    }
    filter.limit = *number;
  }
  filter.before = query_value(head.query(), "before").value_or("");
  return {};
}

// `version`: that an alias has named; 0: none.
http::Response accepted(const model::ExecutionId& id, std::uint32_t version) {
  http::Response response;
  response.status = 202;
  response.headers.push_back({"Location", "/executions/" + id});
  if (version != 0) {
    response.headers.push_back({"X-Hearth-Version", std::to_string(version)});
  }
  response.body[0] = fmt::format(R"({{"executionId":"{}"}})", id);
  return response;
}

http::Response page(const std::vector<AsyncExecution>& found, std::size_t limit) {
  http::Response response;
  std::string& body = response.body[0];
  body = R"({"executions":[)";
  for (const AsyncExecution& each : found) {
    body += body.back() == '[' ? "" : ",";
    body += execution_json(each, /*whole=*/false);
  }
  body += found.size() == limit ? fmt::format(R"(],"before":"{}"}})", found.back().id) : "]}";
  return response;
}

}  // namespace

void Gateway::submit(const std::shared_ptr<Call>& call, http::Request&& request) {
  const auto refuse = [this, &call](ApiErrorCode code, const std::string& message) {
    call->responder.send(refusal(code, message));
  };
  Submission submission;
  submission.function_id = call->function->id;
  submission.depth = call->depth;
  submission.max_backlog = call->function->async.max_backlog;
  submission.idempotency_key = request.head.header("Idempotency-Key").value_or("");
  if (submission.idempotency_key.size() > kMostKeyBytes) {
    refuse(ApiErrorCode::kBadRequest, fmt::format("Idempotency-Key: {} bytes at most", kMostKeyBytes));
    return;
  }
  const auto number = named_version(*call, request.head);
  if (!number) {
    return;
  }
  submission.version = *number;
  if (!base::is_blank(request.body)) {
    if (const auto checked = check_json(request.body); !checked) {
      refuse(ApiErrorCode::kBadJson, checked.error().message);
      return;
    }
  }
  submission.input = std::make_shared<const std::string>(std::move(request.body));
  parts_.executions.submit(std::move(submission), [this, call](const ApiResult<model::ExecutionId>& result) {
    if (const auto* failed = std::get_if<ApiFailure>(&result)) {
      call->responder.send(refusal(failed->code, failed->message));
    } else {
      call->responder.send(accepted(std::get<model::ExecutionId>(result), call->named_version));
    }
  });
}

void Gateway::executions(const http::RequestHead& head, http::Responder responder) {
  store::ExecutionFilter filter;
  if (const std::string wrong = read_filter(head, filter); !wrong.empty()) {
    responder.send(refusal(ApiErrorCode::kBadRequest, wrong));
    return;
  }
  if (const auto name = query_value(head.query(), "function")) {
    // Executions outlive their function, which may be named by its id then.
    const auto function = parts_.functions.find(*name);
    filter.function_id = function ? function->id : *name;
  }
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.executions.list(
      filter, [this, held, limit = filter.limit](const ApiResult<std::vector<AsyncExecution>>& result) {
        if (const auto* failed = std::get_if<ApiFailure>(&result)) {
          held->send(refusal(failed->code, failed->message));
        } else {
          held->send(page(std::get<std::vector<AsyncExecution>>(result), limit));
        }
      });
}

void Gateway::execution(const Route& route, http::Method method, http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  const auto show = [this, held, id = route.id](const ApiResult<AsyncExecution>& result) {
    if (const auto* failed = std::get_if<ApiFailure>(&result)) {
      const ApiFailure told = failed->code == ApiErrorCode::kNotFound ? no_such_execution(id) : *failed;
      held->send(refusal(told.code, told.message));
      return;
    }
    http::Response response;
    response.body[0] = execution_json(std::get<AsyncExecution>(result), /*whole=*/true);
    held->send(std::move(response));
  };
  if (route.endpoint == Endpoint::kRedrive) {
    parts_.executions.redrive(route.id, show);
  } else if (method == http::Method::kDelete) {
    parts_.executions.cancel(route.id, show);
  } else {
    parts_.executions.find(route.id, show);
  }
}

void Gateway::redrive_dead(const http::RequestHead& head, http::Responder responder) {
  const std::string name = query_value(head.query(), "function").value_or("");
  const auto function = parts_.functions.find(name);
  if (!name.empty() && !function) {
    responder.send(refusal(ApiErrorCode::kNotFound, fmt::format("there is no function \"{}\"", name)));
    return;
  }
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.executions.redrive_dead(
      function ? function->id : "", [this, held](const ApiResult<std::size_t>& result) {
        if (const auto* failed = std::get_if<ApiFailure>(&result)) {
          held->send(refusal(failed->code, failed->message));
          return;
        }
        http::Response response;
        response.body[0] = fmt::format(R"({{"redriven":{}}})", std::get<std::size_t>(result));
        held->send(std::move(response));
      });
}

}  // namespace hearth::gateway
