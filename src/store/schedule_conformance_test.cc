// What every store of schedules promises, whatever it is built on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/conformance.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ScheduleConformance : public testing::TestWithParam<StoreBackend> {
 protected:
  ScheduleStore& store() { return store_->schedules(); }
  FunctionStore& functions() { return store_->functions(); }
  ExecutionStore& executions() { return store_->executions(); }
  void reopen() { store_->reopen(); }

  template <typename T>
  static std::string code_of(const base::Result<T>& result) {
    return result.ok() ? "ok" : std::string(base::to_string(result.error().code));
  }

  // The id of a function that is there.
  std::string function(int number = 1) {
    const model::Function made = sample_function(number);
    EXPECT_EQ(code_of(functions().create(made)), "ok");
    return made.id;
  }
  // With every field set; its first slot is at `next_ms`.
  static model::Schedule sample(const std::string& function_id, const std::string& name,
                                std::int64_t next_ms) {
    model::Schedule schedule;
    schedule.setting = {
        function_id, name, "0 9 * * MON-FRI",       "Europe/Paris", 0, R"({"text":"é\u0000"})", 7,
        "live",      true, model::MissedSlots::kAll};
    schedule.setting_id = "setting-of-" + name;
    schedule.created_ms = 1'000;
    schedule.updated_ms = 1'001;
    schedule.anchor_ms = 1'002;
    schedule.next_ms = next_ms;
    return schedule;
  }
  model::Schedule make(const std::string& function_id, const std::string& name, std::int64_t next_ms) {
    const auto schedule = sample(function_id, name, next_ms);
    EXPECT_EQ(code_of(store().set(schedule, nullptr)), "ok");
    return schedule;
  }
  model::Schedule find(const model::Schedule& schedule) {
    auto found = store().find(schedule.setting.function_id, schedule.setting.name);
    EXPECT_EQ(code_of(found), "ok");
    return found.ok() ? *found : model::Schedule();
  }
  static NewExecution execution(const model::Schedule& schedule, std::int64_t slot_ms) {
    NewExecution made;
    made.id = schedule.setting.name + "-" + std::to_string(slot_ms);
    made.function_id = schedule.setting.function_id;
    made.input = std::make_shared<const std::string>(schedule.setting.input);
    made.submitted_ms = slot_ms + 5;
    made.schedule = schedule.setting.name;
    made.slot_ms = slot_ms;
    return made;
  }
  // One that executes the slots, and goes on at `next_ms`.
  static ScheduleStep step(const model::Schedule& schedule, const std::vector<std::int64_t>& slots,
                           std::int64_t next_ms, std::uint64_t missed = 0) {
    ScheduleStep made{schedule.setting.function_id,
                      schedule.setting.name,
                      schedule.setting_id,
                      schedule.next_ms,
                      next_ms,
                      missed,
                      {}};
    for (const std::int64_t slot : slots) {
      made.executions.push_back(execution(schedule, slot));
    }
    return made;
  }
  std::vector<bool> advance(const std::vector<ScheduleStep>& steps) {
    auto done = store().advance(steps);
    EXPECT_EQ(code_of(done), "ok") << (done.ok() ? "" : done.error().message);
    return done.ok() ? *done : std::vector<bool>();
  }
  std::vector<std::string> due(std::int64_t now_ms, const DuePosition& after = {}, std::size_t limit = 100) {
    return names(store().due(now_ms, after, limit));
  }
  static std::vector<std::string> names(const base::Result<std::vector<model::Schedule>>& found) {
    EXPECT_EQ(code_of(found), "ok");
    std::vector<std::string> names;
    for (const auto& each : found.ok() ? *found : std::vector<model::Schedule>()) {
      names.push_back(each.setting.name);
    }
    return names;
  }
  std::size_t executions_there() { return executions().list({})->size(); }

 private:
  std::unique_ptr<StoreUnderTest> store_ = GetParam().make();
};

TEST_P(ScheduleConformance, WhatWasSetIsFound) {
  const std::string f = function();
  auto schedule = make(f, "nightly", 60'000);
  EXPECT_EQ(find(schedule), schedule);
  EXPECT_THAT(*store().list({f, "", "", 10}), ElementsAre(schedule));
  auto changed = schedule;
  changed.setting.cron = "";
  changed.setting.every_s = 60;
  changed.setting.enabled = false;
  changed.setting.input = "";
  changed.setting.missed = model::MissedSlots::kOnce;
  changed.setting_id = "another";
  changed.next_ms = 0;
  changed.updated_ms = 2'000;
  ASSERT_EQ(code_of(store().set(changed, &schedule)), "ok");
  reopen();
  EXPECT_EQ(find(schedule), changed);
}

TEST_P(ScheduleConformance, AChangeIsOfWhatWasRead) {
  const std::string f = function();
  const auto schedule = make(f, "nightly", 60'000);
  EXPECT_EQ(code_of(store().set(schedule, nullptr)), "busy") << "there is one";
  auto newer = schedule;
  newer.setting_id = "newer";
  EXPECT_EQ(code_of(store().set(newer, &newer)), "busy") << "another setting";
  ASSERT_THAT(advance({step(schedule, {60'000}, 120'000)}), ElementsAre(true));
  EXPECT_EQ(code_of(store().set(newer, &schedule)), "busy") << "a slot was executed meanwhile";
  EXPECT_EQ(find(schedule).next_ms, 120'000);
  const auto read = find(schedule);
  EXPECT_EQ(code_of(store().set(newer, &read)), "ok");
}

TEST_P(ScheduleConformance, WhatIsNotThereIsNotFound) {
  const auto missing = sample("nothing", "nightly", 60'000);
  EXPECT_EQ(code_of(store().set(missing, nullptr)), "not_found");
  EXPECT_EQ(code_of(store().set(missing, &missing)), "not_found");
  const std::string f = function();
  EXPECT_EQ(code_of(store().find(f, "nightly")), "not_found");
  EXPECT_EQ(code_of(store().find(f, std::string("a\0b\xff", 4))), "not_found");
  const auto removed = store().remove(f, "nightly");
  EXPECT_EQ(code_of(removed), "not_found");
  EXPECT_THAT(removed.error().message, HasSubstr("\"nightly\""));
  EXPECT_THAT(*store().list({f, "", "", 10}), IsEmpty());
  EXPECT_EQ(*store().next_due(0), std::nullopt);
}

TEST_P(ScheduleConformance, RemovedItIsGone) {
  const std::string f = function();
  const auto schedule = make(f, "nightly", 60'000);
  make(f, "other", 60'000);
  ASSERT_EQ(code_of(store().remove(f, "nightly")), "ok");
  EXPECT_EQ(code_of(store().find(f, "nightly")), "not_found");
  EXPECT_THAT(due(60'000), ElementsAre("other"));
  EXPECT_THAT(advance({step(schedule, {60'000}, 120'000)}), ElementsAre(false));
  EXPECT_EQ(executions_there(), 0U);
}

TEST_P(ScheduleConformance, TheyGoWithTheirFunction) {
  const std::string f = function(1);
  const std::string g = function(2);
  const auto schedule = make(f, "nightly", 60'000);
  make(g, "nightly", 60'000);
  ASSERT_TRUE(functions().remove(f).ok());
  EXPECT_EQ(code_of(store().find(f, "nightly")), "not_found");
  EXPECT_EQ(due(60'000).size(), 1U);
  EXPECT_THAT(advance({step(schedule, {60'000}, 120'000)}), ElementsAre(false));
  EXPECT_EQ(executions_there(), 0U);
  function(1);
  EXPECT_THAT(*store().list({f, "", "", 10}), IsEmpty()) << "one of the same id has none of them";
}

TEST_P(ScheduleConformance, AreListedInPages) {
  const std::string f = function(1);
  const std::string g = function(2);
  for (const char* const name : {"c", "a", "b"}) {
    make(g, name, 60'000);
    make(f, name, 60'000);
  }
  EXPECT_THAT(names(store().list({f, "", "", 10})), ElementsAre("a", "b", "c"));
  EXPECT_THAT(names(store().list({f, "", "a", 1})), ElementsAre("b"));
  const auto first = store().list({"", "", "", 4});
  EXPECT_THAT(names(first), ElementsAre("a", "b", "c", "a"));
  EXPECT_THAT(names(store().list({"", first->back().setting.function_id, "a", 4})), ElementsAre("b", "c"));
}

TEST_P(ScheduleConformance, AFunctionHasSoManyAndNoMore) {
  const std::string f = function();
  for (std::size_t i = 0; i < model::kSchedulesPerFunction; ++i) {
    make(f, "s" + std::to_string(i), 60'000);
  }
  const auto refused = store().set(sample(f, "more", 60'000), nullptr);
  EXPECT_EQ(code_of(refused), "exhausted");
  EXPECT_THAT(refused.error().message, HasSubstr("100"));
  EXPECT_EQ(code_of(store().find(f, "more")), "not_found");
  auto changed = sample(f, "s7", 60'000);
  changed.setting_id = "again";
  const auto before = sample(f, "s7", 60'000);
  EXPECT_EQ(code_of(store().set(changed, &before)), "ok") << "that is none more";
}

TEST_P(ScheduleConformance, DueIsWhatHasASlotUntilNow) {
  const std::string f = function(1);
  const std::string g = function(2);
  make(f, "second", 60'000);
  make(g, "third", 60'000);
  make(f, "first", 50'000);
  make(f, "later", 60'001);
  make(f, "never", 0);
  EXPECT_THAT(due(49'999), IsEmpty());
  EXPECT_THAT(due(60'000), ElementsAre("first", "second", "third"));
  EXPECT_THAT(due(60'000, {50'000, f, "first"}, 1), ElementsAre("second"));
  EXPECT_THAT(due(60'000, {60'000, f, "second"}), ElementsAre("third"));
  EXPECT_THAT(due(60'000, {60'000, g, "third"}), IsEmpty());
  EXPECT_EQ(*store().next_due(0), 50'000);
  EXPECT_EQ(*store().next_due(50'000), 60'000);
  EXPECT_EQ(*store().next_due(60'000), 60'001);
  EXPECT_EQ(*store().next_due(60'001), std::nullopt);
}

TEST_P(ScheduleConformance, AStepExecutesItsSlotsAndGoesOn) {
  const std::string f = function();
  const auto schedule = make(f, "nightly", 60'000);
  ASSERT_THAT(advance({step(schedule, {70'000, 80'000}, 90'000, 1)}), ElementsAre(true));
  auto expected = schedule;
  expected.next_ms = 90'000;
  expected.missed_slots = 1;
  expected.last_slot_ms = 80'000;
  expected.last_execution_id = "nightly-80000";
  EXPECT_EQ(find(schedule), expected);
  ASSERT_THAT(advance({step(expected, {}, 100'000, 5)}), ElementsAre(true));
  expected.next_ms = 100'000;
  expected.missed_slots = 6;
  EXPECT_EQ(find(schedule), expected) << "the last one stays";
  reopen();
  EXPECT_EQ(find(schedule), expected);

  const auto found = executions().find("nightly-70000");
  ASSERT_EQ(code_of(found), "ok");
  EXPECT_EQ(found->state, model::ExecutionState::kPending);
  EXPECT_EQ(found->schedule, "nightly");
  EXPECT_EQ(found->slot_ms, 70'000);
  EXPECT_EQ(found->submitted_ms, 70'005);
  EXPECT_EQ(found->input_bytes, schedule.setting.input.size());
  EXPECT_EQ(executions().list({})->front().schedule, "nightly");
  EXPECT_THAT(*executions().backlog(), ElementsAre(Backlog{f, 2, 2 * schedule.setting.input.size()}));
}

TEST_P(ScheduleConformance, TheExecutionsAreClaimedAsOthersAre) {
  const std::string f = function();
  const auto schedule = make(f, "nightly", 60'000);
  auto with_version = step(schedule, {60'000}, 120'000);
  with_version.executions[0].version = 7;
  ASSERT_THAT(advance({with_version}), ElementsAre(true));
  ClaimRequest request;
  request.now_ms = 60'005;
  request.lease_until_ms = 70'000;
  request.most = request.most_of_a_function = 10;
  const auto claimed = executions().claim(request);
  ASSERT_EQ(claimed->size(), 1U);
  EXPECT_EQ(*claimed->front().input, schedule.setting.input);
  EXPECT_EQ(claimed->front().version, 7U);
}

TEST_P(ScheduleConformance, OfAllWhoDecideOfASlotOneDoes) {
  const std::string f = function();
  const auto schedule = make(f, "nightly", 60'000);
  ASSERT_THAT(advance({step(schedule, {60'000}, 120'000)}), ElementsAre(true));
  auto second = step(schedule, {60'000}, 120'000);
  second.executions[0].id = "second";
  EXPECT_THAT(advance({second}), ElementsAre(false));
  EXPECT_EQ(code_of(executions().find("second")), "not_found");
  EXPECT_EQ(find(schedule).next_ms, 120'000);
}

TEST_P(ScheduleConformance, AStepOfAnOlderSettingDoesNothing) {
  const std::string f = function();
  const auto schedule = make(f, "nightly", 60'000);
  auto changed = schedule;
  changed.setting_id = "another";
  ASSERT_EQ(code_of(store().set(changed, &schedule)), "ok");
  EXPECT_THAT(advance({step(schedule, {60'000}, 120'000), step(changed, {60'000}, 120'000)}),
              ElementsAre(false, true));
  EXPECT_EQ(executions_there(), 1U);
}

TEST_P(ScheduleConformance, StepsOfOneCallAreDurableTogetherOrNotAtAll) {
  const std::string f = function();
  const auto one = make(f, "one", 60'000);
  const auto two = make(f, "two", 60'000);
  auto bad = step(two, {60'000}, 120'000);
  bad.executions[0].id = "one-60000";  // that of the first
  EXPECT_EQ(code_of(store().advance(std::vector{step(one, {60'000}, 120'000), bad})), "already_exists");
  EXPECT_EQ(find(one), one);
  EXPECT_EQ(find(two), two);
  EXPECT_EQ(executions_there(), 0U);
  EXPECT_THAT(*executions().backlog(), IsEmpty());
}

TEST_P(ScheduleConformance, ManyAtOnceExecuteEachSlotOnce) {
  const std::string f = function();
  constexpr std::int64_t kSlots = 30;
  constexpr int kServers = 4;
  make(f, "busy", 1'000);
  std::atomic<int> executed = 0;
  std::barrier all(kServers);
  std::vector<std::thread> servers;
  for (int server = 0; server < kServers; ++server) {
    servers.emplace_back([&, server] {
      for (std::int64_t slot = 1'000; slot <= kSlots * 1'000; slot += 1'000) {
        const auto read = store().find(f, "busy");
        all.arrive_and_wait();  // all have read the same
        auto mine = step(read.ok() ? *read : model::Schedule(), {slot}, slot + 1'000);
        mine.executions[0].id += "-" + std::to_string(server);
        // Who is overtaken, or finds the row in another's hands, is told so.
        const auto done = store().advance(std::vector{mine});
        executed += done.ok() && done->at(0) ? 1 : 0;
        all.arrive_and_wait();
      }
    });
  }
  for (auto& server : servers) {
    server.join();
  }
  EXPECT_EQ(executed, kSlots);
  std::vector<std::int64_t> slots;
  const auto found = executions().list({});
  ASSERT_EQ(code_of(found), "ok");
  for (const auto& each : *found) {
    slots.push_back(each.slot_ms);
  }
  std::ranges::sort(slots);
  EXPECT_EQ(slots.size(), static_cast<std::size_t>(kSlots));
  EXPECT_TRUE(std::ranges::adjacent_find(slots) == slots.end());
}

INSTANTIATE_TEST_SUITE_P(Backends, ScheduleConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
