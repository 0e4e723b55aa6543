#include "gateway/schedule_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hearth::gateway {
namespace {

using testing::HasSubstr;

model::Function function() {
  model::Function made;
  made.id = "f-id";
  made.name = "hello";
  made.current.number = 3;
  made.aliases["live"] = {"live", 2, std::nullopt, 0};
  return made;
}

model::ScheduleSetting parsed(std::string_view body) {
  const auto setting = parse_schedule(function(), "nightly", body);
  EXPECT_TRUE(setting.ok()) << (setting.ok() ? "" : setting.error().message);
  return setting.ok() ? *setting : model::ScheduleSetting();
}

std::string refusal(std::string_view body, std::string_view name = "nightly") {
  const auto setting = parse_schedule(function(), name, body);
  EXPECT_FALSE(setting.ok()) << body;
  return setting.ok() ? "" : setting.error().message;
}

TEST(ScheduleSettings, HaveACronExpressionOrARate) {
  model::ScheduleSetting expected;
  expected.function_id = "f-id";
  expected.name = "nightly";
  expected.cron = "0 9 * * MON-FRI";
  expected.time_zone = "Europe/Paris";
  EXPECT_EQ(parsed(R"({"cron": "0 9 * * MON-FRI", "timeZone": "Europe/Paris"})"), expected);
  expected.time_zone = "UTC";
  EXPECT_EQ(parsed(R"({"cron": "0 9 * * MON-FRI"})"), expected);
  expected.cron = expected.time_zone = "";
  expected.every_s = 60;
  EXPECT_EQ(parsed(R"({"every": 60})"), expected);
}

TEST(ScheduleSettings, HaveTheRestAsItIsSaid) {
  const auto setting = parsed(
      R"({"every": 1, "input": {"a": [1, "é"]}, "alias": "live", "enabled": false, "missed": "all", "cron": null})");
  EXPECT_EQ(setting.input, R"({"a": [1, "é"]})");
  EXPECT_EQ(setting.alias, "live");
  EXPECT_FALSE(setting.enabled);
  EXPECT_EQ(setting.missed, model::MissedSlots::kAll);
  EXPECT_EQ(parsed(R"({"every": 1, "version": 2, "missed": "once"})").version, 2U);
  EXPECT_EQ(parsed(R"({"every": 1, "input": null})").input, "");
  EXPECT_EQ(parsed(R"({"every": 1, "input": false})").input, "false");
  EXPECT_EQ(parsed(R"({"every": 1, "input": 12345678901234567890123.50})").input,
            "12345678901234567890123.50");
  EXPECT_EQ(parsed(R"({"every": 1, "in\u0070ut": 1.50})").input, "1.5E0") << "the same by value";
}

TEST(ScheduleSettings, SayWhatIsWrong) {
  EXPECT_THAT(refusal("{"), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("an object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("one of the two"));
  EXPECT_THAT(refusal(R"({"cron": ""})"), HasSubstr("one of the two"));
  EXPECT_THAT(refusal(R"({"cron": "@daily", "every": 1})"), HasSubstr("one of the two"));
  EXPECT_THAT(refusal(R"({"cron": 5})"), HasSubstr("\"cron\" is a text"));
  for (const char* const every : {"0", "-1", "2678401", "1.5", "\"60\"", "[]"}) {
    EXPECT_THAT(refusal(R"({"every": )" + std::string(every) + "}"), HasSubstr("from 1 to 2678400")) << every;
  }
  EXPECT_THAT(refusal(R"({"every": 1, "timeZone": "UTC"})"), HasSubstr("timeZone"));
  EXPECT_THAT(refusal(R"({"cron": "@daily", "timeZone": 1})"), HasSubstr("\"timeZone\" is a text"));
  EXPECT_THAT(refusal(R"({"every": 1, "version": 0})"), HasSubstr("\"version\" is the number"));
  EXPECT_THAT(refusal(R"({"every": 1, "version": 1, "alias": "live"})"), HasSubstr("not both"));
  EXPECT_THAT(refusal(R"({"every": 1, "enabled": "yes"})"), HasSubstr("true or false"));
  EXPECT_THAT(refusal(R"({"every": 1, "missed": "some"})"), HasSubstr(R"("skip", "once" or "all")"));
  EXPECT_THAT(refusal(R"({"every": 1, "missed": 1})"), HasSubstr(R"("skip", "once" or "all")"));
  EXPECT_THAT(refusal(R"({"every": 1, "timezone": "UTC"})"), HasSubstr("no \"timezone\""));
  EXPECT_THAT(refusal(R"({"every": 1, "input": ")" + std::string(32'767, 'a') + "\"}"), HasSubstr("32768"));
  EXPECT_EQ(parsed(R"({"every": 1, "input": ")" + std::string(32'766, 'a') + "\"}").input.size(), 32'768U);
  EXPECT_THAT(refusal(R"({"every": 1})", "1st"), HasSubstr("no name of a schedule"));
  EXPECT_THAT(refusal(R"({"every": 1})", std::string(65, 'a')), HasSubstr("no name of a schedule"));
}

TEST(ScheduleSettings, TheVersionAndTheAliasAreThere) {
  EXPECT_TRUE(check_target(function(), parsed(R"({"every": 1, "version": 3})")).ok());
  EXPECT_TRUE(check_target(function(), parsed(R"({"every": 1, "alias": "live"})")).ok());
  EXPECT_EQ(check_target(function(), parsed(R"({"every": 1, "version": 4})")).error().message,
            R"("hello" has no version 4: the current one is 3)");
  EXPECT_EQ(check_target(function(), parsed(R"({"every": 1, "alias": "none"})")).error().message,
            R"("hello" has no alias "none")");
}

TEST(ScheduleJson, SaysAllOfIt) {
  model::Schedule schedule;
  schedule.setting = parsed(R"({"cron": "@daily", "input": 1, "version": 2})");
  schedule.created_ms = schedule.updated_ms = 1'769'860'800'123;
  schedule.next_ms = 1'769'904'000'000;
  EXPECT_EQ(schedule_json(schedule),
            R"({"name":"nightly","functionId":"f-id","cron":"@daily","timeZone":"UTC","input":1,"version":2,)"
            R"("enabled":true,"missed":"skip","createdAt":"2026-01-31T12:00:00.123Z",)"
            R"("updatedAt":"2026-01-31T12:00:00.123Z","nextAt":"2026-02-01T00:00:00.000Z","lastAt":null,)"
            R"("lastExecutionId":null,"missedSlots":0})");
  schedule.setting = parsed(R"({"every": 5, "alias": "live", "enabled": false, "missed": "once"})");
  schedule.next_ms = 0;
  schedule.last_slot_ms = 1'769'860'800'000;
  schedule.last_execution_id = "e";
  schedule.missed_slots = 7;
  EXPECT_EQ(
      schedule_json(schedule),
      R"({"name":"nightly","functionId":"f-id","every":5,"input":null,"alias":"live","enabled":false,)"
      R"("missed":"once","createdAt":"2026-01-31T12:00:00.123Z","updatedAt":"2026-01-31T12:00:00.123Z",)"
      R"("nextAt":null,"lastAt":"2026-01-31T12:00:00.000Z","lastExecutionId":"e","missedSlots":7})");
}

}  // namespace
}  // namespace hearth::gateway
