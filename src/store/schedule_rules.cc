#include "store/schedule_rules.h"

#include <string>

#include "model/schedule.h"

namespace hearth::store {

using base::Error;
using base::ErrorCode;

Error no_such_schedule(std::string_view name) {
  return {ErrorCode::kNotFound, "there is no schedule \"" + std::string(name) + "\""};
}

Error no_function_to_schedule(std::string_view function_id) {
  return {ErrorCode::kNotFound, "there is no function \"" + std::string(function_id) + "\""};
}

Error schedule_has_changed(std::string_view name) {
  return {ErrorCode::kBusy,
          "the schedule \"" + std::string(name) + "\" was changed by somebody else meanwhile"};
}

Error too_many_schedules() {
  return {ErrorCode::kExhausted,
          "a function has " + std::to_string(model::kSchedulesPerFunction) + " schedules at most"};
}

}  // namespace hearth::store
