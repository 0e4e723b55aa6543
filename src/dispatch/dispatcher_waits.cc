// The dispatcher's two waits: for a hot instance, and for capacity.
#include <algorithm>
#include <utility>

#include "dispatch/call.h"
#include "dispatch/dispatcher.h"

namespace hearth::dispatch {

void Dispatcher::wait_hot(Pool& mine, const CallPtr& call) {
  call->state = Call::State::kHotWait;
  call->waited_hot = true;
  mine.hot_queue.push_back(call);
  call->timer = loop_.at(loop_.now() + options_.hot_wait_max, [this, call] {
    call->timer = 0;
    leave_queues(call);
    call->state = Call::State::kRouting;
    take(call);
  });
}

void Dispatcher::no_capacity(const CallPtr& call) {
  if (capacity_queue_.size() >= options_.queue_depth) {
    reject(call, model::ApiErrorCode::kQueueFull, "too many calls are waiting for capacity (--queue-depth)");
    return;
  }
  // In the queue before the demand is made: room may be announced while we ask.
  wait_for_capacity(call, std::max<base::Duration>(options_.queue_timeout, options_.eviction_timeout));
  call->demanded = true;
  messaging_.demand({call->id, call->version->id, call->version->memory_mb}, [this, call](bool coming) {
    if (coming || call->state != Call::State::kCapacityWait) {
      return;
    }
    leave_queues(call);
    if (options_.queue_timeout.count() == 0) {
      reject(call, model::ApiErrorCode::kNoCapacity,
             "no memory is free for another instance of this function");
    } else {
      wait_for_capacity(call, options_.queue_timeout);
    }
  });
}

void Dispatcher::wait_for_capacity(const CallPtr& call, base::Duration limit) {
  call->state = Call::State::kCapacityWait;
  capacity_queue_.push_back(call);
  call->timer = loop_.at(loop_.now() + limit, [this, call] {
    call->timer = 0;
    if (call->state != Call::State::kCapacityWait) {
      return;
    }
    leave_queues(call);
    reject(call, model::ApiErrorCode::kNoCapacity, "no instance became free in time (--queue-timeout)");
  });
}

void Dispatcher::leave_queues(const CallPtr& call) {
  loop_.cancel(std::exchange(call->timer, 0));
  if (call->state == Call::State::kHotWait) {
    std::erase(pool(call->version->id).hot_queue, call);
  } else if (call->state == Call::State::kCapacityWait) {
    std::erase(capacity_queue_, call);
  }
  call->state = Call::State::kRouting;
}

Dispatcher::CallPtr Dispatcher::next_waiting(const model::VersionId& version, Pool& mine) {
  if (!mine.hot_queue.empty()) {
    CallPtr call = mine.hot_queue.front();
    leave_queues(call);
    return call;
  }
  const auto found = std::find_if(capacity_queue_.begin(), capacity_queue_.end(),
                                  [&](const CallPtr& call) { return call->version->id == version; });
  if (found == capacity_queue_.end()) {
    return nullptr;
  }
  CallPtr call = *found;
  leave_queues(call);
  return call;
}

void Dispatcher::announced(const model::VersionId& /*version*/) {
  // Posted: an announcement comes from the middle of the worker's own work.
  if (capacity_queue_.empty() || retry_posted_) {
    return;
  }
  retry_posted_ = true;
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) {
      retry_posted_ = false;
      retry_capacity_queue();
    }
  });
}

void Dispatcher::retry_capacity_queue() {
  const std::vector<CallPtr> waiting(capacity_queue_.begin(), capacity_queue_.end());
  for (const CallPtr& call : waiting) {
    if (call->state != Call::State::kCapacityWait) {
      continue;
    }
    messaging_.take(call->version->id, call->version->memory_mb,
                    [this, call](std::optional<messaging::Taken> taken) {
                      if (!taken) {
                        return;
                      }
                      if (call->state != Call::State::kCapacityWait) {
                        link_.release(taken->allocation, model::ReleaseKind::kKeep);
                        return;
                      }
                      leave_queues(call);
                      execute(call, taken->allocation);
                    });
  }
}

std::vector<Dispatcher::CallPtr> Dispatcher::waiting_calls() const {
  std::vector<CallPtr> waiting;
  for (const auto& [id, call] : calls_) {
    if (call->state == Call::State::kHotWait || call->state == Call::State::kCapacityWait) {
      waiting.push_back(call);
    }
  }
  return waiting;
}

}  // namespace hearth::dispatch
