#include "schedule/due_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace hearth::schedule {
namespace {

using enum model::MissedSlots;
using testing::ElementsAre;

constexpr std::chrono::seconds kGrace{60};
constexpr std::int64_t kSecond = 1'000;

// Every ten seconds: at 10, 20, 30 …
const Timing kTen(0, 10);

DueSlots due(model::MissedSlots policy, std::int64_t next_s, std::int64_t now_s,
             const Timing& timing = kTen) {
  return due_slots(timing, policy, next_s * kSecond, now_s * kSecond, kGrace);
}
DueSlots expected(std::uint64_t missed, std::vector<std::int64_t> slots_s, std::int64_t next_s) {
  for (std::int64_t& slot : slots_s) {
    slot *= kSecond;
  }
  return {missed, std::move(slots_s), next_s * kSecond};
}

// All that happens until nothing is due any more.
struct Decided {
  std::uint64_t missed = 0;
  std::vector<std::int64_t> slots;
  int steps = 0;
};
Decided run(model::MissedSlots policy, const Timing& timing, std::int64_t next_ms, std::int64_t now_ms) {
  Decided all;
  while (next_ms != 0 && next_ms <= now_ms) {
    const auto step = due_slots(timing, policy, next_ms, now_ms, kGrace);
    EXPECT_GT(step.next_ms, next_ms) << "each step comes further";
    EXPECT_LE(step.slots.size(), kMostSlotsAtOnce);
    next_ms = step.next_ms;
    all.missed += step.missed;
    all.slots.insert(all.slots.end(), step.slots.begin(), step.slots.end());
    ++all.steps;
  }
  return all;
}

TEST(DueSlots, InTimeAllPoliciesAreTheSame) {
  for (const auto policy : {kSkip, kOnce, kAll}) {
    EXPECT_EQ(due(policy, 10, 9), expected(0, {}, 10)) << "not yet";
    EXPECT_EQ(due(policy, 10, 10), expected(0, {10}, 20));
    EXPECT_EQ(due(policy, 10, 35), expected(0, {10, 20, 30}, 40)) << "late, within the grace";
    EXPECT_EQ(due(policy, 10, 70), expected(0, {10, 20, 30, 40, 50, 60, 70}, 80)) << "at its end";
  }
}

TEST(DueSlots, MissedOnesAreSkippedAndCounted) {
  EXPECT_EQ(due(kSkip, 10, 71), expected(1, {20, 30, 40, 50, 60, 70}, 80));
  const Timing hourly(0, 3'600);
  EXPECT_EQ(due(kSkip, 3'600, 100'000, hourly), expected(27, {}, 100'800));
}

TEST(DueSlots, OnceIsTheLastOfThem) {
  EXPECT_EQ(due(kOnce, 10, 71), expected(6, {70}, 80)) << "one missed: all that are due count as one";
  const Timing hourly(0, 3'600);
  EXPECT_EQ(due(kOnce, 3'600, 100'000, hourly), expected(26, {97'200}, 100'800));
}

TEST(DueSlots, AllIsTheNewestOfThemOldestFirst) {
  const Decided few = run(kAll, kTen, 10 * kSecond, 1'000 * kSecond);
  EXPECT_EQ(few.missed, 0U);
  EXPECT_EQ(few.slots.size(), 100U);
  EXPECT_EQ(few.slots.front(), 10 * kSecond);
  EXPECT_TRUE(std::ranges::is_sorted(few.slots));
  const Decided many = run(kAll, kTen, 10 * kSecond, 20'000 * kSecond);
  EXPECT_EQ(many.missed, 1'000U);
  EXPECT_EQ(many.slots.size(), model::kMostSlotsWaiting);
  EXPECT_EQ(many.slots.front(), 10'010 * kSecond);
  EXPECT_EQ(many.slots.back(), 20'000 * kSecond);
}

TEST(DueSlots, ManyAreDecidedInSeveralStepsAndEachOnce) {
  const Timing each_second(0, 1);
  constexpr std::uint64_t kSlots = 120'000;
  for (const auto policy : {kSkip, kOnce, kAll}) {
    const Decided all = run(policy, each_second, kSecond, kSlots * kSecond);
    EXPECT_EQ(all.missed + all.slots.size(), kSlots) << to_string(policy);
    EXPECT_EQ(all.slots.back(), static_cast<std::int64_t>(kSlots) * kSecond);
    const std::size_t executed = policy == kSkip ? 61 : policy == kOnce ? 1 : 1'000;
    EXPECT_EQ(all.slots.size(), executed) << to_string(policy);
  }
}

model::ScheduleSetting every(std::uint32_t seconds) {
  model::ScheduleSetting setting;
  setting.name = "s";
  setting.every_s = seconds;
  return setting;
}

class WithSetting : public testing::Test {
 protected:
  model::Schedule changed(const model::Schedule* before, const model::ScheduleSetting& setting,
                          std::int64_t now_ms) {
    auto made = with_setting(before, setting, zones_, now_ms);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
    return made.ok() ? *made : model::Schedule();
  }

  TimeZones zones_;
};

TEST_F(WithSetting, ANewOneHasItsFirstSlotAfterNow) {
  const auto schedule = changed(nullptr, every(60), 5'000);
  EXPECT_EQ(schedule.created_ms, 5'000);
  EXPECT_EQ(schedule.updated_ms, 5'000);
  EXPECT_EQ(schedule.next_ms, 65'000);
  EXPECT_EQ(schedule.missed_slots, 0U);
}

TEST_F(WithSetting, TheSlotsStayWhereTheTimingDoes) {
  auto schedule = changed(nullptr, every(60), 5'000);
  schedule.missed_slots = 3;
  schedule.last_slot_ms = 65'000;
  schedule.next_ms = 125'000;
  auto setting = every(60);
  setting.input = "1";
  const auto with_input = changed(&schedule, setting, 300'000);
  EXPECT_EQ(with_input.next_ms, 125'000) << "what is due stays due";
  EXPECT_EQ(with_input.missed_slots, 3U);
  EXPECT_EQ(with_input.created_ms, 5'000);
  EXPECT_EQ(with_input.updated_ms, 300'000);
  EXPECT_EQ(with_input.setting.input, "1");
  EXPECT_EQ(changed(&schedule, every(30), 300'000).next_ms, 330'000) << "another rate begins now";
}

TEST_F(WithSetting, PausedItHasNoSlotsAndMissesNone) {
  const auto schedule = changed(nullptr, every(60), 5'000);
  auto setting = every(60);
  setting.enabled = false;
  const auto paused = changed(&schedule, setting, 6'000);
  EXPECT_EQ(paused.next_ms, 0);
  EXPECT_EQ(changed(&paused, setting, 7'000).next_ms, 0);
  EXPECT_EQ(changed(&paused, every(60), 1'000'000).next_ms, 1'025'000) << "in step with its anchor";
}

TEST_F(WithSetting, NoSlotThatWasExecutedIsDueAgain) {
  auto setting = every(0);
  setting.cron = "* * * * *";
  setting.time_zone = "UTC";
  auto schedule = changed(nullptr, setting, 59'000);
  EXPECT_EQ(schedule.next_ms, 60'000);
  schedule.last_slot_ms = 60'000;
  schedule.next_ms = 120'000;
  setting.cron = "*/1 * * * *";
  EXPECT_EQ(changed(&schedule, setting, 59'500).next_ms, 120'000) << "a clock that is behind";
}

TEST_F(WithSetting, OneThatHasNoSlotIsRefused) {
  EXPECT_FALSE(with_setting(nullptr, every(0), zones_, 0).ok());
  auto setting = every(0);
  setting.cron = "0 0 1 1 *";
  setting.time_zone = "UTC";
  EXPECT_FALSE(with_setting(nullptr, setting, zones_, 253'402'300'000'000).ok());
}

}  // namespace
}  // namespace hearth::schedule
