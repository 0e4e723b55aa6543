// How many calls run at once: asked before a call looks for an instance, told when it has ended.
#include <utility>

#include "dispatch/call.h"
#include "dispatch/dispatcher.h"

namespace hearth::dispatch {

// Whether the limits let it in; else it has its answer.
bool Dispatcher::admit(const CallPtr& call) {
  if (limits_ == nullptr || !limits_->active()) {
    return true;
  }
  const auto counted = limits_->enter(*call->version);
  if (!counted) {
    reject(call, model::ApiErrorCode::kTooManyRequests, counted.error().message);
    return false;
  }
  call->counted = *counted;
  return true;
}

void Dispatcher::count_calls() {
  for (const auto& [id, call] : calls_) {
    call->counted = call->counted || limits_->enter_late(*call->version);
  }
}

// It has ended: another may come in its place.
void Dispatcher::forget(const CallPtr& call) {
  call->state = Call::State::kEnded;
  calls_.erase(call->id);
  if (std::exchange(call->counted, false)) {
    limits_->leave(call->version->function_id);
  }
}

}  // namespace hearth::dispatch
