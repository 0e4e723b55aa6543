// The dispatcher's two waits: for a hot instance, and for capacity.
#include <algorithm>
#include <utility>

#include "dispatch/call.h"
#include "dispatch/dispatcher.h"

namespace hearth::dispatch {

// Executions at once that keep the cores busy with short calls.
std::size_t Dispatcher::useful_at_once(const Pool& mine, const model::Version& version) const {
  const std::size_t instances = options_.instances_here ? mine.hot_wait.useful_instances(options_.cores)
                                                        : mine.hot_wait.useful_instances_elsewhere();
  return instances * version.concurrency;
}

// Executions that end sooner than a start does, on instances that are ours then.
std::size_t Dispatcher::at_work(const Pool& mine) { return mine.busy - mine.starting - mine.distant; }

// So many executions of short calls are under way that one more only takes time from them.
bool Dispatcher::crowded(const Pool& mine, const model::Version& version) const {
  return mine.hot_wait.calls_are_short() && at_work(mine) >= useful_at_once(mine, version) + mine.stuck;
}

// Looked at when a wait has run out, so seldom: among short calls there may be a long one.
void Dispatcher::count_stuck(Pool& mine, const model::VersionId& version) const {
  const base::TimePoint since = loop_.now() - options_.hot_wait_max;
  mine.stuck = static_cast<std::uint32_t>(std::count_if(calls_.begin(), calls_.end(), [&](const auto& entry) {
    const Call& call = *entry.second;
    const bool first = !call.at || (*call.at)->calls == 1;
    return call.state == Call::State::kRunning && first && !call.cold && !call.distant &&
           call.admitted < since && call.version->id == version;
  }));
}

// How long a call that comes now waits for an instance at work, or being started; nothing: not at all.
std::optional<base::Duration> Dispatcher::hot_wait_of(const Pool& mine, const model::Version& version) const {
  if (options_.hot_wait_max.count() == 0) {
    return std::nullopt;
  }
  const std::size_t queued = mine.hot_queue.size();
  const std::size_t busy = at_work(mine);
  if (crowded(mine, version)) {
    return mine.hot_wait.crowded_limit(queued, busy);
  }
  if (!mine.idle.empty()) {
    return std::nullopt;
  }
  if (mine.hot_wait.worth_it(queued, busy, options_.hot_wait_max)) {
    return options_.hot_wait_max;
  }
  // More starts at once than cores make none of them ready sooner; and one that is under way may bring
  // room for this call too.
  const std::size_t coming = std::size_t{mine.starting} * version.concurrency;
  if (mine.starting >= options_.cores || coming > mine.busy + queued) {
    return mine.hot_wait.start_limit();
  }
  return std::nullopt;
}

void Dispatcher::wait_hot(Pool& mine, const CallPtr& call, base::Duration limit) {
  call->state = Call::State::kHotWait;
  call->waited_hot = true;
  call->hot_until = loop_.now() + limit;
  // Oldest first, also when it was taken back from behind another.
  const auto younger = std::find_if(mine.hot_queue.rbegin(), mine.hot_queue.rend(),
                                    [&](const CallPtr& each) { return each->began <= call->began; });
  mine.hot_queue.insert(younger.base(), call);
  arm_hot_timer(mine, call->version->id, call->hot_until);
}

// One timer for all: most waits end long before they time out.
void Dispatcher::arm_hot_timer(Pool& mine, const model::VersionId& version, base::TimePoint when) {
  if (mine.hot_timer != 0 && mine.hot_timer_at <= when) {
    return;
  }
  loop_.cancel(mine.hot_timer);
  mine.hot_timer_at = when;
  mine.hot_timer = loop_.at(when, [this, version] {
    pool(version).hot_timer = 0;
    end_hot_waits(version);
  });
}

// Those whose time is up look elsewhere; all, when nothing is at work that they could wait for. In a crowd
// there is nothing better elsewhere: they wait on.
void Dispatcher::end_hot_waits(const model::VersionId& version) {
  Pool& mine = pool(version);
  const base::TimePoint now = loop_.now();
  auto next = base::TimePoint::max();
  std::vector<CallPtr> over;
  count_stuck(mine, version);
  take_back_overdue(mine);
  const bool behind = std::any_of(mine.at_work.begin(), mine.at_work.end(),
                                  [](const AtWork& instance) { return instance.calls > 1; });
  if (behind) {
    next = now + behind_limit(mine);
  }
  for (const CallPtr& call : mine.hot_queue) {
    if (mine.busy > 0 && call->hot_until <= now && crowded(mine, *call->version)) {
      call->hot_until = now + mine.hot_wait.crowded_limit(mine.hot_queue.size(), mine.busy);
    }
    if (call->hot_until <= now || mine.busy == 0) {
      over.push_back(call);
    } else {
      next = std::min(next, call->hot_until);
    }
  }
  if (next != base::TimePoint::max()) {
    arm_hot_timer(mine, version, next);
  }
  for (const CallPtr& call : over) {
    if (call->state != Call::State::kHotWait) {
      continue;
    }
    // As many starts as cores are under way already: for as long as one takes, those at work may be sooner.
    const base::TimePoint latest = call->began + mine.hot_wait.start_limit();
    if (mine.busy > 0 && mine.idle.empty() && mine.starting >= options_.cores && now < latest) {
      call->hot_until = latest;
      arm_hot_timer(mine, version, latest);
      continue;
    }
    leave_queues(call);
    route(call);
  }
}

// Somebody has announced an instance of the version: an instance that takes several calls has come up, or
// another dispatcher gave one back.
void Dispatcher::serve_hot_queue(const model::VersionId& version) {
  const auto found = pools_.find(version);
  if (found == pools_.end()) {
    return;
  }
  const std::vector<CallPtr> waiting(found->second.hot_queue.begin(), found->second.hot_queue.end());
  for (const CallPtr& call : waiting) {
    look_for_hot(call);
  }
}

// One question at a time: many announcements may come while one is answered.
void Dispatcher::look_for_hot(const CallPtr& call) {
  if (call->looking) {
    call->look_again = true;
    return;
  }
  call->looking = true;
  messaging_.take(call->version->id, messaging::kWarmOnly, messaging::Reach::kHere,
                  [this, call](std::optional<messaging::Taken> taken) {
                    call->looking = false;
                    const bool waits = call->state == Call::State::kHotWait;
                    if (!taken) {
                      if (std::exchange(call->look_again, false) && waits) {
                        look_for_hot(call);
                      }
                      return;
                    }
                    if (!waits) {
                      link_.release(taken->allocation, model::ReleaseKind::kKeep);
                      return;
                    }
                    leave_queues(call);
                    execute(call, pool(call->version->id), taken->allocation);
                  });
}

void Dispatcher::no_capacity(const CallPtr& call) {
  if (capacity_queue_.size() >= options_.queue_depth) {
    reject(call, model::ApiErrorCode::kQueueFull, "too many calls are waiting for capacity (--queue-depth)");
    return;
  }
  // In the queue before the demand is made: room may be announced while we ask.
  capacity_queue_.push_back(call);
  wait_for_capacity(
      call, loop_.now() + std::max<base::Duration>(options_.queue_timeout, options_.eviction_timeout));
  call->demanded = true;
  const base::TimePoint began = loop_.now();
  messaging_.demand({call->id, call->version->id, call->version->memory_mb},
                    [this, call, began](bool coming) {
                      if (coming || call->state != Call::State::kCapacityWait) {
                        return;
                      }
                      if (options_.queue_timeout.count() > 0) {
                        wait_for_capacity(call, began + options_.queue_timeout);
                        return;
                      }
                      call->last_look = true;
                      retry_capacity_queue();  // with what has come while we asked
                    });
}

// In its place in the queue.
void Dispatcher::wait_for_capacity(const CallPtr& call, base::TimePoint until) {
  call->state = Call::State::kCapacityWait;
  loop_.cancel(call->timer);
  call->timer = loop_.at(until, [this, call] {
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
    auto& queue = pool(call->version->id).hot_queue;
    if (queue.front() == call) {  // nearly always
      queue.pop_front();
    } else {
      std::erase(queue, call);
    }
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

void Dispatcher::announced(const model::VersionId& version) {
  const auto found = pools_.find(version);
  const bool awaited = found != pools_.end() && !found->second.hot_queue.empty();
  if (awaited && (announced_.empty() || announced_.back() != version)) {
    announced_.push_back(version);
  }
  // Posted: an announcement comes from the middle of the worker's own work.
  if ((capacity_queue_.empty() && !awaited) || retry_posted_) {
    return;
  }
  retry_posted_ = true;
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) {
      return;
    }
    retry_posted_ = false;
    for (const auto& each : std::exchange(announced_, {})) {
      serve_hot_queue(each);
    }
    retry_capacity_queue();
  });
}

void Dispatcher::retry_capacity_queue() {
  const std::vector<CallPtr> waiting(capacity_queue_.begin(), capacity_queue_.end());
  for (const CallPtr& call : waiting) {
    if (call->state == Call::State::kCapacityWait) {
      look_for_capacity(call);
    }
  }
}

void Dispatcher::look_for_capacity(const CallPtr& call) {
  if (call->looking) {
    call->look_again = true;
    return;
  }
  call->looking = true;
  messaging_.take(call->version->id, call->version->memory_mb, messaging::Reach::kHere,
                  [this, call](std::optional<messaging::Taken> taken) {
                    call->looking = false;
                    const bool waits = call->state == Call::State::kCapacityWait;
                    if (!taken) {
                      nothing_for(call);
                      return;
                    }
                    if (!waits) {
                      link_.release(taken->allocation, model::ReleaseKind::kKeep);
                      return;
                    }
                    leave_queues(call);
                    call->cold = taken->source == messaging::Source::kCold;
                    execute(call, pool(call->version->id), taken->allocation);
                  });
}

void Dispatcher::nothing_for(const CallPtr& call) {
  if (call->state != Call::State::kCapacityWait) {
    return;
  }
  if (std::exchange(call->look_again, false)) {
    look_for_capacity(call);
  } else if (call->last_look) {
    leave_queues(call);
    reject(call, model::ApiErrorCode::kNoCapacity, "no memory is free for another instance of this function");
  }
}

// Whoever has waited for it longest, if its demand was met otherwise meanwhile.
void Dispatcher::handed_over(const model::VersionId& version, const model::Allocation& instance) {
  const auto found = pools_.find(version);
  const CallPtr waiting = found == pools_.end() ? nullptr : next_waiting(version, found->second);
  if (waiting) {
    execute(waiting, found->second, instance);
  } else {
    link_.release(instance, model::ReleaseKind::kKeep);
  }
}

std::uint64_t Dispatcher::memory_waited_mb() const {
  std::uint64_t sum = 0;
  for (const CallPtr& call : capacity_queue_) {
    sum += call->version->memory_mb;
  }
  return sum;
}

// A copy: to answer one takes it off.
std::vector<Dispatcher::CallPtr> Dispatcher::waiting_calls() const {
  std::vector<CallPtr> calls;
  for (const auto& [id, call] : calls_) {
    if (call->waits()) {
      calls.push_back(call);
    }
  }
  return calls;
}

}  // namespace hearth::dispatch
