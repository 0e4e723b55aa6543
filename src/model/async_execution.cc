#include "model/async_execution.h"

namespace hearth::model {

std::string_view to_string(ExecutionKind kind) {
  switch (kind) {
    case ExecutionKind::kCall:
      return "call";
    case ExecutionKind::kWebhook:
      return "webhook";
  }
  return "unknown";
}

std::string_view to_string(ExecutionState state) {
  switch (state) {
    case ExecutionState::kPending:
      return "pending";
    case ExecutionState::kRunning:
      return "running";
    case ExecutionState::kDone:
      return "done";
    case ExecutionState::kDead:
      return "dead";
    case ExecutionState::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

}  // namespace hearth::model
