// An asynchronous execution: an invocation whose caller does not wait, from its acceptance to its end. Pure
// values. Times are Unix time in milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/function.h"
#include "model/outcome.h"

namespace hearth::model {

using ExecutionId = std::string;  // a version 7 GUID: that of a later millisecond is the greater

// Of which kind it is: each is taken, counted and executed apart from the other.
enum class ExecutionKind {
  kCall,     // of the function
  kWebhook,  // a message to the function's webhook that tells of another execution's end
};
inline constexpr ExecutionKind kLastExecutionKind = ExecutionKind::kWebhook;

std::string_view to_string(ExecutionKind kind);  // "call"

enum class ExecutionState {
  kPending,    // nobody executes it; from `due_ms` on somebody may
  kRunning,    // somebody holds a lease on it
  kDone,       // the function returned
  kDead,       // retries or age are used up, or the function is gone; `error_code` says why
  kCancelled,  // somebody did not want it any more
};
inline constexpr ExecutionState kLastExecutionState = ExecutionState::kCancelled;

std::string_view to_string(ExecutionState state);  // "pending"

constexpr bool has_ended(ExecutionState state) {
  return state != ExecutionState::kPending && state != ExecutionState::kRunning;
}

// An attempt that did not end well.
struct FailedAttempt {
  std::uint32_t number = 0;  // from 1: the number of its lease
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  std::string code;     // of the API's closed list: "function_error"
  std::string message;  // for people
  bool counts = true;   // to the retries; an attempt that the platform failed does not

  bool operator==(const FailedAttempt&) const = default;
};
// The last ones of an execution that are kept, and how much of each message: they are listed.
inline constexpr std::size_t kAttemptsKept = 100;
inline constexpr std::size_t kAttemptMessageBytes = 1'024;

// What is left of an execution at its end.
struct ExecutionResult {
  std::string output;      // JSON text, of kDone
  std::string error_code;  // of kDead: of the API's closed list
  FunctionError error;     // of kDead
  CapturedLogs logs;       // of the last attempt

  bool operator==(const ExecutionResult&) const = default;
};

struct AsyncExecution {
  ExecutionId id;
  FunctionId function_id;
  std::uint32_t version = 0;  // that was asked for; 0: the one that is current when it is executed
  std::uint64_t input_bytes = 0;
  std::uint32_t executed_version = 0;  // by the last attempt that has ended; 0: by none
  ExecutionState state = ExecutionState::kPending;
  std::int64_t submitted_ms = 0;
  std::int64_t due_ms = 0;      // of kPending
  std::int64_t started_ms = 0;  // the last attempt; 0: none has begun
  std::int64_t ended_ms = 0;    // 0: it has not
  ExecutionKind kind = ExecutionKind::kCall;
  ExecutionId parent_id;    // the execution whose end it tells of; empty: none
  std::uint32_t depth = 0;  // how many executions stand before it, each of which led to the next
  std::vector<FailedAttempt> attempts;
  ExecutionResult result;
  std::string schedule;  // the name of the one that it is a slot's of; empty: somebody submitted it
  std::int64_t slot_ms = 0;

  bool operator==(const AsyncExecution&) const = default;
};

}  // namespace hearth::model
