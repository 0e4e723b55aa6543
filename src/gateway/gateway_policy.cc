// The gateway's answers about what is said of a function beside its versions.
#include <memory>
#include <utility>
#include <variant>

#include "gateway/gateway.h"
#include "gateway/policy_settings.h"

namespace hearth::gateway {
namespace {

using Change = base::Result<model::FunctionChange>;

template <typename Policy>
Change to_change(base::Result<Policy> read) {
  return read ? Change(std::move(*read)) : read.error();
}

Change change_in(Endpoint endpoint, const model::Function& function, const http::Request& request) {
  const bool removed = request.head.method == http::Method::kDelete;
  if (endpoint == Endpoint::kLimits) {
    return removed ? Change(model::Concurrency()) : to_change(parse_concurrency(request.body));
  }
  return removed ? Change(model::AsyncPolicy()) : to_change(parse_async(request.body, function.async));
}

http::Response show_async(const model::Function& function) {
  http::Response response;
  response.body[0] = async_json(function.async);
  return response;
}

}  // namespace

// As the mirror has it now, which may be newer than what was told. Of all loops the first, which hears of
// each change first, tells how many calls may run.
void Gateway::apply_policy(const model::FunctionId& function) {
  if (const model::FunctionPtr known = parts_.functions.find(function)) {
    if (index_ == 0) {
      parts_.limits.set(*known);
    }
    if (parts_.limits.active()) {
      parts_.dispatcher.count_calls();
    }
    parts_.provisions.changed(*known);
  }
}

void Gateway::policy(Endpoint endpoint, const model::FunctionPtr& function, const http::Request& request,
                     http::Responder responder) {
  const bool limits = endpoint == Endpoint::kLimits;
  if (request.head.method != http::Method::kPut && request.head.method != http::Method::kDelete) {
    if (limits) {
      show_limits(function, std::move(responder));
    } else {
      responder.send(show_async(*function));
    }
    return;
  }
  const auto change = change_in(endpoint, *function, request);
  const auto* const wanted = change ? std::get_if<model::Concurrency>(&*change) : nullptr;
  const auto possible = wanted == nullptr ? base::Result<void>() : parts_.limits.check(*function, *wanted);
  if (!change || !possible) {
    responder.send(refused_body(change ? possible.error() : change.error()));
    return;
  }
  if (!limits) {
    parts_.changes.change(function, *change, answer_when_changed(std::move(responder), show_async));
    return;
  }
  auto held = std::make_shared<http::Responder>(std::move(responder));
  parts_.changes.change(function, *change, [this, held](const ApiResult<model::FunctionPtr>& result) {
    if (const auto* failed = std::get_if<ApiFailure>(&result)) {
      held->send(refusal(failed->code, failed->message));
    } else {
      show_limits(std::get<model::FunctionPtr>(result), std::move(*held));
    }
  });
}

}  // namespace hearth::gateway
