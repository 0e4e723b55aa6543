#include "dispatch/dispatcher.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "dispatch/call.h"

namespace hearth::dispatch {
namespace {

// Stale allocations met by one call before it gives up. Each is dropped; a worker that was lost may have
// offered hundreds.
constexpr std::uint32_t kRefusalsMax = 1'000;

std::int64_t microseconds_between(base::TimePoint from, base::TimePoint to) {
  return std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
}

}  // namespace

Dispatcher::Dispatcher(DispatcherOptions options, messaging::Messaging& messaging, link::Link& link,
                       base::EventLoop& loop, ConcurrencyBook* limits)
    : options_(options), messaging_(messaging), link_(link), loop_(loop), limits_(limits) {
  messaging_.on_announced([this](const model::VersionId& version) { announced(version); });
  messaging_.on_handed_over([this](const model::VersionId& version, const model::Allocation& instance) {
    handed_over(version, instance);
  });
}

Dispatcher::~Dispatcher() {
  loop_.cancel(sweep_timer_);
  messaging_.on_announced({});
  messaging_.on_handed_over({});
  for (const auto& [id, call] : calls_) {
    loop_.cancel(call->timer);
  }
  for (const auto& [version, mine] : pools_) {
    loop_.cancel(mine.hot_timer);
  }
}

CallId Dispatcher::invoke(model::ExecuteRequest request, Done done) {
  const CallId id = ++last_call_;
  auto call = std::make_shared<Call>(*this, id, std::move(request), std::move(done));
  call->began = loop_.now();
  calls_.emplace(id, call);
  if (draining_) {
    reject(call, model::ApiErrorCode::kShuttingDown, "the server is stopping");
  } else if (admit(call)) {
    route(call);
  }
  return id;
}

void Dispatcher::route(const CallPtr& call) {
  Pool& mine = pool(call->version->id);
  if (!call->waited_hot && stand_behind(mine, call)) {
    return;
  }
  const auto wait = call->waited_hot ? std::nullopt : hot_wait_of(mine, *call->version);
  if (wait && crowded(mine, *call->version)) {
    wait_hot(mine, call, *wait);
    return;
  }
  if (wait) {
    take_warm_or_wait(call, *wait);
    return;
  }
  if (!mine.idle.empty()) {
    const model::Allocation lease = std::move(mine.idle.back().allocation);
    mine.idle.pop_back();
    --idle_leases_;
    execute(call, mine, lease);
    return;
  }
  take(call);
}

// Sooner than waiting for one at work is one that is idle and that nobody holds.
void Dispatcher::take_warm_or_wait(const CallPtr& call, base::Duration wait) {
  messaging_.take(call->version->id, messaging::kWarmOnly, messaging::Reach::kHere,
                  [this, call, wait](std::optional<messaging::Taken> taken) {
                    if (taken && call->on_done) {
                      execute(call, pool(call->version->id), taken->allocation);
                    } else if (taken) {
                      link_.release(taken->allocation, model::ReleaseKind::kKeep);
                      reject(call, model::ApiErrorCode::kInternal, {});
                    } else {
                      wait_hot(pool(call->version->id), call, wait);
                    }
                  });
}

void Dispatcher::take(const CallPtr& call) {
  const model::Version& version = *call->version;
  // Cold memory belongs to those who wait for it already; a warm instance of this version does not.
  const std::uint32_t memory_mb = capacity_queue_.empty() ? version.memory_mb : messaging::kWarmOnly;
  messaging_.take(version.id, memory_mb, messaging::Reach::kEverywhere,
                  [this, call](const std::optional<messaging::Taken>& answer) { taken(call, answer); });
}

// The answer may have come later, from another loop: much can have happened meanwhile.
void Dispatcher::taken(const CallPtr& call, const std::optional<messaging::Taken>& taken) {
  const bool wanted = call->on_done && !draining_ && !call->version_deleted;
  const bool cold = taken && taken->source == messaging::Source::kCold;
  const bool better = wanted && (cold || !taken) && need_not_start(*call);
  if (taken && wanted && !better) {
    call->cold = cold;
    execute(call, pool(call->version->id), taken->allocation);
    return;
  }
  if (taken) {
    link_.release(taken->allocation, model::ReleaseKind::kKeep);
  }
  if (better) {
    route(call);
  } else if (wanted) {
    no_capacity(call);
  } else if (!call->on_done) {
    reject(call, model::ApiErrorCode::kInternal, {});  // nobody hears it
  } else if (draining_) {
    reject(call, model::ApiErrorCode::kShuttingDown, "the server is stopping");
  } else {
    reject_deleted(call);
  }
}

// While one was looked for, an instance has become idle, or one at work is worth waiting for, or others have
// begun as many starts as are of use.
bool Dispatcher::need_not_start(const Call& call) {
  const Pool& mine = pool(call.version->id);
  return !mine.idle.empty() || (!call.waited_hot && hot_wait_of(mine, *call.version));
}

void Dispatcher::execute(const CallPtr& call, Pool& mine, const model::Allocation& allocation) {
  loop_.cancel(std::exchange(call->timer, 0));
  if (std::exchange(call->demanded, false)) {
    messaging_.withdraw_demand(call->id);
  }
  call->state = Call::State::kRunning;
  call->admitted = loop_.now();
  // Of a retired version even the last of its calls leaves no pool behind.
  mine.retired = mine.retired || call->request.version_retired;
  ++mine.busy;
  mine.starting += call->cold ? 1U : 0U;
  call->distant = !call->cold && !link_.may_keep(allocation);
  mine.distant += call->distant ? 1U : 0U;
  if (call->version->concurrency == 1 && !call->distant) {
    call->at = mine.at_work.insert(mine.at_work.end(), {allocation, 1, call->admitted});
  }
  ++running_;
  // Copied, not moved: after a refusal the same request goes to another.
  link_.execute(allocation, call->request, call);
}

void Dispatcher::refused(const CallPtr& call, model::Refusal refusal) {
  Pool& mine = pool(call->version->id);
  std::optional<model::Allocation> lease;
  left_work(mine, call, false, lease);
  mine.starting -= std::exchange(call->cold, false) ? 1U : 0U;
  --running_;
  // Also when the worker does not answer: nothing is at hand there any more.
  if (std::exchange(call->behind, false) || refusal == model::Refusal::kBusy) {
    call->was_behind = true;
    call->waited_hot = false;  // it waits here now
  } else {
    ++call->steps.refusals;
  }
  call->state = Call::State::kRouting;
  if (lease) {
    keep(call->version->id, mine, std::move(*lease), loop_.now());
  }
  if (!call->on_done) {
    // The caller has left, and nothing was executed.
    forget(call);
  } else if (draining_) {
    reject(call, model::ApiErrorCode::kShuttingDown, "the server is stopping");
  } else if (refusal == model::Refusal::kTooLarge) {
    reject(call, model::ApiErrorCode::kPayloadTooLarge,
           "the body is larger than the worker takes (--max-body-bytes, there)");
  } else if (call->steps.refusals >= kRefusalsMax) {
    reject(call, model::ApiErrorCode::kNoCapacity, "every allocation that was tried had gone");
  } else {
    route(call);
  }
}

void Dispatcher::done(const CallPtr& call, model::Execution&& execution,
                      std::optional<model::Allocation>&& lease) {
  const base::TimePoint now = loop_.now();
  const model::VersionId& version = call->version->id;
  Pool& mine = pool(version);
  const bool retired = mine.retired;  // who retires it from here on drops the pool
  left_work(mine, call, true, lease);
  mine.starting -= call->cold ? 1U : 0U;
  mine.stuck = std::min(mine.stuck, mine.busy);
  --running_;
  call->steps.find_us = microseconds_between(call->began, call->admitted);
  call->steps.execute_us = microseconds_between(call->admitted, now);
  const model::ExecutionSteps& steps = execution.steps;
  if (!steps.cold) {
    mine.hot_wait.observe(std::chrono::microseconds(steps.run_us),
                          std::chrono::microseconds(steps.handler_us));
  } else if (lease && !steps.prestarted) {  // the next one may find none that waits
    mine.hot_wait.observe_start(
        std::chrono::microseconds(steps.code_us + steps.sandbox_us + steps.boot_us + steps.init_us));
  }
  forget(call);
  if (lease) {
    keep(version, mine, std::move(*lease), now);
  } else if (mine.busy == 0) {
    end_hot_waits(version);  // they waited for an instance that is no more
  }
  if (call->on_done) {
    const Done on_done = std::exchange(call->on_done, nullptr);
    on_done({std::move(execution), call->steps});
  }
  if (retired) {
    drop_pool_if_unused(version);
  }
}

void Dispatcher::reject(const CallPtr& call, model::ApiErrorCode code, std::string message) {
  if (std::exchange(call->demanded, false)) {
    messaging_.withdraw_demand(call->id);
  }
  forget(call);
  call->steps.find_us = microseconds_between(call->began, loop_.now());
  if (call->on_done) {
    const Done on_done = std::exchange(call->on_done, nullptr);
    on_done({Rejection{code, std::move(message)}, call->steps});
  }
  drop_pool_if_unused(call->version->id);
}

void Dispatcher::reject_deleted(const CallPtr& call) {
  reject(call, model::ApiErrorCode::kNotFound, "the function was deleted while the call waited");
}

void Dispatcher::keep(const model::VersionId& version, Pool& mine, model::Allocation&& lease,
                      base::TimePoint now) {
  if (mine.retired || draining_) {
    link_.release(lease, model::ReleaseKind::kRemove);
    return;
  }
  if (!link_.may_keep(lease)) {  // also when calls wait here: others may have waited longer
    link_.release(lease, model::ReleaseKind::kKeep);
    if (mine.busy == 0) {
      end_hot_waits(version);
    }
    return;
  }
  if (const CallPtr waiting = next_waiting(version, mine)) {
    execute(waiting, mine, lease);
    if (waiting->at) {
      next_behind(mine, **waiting->at);
    }
    return;
  }
  mine.idle.push_back({std::move(lease), now});
  ++idle_leases_;
  if (!std::exchange(mine.listed, true)) {
    with_idle_.push_back(&mine);
  }
  arm_sweep();
}

void Dispatcher::abandon(CallId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) {
    return;
  }
  const CallPtr call = found->second;
  call->on_done = nullptr;
  if (call->waits()) {
    leave_queues(call);
    reject(call, model::ApiErrorCode::kInternal, {});
  }
}

void Dispatcher::retire(const model::VersionId& version, bool deleted) {
  const auto found = pools_.find(version);
  if (found != pools_.end()) {
    Pool& mine = found->second;
    mine.retired = true;
    idle_leases_ -= mine.idle.size();
    for (auto& lease : std::exchange(mine.idle, {})) {
      link_.release(lease.allocation, model::ReleaseKind::kRemove);
    }
  }
  messaging_.drop_version(version);
  for (const auto& [id, call] : calls_) {
    if (call->version->id == version) {
      call->request.version_retired = true;  // should it be refused, too
      call->version_deleted = deleted;
    }
  }
  for (const CallPtr& call : waiting_calls()) {
    if (call->version_deleted) {
      leave_queues(call);
      reject_deleted(call);
    }
  }
  drop_pool_if_unused(version);
}

void Dispatcher::drain() {
  draining_ = true;
  for (const CallPtr& call : waiting_calls()) {
    leave_queues(call);
    reject(call, model::ApiErrorCode::kShuttingDown, "the server is stopping");
  }
  for (auto& [version, mine] : pools_) {
    idle_leases_ -= mine.idle.size();
    for (auto& lease : std::exchange(mine.idle, {})) {
      link_.release(lease.allocation, model::ReleaseKind::kRemove);
    }
  }
}

void Dispatcher::arm_sweep() {
  if (sweep_timer_ == 0) {
    sweep_timer_ = loop_.at(loop_.now() + options_.lease_idle, [this] {
      sweep_timer_ = 0;
      sweep();
    });
  }
}

void Dispatcher::sweep() {
  const base::TimePoint unused_since = loop_.now() - options_.lease_idle;
  auto next = base::TimePoint::max();
  std::erase_if(with_idle_, [](Pool* mine) {
    mine->listed = !mine->idle.empty();
    return !mine->listed;
  });
  for (Pool* const mine : with_idle_) {
    // The front has been idle for longest. It goes back first, so that the stack's top stays the
    // most recently used.
    auto& idle = mine->idle;
    const auto fresh = std::find_if(idle.begin(), idle.end(),
                                    [&](const IdleLease& lease) { return lease.since > unused_since; });
    for (auto lease = idle.begin(); lease != fresh; ++lease) {
      --idle_leases_;
      link_.release(lease->allocation, model::ReleaseKind::kKeep);
    }
    idle.erase(idle.begin(), fresh);
    if (!idle.empty()) {
      next = std::min(next, idle.front().since + options_.lease_idle);
    }
  }
  if (next != base::TimePoint::max()) {
    sweep_timer_ = loop_.at(next, [this] {
      sweep_timer_ = 0;
      sweep();
    });
  }
}

void Dispatcher::drop_pool_if_unused(const model::VersionId& version) {
  const auto found = pools_.find(version);
  if (found != pools_.end() && found->second.retired && found->second.idle.empty() &&
      found->second.busy == 0 && found->second.hot_queue.empty()) {
    loop_.cancel(found->second.hot_timer);
    std::erase(with_idle_, &found->second);
    pools_.erase(found);
  }
}

}  // namespace hearth::dispatch
