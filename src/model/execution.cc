#include "model/execution.h"

namespace hearth::model {

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kGone:
      return "gone";
    case Refusal::kTooSmall:
      return "too_small";
    case Refusal::kDraining:
      return "draining";
    case Refusal::kTooLarge:
      return "body_too_large";
    case Refusal::kBusy:
      return "busy";
    case Refusal::kNoAnswer:
      return "no_answer";
  }
  return "unknown";
}

}  // namespace hearth::model
