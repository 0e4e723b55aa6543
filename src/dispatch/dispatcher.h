// The dispatcher: finds an instance for one invocation and has it executed.
//
// The way of a call: a short wait when enough instances are at work already │ an idle lease of our own (the
// warm path: no messaging, no store) │ a short wait for an instance that is about to be free │ messaging:
// warm stack, else cold queue │ a wait for capacity that is being made, or --queue-timeout │ 503. Used by the
// gateway, and by the monitor for asynchronous executions. Pure: messaging, link and time are handed in. Loop
// thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/event_loop.h"
#include "dispatch/concurrency_book.h"
#include "dispatch/hot_wait.h"
#include "link/link.h"
#include "messaging/messaging.h"
#include "model/api_error.h"
#include "model/execution.h"

namespace hearth::dispatch {

struct DispatcherOptions {
  std::chrono::microseconds hot_wait_max{5'000};  // --hot-wait; 0 is the paper's behaviour
  std::uint32_t cores = 1;  // that instances run on: how many are useful at once for calls that only compute
  bool instances_here =
      true;  // no: on other hosts, with cores of their own, and a way to them that takes time
  std::chrono::milliseconds queue_timeout{
      0};  // --queue-timeout: how long a call waits when there is no capacity
  std::chrono::milliseconds eviction_timeout{
      2'000};                                 // how long it waits for room that a worker said it makes
  std::size_t queue_depth = 1'000;            // --queue-depth: calls waiting for capacity, of all functions
  std::chrono::milliseconds lease_idle{200};  // an unused lease goes back onto the warm stack
};

// Where a call's time went before the worker had it, in microseconds.
struct DispatchSteps {
  std::int64_t find_us = 0;     // finding an allocation, waits included
  std::int64_t execute_us = 0;  // from the worker's admission to its answer
  std::uint32_t refusals = 0;   // stale allocations met on the way
};

struct Rejection {
  model::ApiErrorCode code = model::ApiErrorCode::kNoCapacity;
  std::string message;
};

struct Answer {
  std::variant<model::Execution, Rejection> result;
  DispatchSteps steps;
};

using CallId = std::uint64_t;

class Dispatcher {
 public:
  using Done = std::function<void(Answer&&)>;

  // `limits`: whom calls ask before anything else; null: there are none.
  Dispatcher(DispatcherOptions options, messaging::Messaging& messaging, link::Link& link,
             base::EventLoop& loop, ConcurrencyBook* limits = nullptr);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  ~Dispatcher();

  // `done` is called exactly once, perhaps inside this call, unless the call is abandoned.
  CallId invoke(model::ExecuteRequest request, Done done);

  // The caller has left: a waiting call ends here, a running one runs to its end and its answer goes
  // to nobody. `done` is not called any more. Unknown or ended calls are ignored.
  void abandon(CallId call);

  // The version is no longer current: its idle leases are removed, busy ones when they finish. With
  // `deleted`, calls that still wait for an instance of it are answered kNotFound.
  void retire(const model::VersionId& version, bool deleted);

  // A limit has come: calls that were not counted are, if they must be.
  void count_calls();

  // New calls are answered kShuttingDown, waiting ones too; running ones finish. Leases go back.
  void drain();

  std::size_t calls_waiting() const { return capacity_queue_.size(); }
  std::size_t calls_running() const { return running_; }
  // What those that wait for capacity wait for.
  std::uint64_t memory_waited_mb() const;
  std::size_t leases_idle() const { return idle_leases_; }

 private:
  class Call;
  using CallPtr = std::shared_ptr<Call>;

  struct IdleLease {
    model::Allocation allocation;
    base::TimePoint since;
  };

  // An instance that executes for us, one call at a time, and the calls that we have given it.
  struct AtWork {
    model::Allocation allocation;
    std::uint32_t calls = 0;  // those behind the first included
    base::TimePoint since{};  // when the first of them began, as far as we know
    // Has come while calls were on their way there: they are executed on it.
    std::optional<model::Allocation> lease = std::nullopt;
  };

  // What this dispatcher holds of one version, and knows of it.
  struct Pool {
    std::vector<IdleLease> idle;    // most recently used last
    std::deque<CallPtr> hot_queue;  // calls in their short wait, oldest first
    base::TimerId hot_timer = 0;    // for the earliest end of such a wait
    base::TimePoint hot_timer_at;
    std::list<AtWork> at_work;   // of a version that executes one call at a time
    std::uint32_t busy = 0;      // executions under way, those that stand behind another left out
    std::uint32_t starting = 0;  // those of them that began with a start
    std::uint32_t distant = 0;   // those of them whose instance will not be ours next
    std::uint32_t stuck = 0;     // warm ones that take longer than any short wait, when last looked at
    HotWait hot_wait;
    bool retired = false;
    bool listed = false;  // in with_idle_
  };

  bool admit(const CallPtr& call);
  void forget(const CallPtr& call);
  void route(const CallPtr& call);
  std::optional<base::Duration> hot_wait_of(const Pool& pool, const model::Version& version) const;
  bool stand_behind(Pool& pool, const CallPtr& call);
  void give_behind(AtWork& instance, const CallPtr& call);
  void next_behind(Pool& pool, AtWork& instance);
  bool may_stand_behind(const Pool& pool, const Call& call) const;
  void left_work(Pool& pool, const CallPtr& call, bool executed, std::optional<model::Allocation>& lease);
  void take_back_overdue(Pool& pool);
  base::Duration behind_limit(const Pool& pool) const;
  static std::size_t at_work(const Pool& pool);
  bool crowded(const Pool& pool, const model::Version& version) const;
  void count_stuck(Pool& pool, const model::VersionId& version) const;
  std::size_t useful_at_once(const Pool& pool, const model::Version& version) const;
  void wait_hot(Pool& pool, const CallPtr& call, base::Duration limit);
  void arm_hot_timer(Pool& pool, const model::VersionId& version, base::TimePoint when);
  void end_hot_waits(const model::VersionId& version);
  void serve_hot_queue(const model::VersionId& version);
  void take(const CallPtr& call);
  void taken(const CallPtr& call, const std::optional<messaging::Taken>& taken);
  void take_warm_or_wait(const CallPtr& call, base::Duration wait);
  bool need_not_start(const Call& call);
  void no_capacity(const CallPtr& call);
  void wait_for_capacity(const CallPtr& call, base::TimePoint until);
  void execute(const CallPtr& call, Pool& pool, const model::Allocation& allocation);
  void refused(const CallPtr& call, model::Refusal refusal);
  void done(const CallPtr& call, model::Execution&& execution, std::optional<model::Allocation>&& lease);
  void reject(const CallPtr& call, model::ApiErrorCode code, std::string message);
  void reject_deleted(const CallPtr& call);
  void leave_queues(const CallPtr& call);
  std::vector<CallPtr> waiting_calls() const;

  void keep(const model::VersionId& version, Pool& pool, model::Allocation&& lease, base::TimePoint now);
  CallPtr next_waiting(const model::VersionId& version, Pool& pool);
  void announced(const model::VersionId& version);
  void handed_over(const model::VersionId& version, const model::Allocation& instance);
  void retry_capacity_queue();
  void look_for_capacity(const CallPtr& call);
  void nothing_for(const CallPtr& call);
  void look_for_hot(const CallPtr& call);
  void arm_sweep();
  void sweep();
  Pool& pool(const model::VersionId& version) { return pools_[version]; }
  void drop_pool_if_unused(const model::VersionId& version);

  const DispatcherOptions options_;
  messaging::Messaging& messaging_;
  link::Link& link_;
  base::EventLoop& loop_;
  ConcurrencyBook* const limits_;
  std::unordered_map<model::VersionId, Pool> pools_;
  std::vector<Pool*> with_idle_;  // that have had idle leases since the last sweep; few of all that there are
  std::unordered_map<CallId, CallPtr> calls_;
  std::list<CallPtr> capacity_queue_;  // of all versions, oldest first
  CallId last_call_ = 0;
  std::size_t running_ = 0;
  std::size_t idle_leases_ = 0;
  base::TimerId sweep_timer_ = 0;
  bool retry_posted_ = false;
  std::vector<model::VersionId> announced_;  // since the last retry
  bool draining_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // posted work looks here first
};

}  // namespace hearth::dispatch
