// The dispatcher's heart on a virtual clock, with a link that does what the test says.
#include "dispatch/dispatcher.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dispatch/testing/dispatcher_fixture.h"

namespace hearth::dispatch {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST_F(DispatcherTest, TakesColdThenUsesItsOwnLease) {
  cold("a");
  invoke();
  link_.finish(true);
  EXPECT_EQ(answers_[0], "ran on a");
  invoke();
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.running[0].allocation.epoch, 2U);
  link_.finish();
  EXPECT_EQ(answers_[1], "ran on a");
}

TEST_F(DispatcherTest, LeasesAreUsedLastInFirstOutAndGoBackOldestFirst) {
  cold("a");
  cold("b");
  invoke();
  invoke();
  link_.finish(true);
  loop_.advance(milliseconds(1));
  link_.finish(true);
  invoke();
  EXPECT_EQ(link_.running[0].allocation.instance, "b");
  link_.finish();
  loop_.advance(milliseconds(500));
  ASSERT_EQ(link_.released.size(), 2U);
  EXPECT_EQ(link_.released[0], std::pair(std::string("a"), model::ReleaseKind::kKeep));
  EXPECT_EQ(link_.released[1].first, "b");
  EXPECT_EQ(loop_.pending_timers(), 0U);
}

TEST_F(DispatcherTest, DropsStaleAllocationsAndTriesTheNext) {
  messaging_.announce_warm("v", {"inproc:", "stale", 1, 1, 128});
  cold("a");
  link_.gone_next = 1;
  invoke();
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.running[0].allocation.instance, "a");
  link_.finish();
}

TEST_F(DispatcherTest, RejectsAtOnceWithoutCapacity) {
  invoke();
  EXPECT_EQ(answers_[0], "no_capacity");
  EXPECT_EQ(worker_.demands.size(), 1U);
  EXPECT_EQ(worker_.withdrawn, 1);
  EXPECT_EQ(loop_.pending_timers(), 0U);
}

TEST_F(DispatcherTest, WaitsForRoomThatAWorkerMakes) {
  worker_.makes_room = true;
  invoke();
  EXPECT_EQ(answers_[0], "");
  loop_.advance(milliseconds(100));
  cold("a");
  loop_.run_posted();
  ASSERT_EQ(link_.running.size(), 1U);
  link_.finish(true);
  EXPECT_EQ(answers_[0], "ran on a");
}

TEST_F(DispatcherTest, RoomThatNeverComesIsRejectedAfterItsBound) {
  worker_.makes_room = true;
  invoke();
  loop_.advance(milliseconds(1'999));
  EXPECT_EQ(answers_[0], "");
  loop_.advance(milliseconds(2));
  EXPECT_EQ(answers_[0], "no_capacity");
}

TEST_F(DispatcherTest, QueueTimeoutWaitsForABusyInstance) {
  DispatcherOptions options;
  options.queue_timeout = milliseconds(100);
  make(options);
  cold("a");
  invoke();
  invoke();
  EXPECT_EQ(answers_[1], "");
  link_.finish(true);
  ASSERT_EQ(link_.running.size(), 1U);
  link_.finish();
  EXPECT_EQ(answers_[1], "ran on a");
  invoke();
  invoke();
  loop_.advance(milliseconds(106));  // the short wait for a hot instance, then the queue's
  EXPECT_EQ(answers_[3], "no_capacity");
}

TEST_F(DispatcherTest, ColdMemoryGoesToWhoWaitsLongest) {
  DispatcherOptions options;
  options.queue_timeout = milliseconds(1'000);
  make(options);
  invoke("first");
  invoke("second");
  cold("a");
  invoke("third");
  loop_.run_posted();
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.running[0].request.version->id, "first");
}

TEST_F(DispatcherTest, TheQueueIsBounded) {
  DispatcherOptions options;
  options.queue_timeout = milliseconds(100);
  options.queue_depth = 2;
  make(options);
  invoke();
  invoke();
  invoke();
  EXPECT_EQ(answers_[2], "queue_full");
}

TEST_F(DispatcherTest, AShortFunctionsCallWaitsForTheHotInstance) {
  cold("a");
  cold("b");
  invoke();
  link_.finish(true);
  invoke();
  loop_.advance(microseconds(100));
  link_.finish();
  invoke();
  invoke();
  EXPECT_EQ(link_.running.size(), 1U) << "the second waits for the first";
  link_.finish();
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.running[0].allocation.instance, "a");
}

TEST_F(DispatcherTest, TheHotWaitEndsInAColdStart) {
  cold("a");
  cold("b");
  invoke();
  link_.finish(true);
  invoke();
  loop_.advance(microseconds(100));
  link_.finish();
  invoke();
  invoke();
  loop_.advance(milliseconds(6));
  ASSERT_EQ(link_.running.size(), 2U);
  EXPECT_EQ(link_.running[1].allocation.instance, "b");
}

TEST_F(DispatcherTest, ALongFunctionsCallDoesNotWait) {
  cold("a");
  cold("b");
  invoke();
  link_.finish(true);
  invoke();
  loop_.advance(milliseconds(50));
  link_.finish();
  invoke();
  invoke();
  EXPECT_EQ(link_.running.size(), 2U);
}

TEST_F(DispatcherTest, HotWaitZeroIsThePapersBehaviour) {
  DispatcherOptions options;
  options.hot_wait_max = microseconds(0);
  make(options);
  cold("a");
  cold("b");
  invoke();
  link_.finish(true);
  invoke();
  link_.finish();
  invoke();
  invoke();
  EXPECT_EQ(link_.running.size(), 2U);
}

TEST_F(DispatcherTest, AnAbandonedRunningCallKeepsItsInstanceBusyUntilItsEnd) {
  cold("a");
  const CallId call = invoke();
  dispatcher_->abandon(call);
  EXPECT_EQ(dispatcher_->calls_running(), 1U);
  link_.finish(true);
  EXPECT_EQ(answers_[0], "");
  EXPECT_EQ(dispatcher_->leases_idle(), 1U);
  dispatcher_->abandon(call);
}

TEST_F(DispatcherTest, AnAbandonedWaitingCallLeavesTheQueue) {
  worker_.makes_room = true;
  const CallId call = invoke();
  dispatcher_->abandon(call);
  EXPECT_EQ(dispatcher_->calls_waiting(), 0U);
  EXPECT_EQ(worker_.withdrawn, 1);
  EXPECT_EQ(answers_[0], "");
  EXPECT_EQ(loop_.pending_timers(), 0U);
}

TEST_F(DispatcherTest, UnusedLeasesOfEveryVersionGoBackEachTimeAnew) {
  std::uint64_t epoch = 1;
  const auto use = [&](const std::string& version) {
    messaging_.announce_warm(version, {"inproc:", "i" + version, 0, ++epoch, 128});
    invoke(version);
    link_.finish();
  };
  use("v");
  use("w");
  EXPECT_EQ(dispatcher_->leases_idle(), 2U);
  loop_.advance(milliseconds(200));
  EXPECT_EQ(dispatcher_->leases_idle(), 0U);
  // While the one has nothing, the other is looked at; then the first has something again.
  use("w");
  loop_.advance(milliseconds(200));
  EXPECT_EQ(dispatcher_->leases_idle(), 0U);
  use("v");
  loop_.advance(milliseconds(200));
  EXPECT_EQ(dispatcher_->leases_idle(), 0U);
  EXPECT_EQ(link_.released.size(), 4U);
  // One whose version is no more is not looked at with the others.
  use("v");
  use("w");
  dispatcher_->retire("v", /*deleted=*/false);
  loop_.advance(milliseconds(200));
  EXPECT_EQ(dispatcher_->leases_idle(), 0U);
}

TEST_F(DispatcherTest, RetiringAVersionRemovesIdleLeasesAndBusyOnesLater) {
  cold("a");
  cold("b");
  invoke();
  invoke();
  link_.finish(true);
  dispatcher_->retire("v", false);
  ASSERT_EQ(link_.released.size(), 1U);
  EXPECT_EQ(link_.released[0], std::pair(std::string("a"), model::ReleaseKind::kRemove));
  EXPECT_EQ(worker_.dropped, std::vector<std::string>{"v"});
  link_.finish(true);
  EXPECT_EQ(answers_[1], "ran on b");
  EXPECT_EQ(link_.released[1], std::pair(std::string("b"), model::ReleaseKind::kRemove));
  EXPECT_EQ(dispatcher_->leases_idle(), 0U);
}

TEST_F(DispatcherTest, ACallThatWaitedWhileItsVersionWasRetiredRunsAndItsInstanceGoes) {
  worker_.makes_room = true;
  invoke();
  dispatcher_->retire("v", false);
  cold("a");
  loop_.run_posted();
  link_.finish(true);
  EXPECT_EQ(answers_[0], "ran on a");
  EXPECT_EQ(link_.released.back(), std::pair(std::string("a"), model::ReleaseKind::kRemove));
}

TEST_F(DispatcherTest, CallsThatWaitForADeletedFunctionAreToldSo) {
  worker_.makes_room = true;
  invoke();
  dispatcher_->retire("v", true);
  EXPECT_EQ(answers_[0], "not_found");
}

TEST_F(DispatcherTest, DrainAnswersTheWaitingAndLetsTheRunningFinish) {
  worker_.makes_room = true;
  cold("a");
  invoke();
  invoke("w");
  dispatcher_->drain();
  EXPECT_EQ(answers_[1], "shutting_down");
  invoke();
  EXPECT_EQ(answers_[2], "shutting_down");
  link_.finish(true);
  EXPECT_EQ(answers_[0], "ran on a");
  EXPECT_EQ(link_.released.back(), std::pair(std::string("a"), model::ReleaseKind::kRemove));
}

// One of several workers is stopping, or silent: that is no end of the call.
TEST_F(DispatcherTest, WhatAWorkerRefusesAnotherIsAsked) {
  for (const model::Refusal refusal :
       {model::Refusal::kDraining, model::Refusal::kNoAnswer, model::Refusal::kTooSmall}) {
    messaging_.announce_warm("v", {"inproc:", "refusing", 0, 1, 128});
    cold("willing");
    link_.gone_next = 1;
    link_.refuses_with = refusal;
    invoke();
    ASSERT_EQ(link_.running.size(), 1U) << to_string(refusal);
    EXPECT_EQ(link_.running[0].allocation.instance, "willing");
    link_.finish(true, /*reusable=*/false);
    EXPECT_EQ(answers_.back(), "ran on willing");
  }
}

TEST_F(DispatcherTest, RefusedByADrainingWorkerWithoutAnotherThereIsNoCapacity) {
  cold("refusing");
  link_.gone_next = 1;
  link_.refuses_with = model::Refusal::kDraining;
  invoke();
  EXPECT_EQ(answers_[0], "no_capacity") << "this server is not stopping";
}

TEST_F(DispatcherTest, ARefusalWhileItDrainsItselfEndsTheCall) {
  cold("a");
  cold("b");
  invoke();
  dispatcher_->drain();
  link_.running[0].observer->refused(model::Refusal::kDraining);
  EXPECT_EQ(answers_[0], "shutting_down");
}

TEST_F(DispatcherTest, GivesUpWhenEverythingIsStale) {
  for (int i = 0; i < 100; ++i) {
    messaging_.announce_warm("v", {"inproc:", "stale", 1, 1, 128});
  }
  link_.gone_next = 1'000;
  invoke();
  EXPECT_EQ(answers_[0], "no_capacity");
}

}  // namespace
}  // namespace hearth::dispatch
