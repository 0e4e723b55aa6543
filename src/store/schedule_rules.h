// What every store of schedules says alike. Pure.
#pragma once

#include <string_view>

#include "base/result.h"

namespace hearth::store {

// kNotFound.
base::Error no_such_schedule(std::string_view name);
base::Error no_function_to_schedule(std::string_view function_id);
// kBusy.
base::Error schedule_has_changed(std::string_view name);
// kExhausted.
base::Error too_many_schedules();

}  // namespace hearth::store
