#include "schedule/time_zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "schedule/time_zones.h"

namespace hearth::schedule {
namespace {

using testing::HasSubstr;

const std::string kFolder = "/usr/share/zoneinfo";

std::string file_of(const std::string& name) {
  std::ifstream file(kFolder + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What the C library says that local clocks show: another reader of the same files.
class LibraryClock {
 public:
  explicit LibraryClock(const std::string& zone) {
    ::setenv("TZ", (":" + zone).c_str(), 1);
    ::tzset();
  }
  ~LibraryClock() {
    ::unsetenv("TZ");
    ::tzset();
  }
  LibraryClock(const LibraryClock&) = delete;
  LibraryClock& operator=(const LibraryClock&) = delete;

  static std::int64_t offset_at(std::int64_t unix_s) {
    const std::time_t time = unix_s;
    std::tm local{};
    ::localtime_r(&time, &local);
    return local.tm_gmtoff;
  }
};

std::vector<std::string> all_zones() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    const std::string name = entry.path().string().substr(kFolder.size() + 1);
    if (entry.is_regular_file() && file_of(name).starts_with("TZif") && !name.starts_with("right/") &&
        !name.starts_with("posix/")) {
      names.push_back(name);
    }
  }
  return names;
}

std::int32_t offset(std::string_view rule, std::int64_t unix_s) {
  const auto parsed = YearlyRule::parse(rule);
  EXPECT_TRUE(parsed.ok()) << rule;
  return parsed.ok() ? TimeZone(0, {}, *parsed).offset_at(unix_s) : -1;
}

TEST(TimeZoneFiles, SayWhatTheLibrarySaysInEveryZoneAndYear) {
  if (!std::filesystem::is_directory(kFolder)) {
    GTEST_SKIP() << "no tzdata";
  }
  const auto names = all_zones();
  EXPECT_GT(names.size(), 300U);
  constexpr std::int64_t kStep_s = 11 * 86'400;
  constexpr std::int64_t kEnd_s = 4'200'000'000;  // in 2103
  for (const std::string& name : names) {
    const auto zone = parse_time_zone(file_of(name));
    ASSERT_TRUE(zone.ok()) << name << ": " << zone.error().message;
    const LibraryClock clock(name);
    for (std::int64_t at = 0; at < kEnd_s; at += kStep_s) {
      ASSERT_EQ(zone->offset_at(at), LibraryClock::offset_at(at)) << name << " at " << at;
    }
    for (std::int64_t at = zone->period_at(0).end_s; at < kEnd_s; at = zone->period_at(at).end_s) {
      ASSERT_EQ(zone->offset_at(at - 1), LibraryClock::offset_at(at - 1)) << name << " before " << at;
      ASSERT_EQ(zone->offset_at(at), LibraryClock::offset_at(at)) << name << " at " << at;
    }
  }
}

TEST(TimeZoneFiles, HaveTheirPeriodsSideBySide) {
  if (!std::filesystem::is_directory(kFolder)) {
    GTEST_SKIP() << "no tzdata";
  }
  for (const char* const name : {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu",
                                 "Africa/Casablanca", "Antarctica/Troll", "Pacific/Apia"}) {
    const auto zone = parse_time_zone(file_of(name));
    ASSERT_TRUE(zone.ok());
    Period period = zone->period_at(0);
    while (period.end_s < 4'200'000'000) {
      const Period next = zone->period_at(period.end_s);
      ASSERT_EQ(next.begin_s, period.end_s) << name;
      ASSERT_GT(next.end_s, next.begin_s) << name;
      ASSERT_EQ(next.offset_before_s, period.offset_s) << name;
      ASSERT_EQ(zone->period_at(next.end_s - 1), next) << name;
      period = next;
    }
  }
}

TEST(TimeZoneFiles, ThatAreNoneAreRefused) {
  if (!std::filesystem::is_directory(kFolder)) {
    GTEST_SKIP() << "no tzdata";
  }
  const std::string whole = file_of("Europe/Berlin");
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    ASSERT_FALSE(parse_time_zone(whole.substr(0, bytes)).ok()) << bytes;
  }
  std::string first_version = whole;
  first_version[4] = '\0';
  EXPECT_THAT(parse_time_zone(first_version).error().message, HasSubstr("2037"));
  std::string huge = whole;
  huge.replace(20, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(parse_time_zone(huge).ok());
  if (const std::string leaping = file_of("right/Europe/Berlin"); !leaping.empty()) {
    EXPECT_THAT(parse_time_zone(leaping).error().message, HasSubstr("leap seconds"));
  }
}

TEST(TimeZone, IsUtcByItself) {
  const TimeZone utc;
  EXPECT_EQ(utc.period_at(1'800'000'000), (Period{kEarliest_s, kLatest_s + 1, 0, 0}));
}

TEST(YearlyRule, KnowsAllItsForms) {
  EXPECT_EQ(offset("UTC0", 0), 0);
  EXPECT_EQ(offset("<+0545>-5:45", 0), 20'700);
  EXPECT_EQ(offset("<-03>3", 0), -10'800);
  EXPECT_EQ(offset("XYZ-1:2:3", 0), 3'723);
  const std::int64_t july = 1'784'000'000;     // 2026-07-14
  const std::int64_t january = 1'768'000'000;  // 2026-01-09
  EXPECT_EQ(offset("EST5EDT,M3.2.0,M11.1.0", july), -14'400);
  EXPECT_EQ(offset("EST5EDT,M3.2.0,M11.1.0", january), -18'000);
  EXPECT_EQ(offset("AEST-10AEDT,M10.1.0,M4.1.0/3", january), 39'600) << "summer over the turn of the year";
  EXPECT_EQ(offset("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", january), 39'600);
  EXPECT_EQ(offset("IST-1GMT0,M10.5.0,M3.5.0/1", january), 0) << "summer time that is behind";
  EXPECT_EQ(offset("AAA3BBB,J60/0,J300", july), -7'200);
  EXPECT_EQ(offset("AAA3BBB,59/0,300", january), -10'800);
  EXPECT_EQ(offset("XXX3EDT4,0/0,J365/23", july), -14'400) << "summer time all year";
  EXPECT_EQ(offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", july), -3'600) << "an hour before midnight";
}

TEST(YearlyRule, ThatIsNoneIsRefused) {
  for (const char* const text :
       {"", "E5", "EST", "EST5EDT", "EST5EDT,", "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,", "EST25", "EST5:60",
        "EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,J0,J1",
        "EST5EDT,J366,J1", "EST5EDT,M3.2.0/168,M11.1.0", "EST5EDT,M3.2.0,M11.1.0x", "<EST5", "<+05>", "5"}) {
    EXPECT_FALSE(YearlyRule::parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace hearth::schedule
