// Instances that are kept started, in the worker's heart.
#include "worker/testing/provisions_fixture.h"

namespace hearth::worker::worker_test {
namespace {

TEST_F(WorkerProvisions, AreStartedOneAtATimeAndWaitOnTheWarmStack) {
  open();
  provide("v", 3);
  EXPECT_EQ(starts(), 1U);
  EXPECT_EQ(count(ReservationState::kStarting), 1U);
  EXPECT_EQ(ready(), 0U);
  instances_.events->loaded(instances_.started[0], {});
  EXPECT_EQ(starts(), 1U) << "calls find the core free in between";
  EXPECT_EQ(ready(), 1U);
  loop_.advance(milliseconds(10));
  EXPECT_EQ(starts(), 2U);
  load(instances_.started[1]);
  load(instances_.started[2]);
  EXPECT_EQ(starts(), 3U);
  EXPECT_EQ(worker_->snapshot().provisioned_wanted, 3U);
  EXPECT_EQ(worker_->snapshot().provisioned_ready, 3U);

  for (int i = 0; i < 3; ++i) {
    const auto warm = take("v", messaging::kWarmOnly);
    ASSERT_TRUE(warm);
    const auto observer = execute(*warm, version("v"));
    EXPECT_EQ(ready(), 3U) << "busy ones count";
    finish(warm->instance);
    ASSERT_TRUE(observer->execution);
    EXPECT_FALSE(observer->execution->steps.cold);
  }
  EXPECT_EQ(starts(), 3U);
}

TEST_F(WorkerProvisions, SeveralCoresStartSeveralAtOnce) {
  prestart_.cores = 4;
  open();
  provide("v", 3);
  EXPECT_EQ(starts(), 2U);
  load(instances_.started[0]);
  EXPECT_EQ(starts(), 3U);
}

TEST_F(WorkerProvisions, AreNotExpired) {
  open();
  provide_and_load("v", 2);
  warm_up("other");
  loop_.advance(minutes(60));
  EXPECT_EQ(ready(), 2U);
  EXPECT_EQ(instances_.stopped.size(), 1U) << "the other one's";
}

TEST_F(WorkerProvisions, InstancesThatCallsStartedAreOfThem) {
  open();
  const auto lease = warm_up("v");
  provide("v", 2);
  EXPECT_EQ(ready(), 1U);
  EXPECT_EQ(starts(), 2U) << "one that a call has started, one more";
  const auto cold = take("v", 128);
  ASSERT_TRUE(cold);
  execute(*cold, version("v"));  // three now, for two that are wanted
  instances_.events->loaded(cold->instance, {});
  finish(cold->instance);
  load(instances_.started[1]);
  EXPECT_EQ(ready(), 2U);
  loop_.advance(minutes(60));
  EXPECT_EQ(instances_.stopped.size(), 1U) << "what is more than that is kept as any other";
  EXPECT_EQ(ready(), 2U);
}

TEST_F(WorkerProvisions, AreNotEvictedForAnothersCall) {
  open(1024);
  provide_and_load("v", 4, 256);
  loop_.advance(minutes(5));
  EXPECT_FALSE(worker_->on_demand({1, "other", 256})) << "no room is being made";
  loop_.advance(seconds(1));
  EXPECT_TRUE(instances_.stopped.empty());
  EXPECT_FALSE(worker_->give_up(256));
  messaging_.withdraw_demand(1);
}

TEST_F(WorkerProvisions, WhatIsMoreThanTheyAreIsEvicted) {
  open(1024);
  provide_and_load("v", 4, 256);
  provide("v", 3, 256);
  loop_.advance(seconds(1));
  EXPECT_TRUE(worker_->on_demand({1, "other", 256}));
  EXPECT_EQ(instances_.stopped.size(), 1U);
  EXPECT_EQ(ready(), 3U);
  EXPECT_TRUE(worker_->on_demand({2, "other", 256}) == false) << "the three stay";
  messaging_.withdraw_demand(1);
  messaging_.withdraw_demand(2);
}

TEST_F(WorkerProvisions, OneThatEndsAfterAWhileIsReplacedAtOnce) {
  open();
  provide_and_load("v", 2);
  loop_.advance(kProvisionLasts);
  end(instances_.started[0]);
  EXPECT_EQ(ready(), 1U);
  EXPECT_EQ(starts(), 3U);
  load_last();
  EXPECT_EQ(ready(), 2U);
}

TEST_F(WorkerProvisions, OneThatAnUnusableCallLeavesIsReplaced) {
  open();
  provide_and_load("v", 1);
  loop_.advance(kProvisionLasts);
  const auto warm = take("v", messaging::kWarmOnly);
  execute(*warm, version("v"));
  finish(warm->instance, /*reusable=*/false);  // its time-out, or no memory
  EXPECT_EQ(ready(), 0U);
  end_stopped();
  EXPECT_EQ(starts(), 2U);
}

TEST_F(WorkerProvisions, StartsThatFailAreRarerEachTime) {
  open();
  provide("v", 2);
  fail(instances_.started[0]);
  loop_.advance(milliseconds(999));
  EXPECT_EQ(starts(), 1U);
  loop_.advance(milliseconds(1));
  EXPECT_EQ(starts(), 2U);
  fail(instances_.started[1]);
  loop_.advance(milliseconds(1'999));
  EXPECT_EQ(starts(), 2U);
  loop_.advance(milliseconds(1));
  EXPECT_EQ(starts(), 3U);
  for (int i = 0; i < 10; ++i) {
    fail(instances_.started.back());
    loop_.advance(minutes(1));
  }
  EXPECT_EQ(starts(), 13U) << "a minute is the most";
}

TEST_F(WorkerProvisions, OneThatDoesNotLastIsNotStartedInALoop) {
  open();
  provide("v", 1);
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(starts(), i + 1);
    load_last();
    end(instances_.started.back());
    EXPECT_EQ(starts(), i + 1);
    loop_.advance(kProvisionPause * (1 << i));
  }
}

TEST_F(WorkerProvisions, OfAFunctionThatFailsOthersDoNotWait) {
  open();
  provide("bad", 1);
  provide("v", 1);
  fail(instances_.started[0]);
  EXPECT_EQ(starts(), 2U);
  load_last();
  EXPECT_EQ(ready(), 1U);
}

TEST_F(WorkerProvisions, NewCodeIsStartedAndWhatWasKeptGoesAsAnyOther) {
  open();
  provide_and_load("old", 2);
  auto newer = std::make_shared<model::Version>(*version("new"));
  newer->function_id = "function of old";
  worker_->provide({newer, "f", 2});
  EXPECT_EQ(starts(), 3U);
  EXPECT_EQ(ready("old"), 0U) << "of the new code none is ready";
  load_all();
  EXPECT_EQ(ready("old"), 2U);
  EXPECT_TRUE(instances_.stopped.empty());
  loop_.advance(minutes(15));
  EXPECT_EQ(instances_.stopped.size(), 2U);
  EXPECT_EQ(ready("old"), 2U);
}

TEST_F(WorkerProvisions, ADroppedVersionsAreRemovedAndNotStartedAgain) {
  open();
  provide("v", 3);
  load(instances_.started[0]);
  load(instances_.started[1]);
  const auto warm = take("v", messaging::kWarmOnly);
  execute(*warm, version("v"));  // one works, one waits, one starts
  messaging_.drop_version("v");
  EXPECT_EQ(instances_.stopped.size(), 1U);
  finish(warm->instance);
  instances_.events->loaded(instances_.started[2], {});
  end_stopped();
  loop_.advance(minutes(2));
  EXPECT_EQ(starts(), 3U);
  EXPECT_EQ(ended_, 3U);
  EXPECT_EQ(worker_->snapshot().provisioned_wanted, 0U);
}

TEST_F(WorkerProvisions, AfterACountOfNoneTheyExpire) {
  open();
  provide_and_load("v", 2);
  loop_.advance(minutes(30));
  provide("v", 0);
  EXPECT_EQ(ready(), 0U);
  loop_.advance(minutes(15));
  EXPECT_EQ(instances_.stopped.size(), 2U);
  end_stopped();
  EXPECT_EQ(starts(), 2U);
}

TEST_F(WorkerProvisions, OneThatStartsWhenNoneIsWantedAnyMoreExpiresToo) {
  open();
  provide("v", 1);
  provide("v", 0);
  load_last();
  EXPECT_EQ(ready(), 0U);
  loop_.advance(minutes(15));
  EXPECT_EQ(instances_.stopped.size(), 1U);
}

TEST_F(WorkerProvisions, OfLessTheLoadedOnesAreKept) {
  open();
  provide("v", 2);
  load(instances_.started[0]);
  provide("v", 1);
  EXPECT_EQ(ready(), 1U);
  load(instances_.started[1]);
  EXPECT_EQ(ready(), 1U);
}

TEST_F(WorkerProvisions, ADrainRemovesThemAllAndStartsNone) {
  open();
  provide("v", 3);
  load(instances_.started[0]);
  bool drained = false;
  worker_->drain([&drained] { drained = true; });
  EXPECT_EQ(instances_.stopped.size(), 2U) << "the one that starts too";
  end_stopped();
  EXPECT_TRUE(drained);
  provide("v", 3);
  loop_.advance(minutes(1));
  EXPECT_EQ(starts(), 2U);
}

TEST_F(WorkerProvisions, OneThatIsLentToAnotherLoopCounts) {
  open();
  provide_and_load("v", 1);
  const auto lent = worker_->lend("v");
  ASSERT_TRUE(lent);
  execute(*lent, version("v"));
  EXPECT_EQ(ready(), 1U);
  finish(lent->instance);
  EXPECT_EQ(starts(), 1U);
}

TEST_F(WorkerProvisions, TakeSeveralCallsAtOnce) {
  open();
  worker_->provide({version("v", 128, 3), "f", 1});
  load_last();
  for (int i = 0; i < 3; ++i) {
    const auto warm = take("v", messaging::kWarmOnly);
    ASSERT_TRUE(warm);
    execute(*warm, version("v", 128, 3));
  }
  EXPECT_EQ(starts(), 1U);
}

}  // namespace
}  // namespace hearth::worker::worker_test
