// Which executions are taken: slots, leases, and when the store is looked at. What becomes of one is in
// execution_runner_attempt.cc.
#include "monitor/execution_runner.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/on_pool.h"

namespace hearth::monitor {
namespace {

// What is due and was not taken is of functions that have their share: a slot that gets free looks at once.
constexpr std::chrono::milliseconds kLookPause{250};
constexpr std::chrono::milliseconds kPauseAfterFailure{1'000};
constexpr std::chrono::milliseconds kLookForOthers{500};
constexpr std::chrono::milliseconds kLongestWait = std::chrono::hours(24);
// That the time of day is put back is noticed beyond it.
constexpr std::chrono::milliseconds kClockSlack{1'000};
constexpr int kExtensionsALease = 3;
// A function that nobody knows the speed of is not given all its share at once: each call could start an
// instance. While its executions take their time, one more of them is begun so often.
constexpr std::chrono::milliseconds kGrow{50};
constexpr std::chrono::milliseconds kGrowBesideCallers{500};
// While synchronous calls come, one execution more is begun when the last has ended and something of the time
// that it took has passed, or when it has shown that it waits rather than computes.
constexpr std::chrono::milliseconds kYoung{10};
constexpr std::size_t kHeldForEachExecuted = 4;
constexpr std::uint64_t kMostHeldBytes = 64ULL << 20U;

// Of what there is for all, for one function: another always finds its place.
std::size_t half_of(std::size_t all) { return std::max<std::size_t>(1, all / 2); }

}  // namespace

ExecutionRunner::ExecutionRunner(RunnerOptions options, RunnerParts parts)
    : options_(options), parts_(std::move(parts)) {}

ExecutionRunner::~ExecutionRunner() {
  parts_.loop.cancel(look_timer_);
  parts_.loop.cancel(extend_timer_);
  parts_.loop.cancel(keep_back_timer_);
  parts_.loop.cancel(grow_timer_);
}

void ExecutionRunner::start() {
  extend_soon();
  look();
}

void ExecutionRunner::wake() {
  may_be_due_ = true;
  look_again_ = looking_;
  look_soon();
}

void ExecutionRunner::pending(const store::NewExecution& execution) {
  if (may_hold(execution.function_id)) {
    wake();
    return;
  }
  may_be_due_ = true;
  pending_meanwhile_ = true;
}

// ---- what is held, and what of that is executed

std::size_t ExecutionRunner::window() const { return kHeldForEachExecuted * options_.concurrency; }

bool ExecutionRunner::may_hold(const model::FunctionId& function) const {
  const auto found = shares_.find(function);
  return held_ < window() && held_bytes_ < kMostHeldBytes &&
         (found == shares_.end() || found->second.held < half_of(window()));
}

bool ExecutionRunner::may_execute(const Share& share) const {
  return executing_ < options_.concurrency &&
         share.executing < std::min({share.most, share.maximum, half_of(options_.concurrency)});
}

void ExecutionRunner::hold(const model::FunctionId& function, std::uint64_t input_bytes) {
  ++held_;
  held_bytes_ += input_bytes;
  Share& share = shares_[function];
  ++share.held;
  // Those beyond would only be refused. Of none at all one is tried, again and again, for it may be changed.
  const model::FunctionPtr known = parts_.function(function);
  const auto maximum = known ? known->concurrency.maximum : std::nullopt;
  share.maximum = maximum ? std::max<std::size_t>(1, *maximum) : SIZE_MAX;
}

void ExecutionRunner::let_go(const model::FunctionId& function, std::uint64_t input_bytes) {
  --held_;
  held_bytes_ -= input_bytes;
  if (const auto found = shares_.find(function); --found->second.held == 0) {
    shares_.erase(found);
  }
  if (draining_ && held_ == 0 && drained_) {
    std::exchange(drained_, nullptr)();
    return;
  }
  look_soon();
}

std::size_t ExecutionRunner::ready_to_execute() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      ready_, [this](const RunningPtr& running) { return may_execute(*running->share); }));
}

bool ExecutionRunner::keeps_back() {
  const base::TimePoint now = parts_.loop.now();
  while (!young_.empty() && (!young_.front()->executing || now - young_.front()->began >= kYoung)) {
    young_.pop_front();
  }
  const base::TimePoint until = young_.empty() ? rests_until_ : young_.front()->began + kYoung;
  if (now >= until || !parts_.has_callers()) {
    return false;
  }
  parts_.loop.cancel(keep_back_timer_);
  keep_back_timer_ = parts_.loop.at(until, [this] { execute_ready(); });
  return true;
}

void ExecutionRunner::grow_soon() {
  if (grow_timer_ == 0 && !ready_.empty()) {
    const auto pause = parts_.has_callers() ? kGrowBesideCallers : kGrow;
    grow_timer_ = parts_.loop.at(parts_.loop.now() + pause, [this] {
      grow_timer_ = 0;
      grow();
    });
  }
}

void ExecutionRunner::grow() {
  for (auto& [function, share] : shares_) {
    share.most += share.executing >= share.most && share.held > share.executing ? 1 : 0;
  }
  execute_ready();
}

// In their order, but for those of functions that have their share.
void ExecutionRunner::execute_ready() {
  for (auto next = ready_.begin(); next != ready_.end() && executing_ < options_.concurrency;) {
    if (!may_execute(*(*next)->share)) {
      ++next;
      continue;
    }
    if (keeps_back()) {
      break;
    }
    const RunningPtr running = *next;
    next = ready_.erase(next);
    running->executing = true;
    ++executing_;
    ++running->share->executing;
    ++counts_.attempts;
    running->began = parts_.loop.now();
    running->started_ms = unix_now_ms();
    young_.push_back(running);
    // Later, so that nothing is added to what is gone through here.
    parts_.loop.post([this, running, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) {
        attempt(running);
      }
    });
  }
  grow_soon();
}

// ---- what is submitted here

bool ExecutionRunner::take(store::NewExecution& execution) {
  const std::int64_t now_ms = unix_now_ms();
  if (draining_ || may_be_due_ || looking_ || !ready_.empty() || !may_hold(execution.function_id)) {
    return false;
  }
  const auto share = shares_.find(execution.function_id);
  if (executing_ >= options_.concurrency || (share != shares_.end() && !may_execute(share->second))) {
    return false;
  }
  hold(execution.function_id, execution.input->size());
  execution.lease_until_ms = now_ms + options_.lease.count();
  return true;
}

void ExecutionRunner::taken(const store::NewExecution& execution, bool accepted) {
  if (!accepted) {
    let_go(execution.function_id, execution.input->size());
    return;
  }
  store::Claimed claimed{{execution.id, 1},      execution.function_id,  execution.version,
                         execution.input,        execution.submitted_ms, 0,
                         execution.submitted_ms, execution.kind,         execution.parent_id,
                         execution.parent_state, execution.depth};
  begin(std::move(claimed));
  execute_ready();
}

// ---- what is due

// When the time of day is put back by more than a moment, what was accepted before would not be due for as
// long. On a shared store other hosts' clocks count too.
std::int64_t ExecutionRunner::unix_now_ms() {
  const std::int64_t now_ms = parts_.unix_now_ms();
  if (!options_.shared && now_ms < last_unix_ms_ - kClockSlack.count()) {
    gone_back_ = true;
    may_be_due_ = true;
    look_soon();
  }
  last_unix_ms_ = now_ms;
  return now_ms;
}

store::ClaimRequest ExecutionRunner::claim_request() {
  store::ClaimRequest request;
  request.now_ms = unix_now_ms();
  request.lease_until_ms = request.now_ms + options_.lease.count();
  const std::size_t half = half_of(window());
  request.most = window() - held_;
  request.most_of_a_function = half;
  request.most_input_bytes = kMostHeldBytes - held_bytes_;
  request.after = last_claimed_;
  request.kind = options_.kind;
  for (const auto& [function, share] : shares_) {
    if (share.held >= half) {
      request.skipped.push_back(function);
    } else {
      request.most_of_a_function = std::min(request.most_of_a_function, half - share.held);
    }
  }
  return request;
}

// What else this turn of the loop lets go is counted too.
void ExecutionRunner::look_soon() {
  if (look_posted_ || looking_ || draining_ || !may_be_due_) {
    return;
  }
  look_posted_ = true;
  parts_.loop.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) {
      look_posted_ = false;
      look();
    }
  });
}

void ExecutionRunner::look() {
  if (looking_ || draining_ || !may_be_due_ || held_ >= window() || held_bytes_ >= kMostHeldBytes ||
      ready_to_execute() >= half_of(options_.concurrency)) {
    return;
  }
  looking_ = true;
  pending_meanwhile_ = false;
  const auto request = claim_request();
  auto job = [&store = parts_.store, request,
              gone_back = std::exchange(gone_back_, false)]() -> base::Result<Look> {
    if (gone_back) {
      if (const auto brought = store.bring_forward(request.now_ms, request.now_ms); !brought) {
        return brought.error();
      }
    }
    auto claimed = store.claim(request);
    if (!claimed) {
      return claimed.error();
    }
    if (claimed->size() >= request.most) {
      return Look{std::move(*claimed), std::nullopt};
    }
    auto due = store.next_due(request.kind);
    // What is claimed is not lost for that: it is as if something were due at once.
    return Look{std::move(*claimed), due ? *due : std::optional(request.now_ms)};
  };
  on_pool<Look>(std::move(job),
                [this, asked = request.most](const base::Result<Look>& found) { looked(asked, found); });
}

void ExecutionRunner::looked(std::size_t asked, const base::Result<Look>& found) {
  looking_ = false;
  const bool again = std::exchange(look_again_, false);
  const base::TimePoint now = parts_.loop.now();
  if (!found) {
    spdlog::warn("asynchronous executions: what is due cannot be claimed now: {}", found.error().message);
    look_at(now + kPauseAfterFailure);
    return;
  }
  const auto& [claimed, next_due] = *found;
  if (claimed.size() < asked && !again) {
    may_be_due_ = pending_meanwhile_;
    std::chrono::milliseconds wait = kLongestWait;
    if (next_due) {
      wait = std::chrono::milliseconds(*next_due - unix_now_ms());
      may_be_due_ = may_be_due_ || wait.count() <= 0 || gone_back_;
    }
    if (next_due || options_.shared) {
      look_at(now + std::max(options_.shared ? std::min(wait, kLookForOthers) : wait, kLookPause));
    }
  }
  for (const auto& each : claimed) {
    last_claimed_ = each.function_id;
    hold(each.function_id, each.input->size());
  }
  for (const auto& each : claimed) {
    begin(each);
  }
  execute_ready();
  if (!claimed.empty() || again) {
    look_soon();
  }
}

// The earliest counts.
void ExecutionRunner::look_at(base::TimePoint when) {
  if (look_timer_ != 0 && look_at_ <= when) {
    return;
  }
  parts_.loop.cancel(look_timer_);
  look_at_ = when;
  look_timer_ = parts_.loop.at(when, [this] {
    look_timer_ = 0;
    wake();
  });
}

// ---- leases

void ExecutionRunner::extend_soon() {
  extend_timer_ =
      parts_.loop.at(parts_.loop.now() + options_.lease / kExtensionsALease, [this] { extend(); });
}

void ExecutionRunner::extend() {
  extend_soon();
  std::vector<store::Lease> leases;
  for (const auto& [id, running] : running_) {
    if (!running->lost) {
      leases.push_back(running->claimed.lease);
    }
  }
  if (leases.empty()) {
    return;
  }
  const std::int64_t until_ms = unix_now_ms() + options_.lease.count();
  using Lost = std::vector<store::Lease>;
  on_pool<Lost>([&store = parts_.store, leases, until_ms] { return store.extend(leases, until_ms); },
                [this](const base::Result<Lost>& lost) { extended(lost); });
}

void ExecutionRunner::extended(const base::Result<std::vector<store::Lease>>& lost) {
  if (!lost) {
    spdlog::warn("asynchronous executions: leases cannot be extended now: {}", lost.error().message);
    return;
  }
  for (const store::Lease& lease : *lost) {
    const auto found = running_.find(lease.id);
    if (found != running_.end() && found->second->claimed.lease.number == lease.number) {
      found->second->lost = true;
    }
  }
}

void ExecutionRunner::drain(std::function<void()> done) {
  draining_ = true;
  for (const RunningPtr& running : std::exchange(ready_, {})) {
    give_back(running);
  }
  if (held_ == 0) {
    done();
    return;
  }
  drained_ = std::move(done);
}

template <typename Value>
void ExecutionRunner::on_pool(std::function<base::Result<Value>()> job,
                              std::function<void(base::Result<Value>)> done) {
  base::on_pool<Value>(parts_.pool, parts_.loop, alive_, std::move(job), std::move(done));
}

}  // namespace hearth::monitor
