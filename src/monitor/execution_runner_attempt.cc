// One attempt of an asynchronous execution, from its lease to its settlement.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "monitor/execution_runner.h"

namespace hearth::monitor {
namespace {

using model::ApiErrorCode;
using model::ExecutionState;
using model::OutcomeKind;

// An execution that nobody can execute now is held for a while, and asked for again after 10 ms, 20 ms and so
// on; then it is given back, for others to have the slot.
constexpr std::uint32_t kRefusalsHeld = 12;
constexpr std::chrono::milliseconds kFirstPause{10};
constexpr std::chrono::milliseconds kLongestPause{1'000};
constexpr std::chrono::milliseconds kSettlePause{100};
// While synchronous calls come, after one has ended: a sixth of the time that it took.
constexpr int kRestPart = 6;
constexpr std::chrono::milliseconds kLongestRest{5};
constexpr const char* kDeleted = "the function was deleted";

// The platform's failure, not the function's.
bool is_platforms(OutcomeKind kind) {
  return kind == OutcomeKind::kStartFailed || kind == OutcomeKind::kWorkerLost;
}

std::chrono::milliseconds pause_after(std::uint32_t refusals) {
  return std::min(kFirstPause * (1U << std::min(refusals, 10U)), kLongestPause);
}

std::string message_of(const model::Outcome& outcome) {
  if (outcome.error.type.empty()) {
    return outcome.error.message.empty() ? std::string(to_string(outcome.kind)) : outcome.error.message;
  }
  return outcome.error.type + ": " + outcome.error.message;
}

}  // namespace

void ExecutionRunner::begin(store::Claimed claimed) {
  auto running = std::make_shared<Running>();
  running->claimed = std::move(claimed);
  running->share = &shares_.at(running->claimed.function_id);
  running_[running->claimed.lease.id] = running;
  if (draining_) {
    give_back(running);
    return;
  }
  ready_.push_back(running);
}

// It is executed no more, one way or the other: the next has its place.
void ExecutionRunner::ended(const RunningPtr& running) {
  if (!running->executing) {
    return;
  }
  const base::TimePoint now = parts_.loop.now();
  rests_until_ = now + std::min<base::Duration>((now - running->began) / kRestPart, kLongestRest);
  running->executing = false;
  --executing_;
  Share& share = *running->share;
  --share.executing;
  share.most = std::min(share.most + 1, options_.concurrency);
  execute_ready();
  look_soon();
}

void ExecutionRunner::attempt(const RunningPtr& running) {
  const store::Claimed& claimed = running->claimed;
  if (!parts_.may_execute()) {
    refused(running, {ApiErrorCode::kStoreUnavailable, "this server may not know the newest code"});
    return;
  }
  if (claimed.kind == model::ExecutionKind::kCall && claimed.depth > options_.max_depth) {
    die(running, ApiErrorCode::kLoopDetected,
        fmt::format("{} executions stand before it, each of which led to the next (--max-depth {})",
                    claimed.depth, options_.max_depth));
    return;
  }
  const model::FunctionPtr function = parts_.function(claimed.function_id);
  if (!function) {
    find_unknown(running);
    return;
  }
  if (claimed.kind == model::ExecutionKind::kWebhook) {
    deliver(running, function);
  } else {
    find_version(running, function);
  }
}

void ExecutionRunner::find_version(const RunningPtr& running, const model::FunctionPtr& function) {
  const store::Claimed& claimed = running->claimed;
  if (claimed.version == 0 || claimed.version == function->current.number) {
    execute(running, function, model::VersionPtr(function, &function->current));
    return;
  }
  parts_.version(
      function->id, claimed.version,
      [this, running, function, alive = std::weak_ptr<bool>(alive_)](base::Result<model::VersionPtr> found) {
        if (alive.expired()) {
          return;
        }
        if (found) {
          execute(running, function, std::move(*found));
        } else if (found.error().code == base::ErrorCode::kNotFound) {
          die(running, ApiErrorCode::kNotFound, found.error().message);
        } else {
          refused(running, {model::api_error(found.error().code), found.error().message});
        }
      });
}

// One that another server has just made is known here in a moment. The store says whether there is one: a
// backlog of a deleted function that was waited with would keep others from the slots.
void ExecutionRunner::find_unknown(const RunningPtr& running) {
  const std::string unknown = fmt::format("there is no function \"{}\"", running->claimed.function_id);
  if (!options_.shared) {
    die(running, ApiErrorCode::kNotFound, unknown);
    return;
  }
  parts_.version(
      running->claimed.function_id, model::kFirstVersion,
      [this, running, unknown, alive = std::weak_ptr<bool>(alive_)](base::Result<model::VersionPtr> found) {
        if (alive.expired()) {
          return;
        }
        if (!found && found.error().code == base::ErrorCode::kNotFound) {
          die(running, ApiErrorCode::kNotFound, unknown);
        } else {
          refused(running, {ApiErrorCode::kStoreUnavailable, "this server does not know the function yet"});
        }
      });
}

void ExecutionRunner::execute(const RunningPtr& running, const model::FunctionPtr& function,
                              model::VersionPtr version) {
  running->executed_version = version->number;
  model::ExecuteRequest request;
  request.version = std::move(version);
  request.function_name = function->label();
  request.request_id = model::with_depth(running->claimed.lease.id, running->claimed.depth);
  request.body = running->claimed.input;
  parts_.dispatcher.invoke(std::move(request), [this, running, function](dispatch::Answer&& answer) {
    answered(running, function, std::move(answer));
  });
}

void ExecutionRunner::answered(const RunningPtr& running, const model::FunctionPtr& function,
                               dispatch::Answer&& answer) {
  if (const auto* rejection = std::get_if<dispatch::Rejection>(&answer.result)) {
    refused(running, *rejection);
    return;
  }
  auto& execution = std::get<model::Execution>(answer.result);
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(parts_.loop.now() - running->began).count();
  parts_.executed(*function, running->claimed.lease.id, execution, us);
  returned(running, std::move(execution));
}

// Nothing was executed.
void ExecutionRunner::refused(const RunningPtr& running, const dispatch::Rejection& rejection) {
  running->executed_version = 0;
  if (draining_ || rejection.code == ApiErrorCode::kShuttingDown) {
    give_back(running);
    return;
  }
  if (rejection.code == ApiErrorCode::kNotFound) {  // deleted, while it waited
    die(running, ApiErrorCode::kNotFound, kDeleted);
    return;
  }
  if (running->refusals < kRefusalsHeld && !running->lost) {
    parts_.loop.at(parts_.loop.now() + pause_after(running->refusals++),
                   [this, running, alive = std::weak_ptr<bool>(alive_)] {
                     if (!alive.expired()) {
                       attempt(running);
                     }
                   });
    return;
  }
  model::FailedAttempt attempt;
  attempt.code = to_string(rejection.code);
  attempt.message = rejection.message;
  attempt.counts = false;
  failed(running, std::move(attempt), {});
}

void ExecutionRunner::returned(const RunningPtr& running, model::Execution&& execution) {
  model::ExecutionResult result;
  result.logs = std::move(execution.logs);
  if (execution.outcome.kind == OutcomeKind::kReturned) {
    result.output = std::move(execution.outcome.output);
    auto done = settlement(*running, ExecutionState::kDone);
    done.result = std::move(result);
    settle(running, std::move(done));
    return;
  }
  model::FailedAttempt attempt;
  attempt.code = to_string(model::api_error(execution.outcome.kind));
  attempt.message = message_of(execution.outcome);
  // What a stop has ended is not the function's failure.
  attempt.counts =
      !is_platforms(execution.outcome.kind) && !(draining_ && execution.outcome.kind == OutcomeKind::kExited);
  result.error = std::move(execution.outcome.error);
  failed(running, std::move(attempt), std::move(result));
}

void ExecutionRunner::failed(const RunningPtr& running, model::FailedAttempt attempt,
                             model::ExecutionResult result) {
  const store::Claimed& claimed = running->claimed;
  auto made = settlement(*running, ExecutionState::kPending);
  attempt.number = claimed.lease.number;
  attempt.started_ms = made.started_ms;
  attempt.ended_ms = made.ended_ms;
  FailedTry tried;
  tried.counts = attempt.counts;
  tried.failures = claimed.failures + (attempt.counts ? 1 : 0);
  tried.attempts = claimed.lease.number;
  tried.accepted_ms = claimed.accepted_ms;
  tried.now_ms = made.ended_ms;
  tried.jitter = jitter();
  const std::string message = attempt.message;
  attempt.message.resize(std::min(message.size(), model::kAttemptMessageBytes));
  if (const auto due_ms = retry_at(retry_of(claimed), tried)) {
    made.due_ms = *due_ms;
  } else {
    made.state = ExecutionState::kDead;
    made.result = std::move(result);
    made.result.error_code = attempt.code;
    if (made.result.error.message.empty()) {
      made.result.error.message = message;
    }
  }
  made.attempt = std::move(attempt);
  settle(running, std::move(made));
}

RetryOptions ExecutionRunner::retry_of(const store::Claimed& claimed) const {
  const model::FunctionPtr function = parts_.function(claimed.function_id);
  return function ? with_policy(options_.retry, claimed.kind, function->async) : options_.retry;
}

// Without an attempt: there is nothing to be executed.
void ExecutionRunner::die(const RunningPtr& running, ApiErrorCode code, const std::string& message) {
  running->executed_version = 0;
  auto dead = settlement(*running, ExecutionState::kDead);
  dead.result.error_code = to_string(code);
  dead.result.error.message = message;
  settle(running, std::move(dead));
}

// Another may have it now.
void ExecutionRunner::give_back(const RunningPtr& running) {
  auto back = settlement(*running, ExecutionState::kPending);
  back.due_ms = back.ended_ms;
  settle(running, std::move(back));
}

store::Settlement ExecutionRunner::settlement(const Running& running, ExecutionState state) {
  store::Settlement made;
  made.lease = running.claimed.lease;
  made.state = state;
  made.started_ms = running.started_ms;
  made.ended_ms = unix_now_ms();
  made.executed_version = running.executed_version;
  return made;
}

void ExecutionRunner::settle(const RunningPtr& running, store::Settlement settlement) {
  running->settlement = std::move(settlement);
  running->settlement.follow_ups = follow_ups(*running, running->settlement);
  ended(running);
  write(running);
}

void ExecutionRunner::write(const RunningPtr& running) {
  if (running->lost) {
    ++counts_.leases_lost;
    leave(running);
    return;
  }
  parts_.journal.settle(running->settlement, [this, running, alive = std::weak_ptr<bool>(alive_)](
                                                 const base::Result<bool>& result) {
    if (!alive.expired()) {
      settled(running, result);
    }
  });
}

void ExecutionRunner::settled(const RunningPtr& running, const base::Result<bool>& result) {
  const store::Settlement& settlement = running->settlement;
  if (!result) {
    // The lease is extended meanwhile; where that fails too it ends by itself.
    spdlog::warn("asynchronous executions: {} is not settled now: {}", settlement.lease.id,
                 result.error().message);
    parts_.loop.at(parts_.loop.now() + kSettlePause, [this, running, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) {
        write(running);
      }
    });
    return;
  }
  if (!*result) {
    ++counts_.leases_lost;
  } else if (settlement.state == ExecutionState::kPending) {
    ++counts_.retries;
    const std::chrono::milliseconds wait(settlement.due_ms - unix_now_ms());
    look_at(parts_.loop.now() + std::max(wait, std::chrono::milliseconds(0)));
  } else {
    ++(settlement.state == ExecutionState::kDone ? counts_.done : counts_.dead);
    const store::Claimed& claimed = running->claimed;
    parts_.ended({claimed.function_id, settlement.state, claimed.input->size()});
    for (const store::NewExecution& execution : settlement.follow_ups) {
      parts_.followed(execution);
    }
  }
  leave(running);
}

void ExecutionRunner::leave(const RunningPtr& running) {
  const auto found = running_.find(running->claimed.lease.id);
  if (found != running_.end() && found->second == running) {
    running_.erase(found);
  }
  let_go(running->claimed.function_id, running->claimed.input->size());
}

double ExecutionRunner::jitter() {
  std::array<std::uint8_t, 2> bytes{};
  parts_.random.fill(bytes);
  return 0.5 + (bytes[0] * 256 + bytes[1]) / 65'535.0;
}

}  // namespace hearth::monitor
