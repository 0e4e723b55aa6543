// Every slot of random expressions in zones of all kinds, beside a search that looks at each minute there is
// and has its local times from the C library.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "schedule/timing.h"

namespace hearth::schedule {
namespace {

constexpr std::int64_t kFrom_s = 1'767'225'600;  // 2026-01-01
constexpr std::int64_t kDays = 400;
constexpr std::size_t kExpressions = 20;

// Of each real minute what the local clock shows, as seconds that are counted like UTC's.
std::vector<std::int64_t> local_minutes(const std::string& zone) {
  ::setenv("TZ", (":" + zone).c_str(), 1);
  ::tzset();
  std::vector<std::int64_t> shown;
  for (std::int64_t minute = 0; minute < kDays * 1'440; ++minute) {
    const std::time_t at = kFrom_s + minute * 60;
    std::tm local{};
    ::localtime_r(&at, &local);
    shown.push_back(at + local.tm_gmtoff);
  }
  ::unsetenv("TZ");
  ::tzset();
  return shown;
}

bool matches(const Cron& cron, std::int64_t local_s) {
  const std::time_t time = local_s;
  std::tm fields{};
  ::gmtime_r(&time, &fields);
  const auto has = [](std::uint64_t bits, int bit) { return (bits >> static_cast<unsigned>(bit) & 1U) != 0; };
  const bool of_month = has(cron.days, fields.tm_mday);
  const bool of_week = has(cron.weekdays, fields.tm_wday);
  return has(cron.minutes, fields.tm_min) && has(cron.hours, fields.tm_hour) &&
         has(cron.months, fields.tm_mon + 1) && (cron.either_day ? of_month || of_week : of_month && of_week);
}

// The rule as docs/schedules.md states it, minute by minute.
std::vector<std::int64_t> slots_by_stepping(const Cron& cron, const std::vector<std::int64_t>& shown) {
  std::vector<std::int64_t> slots;
  std::int64_t highest = shown.front();  // what the clock has shown so far
  for (std::size_t i = 1; i < shown.size(); ++i) {
    bool slot = matches(cron, shown[i]);
    if (!cron.any_hour()) {
      slot = slot && shown[i] > highest;
      for (std::int64_t left_out = shown[i - 1] + 60; left_out < shown[i]; left_out += 60) {
        slot = slot || matches(cron, left_out);
      }
    }
    highest = std::max(highest, shown[i]);
    if (slot) {
      slots.push_back((kFrom_s + static_cast<std::int64_t>(i) * 60) * 1'000);
    }
  }
  return slots;
}

class RandomCron {
 public:
  explicit RandomCron(unsigned seed) : random_(seed) {}

  std::string next() {
    return field(0, 59, 3) + " " + field(0, 23, 3) + " " + field(1, 31, 6) + " " + field(1, 12, 8) + " " +
           field(0, 7, 6);
  }

 private:
  int up_to(int most) { return std::uniform_int_distribution<int>(0, most)(random_); }

  // Of ten fields so many are open.
  std::string field(int first, int last, int open) {
    if (up_to(9) < open) {
      return up_to(3) == 0 ? "*/" + std::to_string(1 + up_to(4)) : "*";
    }
    // Near the hours at which clocks are set, more often than not.
    const int low = last == 23 && up_to(9) < 7 ? up_to(3) : first + up_to(last - first);
    const int high = low + up_to(last - low);
    switch (up_to(3)) {
      case 0:
        return std::to_string(low) + "-" + std::to_string(high);
      case 1:
        return std::to_string(low) + "-" + std::to_string(high) + "/" + std::to_string(1 + up_to(6));
      case 2:
        return std::to_string(low) + "," + std::to_string(high);
      default:
        return std::to_string(low);
    }
  }

  std::mt19937 random_;
};

class SlotsByStepping : public testing::TestWithParam<const char*> {};

TEST_P(SlotsByStepping, AreTheSame) {
  if (!std::filesystem::is_directory("/usr/share/zoneinfo")) {
    GTEST_SKIP() << "no tzdata";
  }
  TimeZones zones;
  const auto zone = zones.find(GetParam());
  ASSERT_TRUE(zone.ok());
  const auto shown = local_minutes(GetParam());
  RandomCron random(20'261'101);
  std::vector<std::string> texts = {"* * * * *",     "30 2 * * *",  "30 1 * * *", "*/20 1-3 * * *",
                                    "15,45 * * * *", "0 */2 * * *", "0 0 29 2 *", "10 2 * * SUN"};
  while (texts.size() < kExpressions) {
    const std::string text = random.next();
    if (parse_cron(text).ok()) {
      texts.push_back(text);
    }
  }
  for (const std::string& text : texts) {
    const auto cron = parse_cron(text);
    const Timing timing(*cron, *zone);
    std::vector<std::int64_t> found;
    const std::int64_t end_ms = (kFrom_s + kDays * 86'400) * 1'000;
    for (auto slot = timing.next_after(kFrom_s * 1'000); slot && *slot < end_ms;
         slot = timing.next_after(*slot)) {
      found.push_back(*slot);
    }
    const auto expected = slots_by_stepping(*cron, shown);
    const auto differs = std::ranges::mismatch(found, expected);
    ASSERT_EQ(found.size(), expected.size()) << text << " in " << GetParam();
    ASSERT_TRUE(differs.in1 == found.end()) << text << " in " << GetParam() << " at " << *differs.in1;
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, SlotsByStepping,
                         testing::Values("America/New_York", "Europe/Berlin", "Australia/Lord_Howe",
                                         "Asia/Kathmandu", "UTC", "Africa/Casablanca", "America/Santiago",
                                         "Antarctica/Troll"));

}  // namespace
}  // namespace hearth::schedule
