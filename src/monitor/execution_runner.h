// Makes asynchronous executions of one kind complete: takes leases on what is due, has it executed (a call)
// or sent (a message to a webhook), and settles how it ended; what failed is due again later, until its
// retries or its age are used up. A lease is extended for as long as the worker executes. What the function
// wants to be told, or done, when one has ended is accepted together with its settlement.
//
// Loop thread only; the store's work is on the pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "base/random.h"
#include "base/work_pool.h"
#include "dispatch/dispatcher.h"
#include "monitor/retry_plan.h"
#include "store/execution_journal.h"
#include "webhook/webhooks.h"

namespace hearth::monitor {

struct RunnerOptions {
  std::size_t concurrency = 64;             // --async-concurrency: at once; of one function half of it
  std::chrono::milliseconds lease{30'000};  // --async-lease
  RetryOptions retry;
  model::ExecutionKind kind = model::ExecutionKind::kCall;  // of others it takes nothing
  std::uint32_t max_depth = 16;                             // --max-depth: deeper ones are dead
  std::size_t record_bytes = 6UL << 20U;  // what is told of one that has ended; --max-body-bytes
  bool shared = false;  // other processes submit to the same store, and may leave what they have leases on
};

// An execution that has ended for good.
struct EndedExecution {
  model::FunctionId function_id;
  model::ExecutionState state = model::ExecutionState::kDone;
  std::uint64_t input_bytes = 0;
};

struct RunnerParts {
  base::EventLoop& loop;
  base::WorkPool& pool;
  store::ExecutionStore& store;
  store::ExecutionJournal& journal;
  dispatch::Dispatcher& dispatcher;
  base::Random& random;
  // By its id, or a name; as it is now; null: there is none.
  std::function<model::FunctionPtr(const model::FunctionId&)> function{};
  // One that is not the current one. `done` is called on the loop, perhaps inside the call.
  std::function<void(const model::FunctionId&, std::uint32_t,
                     std::function<void(base::Result<model::VersionPtr>)>)>
      version{};
  // Something was executed, whichever way it ended.
  std::function<void(const model::Function&, const model::ExecutionId&, const model::Execution&,
                     std::int64_t us)>
      executed{};
  std::function<void(const EndedExecution&)> ended{};
  // The end of another has brought it with it; it is durable.
  std::function<void(const store::NewExecution&)> followed{};
  // Whether what `function` says is the newest that was acknowledged.
  std::function<bool()> may_execute{};
  // Somebody waits for answers of synchronous calls: they are to notice little.
  std::function<bool()> has_callers{};
  std::function<std::int64_t()> unix_now_ms{};
  webhook::Webhooks* webhooks = nullptr;  // outlives it; for kWebhook alone
};

struct RunnerCounts {
  std::uint64_t attempts = 0;
  std::uint64_t retries = 0;
  std::uint64_t done = 0;
  std::uint64_t dead = 0;
  std::uint64_t leases_lost = 0;
};

class ExecutionRunner {
 public:
  ExecutionRunner(RunnerOptions options, RunnerParts parts);
  ExecutionRunner(const ExecutionRunner&) = delete;
  ExecutionRunner& operator=(const ExecutionRunner&) = delete;
  ~ExecutionRunner();

  // Looks for what is due from now on.
  void start();
  // Something may be due.
  void wake();
  // This one is, and nobody has a lease on it. Of a function that has its share already nothing is looked for
  // before one of those has ended.
  void pending(const store::NewExecution& execution);

  // Whether it executes this one as soon as that is durable: then it has a lease from the start, and taken()
  // is called once. Not while others are due.
  bool take(store::NewExecution& execution);
  // Begins it. Not `accepted`: it is not, or it was there before.
  void taken(const store::NewExecution& execution, bool accepted);

  // Takes nothing more, and gives back what it has not begun. `done` is called when nothing is executed any
  // more, perhaps inside the call.
  void drain(std::function<void()> done);

  std::size_t executing() const { return executing_; }
  const RunnerCounts& counts() const { return counts_; }

 private:
  // How many of one function are held, and how many of them executed.
  struct Share {
    std::size_t held = 0;
    std::size_t executing = 0;
    std::size_t most = kFirstAtOnce;  // at once: one more when one has ended, or when they take their time
    std::size_t maximum = 0;          // of the function's calls at once
  };
  struct Running {
    store::Claimed claimed;
    Share* share = nullptr;  // its function's; there for as long as it is held
    base::TimePoint began{};
    std::int64_t started_ms = 0;
    std::uint32_t executed_version = 0;
    std::uint32_t refusals = 0;    // by the dispatcher: nothing was executed
    store::Settlement settlement;  // once it is known how the attempt has ended
    bool executing = false;
    bool lost = false;  // the lease is not ours any more
  };
  using RunningPtr = std::shared_ptr<Running>;
  using Look = std::pair<std::vector<store::Claimed>, std::optional<std::int64_t>>;
  static constexpr std::size_t kFirstAtOnce = 2;

  std::int64_t unix_now_ms();
  std::size_t window() const;
  bool may_hold(const model::FunctionId& function) const;
  bool may_execute(const Share& share) const;
  void hold(const model::FunctionId& function, std::uint64_t input_bytes);
  void let_go(const model::FunctionId& function, std::uint64_t input_bytes);
  std::size_t ready_to_execute() const;
  bool keeps_back();
  void grow_soon();
  void grow();
  void execute_ready();
  store::ClaimRequest claim_request();
  void look_soon();
  void look();
  void looked(std::size_t asked, const base::Result<Look>& found);
  void look_at(base::TimePoint when);
  void begin(store::Claimed claimed);
  void ended(const RunningPtr& running);
  void attempt(const RunningPtr& running);
  void find_version(const RunningPtr& running, const model::FunctionPtr& function);
  void find_unknown(const RunningPtr& running);
  void execute(const RunningPtr& running, const model::FunctionPtr& function, model::VersionPtr version);
  void answered(const RunningPtr& running, const model::FunctionPtr& function, dispatch::Answer&& answer);
  void refused(const RunningPtr& running, const dispatch::Rejection& rejection);
  void returned(const RunningPtr& running, model::Execution&& execution);
  void failed(const RunningPtr& running, model::FailedAttempt attempt, model::ExecutionResult result);
  void die(const RunningPtr& running, model::ApiErrorCode code, const std::string& message);
  void give_back(const RunningPtr& running);
  RetryOptions retry_of(const store::Claimed& claimed) const;
  std::vector<store::NewExecution> follow_ups(const Running& running,
                                              const store::Settlement& settlement) const;
  void deliver(const RunningPtr& running, const model::FunctionPtr& function);
  void delivered(const RunningPtr& running, const base::Result<int>& status);
  store::Settlement settlement(const Running& running, model::ExecutionState state);
  void settle(const RunningPtr& running, store::Settlement settlement);
  void write(const RunningPtr& running);
  void settled(const RunningPtr& running, const base::Result<bool>& result);
  void leave(const RunningPtr& running);
  void extend_soon();
  void extend();
  void extended(const base::Result<std::vector<store::Lease>>& lost);
  double jitter();
  template <typename Value>
  void on_pool(std::function<base::Result<Value>()> job, std::function<void(base::Result<Value>)> done);

  const RunnerOptions options_;
  const RunnerParts parts_;
  std::unordered_map<model::ExecutionId, RunningPtr> running_;
  // Held: we have a lease, or are about to. More than are executed, so that the next are at hand.
  std::size_t held_ = 0;
  std::uint64_t held_bytes_ = 0;  // of their inputs
  std::size_t executing_ = 0;
  std::unordered_map<model::FunctionId, Share> shares_;
  std::deque<RunningPtr> ready_;   // to be executed, oldest first
  std::deque<RunningPtr> young_;   // have begun a moment ago, oldest first
  base::TimePoint rests_until_{};  // where callers come
  base::TimerId keep_back_timer_ = 0;
  base::TimerId grow_timer_ = 0;
  model::FunctionId last_claimed_;
  bool look_posted_ = false;
  bool looking_ = false;
  bool look_again_ = false;
  bool pending_meanwhile_ = false;  // since the look began; there was no place for it
  bool may_be_due_ = true;
  std::int64_t last_unix_ms_ = 0;  // what the time of day was
  bool gone_back_ = false;         // since then what is pending may be due too late
  base::TimerId look_timer_ = 0;
  base::TimePoint look_at_;
  base::TimerId extend_timer_ = 0;
  std::function<void()> drained_;
  bool draining_ = false;
  RunnerCounts counts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::monitor
