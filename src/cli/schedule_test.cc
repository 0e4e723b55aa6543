// hearth schedule.
#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using enum http::Method;

class ScheduleCommand : public CommandTest {};

constexpr const char* kDaily =
    R"({"name":"daily","functionId":"f","cron":"0 9 * * *","timeZone":"Europe/Paris","input":{"a": 1.50},"alias":"live",)"
    R"("enabled":true,"missed":"once","createdAt":"2027-01-15T07:57:00.250Z","updatedAt":"2027-01-15T07:57:00.250Z",)"
    R"("nextAt":"2027-01-16T08:00:00.000Z","lastAt":"2027-01-15T07:57:00.250Z","lastExecutionId":"e","missedSlots":3})";
constexpr const char* kOften =
    R"({"name":"often","functionId":"f","every":300,"input":null,"enabled":false,"missed":"skip","nextAt":null,)"
    R"("lastAt":null,"lastExecutionId":null,"missedSlots":0})";

TEST_F(ScheduleCommand, ListsThem) {
  expect(kGet, "/functions/hello/schedules", 200,
         std::string(R"({"schedules":[)") + kDaily + "," + kOften + "]}");
  EXPECT_EQ(hearth({"schedule", "list", "hello"}), kOk);
  EXPECT_EQ(out(),
            "FUNCTION  NAME   WHEN                      NEXT                      LAST       MISSED\n"
            "f         daily  0 9 * * * (Europe/Paris)  2027-01-16T08:00:00.000Z  2 min ago  3\n"
            "f         often  every 5m                  paused                    -          0\n");
  expect(kGet, "/functions/hello/schedules", 200, R"({"schedules":[]})");
  EXPECT_EQ(hearth({"schedule", "list", "hello"}), kOk);
  EXPECT_THAT(out(), HasSubstr("No schedules"));
}

TEST_F(ScheduleCommand, ListsThoseOfAllFunctionsPageByPage) {
  expect(kGet, "/schedules", 200, std::string(R"({"schedules":[)") + kDaily + R"(],"after":"f/daily"})");
  expect(kGet, "/schedules?after=f%2Fdaily", 200, std::string(R"({"schedules":[)") + kOften + "]}");
  EXPECT_EQ(hearth({"schedule", "list"}), kOk);
  EXPECT_THAT(out(), testing::AllOf(HasSubstr("daily"), HasSubstr("often")));
}

TEST_F(ScheduleCommand, ShowsOne) {
  expect(kGet, "/functions/hello/schedules/daily", 200, kDaily);
  EXPECT_EQ(hearth({"schedule", "show", "hello", "daily"}), kOk);
  EXPECT_EQ(out(),
            "name       daily\n"
            "function   f\n"
            "when       0 9 * * * (Europe/Paris)\n"
            "alias      live\n"
            "input      {\"a\": 1.50}\n"
            "next       2027-01-16T08:00:00.000Z\n"
            "last       2027-01-15T07:57:00.250Z  (2 min ago)\n"
            "execution  e\n"
            "missed     3 (once)\n");
  expect(kGet, "/functions/hello/schedules/none", 404,
         R"({"error":{"code":"not_found","message":"\"hello\" has no schedule \"none\""}})");
  EXPECT_EQ(hearth({"schedule", "show", "hello", "none"}), kNotFound);
  EXPECT_THAT(err(), HasSubstr("'hearth schedule list hello' shows"));
  expect(kGet, "/functions/hello/schedules/daily", 200, kDaily);
  EXPECT_EQ(hearth({"schedule", "show", "hello", "daily", "--json"}), kOk);
  EXPECT_THAT(out(), HasSubstr("lastExecutionId"));
}

TEST_F(ScheduleCommand, SetsThem) {
  expect(kPut, "/functions/hello/schedules/daily", 201, kDaily);
  EXPECT_EQ(hearth({"schedule", "set", "hello", "daily", "--cron", "0 9 * * *", "--time-zone", "Europe/Paris",
                    "--input", R"({"a": 1.50})", "--alias", "live", "--missed", "once"}),
            kOk);
  EXPECT_EQ(
      script_.bodies.back(),
      R"({"cron":"0 9 * * *","timeZone":"Europe/Paris","input":{"a": 1.50},"alias":"live","missed":"once"})");
  expect(kPut, "/functions/hello/schedules/often", 200, kOften);
  EXPECT_EQ(
      hearth({"schedule", "set", "hello", "often", "--every", "5m", "--function-version", "2", "--disabled"}),
      kOk);
  EXPECT_EQ(script_.bodies.back(), R"({"every":300,"version":2,"enabled":false})");
}

TEST_F(ScheduleCommand, TakesTheInputFromAFile) {
  const std::string path = testing::TempDir() + "hearth-schedule-input.json";
  std::ofstream(path) << "[1, 2]";
  expect(kPut, "/functions/hello/schedules/often", 200, kOften);
  EXPECT_EQ(hearth({"schedule", "set", "hello", "often", "--every", "1s", "--input", "@" + path}), kOk);
  EXPECT_EQ(script_.bodies.back(), R"({"every":1,"input":[1, 2]})");
  std::remove(path.c_str());
  EXPECT_EQ(hearth({"schedule", "set", "hello", "often", "--every", "1s", "--input", "@" + path}), kUsage);
}

TEST_F(ScheduleCommand, PausesAndResumesWithAllElseAsItIs) {
  expect(kGet, "/functions/hello/schedules/daily", 200, kDaily);
  expect(kPut, "/functions/hello/schedules/daily", 200, kDaily);
  EXPECT_EQ(hearth({"schedule", "pause", "hello", "daily"}), kOk);
  EXPECT_EQ(
      script_.bodies.back(),
      R"({"enabled":false,"cron":"0 9 * * *","timeZone":"Europe/Paris","input":{"a": 1.50},"alias":"live",)"
      R"("missed":"once"})");
  expect(kGet, "/functions/hello/schedules/often", 200, kOften);
  expect(kPut, "/functions/hello/schedules/often", 200, kOften);
  EXPECT_EQ(hearth({"schedule", "resume", "hello", "often"}), kOk);
  EXPECT_EQ(script_.bodies.back(), R"({"enabled":true,"every":300,"input":null,"missed":"skip"})");
}

TEST_F(ScheduleCommand, RemovesThem) {
  expect(kDelete, "/functions/hello/schedules/daily", 204, "");
  EXPECT_EQ(hearth({"schedule", "remove", "hello", "daily"}), kOk);
  EXPECT_EQ(out(), "removed the schedule daily\n");
}

TEST_F(ScheduleCommand, WrongInputsAreRefused) {
  EXPECT_EQ(hearth({"schedule"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "make", "hello", "daily"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "list", "hello", "daily"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "show", "hello"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "remove", "hello", ""}), kUsage);
  EXPECT_EQ(hearth({"schedule", "set", "hello", "daily"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "set", "hello", "daily", "--cron", "* * * * *", "--every", "1s"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "set", "hello", "daily", "--every", "1s", "--time-zone", "UTC"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "set", "hello", "daily", "--every", "1500ms"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "set", "hello", "daily", "--every", "often"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "set", "hello", "daily", "--every", "1s", "--missed", "some"}), kUsage);
  EXPECT_EQ(hearth({"schedule", "set", "hello", "daily", "--every", "1s", "--alias", "a",
                    "--function-version", "1"}),
            kUsage);
  expect(kGet, "/functions/hello/schedules/daily", 200, "[]");
  EXPECT_EQ(hearth({"schedule", "show", "hello", "daily"}), kRefused);
  expect(kGet, "/schedules", 200, R"({"schedules":[1]})");
  EXPECT_EQ(hearth({"schedule", "list"}), kRefused);
}

}  // namespace
}  // namespace hearth::cli
