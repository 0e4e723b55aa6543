#include "schedule/timing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace hearth::schedule {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::int64_t utc_ms(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
  using namespace std::chrono;
  const auto date = sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day));
  return sys_time<milliseconds>(date).time_since_epoch().count() + (hour * 60 + minute) * 60'000;
}

class TimingTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_directory("/usr/share/zoneinfo")) {
      GTEST_SKIP() << "no tzdata";
    }
  }

  Timing timing(const std::string& cron, const std::string& zone) {
    model::ScheduleSetting setting;
    setting.cron = cron;
    setting.time_zone = zone;
    auto made = Timing::make(setting, 0, zones_);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
    return *made;
  }
  // The slots after the one moment, until the other.
  std::vector<std::int64_t> slots(const std::string& cron, const std::string& zone, std::int64_t after_ms,
                                  std::int64_t until_ms) {
    const Timing when = timing(cron, zone);
    std::vector<std::int64_t> found;
    for (auto slot = when.next_after(after_ms); slot && *slot <= until_ms; slot = when.next_after(*slot)) {
      found.push_back(*slot);
    }
    return found;
  }

  TimeZones zones_;
};

TEST_F(TimingTest, FollowsTheClocksOfTheZone) {
  EXPECT_EQ(timing("0 9 * * MON-FRI", "Europe/Paris").next_after(utc_ms(2026, 1, 9, 8)),
            utc_ms(2026, 1, 12, 8));
  EXPECT_EQ(timing("0 9 * * *", "Europe/Paris").next_after(utc_ms(2026, 7, 1)), utc_ms(2026, 7, 1, 7));
  EXPECT_EQ(timing("0 0 * * *", "Asia/Kathmandu").next_after(utc_ms(2026, 7, 1)), utc_ms(2026, 7, 1, 18, 15));
  EXPECT_EQ(timing("* * * * *", "UTC").next_after(utc_ms(2026, 7, 1) - 1), utc_ms(2026, 7, 1));
  EXPECT_EQ(timing("* * * * *", "UTC").next_after(utc_ms(2026, 7, 1)), utc_ms(2026, 7, 1, 0, 1));
}

// New York, 2026-03-08: 01:59 EST is followed by 03:00 EDT, which is 07:00 UTC.
TEST_F(TimingTest, ATimeOfDayThatIsLeftOutCountsAtTheFirstMomentAfterIt) {
  const auto day = std::pair(utc_ms(2026, 3, 8, 5), utc_ms(2026, 3, 9, 4) - 1);
  EXPECT_THAT(slots("30 2 * * *", "America/New_York", day.first, day.second),
              ElementsAre(utc_ms(2026, 3, 8, 7)));
  EXPECT_THAT(slots("*/10 2 * * *", "America/New_York", day.first, day.second),
              ElementsAre(utc_ms(2026, 3, 8, 7)))
      << "all of them once";
  EXPECT_THAT(slots("15 2,3 * * *", "America/New_York", day.first, day.second),
              ElementsAre(utc_ms(2026, 3, 8, 7), utc_ms(2026, 3, 8, 7, 15)));
  EXPECT_THAT(slots("0 2,3 * * *", "America/New_York", day.first, day.second),
              ElementsAre(utc_ms(2026, 3, 8, 7)))
      << "that moment is a slot already";
  EXPECT_THAT(slots("0 */6 * * *", "America/New_York", day.first - 1, day.second),
              ElementsAre(utc_ms(2026, 3, 8, 5), utc_ms(2026, 3, 8, 10), utc_ms(2026, 3, 8, 16),
                          utc_ms(2026, 3, 8, 22)));
}

// New York, 2026-11-01: 01:59 EDT is followed by 01:00 EST, which is 06:00 UTC.
TEST_F(TimingTest, ATimeOfDayThatComesTwiceCountsTheFirstTime) {
  EXPECT_THAT(slots("30 1 * * *", "America/New_York", utc_ms(2026, 11, 1, 4), utc_ms(2026, 11, 2, 4)),
              ElementsAre(utc_ms(2026, 11, 1, 5, 30)));
  EXPECT_EQ(timing("30 1 * * *", "America/New_York").next_after(utc_ms(2026, 11, 1, 6)),
            utc_ms(2026, 11, 2, 6, 30))
      << "asked between the two";
  EXPECT_THAT(slots("0 1,2 * * *", "America/New_York", utc_ms(2026, 11, 1, 4), utc_ms(2026, 11, 1, 10)),
              ElementsAre(utc_ms(2026, 11, 1, 5), utc_ms(2026, 11, 1, 7)));
}

TEST_F(TimingTest, AnOpenHourGoesOnInRealTime) {
  EXPECT_EQ(slots("*/15 * * * *", "America/New_York", utc_ms(2026, 3, 8, 5), utc_ms(2026, 3, 8, 9)).size(),
            16U);
  EXPECT_THAT(slots("30 * * * *", "America/New_York", utc_ms(2026, 3, 8, 6), utc_ms(2026, 3, 8, 8)),
              ElementsAre(utc_ms(2026, 3, 8, 6, 30), utc_ms(2026, 3, 8, 7, 30)));
  EXPECT_THAT(
      slots("30 * * * *", "America/New_York", utc_ms(2026, 11, 1, 5), utc_ms(2026, 11, 1, 8)),
      ElementsAre(utc_ms(2026, 11, 1, 5, 30), utc_ms(2026, 11, 1, 6, 30), utc_ms(2026, 11, 1, 7, 30)));
  // Lord Howe, 2026-10-04: 01:59 is followed by 02:30, which is 15:30 UTC the day before.
  EXPECT_THAT(
      slots("15,45 * * * *", "Australia/Lord_Howe", utc_ms(2026, 10, 3, 15), utc_ms(2026, 10, 3, 16, 30)),
      ElementsAre(utc_ms(2026, 10, 3, 15, 15), utc_ms(2026, 10, 3, 15, 45), utc_ms(2026, 10, 3, 16, 15)));
}

// Samoa had no 30 December 2011: 24 hours that are left out at once.
TEST_F(TimingTest, AWholeDayMayBeLeftOut) {
  const auto found = slots("0 9 * * *", "Pacific/Apia", utc_ms(2011, 12, 29), utc_ms(2011, 12, 31));
  EXPECT_THAT(found,
              ElementsAre(utc_ms(2011, 12, 29, 19), utc_ms(2011, 12, 30, 10), utc_ms(2011, 12, 30, 19)));
}

TEST_F(TimingTest, TheRuleGoesOnForEver) {
  EXPECT_EQ(timing("0 12 1 7 *", "America/New_York").next_after(utc_ms(2090, 1, 1)), utc_ms(2090, 7, 1, 16));
  EXPECT_EQ(timing("0 12 1 7 *", "UTC").next_after(utc_ms(9999, 12, 31)), std::nullopt);
  EXPECT_EQ(timing("0 0 29 2 */7", "Europe/Berlin").next_after(utc_ms(2088, 3, 1)), utc_ms(2128, 2, 28, 23));
}

TEST(Rate, IsCountedFromItsAnchor) {
  const Timing each_minute(1'234, 60);
  EXPECT_EQ(each_minute.next_after(1'234), 61'234);
  EXPECT_EQ(each_minute.next_after(61'233), 61'234);
  EXPECT_EQ(each_minute.next_after(61'234), 121'234);
  EXPECT_EQ(each_minute.next_after(0), 61'234) << "the clock was set back";
  EXPECT_EQ(each_minute.next_after(253'402'300'799'000), std::nullopt);
}

TEST(ScheduleTiming, IsOneOfTheTwoAndWithinBounds) {
  TimeZones zones;
  const auto refusal = [&zones](const std::string& cron, std::uint32_t every_s,
                                const std::string& zone = "UTC") {
    model::ScheduleSetting setting;
    setting.cron = cron;
    setting.time_zone = zone;
    setting.every_s = every_s;
    const auto made = Timing::make(setting, 0, zones);
    return made.ok() ? "" : made.error().message;
  };
  EXPECT_EQ(refusal("@daily", 0), "");
  EXPECT_EQ(refusal("", 1), "");
  EXPECT_EQ(refusal("", 2'678'400), "");
  EXPECT_THAT(refusal("", 2'678'401), HasSubstr("every 1 to 2678400 seconds"));
  EXPECT_THAT(refusal("", 0), HasSubstr("one of the two"));
  EXPECT_THAT(refusal("@daily", 60), HasSubstr("one of the two"));
  EXPECT_THAT(refusal("61 * * * *", 0), HasSubstr("minute"));
  EXPECT_THAT(refusal("@daily", 0, "Nowhere"), HasSubstr("time zone"));
}

}  // namespace
}  // namespace hearth::schedule
