// The store port for asynchronous executions: which were accepted, who executes them, how they ended.
//
// Called on threads that may block, from several at once. What is written is durable when the call returns
// without an error; an error means that nothing of it is, but for kUnavailable: then it is not known. Times
// are Unix time in milliseconds, and the caller's.
//
// A lease is the right to execute one execution and to settle it. Each has a number, counted up by one with
// every claim of that execution; the store settles for the current one alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/async_execution.h"

namespace hearth::store {

struct NewExecution {
  model::ExecutionId id;
  model::FunctionId function_id;
  std::uint32_t version = 0;  // 0: the one that is current when it is executed
  std::shared_ptr<const std::string> input;
  std::string idempotency_key;  // unique within the function; empty: none
  std::int64_t submitted_ms = 0;
  // Who submits it executes it at once: it is running from the start, under lease 1, until then. 0: pending,
  // and due now.
  std::int64_t lease_until_ms = 0;
  model::ExecutionKind kind = model::ExecutionKind::kCall;
  model::ExecutionId parent_id;  // the execution whose end it tells of; empty: none
  model::ExecutionState parent_state = model::ExecutionState::kDone;  // how that has ended: kDone, kDead
  std::uint32_t depth = 0;    // how many executions stand before it, each of which led to the next
  std::string schedule = {};  // the name of the one that it is a slot's of; empty: of none
  std::int64_t slot_ms = 0;
};

// The execution that is accepted: the new one, or the one that the same key, input and version have made
// before.
struct Submitted {
  model::ExecutionId id;
  bool fresh = true;

  bool operator==(const Submitted&) const = default;
};

struct Lease {
  model::ExecutionId id;
  std::uint32_t number = 0;
};

// How an attempt ended.
struct Settlement {
  Lease lease;
  model::ExecutionState state = model::ExecutionState::kDone;  // kDone, kDead; kPending: it is tried again
  std::int64_t due_ms = 0;                                     // of kPending: not before
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  std::uint32_t executed_version = 0;           // 0: nothing was executed
  std::optional<model::FailedAttempt> attempt;  // of kPending and kDead
  model::ExecutionResult result;                // of kDone and kDead
  // Accepted in the same commit, if the settlement is applied, and not without it. They have no keys.
  std::vector<NewExecution> follow_ups;
};

// An execution that the caller has a lease on now.
struct Claimed {
  Lease lease;
  model::FunctionId function_id;
  std::uint32_t version = 0;  // 0: the current one
  std::shared_ptr<const std::string> input;
  std::int64_t accepted_ms = 0;  // its age counts from here: submitted, or redriven
  std::uint32_t failures = 0;    // attempts that counted to the retries, since then
  std::int64_t submitted_ms = 0;
  // As they were submitted.
  model::ExecutionKind kind = model::ExecutionKind::kCall;
  model::ExecutionId parent_id;
  model::ExecutionState parent_state = model::ExecutionState::kDone;
  std::uint32_t depth = 0;
};

struct ClaimRequest {
  std::int64_t now_ms = 0;
  std::int64_t lease_until_ms = 0;
  std::size_t most = 0;
  std::size_t most_of_a_function = 0;
  std::uint64_t most_input_bytes = UINT64_MAX;  // of what is claimed; the one that reaches it is the last
  // Of functions that come after this one first, then from the beginning: who asks in turns is fair.
  model::FunctionId after;
  std::vector<model::FunctionId> skipped;                   // functions that have enough
  model::ExecutionKind kind = model::ExecutionKind::kCall;  // of others nothing is claimed
};

struct ExecutionFilter {
  std::optional<model::ExecutionState> state;
  model::FunctionId function_id;  // empty: of all
  model::ExecutionId before;      // accepted before it; empty: from the newest on
  std::size_t limit = 100;
};

// Executions of one function, and their inputs.
struct Backlog {
  model::FunctionId function_id;
  std::uint64_t executions = 0;
  std::uint64_t input_bytes = 0;

  bool operator==(const Backlog&) const = default;
};

class ExecutionStore {
 public:
  virtual ~ExecutionStore() = default;

  struct Writes {
    std::vector<NewExecution> submissions;
    std::vector<Settlement> settlements;
  };
  struct Written {
    // One each. kAlreadyExists: the key has been used with another input or version, or the id is there.
    std::vector<base::Result<Submitted>> submitted;
    // One each. False: the lease is not the current one, or the execution was cancelled: nothing is changed,
    // and what was to follow is not accepted.
    std::vector<bool> settled;
  };
  // All of it in one commit.
  virtual base::Result<Written> write(const Writes& writes) = 0;

  // Leases on what is due: first on those whose lease has run out (the attempt is noted as failed, code
  // "worker_lost", counting to nothing), then on pending ones, of each function the longest due first.
  virtual base::Result<std::vector<Claimed>> claim(const ClaimRequest& request) = 0;

  // The leases that are current go on until then. Returns those that are not.
  virtual base::Result<std::vector<Lease>> extend(std::span<const Lease> leases, std::int64_t until_ms) = 0;

  // When the next lease on one of this kind may be claimed: the earliest due time or end of a lease. Nothing:
  // there is none.
  virtual base::Result<std::optional<std::int64_t>> next_due(model::ExecutionKind kind) = 0;

  // kNotFound.
  virtual base::Result<model::AsyncExecution> find(std::string_view id) = 0;
  // Newest first. Without output, error texts and logs.
  virtual base::Result<std::vector<model::AsyncExecution>> list(const ExecutionFilter& filter) = 0;

  // As it is after it. kNotFound; kBusy when it has ended.
  virtual base::Result<model::AsyncExecution> cancel(std::string_view id, std::int64_t now_ms) = 0;
  // Pending again, with no failures counted; its attempts stay, its result goes. kNotFound; kBusy unless it
  // is dead or cancelled.
  virtual base::Result<model::AsyncExecution> redrive(std::string_view id, std::int64_t now_ms) = 0;
  // The same for dead ones, the oldest first, `limit` at most; of one function, unless that is empty. Which
  // are pending now.
  virtual base::Result<std::vector<Backlog>> redrive_dead(const model::FunctionId& function_id,
                                                          std::int64_t now_ms, std::size_t limit) = 0;

  // What has not ended, of each function that has any.
  virtual base::Result<std::vector<Backlog>> backlog() = 0;

  // No lease is anybody's any more: what was running is pending, due now, its attempt noted as claim() does.
  // How many. For a store that one process has to itself, when that begins.
  virtual base::Result<std::size_t> release_all(std::int64_t now_ms) = 0;

  // What is pending and due later than `latest_ms` is due now, as when the time of day has gone back.
  virtual base::Result<void> bring_forward(std::int64_t latest_ms, std::int64_t now_ms) = 0;

  // Removes executions that ended before `before_ms`, and the oldest of those beyond `most_kept` that have
  // ended: `limit` at most. How many.
  virtual base::Result<std::size_t> remove_ended(std::int64_t before_ms, std::size_t most_kept,
                                                 std::size_t limit) = 0;
};

}  // namespace hearth::store
