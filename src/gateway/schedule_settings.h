// What a caller may say of a schedule, and how one is shown. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/schedule.h"

namespace hearth::gateway {

// From {"cron": "0 9 * * MON-FRI", "timeZone": "Europe/Paris"} or {"every": SECONDS}, each with "input",
// "version" or "alias", "enabled" and "missed" where they are not as usual. Whether the times are any, the
// function has the version and the alias, is not looked at. kInvalidArgument names what is wrong, also with
// the name; kCorrupt: the body is not JSON.
base::Result<model::ScheduleSetting> parse_schedule(const model::Function& function, std::string_view name,
                                                    std::string_view body);

// kNotFound: the function has no such version or alias.
base::Result<void> check_target(const model::Function& function, const model::ScheduleSetting& setting);

std::string schedule_json(const model::Schedule& schedule);

}  // namespace hearth::gateway
