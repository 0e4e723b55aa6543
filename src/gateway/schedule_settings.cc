#include "gateway/schedule_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iterator>

#include "base/json_text.h"
#include "gateway/answer.h"
#include "gateway/body_fields.h"

namespace hearth::gateway {
namespace {

namespace json = boost::json;
using base::Error;
using base::ErrorCode;

constexpr std::array<std::string_view, 8> kFields = {"cron",    "timeZone", "every",   "input",
                                                     "version", "alias",    "enabled", "missed"};

Error wrong(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Error none(std::string message) { return {ErrorCode::kNotFound, std::move(message)}; }

base::Result<std::string> text_in(const json::object& fields, std::string_view name, std::string usual) {
  const auto* const value = given(fields, name);
  if (value == nullptr) {
    return usual;
  }
  return value->is_string() ? base::Result<std::string>(std::string(value->get_string()))
                            : wrong(fmt::format("\"{}\" is a text", name));
}

base::Result<void> read_times(const json::object& fields, model::ScheduleSetting& setting) {
  auto cron = text_in(fields, "cron", "");
  if (!cron) {
    return cron.error();
  }
  const auto* const every = given(fields, "every");
  if (cron->empty() == (every == nullptr)) {
    return wrong("a schedule has \"cron\" or \"every\", one of the two");
  }
  if (every != nullptr) {
    const auto* const seconds = every->if_int64();
    if (seconds == nullptr || *seconds < model::kShortestRate_s || *seconds > model::kLongestRate_s) {
      return wrong(fmt::format("\"every\" is a whole number of seconds from {} to {}", model::kShortestRate_s,
                               model::kLongestRate_s));
    }
    setting.every_s = static_cast<std::uint32_t>(*seconds);
    return given(fields, "timeZone") == nullptr
               ? base::Result<void>()
               : wrong("\"timeZone\" is of a cron expression: a rate is the same everywhere");
  }
  auto zone = text_in(fields, "timeZone", "UTC");
  if (!zone) {
    return zone.error();
  }
  setting.cron = std::move(*cron);
  setting.time_zone = std::move(*zone);
  return {};
}

base::Result<void> read_target(const json::object& fields, model::ScheduleSetting& setting) {
  auto alias = text_in(fields, "alias", "");
  if (!alias) {
    return alias.error();
  }
  setting.alias = std::move(*alias);
  if (given(fields, "version") == nullptr) {
    return {};
  }
  const auto version = version_in(fields);
  if (!version) {
    return wrong("\"version\" is the number of a version, from 1");
  }
  setting.version = *version;
  return setting.alias.empty() ? base::Result<void>()
                               : wrong("a schedule has \"version\" or \"alias\", not both");
}

base::Result<void> read_input(const json::object& fields, std::string_view body,
                              model::ScheduleSetting& setting) {
  if (const auto* const input = given(fields, "input")) {
    setting.input = json::serialize(*input);
    if (const auto as_it_came = base::json_member(body, "input")) {
      setting.input = *as_it_came;  // numbers with the digits that they have
    }
    if (setting.input.size() > model::kScheduleInputBytes) {
      return wrong(fmt::format("\"input\" has {} bytes, over the bound of {}", setting.input.size(),
                               model::kScheduleInputBytes));
    }
  }
  return {};
}

base::Result<void> read_rest(const json::object& fields, model::ScheduleSetting& setting) {
  if (const auto* const enabled = given(fields, "enabled")) {
    if (!enabled->is_bool()) {
      return wrong("\"enabled\" is true or false");
    }
    setting.enabled = enabled->get_bool();
  }
  const auto missed = text_in(fields, "missed", "skip");
  for (int i = 0; missed && i <= static_cast<int>(model::kLastMissedSlots); ++i) {
    if (const auto policy = static_cast<model::MissedSlots>(i); to_string(policy) == *missed) {
      setting.missed = policy;
      return {};
    }
  }
  return wrong(R"("missed" is "skip", "once" or "all")");
}

void append_time(std::string& out, std::string_view name, std::int64_t unix_ms) {
  fmt::format_to(std::back_inserter(out), R"(,"{}":)", name);
  out += unix_ms == 0 ? "null" : '"' + rfc3339(unix_ms) + '"';
}

}  // namespace

base::Result<model::ScheduleSetting> parse_schedule(const model::Function& function, std::string_view name,
                                                    std::string_view body) {
  if (!model::is_alias_name(name)) {
    return wrong(
        fmt::format("\"{}\" is no name of a schedule: 1 to {} letters, digits, '-' and '_', a letter first",
                    name, model::kAliasNameBytes));
  }
  const auto fields = object_of(body, R"({"cron": "0 9 * * *"} or {"every": SECONDS})");
  if (!fields) {
    return fields.error();
  }
  // A misspelt word would leave a schedule that runs otherwise than was meant, and nobody looks.
  for (const auto& each : *fields) {
    if (std::ranges::find(kFields, std::string_view(each.key())) == kFields.end()) {
      return wrong(fmt::format("a schedule has no \"{}\": it has {}", std::string_view(each.key()),
                               fmt::join(kFields, ", ")));
    }
  }
  model::ScheduleSetting setting;
  setting.function_id = function.id;
  setting.name = std::string(name);
  for (const auto& read : {read_times, read_target, read_rest}) {
    if (auto done = read(*fields, setting); !done) {
      return done.error();
    }
  }
  if (auto done = read_input(*fields, body, setting); !done) {
    return done.error();
  }
  return setting;
}

base::Result<void> check_target(const model::Function& function, const model::ScheduleSetting& setting) {
  if (setting.version > function.current.number) {
    return none(fmt::format("\"{}\" has no version {}: the current one is {}", function.label(),
                            setting.version, function.current.number));
  }
  if (!setting.alias.empty() && !function.aliases.contains(setting.alias)) {
    return none(fmt::format("\"{}\" has no alias \"{}\"", function.label(), setting.alias));
  }
  return {};
}

std::string schedule_json(const model::Schedule& schedule) {
  const model::ScheduleSetting& setting = schedule.setting;
  std::string out = "{";
  append_json_field(out, "name", setting.name);
  append_json_field(out, "functionId", setting.function_id);
  if (setting.cron.empty()) {
    fmt::format_to(std::back_inserter(out), R"(,"every":{})", setting.every_s);
  } else {
    append_json_field(out, "cron", setting.cron);
    append_json_field(out, "timeZone", setting.time_zone);
  }
  out += R"(,"input":)";
  out += setting.input.empty() ? "null" : setting.input;
  if (setting.version != 0) {
    fmt::format_to(std::back_inserter(out), R"(,"version":{})", setting.version);
  }
  if (!setting.alias.empty()) {
    append_json_field(out, "alias", setting.alias);
  }
  out += setting.enabled ? R"(,"enabled":true)" : R"(,"enabled":false)";
  append_json_field(out, "missed", to_string(setting.missed));
  append_time(out, "createdAt", schedule.created_ms);
  append_time(out, "updatedAt", schedule.updated_ms);
  append_time(out, "nextAt", schedule.next_ms);
  append_time(out, "lastAt", schedule.last_slot_ms);
  if (schedule.last_execution_id.empty()) {
    out += R"(,"lastExecutionId":null)";
  } else {
    append_json_field(out, "lastExecutionId", schedule.last_execution_id);
  }
  fmt::format_to(std::back_inserter(out), R"(,"missedSlots":{}}})", schedule.missed_slots);
  return out;
}

}  // namespace hearth::gateway
