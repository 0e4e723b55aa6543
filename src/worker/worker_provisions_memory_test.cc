// Instances that are kept started, in the worker's heart: where their memory comes from, and what it costs
// others.
#include "model/runtime.h"
#include "worker/testing/provisions_fixture.h"

namespace hearth::worker::worker_test {
namespace {

TEST_F(WorkerProvisions, AsManyAreStartedAsFit) {
  open(1024);
  provide("v", 3, 512);
  load_all();
  EXPECT_EQ(ready(), 2U);
  loop_.advance(seconds(10));
  EXPECT_EQ(starts(), 2U);
  EXPECT_EQ(worker_->snapshot().provisioned_wanted, 3U);
  provide("w", 1, 128);
  EXPECT_EQ(starts(), 2U) << "and nothing makes way for it";
  EXPECT_TRUE(instances_.stopped.empty());
}

TEST_F(WorkerProvisions, WhatIsTooLargeDoesNotKeepOthersFromTheirs) {
  open(1024);
  provide("large", 1, 2'048);
  provide("v", 1, 128);
  EXPECT_EQ(starts(), 1U);
}

TEST_F(WorkerProvisions, IdleInstancesOfOthersGiveWay) {
  open(1024);
  const auto lease = warm_up("other", 1024);
  worker_->release(lease, model::ReleaseKind::kKeep);
  loop_.advance(seconds(1));
  provide("v", 1, 128);
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{lease.instance});
  EXPECT_EQ(starts(), 1U);
  end_stopped();
  EXPECT_EQ(starts(), 2U);
}

TEST_F(WorkerProvisions, NobodyGivesWayWhereNobodyIsEvicted) {
  open(1024, /*evict=*/false);
  const auto lease = warm_up("other", 1024);
  worker_->release(lease, model::ReleaseKind::kKeep);
  loop_.advance(seconds(1));
  provide("v", 1, 128);
  EXPECT_TRUE(instances_.stopped.empty());
  loop_.advance(minutes(15));  // its keep-alive
  end_stopped();
  EXPECT_EQ(starts(), 2U);
}

TEST_F(WorkerProvisions, NobodyGivesWayForWhatWouldNotFit) {
  open(1024);
  const auto held = take("busy", 128);
  execute(*held, version("busy", 512));
  instances_.events->loaded(held->instance, {});
  worker_->on_demand({1, "other", 512});
  const auto lease = warm_up("other", 512);
  worker_->release(lease, model::ReleaseKind::kKeep);
  loop_.advance(seconds(1));
  provide("v", 1, 1024);
  loop_.advance(seconds(1));
  EXPECT_TRUE(instances_.stopped.empty());
}

TEST_F(WorkerProvisions, WhatHasJustFinishedIsGivenTimeAndGivesWayThen) {
  open(1024);
  warm_up("other", 1024);
  provide("v", 1, 128);
  EXPECT_TRUE(instances_.stopped.empty());
  loop_.advance(milliseconds(250));
  EXPECT_EQ(instances_.stopped.size(), 1U);
}

TEST_F(WorkerProvisions, MemoryThatComesFreeIsTheirsBeforeACallersWhoWaits) {
  open(1024);
  const auto busy = take("busy", 1024);
  execute(*busy, version("busy", 1024));
  instances_.events->loaded(busy->instance, {});
  provide("v", 1, 1024);
  worker_->on_demand({1, "other", 1024});
  finish(busy->instance, /*reusable=*/false);
  end_stopped();
  EXPECT_EQ(starts(), 2U);
  EXPECT_FALSE(take("other", 1024));
  messaging_.withdraw_demand(1);
}

TEST_F(WorkerProvisions, MemoryOfAnotherLoopIsUsed) {
  open(512);
  provide("v", 1, 1024);
  EXPECT_EQ(starts(), 0U);
  worker_->take_over(512);
  EXPECT_EQ(starts(), 1U);
}

TEST_F(WorkerProvisions, OtherLoopsAreAskedForWhatIsMissing) {
  open(512);
  std::vector<std::uint32_t> asked;
  worker_->on_short_of_memory([&asked](std::uint32_t memory_mb) { asked.push_back(memory_mb); });
  provide("v", 1, 640);
  EXPECT_EQ(asked, std::vector<std::uint32_t>{128});
  worker_->take_over(64);
  EXPECT_EQ(asked.size(), 1U) << "not at once again";
  loop_.advance(milliseconds(250));
  EXPECT_EQ(asked.back(), 64U);
  worker_->take_over(64);
  EXPECT_EQ(starts(), 1U);
  loop_.advance(seconds(10));
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(WorkerProvisions, ForAnotherLoopIdleInstancesGiveWayButNotThese) {
  open(1024);
  provide_and_load("v", 2, 256);
  worker_->on_demand({1, "other", 256});
  worker_->release(warm_up("other", 256), model::ReleaseKind::kKeep);
  loop_.advance(seconds(1));
  worker_->make_room(1024);
  EXPECT_TRUE(instances_.stopped.empty()) << "so much cannot come free";
  worker_->make_room(512);
  EXPECT_EQ(instances_.stopped.size(), 1U);
  end_stopped();
  EXPECT_TRUE(worker_->give_up(512));
  EXPECT_EQ(ready(), 2U);
}

TEST_F(WorkerProvisions, PreStartedOnesAreLeftToCallsAndGiveWay) {
  prestart_ = {.most = 1, .ready = 1, .always = {{std::string(model::kNode), 128}}};
  open(1024 + 64);  // for one that waits, and the largest function
  ASSERT_EQ(count(ReservationState::kPrestarted), 1U);
  instances_.events->booted(instances_.prestarted[0].name);
  provide("v", 1, 128);
  EXPECT_TRUE(instances_.assigned.empty()) << "it has time to boot";
  ASSERT_EQ(starts(), 1U);
  load_last();
  provide("w", 1, 1024 - 64);
  end_stopped();
  EXPECT_EQ(starts(), 2U) << "with the room of the one that waited";
  EXPECT_EQ(count(ReservationState::kPrestarted), 0U);
}

TEST_F(WorkerProvisions, AreChargedAllTheirMemory) {
  overcommit_ = 2;
  open(1024);
  provide_and_load("v", 2, 256);
  instances_.events->paused(instances_.started[0], 30);
  EXPECT_EQ(worker_->snapshot().reserved_mb.at(ReservationState::kIdle), 512U);
  provide("v", 0, 256);
  instances_.events->paused(instances_.started[0], 30);
  EXPECT_EQ(worker_->snapshot().reserved_mb.at(ReservationState::kIdle), 256U + 30U);
  provide("v", 2, 256);
  EXPECT_EQ(worker_->snapshot().reserved_mb.at(ReservationState::kIdle), 512U) << "from now on";
}

}  // namespace
}  // namespace hearth::worker::worker_test
