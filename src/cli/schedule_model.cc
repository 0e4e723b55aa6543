// Schedules as the API tells of them: a part of the API's model.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>

#include "cli/api_model.h"
#include "cli/format.h"
#include "cli/json_fields.h"

namespace hearth::cli {
namespace {

namespace json = boost::json;

std::optional<ScheduleInfo> to_schedule(const json::value& value) {
  const auto* const object = value.if_object();
  if (object == nullptr) {
    return std::nullopt;
  }
  ScheduleInfo info;
  info.name = text(*object, "name");
  info.function_id = text(*object, "functionId");
  info.cron = text(*object, "cron");
  info.time_zone = text(*object, "timeZone");
  info.every_s = count(*object, "every");
  info.version = count(*object, "version");
  info.alias = text(*object, "alias");
  info.enabled = flag(*object, "enabled");
  info.missed = text(*object, "missed");
  info.next_at = text(*object, "nextAt");
  info.last_at = text(*object, "lastAt");
  info.last_execution_id = text(*object, "lastExecutionId");
  info.missed_slots = count(*object, "missedSlots");
  return info.name.empty() ? std::nullopt : std::optional(info);
}

}  // namespace

std::string ScheduleInfo::when() const {
  return cron.empty() ? "every " + human_setting(every_s * 1'000) : fmt::format("{} ({})", cron, time_zone);
}

base::Result<ScheduleInfo> parse_schedule(std::string_view body) {
  auto schedule = to_schedule(parse(body));
  return schedule ? base::Result<ScheduleInfo>(std::move(*schedule)) : unreadable("a schedule");
}

base::Result<SchedulePage> parse_schedules(std::string_view body) {
  const json::value value = parse(body);
  const auto* const object = value.if_object();
  const auto* const list = object == nullptr ? nullptr : member_array(*object, "schedules");
  if (list == nullptr) {
    return unreadable("a list of schedules");
  }
  SchedulePage page;
  page.after = text(*object, "after");
  for (const json::value& each : *list) {
    auto schedule = to_schedule(each);
    if (!schedule) {
      return unreadable("a list of schedules");
    }
    page.schedules.push_back(std::move(*schedule));
  }
  return page;
}

}  // namespace hearth::cli
