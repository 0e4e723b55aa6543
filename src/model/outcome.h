// How an invocation ended. A function that fails is a value here, not an error of ours. Pure values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::model {

// Closed list; names metrics, log lines and (through api_error.h) the caller's error code.
enum class OutcomeKind {
  kReturned,          // output holds JSON
  kThrew,             // threw, or the promise was rejected
  kTimedOut,          // still running at the version's time-out
  kOutOfMemory,       // the kernel ended the instance for its memory
  kExited,            // the process ended in the middle: process.exit, a crash, a signal
  kInitFailed,        // the handler's module could not be loaded
  kInitTimedOut,      // loading took longer than the init time-out
  kBadInput,          // the body is not JSON
  kBadOutput,         // JSON cannot hold what the handler returned
  kResponseTooLarge,  // the output is over the limit
  kProtocolError,     // the instance broke the runtime protocol
  kStartFailed,       // the platform could not start an instance: code missing, no sandbox
  kWorkerLost,        // the worker, or the way to it, was lost in the middle: it may have been executed
};
inline constexpr OutcomeKind kLastOutcome = OutcomeKind::kWorkerLost;

std::string_view to_string(OutcomeKind kind);

// The handler's own words. Empty fields are left out of answers.
struct FunctionError {
  std::string type;
  std::string message;
  std::string stack;

  bool operator==(const FunctionError&) const = default;
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::kReturned;
  std::string output;   // JSON text, only for kReturned
  FunctionError error;  // for everything else

  bool operator==(const Outcome&) const = default;
};

// An outcome that is no answer, with our own words.
Outcome failed(OutcomeKind kind, std::string message);

enum class LogStream { kOut, kErr };

struct LogChunk {
  LogStream stream = LogStream::kOut;
  std::string text;  // bytes as the function wrote them, any number of lines

  bool operator==(const LogChunk&) const = default;
};

// What a call wrote to stdout and stderr.
struct CapturedLogs {
  std::vector<LogChunk> chunks;
  bool truncated = false;  // more was written than the limit allows; the rest is lost

  bool operator==(const CapturedLogs&) const = default;
};

// Where the time of one execution went, in microseconds. The first four are 0 for a warm one.
struct ExecutionSteps {
  bool cold = false;
  bool prestarted = false;  // of a cold one: its sandbox and runtime were there; sandbox_us is the assignment
  std::int64_t code_us = 0;     // code fetched and unpacked
  std::int64_t sandbox_us = 0;  // container made
  std::int64_t boot_us = 0;     // runtime booted until the shim spoke
  std::int64_t init_us = 0;     // handler's module loaded
  std::int64_t run_us = 0;      // the handler, as the worker saw it
  std::int64_t handler_us = 0;  // the handler, as the shim measured it

  bool operator==(const ExecutionSteps&) const = default;
};

struct Execution {
  Outcome outcome;
  std::string instance;
  ExecutionSteps steps;
  CapturedLogs logs;

  bool operator==(const Execution&) const = default;
};

}  // namespace hearth::model
