// The gateway's answers about what is said of a function beside its versions.
#include <utility>

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

http::Response show_policy(Endpoint endpoint, const model::Function& function) {
  http::Response response;
  response.body[0] =
      endpoint == Endpoint::kLimits ? concurrency_json(function.concurrency) : async_json(function.async);
  return response;
}

}  // namespace

// The newest that is known of it; of all loops the first, which hears of each change first, tells it.
void Gateway::limit(const model::Function& function) {
  const model::FunctionPtr newest = parts_.functions.find(function.id);
  if (index_ == 0 && newest) {
    parts_.limits.set(*newest);
  }
  if (parts_.limits.active()) {
    parts_.dispatcher.count_calls();
  }
}

void Gateway::policy(Endpoint endpoint, const model::FunctionPtr& function, const http::Request& request,
                     http::Responder responder) {
  if (request.head.method != http::Method::kPut && request.head.method != http::Method::kDelete) {
    responder.send(show_policy(endpoint, *function));
    return;
  }
  const auto change = change_in(endpoint, *function, request);
  const auto* const wanted = change ? std::get_if<model::Concurrency>(&*change) : nullptr;
  const auto possible = wanted == nullptr ? base::Result<void>() : parts_.limits.check(*function, *wanted);
  if (!change || !possible) {
    responder.send(refused_body(change ? possible.error() : change.error()));
    return;
  }
  parts_.changes.change(function, *change,
                        answer_when_changed(std::move(responder), [endpoint](const model::Function& changed) {
                          return show_policy(endpoint, changed);
                        }));
}

}  // namespace hearth::gateway
