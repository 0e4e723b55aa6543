#include "model/schedule.h"

namespace hearth::model {

std::string_view to_string(MissedSlots policy) {
  switch (policy) {
    case MissedSlots::kSkip:
      return "skip";
    case MissedSlots::kOnce:
      return "once";
    case MissedSlots::kAll:
      return "all";
  }
  return "";
}

}  // namespace hearth::model
