// The worker's heart: allocation, admission, removal, demand.
#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {
namespace {

TEST_F(WorkerTest, AdvertisesMemoryInTheLargestFunctionsSize) {
  open(2500);
  EXPECT_EQ(count(ReservationState::kCold), 2U);
  EXPECT_EQ(worker_->snapshot().free_mb, 2500U - 2048U);
}

TEST_F(WorkerTest, ReclaimsOnAssignmentAndAdvertisesAgain) {
  open(2048);
  const auto first = take("v");
  execute(*first, version("v", 512));
  EXPECT_EQ(worker_->snapshot().free_mb, 512U);
  const auto second = take("v");
  execute(*second, version("v", 512));
  // 1,024 MB are free again: one more of the largest size.
  EXPECT_EQ(worker_->snapshot().free_mb, 0U);
  EXPECT_EQ(count(ReservationState::kCold), 1U);
  EXPECT_EQ(count(ReservationState::kStarting), 2U);
}

TEST_F(WorkerTest, ExecutesColdThenWarmOnOneInstance) {
  open();
  const auto cold = take("v");
  const auto first = execute(*cold, version("v"));
  EXPECT_FALSE(first->execution);
  model::ExecutionSteps steps;
  steps.boot_us = 7;
  instances_.events->loaded(cold->instance, steps);
  ASSERT_EQ(instances_.invoked.size(), 1U);
  finish(cold->instance);
  ASSERT_TRUE(first->execution);
  EXPECT_TRUE(first->execution->steps.cold);
  EXPECT_EQ(first->execution->steps.boot_us, 7);
  ASSERT_TRUE(first->lease);

  const auto second = execute(*first->lease, version("v"));
  finish(cold->instance);
  EXPECT_FALSE(second->execution->steps.cold);
  EXPECT_EQ(instances_.started.size(), 1U);
}

TEST_F(WorkerTest, AdmitsEachEpochOnce) {
  open();
  const auto cold = take("v");
  execute(*cold, version("v"));
  EXPECT_EQ(execute(*cold, version("v"))->refusal, model::Refusal::kGone);
  instances_.events->loaded(cold->instance, {});
  finish(cold->instance);
  EXPECT_EQ(execute(*cold, version("v"))->refusal, model::Refusal::kGone);
}

TEST_F(WorkerTest, RefusesAnotherVersionOnAWarmInstanceAndUnknownInstances) {
  open();
  const auto lease = warm_up("v");
  EXPECT_EQ(execute(lease, version("w"))->refusal, model::Refusal::kGone);
  EXPECT_EQ(execute({"inproc:", "nobody", 0, 1, 128}, version("v"))->refusal, model::Refusal::kGone);
  EXPECT_FALSE(execute(lease, version("v"))->refusal);
}

TEST_F(WorkerTest, ReleasedLeasesGoOntoTheWarmStack) {
  open();
  const auto lease = warm_up("v");
  worker_->release(lease, model::ReleaseKind::kKeep);
  worker_->release(lease, model::ReleaseKind::kKeep);
  EXPECT_EQ(count(ReservationState::kIdle), 1U);
  const auto taken = take("v");
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->instance, lease.instance);
  EXPECT_FALSE(execute(*taken, version("v"))->refusal);
}

TEST_F(WorkerTest, ExpiresAfterKeepAliveCountedFromTheLastUse) {
  open(1024);
  const auto lease = warm_up("v");
  worker_->release(lease, model::ReleaseKind::kKeep);
  loop_.advance(minutes(14));
  const auto taken = take("v");
  execute(*taken, version("v"));
  finish(lease.instance);
  loop_.advance(minutes(14));
  EXPECT_TRUE(instances_.stopped.empty());
  loop_.advance(minutes(1));
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{lease.instance});
  EXPECT_EQ(count(ReservationState::kRemoving), 1U);
  EXPECT_EQ(worker_->snapshot().free_mb, 896U);
  instances_.events->ended(lease.instance);
  EXPECT_EQ(count(ReservationState::kCold), 1U);
}

TEST_F(WorkerTest, ExpiredInstancesAreGoneForWhoStillHoldsThem) {
  open();
  const auto lease = warm_up("v");
  loop_.advance(minutes(16));
  EXPECT_EQ(execute(lease, version("v"))->refusal, model::Refusal::kGone);
  EXPECT_FALSE(take("v", messaging::kWarmOnly));
}

TEST_F(WorkerTest, WhatExpiresOnTheWarmStackIsTakenOffIt) {
  open();
  worker_->release(warm_up("v"), model::ReleaseKind::kKeep);
  loop_.advance(minutes(16));
  EXPECT_FALSE(take("v", messaging::kWarmOnly));
}

TEST_F(WorkerTest, ARunningInstanceNeverExpires) {
  open();
  const auto lease = warm_up("v");
  execute(lease, version("v"));
  loop_.advance(minutes(60));
  EXPECT_TRUE(instances_.stopped.empty());
}

TEST_F(WorkerTest, DroppingAVersionRemovesIdleAndRetiresRunning) {
  open();
  const auto first = warm_up("v");
  const auto running = execute(first, version("v"));
  const auto second = warm_up("v");
  worker_->release(second, model::ReleaseKind::kKeep);
  messaging_.drop_version("v");
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{second.instance});
  finish(first.instance);
  EXPECT_TRUE(running->execution);
  EXPECT_FALSE(running->lease);
  EXPECT_EQ(instances_.stopped.size(), 2U);
}

TEST_F(WorkerTest, OfARetiredVersionNoInstanceStays) {
  open();
  const auto cold = take("v");
  auto observer = std::make_shared<Observer>();
  worker_->execute(*cold, {version("v", 128, 2), "f", "request", nullptr, /*version_retired=*/true},
                   observer);
  instances_.events->loaded(cold->instance, {});
  EXPECT_FALSE(take("v", messaging::kWarmOnly)) << "nor is its other lane anybody's";
  finish(cold->instance);
  ASSERT_TRUE(observer->execution);
  EXPECT_FALSE(observer->lease);
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{cold->instance});
}

TEST_F(WorkerTest, DemandGetsWhatIsFreeInTheSizeItAsksFor) {
  open(1024);
  warm_up("v", 128);  // 896 MB are free: too little for the largest function
  EXPECT_FALSE(take("w", 512));
  EXPECT_TRUE(worker_->on_demand({1, "w", 512}));
  const auto offered = take("w", 512);
  ASSERT_TRUE(offered);
  EXPECT_EQ(offered->memory_mb, 512U);
  EXPECT_TRUE(instances_.stopped.empty());
}

TEST_F(WorkerTest, DemandEvictsTheLeastRecentlyUsedIdleInstance) {
  open(1024);
  const auto old = warm_up("a", 1024 / 2);
  ASSERT_TRUE(worker_->on_demand({9, "b", 512}));
  loop_.advance(milliseconds(10));
  const auto younger = warm_up("b", 512);
  worker_->release(old, model::ReleaseKind::kKeep);
  worker_->release(younger, model::ReleaseKind::kKeep);
  loop_.advance(milliseconds(10));

  EXPECT_FALSE(take("c", 512));
  EXPECT_TRUE(worker_->on_demand({1, "c", 512}));
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{old.instance});
  EXPECT_FALSE(take("c", 512)) << "its memory is its own until it has ended";
  instances_.events->ended(old.instance);
  EXPECT_TRUE(take("c", 512));
  EXPECT_EQ(worker_->snapshot().instances_evicted, 1U);
}

TEST_F(WorkerTest, WhatHasJustBecomeIdleIsPromisedAndGoesAfterItsGrace) {
  open(1024);
  const auto lease = warm_up("a", 1024);
  EXPECT_TRUE(worker_->on_demand({1, "c", 128}));
  EXPECT_TRUE(instances_.stopped.empty());
  loop_.advance(milliseconds(3));
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{lease.instance});
}

TEST_F(WorkerTest, ARunningInstanceIsNeverEvicted) {
  open(1024);
  const auto lease = warm_up("a", 1024);
  execute(lease, version("a", 1024));
  EXPECT_FALSE(worker_->on_demand({1, "c", 128}));
  EXPECT_TRUE(instances_.stopped.empty());
  // When it finishes and stays unused for a moment, the demand that still stands takes it.
  finish(lease.instance);
  loop_.advance(milliseconds(5));
  EXPECT_EQ(instances_.stopped.size(), 1U);
}

TEST_F(WorkerTest, WithdrawnDemandEvictsNothing) {
  open(1024);
  const auto lease = warm_up("a", 1024);
  execute(lease, version("a", 1024));
  worker_->on_demand({1, "c", 128});
  worker_->on_demand_withdrawn(1);
  finish(lease.instance);
  loop_.advance(milliseconds(50));
  EXPECT_TRUE(instances_.stopped.empty());
}

TEST_F(WorkerTest, NeverEvictsWhenTold) {
  open(1024, /*evict=*/false);
  warm_up("a", 1024);
  loop_.advance(milliseconds(10));
  EXPECT_FALSE(worker_->on_demand({1, "c", 128}));
  EXPECT_TRUE(instances_.stopped.empty());
}

TEST_F(WorkerTest, AFailedStartAnswersAndGivesTheMemoryBack) {
  open(1024);
  const auto cold = take("v");
  const auto observer = execute(*cold, version("v"));
  instances_.events->start_failed(cold->instance,
                                  {model::OutcomeKind::kInitFailed, {}, {"SyntaxError", "x", ""}}, {}, {});
  ASSERT_TRUE(observer->execution);
  EXPECT_EQ(observer->execution->outcome.kind, model::OutcomeKind::kInitFailed);
  EXPECT_FALSE(observer->lease);
  instances_.events->ended(cold->instance);
  EXPECT_EQ(count(ReservationState::kCold), 1U);
  EXPECT_EQ(worker_->snapshot().free_mb, 0U);
}

TEST_F(WorkerTest, AnInstanceThatCannotBeReusedIsRemoved) {
  open(1024);
  const auto lease = warm_up("v");
  const auto observer = execute(lease, version("v"));
  finish(lease.instance, /*reusable=*/false);
  EXPECT_FALSE(observer->lease);
  EXPECT_EQ(instances_.stopped.size(), 1U);
}

TEST_F(WorkerTest, DrainLetsTheRunningFinishAndReportsWhenNothingIsLeft) {
  open();
  const auto idle = warm_up("v");
  const auto busy = warm_up("w");
  const auto running = execute(busy, version("w"));
  bool drained = false;
  worker_->drain([&] { drained = true; });
  EXPECT_EQ(count(ReservationState::kCold), 0U);
  EXPECT_EQ(execute(idle, version("v"))->refusal, model::Refusal::kDraining);
  instances_.events->ended(idle.instance);
  EXPECT_FALSE(drained);
  finish(busy.instance);
  EXPECT_TRUE(running->execution);
  instances_.events->ended(busy.instance);
  EXPECT_TRUE(drained);
  EXPECT_EQ(worker_->snapshot().free_mb, 2048U);
}

TEST_F(WorkerTest, AFunctionLargerThanTheReservationIsRefusedAsTooSmall) {
  open(1024);
  warm_up("v", 128);
  ASSERT_TRUE(worker_->on_demand({1, "w", 512}));
  const auto offered = take("w", 512);
  EXPECT_EQ(execute(*offered, version("x", 1000))->refusal, model::Refusal::kTooSmall);
  EXPECT_TRUE(take("w", 512)) << "it is offered again";
}

}  // namespace
}  // namespace hearth::worker::worker_test
