// The runner over a real store, with a time of day that the test plays.
#include "monitor/schedule_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/reactor.h"
#include "base/unix_time.h"
#include "monitor/testing/overtaken_store.h"
#include "store/sqlite/store_under_test.h"

namespace hearth::monitor {
namespace {

using model::MissedSlots;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kStart_ms = 1'800'000'000'000;  // 2027-01-15, 08:00 UTC
constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kHour = 3'600 * kSecond;

// A process that runs schedules.
struct Server {
  Server(base::Reactor& loop, store::StoreUnderTest& stores, std::function<std::int64_t()> now)
      : Server(loop, stores.schedules(), stores.functions(), std::move(now)) {}
  Server(base::Reactor& loop, store::ScheduleStore& schedules, store::FunctionStore& functions,
         std::function<std::int64_t()> now) {
    ScheduleParts parts{loop, *pool, schedules, functions, zones, random};
    parts.admit = [this](const model::FunctionId&, std::uint64_t) {
      if (room == 0) {
        return std::string("the backlog is full");
      }
      --room;
      return std::string();
    };
    parts.withdraw = [this](const model::FunctionId&, std::uint64_t) { ++room; };
    parts.submitted = [this](std::size_t count) { submitted += count; };
    parts.unix_now_ms = std::move(now);
    runner = std::make_unique<ScheduleRunner>(ScheduleOptions(), std::move(parts));
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The jobs use the runner's parts.
  ~Server() { pool.reset(); }

  std::optional<base::BlockingPool> pool{std::in_place, 2, 64};
  schedule::TimeZones zones;
  base::SystemRandom random;
  std::size_t room = 100'000;
  std::size_t submitted = 0;
  std::unique_ptr<ScheduleRunner> runner;
};

class ScheduleRunnerTest : public testing::Test {
 protected:
  ScheduleRunnerTest() {
    function_ = store::sample_function(1);
    EXPECT_TRUE(stores_.functions().create(function_).ok());
    server_.emplace(loop_, stores_, [this] { return now_ms_; });
  }
  ~ScheduleRunnerTest() override {
    server_.reset();
    loop_.discard_posted();
  }

  model::ScheduleSetting every(std::uint32_t seconds, MissedSlots missed = MissedSlots::kSkip) const {
    model::ScheduleSetting setting;
    setting.function_id = function_.id;
    setting.name = "tick";
    setting.every_s = seconds;
    setting.input = "{}";
    setting.missed = missed;
    return setting;
  }
  // As the gateway does it.
  void set(const model::ScheduleSetting& setting) {
    const auto before = stores_.schedules().find(setting.function_id, setting.name);
    auto made = schedule::with_setting(before ? &*before : nullptr, setting, zones_, now_ms_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    made->setting_id = "setting-" + std::to_string(++settings_);
    ASSERT_TRUE(stores_.schedules().set(*made, before ? &*before : nullptr).ok());
  }
  model::Schedule tick() { return stores_.schedules().find(function_.id, "tick").value(); }
  // All that follows from it being so late now.
  void at(std::int64_t now_ms) {
    now_ms_ = now_ms;
    server_->runner->wake();
    settle();
  }
  void settle() {
    run_until([] { return false; }, milliseconds(80));
  }
  template <typename Condition>
  bool run_until(Condition condition, milliseconds bound) {
    const auto until = base::Clock::now() + bound;
    while (!condition() && base::Clock::now() < until) {
      loop_.run_one_until(base::Clock::now() + milliseconds(5));
    }
    return condition();
  }
  std::vector<model::AsyncExecution> executions() {
    auto found = stores_.executions().list({{}, "", "", 10'000}).value();
    std::ranges::sort(found, {}, &model::AsyncExecution::slot_ms);
    return found;
  }
  // Of all executions, in seconds since the start.
  std::vector<std::int64_t> slots() {
    std::vector<std::int64_t> seconds;
    for (const auto& each : executions()) {
      seconds.push_back((each.slot_ms - kStart_ms) / kSecond);
    }
    return seconds;
  }
  const ScheduleCounts& counts() const { return server_->runner->counts(); }

  std::int64_t now_ms_ = kStart_ms;
  base::Reactor loop_;
  store::sqlite::SqliteUnderTest stores_;
  schedule::TimeZones zones_;
  model::Function function_;
  std::optional<Server> server_;
  int settings_ = 0;
};

TEST_F(ScheduleRunnerTest, EachSlotIsExecutedOnce) {
  set(every(10));
  at(kStart_ms + 9'999);
  EXPECT_THAT(slots(), IsEmpty());
  at(kStart_ms + 10'000);
  EXPECT_THAT(slots(), ElementsAre(10));
  at(kStart_ms + 10'000);
  at(kStart_ms + 19'999);
  EXPECT_THAT(slots(), ElementsAre(10));
  at(kStart_ms + 20'500);
  EXPECT_THAT(slots(), ElementsAre(10, 20));
  const auto execution = executions().back();
  EXPECT_EQ(execution.schedule, "tick");
  EXPECT_EQ(execution.function_id, function_.id);
  EXPECT_EQ(execution.submitted_ms, kStart_ms + 20'500);
  EXPECT_EQ(execution.input_bytes, 2U);
  EXPECT_EQ(tick().last_execution_id, execution.id);
  EXPECT_EQ(tick().missed_slots, 0U);
  EXPECT_EQ(server_->submitted, 2U);
  EXPECT_EQ(counts().executed, 2U);
}

TEST_F(ScheduleRunnerTest, ACronExpressionIsOfItsZone) {
  if (!zones_.find("Europe/Paris")) {
    GTEST_SKIP() << "no tzdata";
  }
  auto setting = every(0);
  setting.cron = "30 9 * * *";
  setting.time_zone = "Europe/Paris";
  set(setting);
  at(kStart_ms + 30 * 60 * kSecond - 1);
  EXPECT_THAT(slots(), IsEmpty());
  at(kStart_ms + 30 * 60 * kSecond);
  EXPECT_THAT(slots(), ElementsAre(1'800));
  EXPECT_EQ(tick().next_ms, kStart_ms + 30 * 60 * kSecond + 24 * kHour);
}

TEST_F(ScheduleRunnerTest, ItWakesByItselfAtEachSlot) {
  now_ms_ = base::unix_now_ms();
  set(every(1));
  const std::int64_t anchor_ms = tick().anchor_ms;
  Server real(loop_, stores_, base::unix_now_ms);
  real.runner->start();
  EXPECT_TRUE(run_until([&] { return real.runner->counts().executed == 2; }, milliseconds(5'000)));
  const auto found = executions();
  ASSERT_EQ(found.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(found[i].slot_ms, anchor_ms + static_cast<std::int64_t>(i + 1) * kSecond);
    EXPECT_GE(found[i].submitted_ms, found[i].slot_ms) << "not before its time";
  }
}

TEST_F(ScheduleRunnerTest, AChangedTimeOfDayIsNoticedWithoutAWord) {
  set(every(3'600));
  server_->runner->start();
  settle();
  now_ms_ = kStart_ms + kHour;
  EXPECT_TRUE(run_until([&] { return counts().executed == 1; }, milliseconds(3'000)));
}

TEST_F(ScheduleRunnerTest, MissedSlotsAreSkippedOnceOrAll) {
  // Nobody looks for a day.
  set(every(3'600, MissedSlots::kSkip));
  at(kStart_ms + 24 * kHour - 1);
  EXPECT_THAT(slots(), IsEmpty());
  EXPECT_EQ(tick().missed_slots, 23U);
  EXPECT_EQ(counts().missed, 23U);
  at(kStart_ms + 24 * kHour);
  EXPECT_THAT(slots(), ElementsAre(24 * 3'600));

  set(every(3'600, MissedSlots::kOnce));
  at(kStart_ms + 48 * kHour + 30 * 60 * kSecond);
  EXPECT_THAT(slots(), ElementsAre(24 * 3'600, 48 * 3'600));
  EXPECT_EQ(tick().missed_slots, 46U);

  set(every(3'600, MissedSlots::kAll));
  at(kStart_ms + 72 * kHour);
  EXPECT_EQ(slots().size(), 2U + 24U) << "in several steps";
  EXPECT_EQ(tick().missed_slots, 46U);
}

TEST_F(ScheduleRunnerTest, AClockSetBackExecutesNothingAgain) {
  set(every(10, MissedSlots::kAll));
  at(kStart_ms + 30'000);
  EXPECT_THAT(slots(), ElementsAre(10, 20, 30));
  at(kStart_ms + 5'000);
  at(kStart_ms + 15'000);
  at(kStart_ms + 35'000);
  EXPECT_THAT(slots(), ElementsAre(10, 20, 30));
  EXPECT_EQ(tick().next_ms, kStart_ms + 40'000);
  at(kStart_ms + 40'000);
  EXPECT_THAT(slots(), ElementsAre(10, 20, 30, 40));
}

TEST_F(ScheduleRunnerTest, AClockSetForwardIsLikeATimeWithoutServers) {
  set(every(10));
  at(kStart_ms + 10'000);
  at(kStart_ms + 1'000'005);
  EXPECT_THAT(slots(), ElementsAre(10, 950, 960, 970, 980, 990, 1'000)) << "those within the grace";
  EXPECT_EQ(tick().missed_slots, 93U);
}

TEST_F(ScheduleRunnerTest, AFullBacklogLosesNothingUntilItIsMissed) {
  set(every(10));
  server_->room = 0;
  at(kStart_ms + 10'000);
  at(kStart_ms + 30'000);
  EXPECT_THAT(slots(), IsEmpty());
  EXPECT_EQ(tick().next_ms, kStart_ms + 10'000);
  EXPECT_GE(counts().hindered, 2U);
  server_->room = 2;
  at(kStart_ms + 30'000);
  EXPECT_THAT(slots(), ElementsAre(10, 20));
  EXPECT_EQ(tick().next_ms, kStart_ms + 30'000);
  at(kStart_ms + 100'000);
  EXPECT_THAT(slots(), ElementsAre(10, 20));
  EXPECT_EQ(tick().missed_slots, 1U) << "the one at 30";
  server_->room = 100;
  EXPECT_TRUE(run_until([&] { return slots().size() == 9; }, milliseconds(3'000)))
      << "it looks again by itself";
  EXPECT_EQ(server_->room, 93U);
}

TEST_F(ScheduleRunnerTest, AnAliasIsWhatItStandsForAtTheSlot) {
  ASSERT_TRUE(stores_.functions().add_version(store::sample_version(function_), 50).ok());
  ASSERT_TRUE(stores_.functions().change(function_.id, model::Alias{"live", 1, std::nullopt, 0}, 60).ok());
  auto setting = every(10);
  setting.alias = "live";
  set(setting);
  at(kStart_ms + 10'000);
  ASSERT_TRUE(stores_.functions().change(function_.id, model::Alias{"live", 2, std::nullopt, 0}, 70).ok());
  at(kStart_ms + 20'000);
  ASSERT_TRUE(stores_.functions().change(function_.id, model::RemovedAlias{"live"}, 80).ok());
  at(kStart_ms + 30'000);
  EXPECT_THAT(slots(), ElementsAre(10, 20)) << "the third stays due";
  ASSERT_TRUE(stores_.functions().change(function_.id, model::Alias{"live", 1, std::nullopt, 0}, 90).ok());
  at(kStart_ms + 31'000);
  std::vector<std::uint32_t> versions;
  for (const auto& each : executions()) {
    versions.push_back(each.version);
  }
  EXPECT_THAT(versions, ElementsAre(1, 2, 1));
}

TEST_F(ScheduleRunnerTest, OneThatIsPausedOrGoneIsNotExecuted) {
  auto setting = every(10);
  set(setting);
  setting.enabled = false;
  set(setting);
  at(kStart_ms + 10'000);
  EXPECT_THAT(slots(), IsEmpty());
  setting.enabled = true;
  set(setting);
  at(kStart_ms + 20'000);
  EXPECT_THAT(slots(), ElementsAre(20));
  EXPECT_EQ(tick().missed_slots, 0U) << "what was paused has missed nothing";
  ASSERT_TRUE(stores_.functions().remove(function_.id).ok());
  at(kStart_ms + 30'000);
  EXPECT_THAT(slots(), ElementsAre(20));
}

TEST_F(ScheduleRunnerTest, ManySchedulesAreSeveralPages) {
  std::vector<model::Function> functions = {store::sample_function(2), store::sample_function(3)};
  for (const auto& function : functions) {
    ASSERT_TRUE(stores_.functions().create(function).ok());
    for (int i = 0; i < 70; ++i) {
      auto setting = every(10);
      setting.function_id = function.id;
      setting.name = "s" + std::to_string(i);
      set(setting);
    }
  }
  at(kStart_ms + 10'000);
  EXPECT_TRUE(run_until([&] { return counts().executed == 140; }, milliseconds(3'000)));
  EXPECT_EQ(executions().size(), 140U);
}

TEST_F(ScheduleRunnerTest, OneThatCannotBeExecutedHoldsNobodyUp) {
  for (int i = 0; i < 60; ++i) {
    auto setting = every(10);
    setting.name = "a" + std::to_string(i);
    setting.alias = "none";
    set(setting);
  }
  set(every(10));
  at(kStart_ms + 10'000);
  EXPECT_THAT(slots(), ElementsAre(10));
}

TEST_F(ScheduleRunnerTest, OfTwoServersOneExecutesASlot) {
  Server other(loop_, stores_, [this] { return now_ms_; });
  for (int i = 0; i < 20; ++i) {
    auto setting = every(1);
    setting.name = "s" + std::to_string(i);
    set(setting);
  }
  for (int second = 1; second <= 10; ++second) {
    now_ms_ = kStart_ms + second * kSecond;
    server_->runner->wake();
    other.runner->wake();
    const std::size_t expected = 20U * static_cast<std::size_t>(second);
    EXPECT_TRUE(run_until([&] { return counts().executed + other.runner->counts().executed == expected; },
                          milliseconds(3'000)));
  }
  settle();
  const auto found = executions();
  EXPECT_EQ(found.size(), 200U);
  EXPECT_EQ(server_->submitted + other.submitted, 200U);
  EXPECT_EQ(server_->room + other.room, 200'000U - 200U)
      << "what the slower one had been admitted is given back";
}

TEST_F(ScheduleRunnerTest, WhoIsOvertakenExecutesNothingAndTakesNoRoom) {
  OvertakenStore overtaken(stores_.schedules());
  Server slow(loop_, overtaken, stores_.functions(), [this] { return now_ms_; });
  set(every(10));
  now_ms_ = kStart_ms + 30'000;
  slow.runner->wake();
  settle();
  EXPECT_THAT(slots(), ElementsAre(10, 20, 30));
  for (const auto& each : executions()) {
    EXPECT_TRUE(each.id.ends_with("-of-another")) << each.id;
  }
  EXPECT_EQ(slow.runner->counts().executed, 0U);
  EXPECT_EQ(slow.submitted, 0U);
  EXPECT_EQ(slow.room, 100'000U);
}

TEST_F(ScheduleRunnerTest, StoppedItExecutesNothing) {
  set(every(10));
  server_->runner->start();
  settle();
  server_->runner->stop();
  at(kStart_ms + 10'000);
  EXPECT_THAT(slots(), IsEmpty());
}

}  // namespace
}  // namespace hearth::monitor
