#include "schedule/cron.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace hearth::schedule {
namespace {

using testing::HasSubstr;

Cron cron(std::string_view text) {
  const auto parsed = parse_cron(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << (parsed.ok() ? "" : parsed.error().message);
  return parsed.ok() ? *parsed : Cron();
}

std::string refusal(std::string_view text) {
  const auto parsed = parse_cron(text);
  EXPECT_FALSE(parsed.ok()) << text;
  return parsed.ok() ? "" : parsed.error().message;
}

std::int64_t at(int year, unsigned month, unsigned day, int hour = 0, int minute = 0, int second = 0) {
  using namespace std::chrono;
  const auto date = sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day));
  return sys_seconds(date).time_since_epoch().count() + hour * 3'600 + minute * 60 + second;
}

TEST(CronText, HasListsRangesStepsAndNames) {
  EXPECT_EQ(cron("0 9 1 1 0"), (Cron{1, 1U << 9U, 1U << 1U, 1U << 1U, 1, true}));
  EXPECT_EQ(cron("1,3,5-7 * * * *").minutes, 0b11101010U);
  EXPECT_EQ(cron("*/20 * * * *").minutes, 1U | 1U << 20U | std::uint64_t{1} << 40U);
  EXPECT_EQ(cron("* 8-18/5 * * *").hours, 1U << 8U | 1U << 13U | 1U << 18U);
  EXPECT_EQ(cron("* * * jan,Mar-MAY *").months, 1U << 1U | 1U << 3U | 1U << 4U | 1U << 5U);
  EXPECT_EQ(cron("* * * * MON-FRI").weekdays, 0b0111110U);
  EXPECT_EQ(cron("  0\t9  * * *  "), cron("0 9 * * *"));
  EXPECT_EQ(cron("* * * * *").minutes, (std::uint64_t{1} << 60U) - 1);
  EXPECT_EQ(cron("* * 31 * *").days, 1U << 31U);
}

TEST(CronText, SundayIsZeroAndSeven) {
  EXPECT_EQ(cron("* * * * 0").weekdays, 1U);
  EXPECT_EQ(cron("* * * * 7"), cron("* * * * 0"));
  EXPECT_EQ(cron("* * * * 5-7").weekdays, 0b1100001U);
  EXPECT_EQ(cron("* * * * FRI-SUN"), cron("* * * * 5-7"));
  EXPECT_EQ(cron("* * * * SUN-TUE").weekdays, 0b0000111U);
  EXPECT_EQ(cron("* * * * 1-7").weekdays, 0b1111111U);
}

TEST(CronText, HasWordsForTheUsual) {
  EXPECT_EQ(cron("@hourly"), cron("0 * * * *"));
  EXPECT_EQ(cron("@daily"), cron("0 0 * * *"));
  EXPECT_EQ(cron("@midnight"), cron("0 0 * * *"));
  EXPECT_EQ(cron("@weekly"), cron("0 0 * * 0"));
  EXPECT_EQ(cron("@monthly"), cron("0 0 1 * *"));
  EXPECT_EQ(cron("@yearly"), cron("0 0 1 1 *"));
  EXPECT_EQ(cron("@annually"), cron("0 0 1 1 *"));
  EXPECT_THAT(refusal("@reboot"), HasSubstr("@reboot is none of @hourly"));
  EXPECT_THAT(refusal("@daily *"), HasSubstr("five fields"));
}

TEST(CronText, SaysWhichFieldIsWrongAndWhy) {
  EXPECT_THAT(refusal(""), HasSubstr("has 0"));
  EXPECT_THAT(refusal("* * * *"), HasSubstr("five fields"));
  EXPECT_THAT(refusal("0 * * * * *"), HasSubstr("has 6"));
  EXPECT_EQ(refusal("60 * * * *"), "minute: 60 is not from 0 to 59");
  EXPECT_EQ(refusal("-1 * * * *"), R"(minute: "" is no number)");
  EXPECT_EQ(refusal("99999999999999999999 * * * *"), R"(minute: "99999999999999999999" is no number)");
  EXPECT_EQ(refusal("* 24 * * *"), "hour: 24 is not from 0 to 23");
  EXPECT_EQ(refusal("* * 0 * *"), "day of month: 0 is not from 1 to 31");
  EXPECT_EQ(refusal("* * L * *"), R"(day of month: "L" is no number)");
  EXPECT_EQ(refusal("* * * 13 *"), "month: 13 is not from 1 to 12");
  EXPECT_EQ(refusal("* * * JUNE *"), R"(month: "JUNE" is neither a number nor a name)");
  EXPECT_EQ(refusal("* * * * 8"), "day of week: 8 is not from 0 to 7");
  EXPECT_EQ(refusal("* * * * MON#2"), R"(day of week: "MON#2" is neither a number nor a name)");
  EXPECT_EQ(refusal("* 5-3 * * *"), "hour: 5-3 ends before it begins");
  EXPECT_EQ(refusal("5/15 * * * *"), "minute: 5/15: a step follows '*' or a range such as 5-59");
  EXPECT_EQ(refusal("*/0 * * * *"), R"(minute: "0" is no step: a number from 1 to 59)");
  EXPECT_EQ(refusal("*/x * * * *"), R"(minute: "x" is no step: a number from 1 to 59)");
  EXPECT_EQ(refusal("1,,2 * * * *"), R"(minute: "" is no number)");
  EXPECT_EQ(refusal("? * * * *"), R"(minute: "?" is no number)");
  EXPECT_THAT(refusal(std::string(257, '*')), HasSubstr("256 bytes at most"));
}

TEST(CronText, RefusesADayThatNeverComes) {
  EXPECT_EQ(refusal("0 0 31 2 *"), "day of month: 31 never comes in month 2");
  EXPECT_EQ(refusal("0 0 30,31 FEB *"), "day of month: 30,31 never comes in month FEB");
  EXPECT_EQ(refusal("0 0 31 2,4,6,9,11 *"), "day of month: 31 never comes in month 2,4,6,9,11");
  EXPECT_EQ(refusal("0 0 31 2 */2"), "day of month: 31 never comes in month 2");
  EXPECT_TRUE(parse_cron("0 0 29 2 *").ok());
  EXPECT_TRUE(parse_cron("0 0 31 2,3 *").ok());
  EXPECT_TRUE(parse_cron("0 0 31 2 MON").ok()) << "each Monday of February";
}

TEST(CronMatch, IsTheFirstMinuteFromThereOn) {
  EXPECT_EQ(next_match(cron("* * * * *"), at(2026, 3, 1, 5, 7)), at(2026, 3, 1, 5, 7));
  EXPECT_EQ(next_match(cron("* * * * *"), at(2026, 3, 1, 5, 7, 1)), at(2026, 3, 1, 5, 8));
  EXPECT_EQ(next_match(cron("* * * * *"), at(2026, 12, 31, 23, 59, 1)), at(2027, 1, 1));
  EXPECT_EQ(next_match(cron("30 9 * * *"), at(2026, 3, 1, 9, 30)), at(2026, 3, 1, 9, 30));
  EXPECT_EQ(next_match(cron("30 9 * * *"), at(2026, 3, 1, 9, 31)), at(2026, 3, 2, 9, 30));
  EXPECT_EQ(next_match(cron("30 9,17 * * *"), at(2026, 3, 1, 9, 31)), at(2026, 3, 1, 17, 30));
  EXPECT_EQ(next_match(cron("0 0 1 1 *"), at(2026, 1, 1, 0, 1)), at(2027, 1, 1));
  EXPECT_EQ(next_match(cron("0 0 31 * *"), at(2026, 4, 1)), at(2026, 5, 31));
}

TEST(CronMatch, EitherDayCountsWhereBothAreSaid) {
  // 2026-05-13 is a Wednesday.
  EXPECT_EQ(next_match(cron("0 0 13 * FRI"), at(2026, 5, 9)), at(2026, 5, 13));
  EXPECT_EQ(next_match(cron("0 0 13 * FRI"), at(2026, 5, 14)), at(2026, 5, 15));
  EXPECT_EQ(next_match(cron("0 0 13 * *"), at(2026, 5, 14)), at(2026, 6, 13));
  EXPECT_EQ(next_match(cron("0 0 * * FRI"), at(2026, 5, 9)), at(2026, 5, 15));
  EXPECT_EQ(next_match(cron("0 0 */2 * FRI"), at(2026, 5, 2)), at(2026, 5, 15))
      << "odd days that are Fridays";
}

TEST(CronMatch, RareDaysAreFound) {
  EXPECT_EQ(next_match(cron("0 0 29 2 *"), at(2096, 2, 29, 0, 1)), at(2104, 2, 29));
  // A Sunday that is 29 February: 2088, and then after 2100, which has none.
  EXPECT_EQ(next_match(cron("0 0 29 2 */7"), at(2088, 2, 29, 0, 1)), at(2128, 2, 29));
}

}  // namespace
}  // namespace hearth::schedule
