// Schedules of several servers on one database: who has a row in hand, and who passes over it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "store/postgres/testing/two_servers.h"

namespace hearth::store::postgres {
namespace {

using testing::ElementsAre;

class PostgresSchedules : public PostgresExecutions {
 protected:
  model::Schedule make(const std::string& name) {
    const auto function = sample_function(1);
    if (!store_->functions().find(function.id)) {
      EXPECT_TRUE(store_->functions().create(function).ok());
    }
    model::Schedule schedule;
    schedule.setting.function_id = function.id;
    schedule.setting.name = name;
    schedule.setting.every_s = 1;
    schedule.setting_id = name;
    schedule.next_ms = 1'000;
    EXPECT_TRUE(store_->schedules().set(schedule, nullptr).ok());
    return schedule;
  }
  // Nothing where it failed.
  static std::vector<bool> advance(ScheduleStore& store, const std::vector<ScheduleStep>& steps) {
    const auto done = store.advance(steps);
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
    return done.ok() ? *done : std::vector<bool>();
  }
  static ScheduleStep step(const model::Schedule& schedule) {
    ScheduleStep made{
        schedule.setting.function_id, schedule.setting.name, schedule.setting_id, 1'000, 2'000, 0, {}};
    NewExecution execution = sample_execution(schedule.setting.name == "a" ? 1 : 2);
    execution.schedule = schedule.setting.name;
    execution.slot_ms = 1'000;
    made.executions.push_back(execution);
    return made;
  }
};

TEST_F(PostgresSchedules, WhatAnotherHasInHandIsPassedOver) {
  const auto a = make("a");
  const auto b = make("b");
  PostgresScheduleStore there(*other_pool_);
  {
    auto other = transaction();
    ASSERT_TRUE(other.run_text("SELECT 1 FROM schedules WHERE name = 'a' FOR UPDATE").ok());
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_THAT(advance(there, {step(a), step(b)}), ElementsAre(false, true)) << "and waits for nobody";
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(3));
  }
  EXPECT_THAT(advance(there, {step(a)}), ElementsAre(true)) << "nothing was lost";
  EXPECT_THAT(advance(store_->schedules(), {step(a)}), ElementsAre(false));
  const auto found = here().list({});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->size(), 2U);
}

}  // namespace
}  // namespace hearth::store::postgres
