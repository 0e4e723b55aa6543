#include "model/outcome.h"

#include <utility>

namespace hearth::model {

std::string_view to_string(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kReturned:
      return "returned";
    case OutcomeKind::kThrew:
      return "threw";
    case OutcomeKind::kTimedOut:
      return "timed_out";
    case OutcomeKind::kOutOfMemory:
      return "out_of_memory";
    case OutcomeKind::kExited:
      return "exited";
    case OutcomeKind::kInitFailed:
      return "init_failed";
    case OutcomeKind::kInitTimedOut:
      return "init_timed_out";
    case OutcomeKind::kBadInput:
      return "bad_input";
    case OutcomeKind::kBadOutput:
      return "bad_output";
    case OutcomeKind::kResponseTooLarge:
      return "response_too_large";
    case OutcomeKind::kProtocolError:
      return "protocol_error";
    case OutcomeKind::kStartFailed:
      return "start_failed";
    case OutcomeKind::kWorkerLost:
      return "worker_lost";
  }
  return "unknown";
}

Outcome failed(OutcomeKind kind, std::string message) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.error.message = std::move(message);
  return outcome;
}

}  // namespace hearth::model
