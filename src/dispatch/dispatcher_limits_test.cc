// Limits of how many calls of a function run at once: asked before anything else, and left exactly once,
// whichever way a call ends.
#include <gtest/gtest.h>

#include "dispatch/testing/dispatcher_fixture.h"

namespace hearth::dispatch {
namespace {

using std::chrono::milliseconds;

class DispatcherLimits : public DispatcherTest {
 protected:
  void limit(std::optional<std::uint32_t> maximum) {
    model::Function function;
    function.id = "f";
    function.concurrency.maximum = maximum;
    limits_.set(function);
    dispatcher_->count_calls();
  }
  std::uint32_t counted() const { return limits_.running("f"); }
};

TEST_F(DispatcherLimits, ACallBeyondTheMaximumIsRefusedAtOnce) {
  limit(1);
  cold("a");
  cold("b");
  invoke();
  invoke();
  EXPECT_EQ(answers_[1], "too_many_requests");
  EXPECT_EQ(link_.running.size(), 1U);
  link_.finish(true);
  EXPECT_EQ(answers_[0], "ran on a");
  EXPECT_EQ(counted(), 0U);
  invoke();
  link_.finish();
  EXPECT_EQ(answers_[2], "ran on a");
}

// Whoever has an answer may call again: the place is free by then.
TEST_F(DispatcherLimits, ThePlaceIsFreeWhenTheAnswerComes) {
  limit(1);
  cold("a");
  auto version = std::make_shared<model::Version>();
  version->id = "v";
  version->function_id = "f";
  dispatcher_->invoke({version, "f", "r", body_}, [this](const Answer&) { invoke(); });
  link_.finish(true);
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(answers_[0], "");
}

TEST_F(DispatcherLimits, ACallWhoseCallerHasLeftCountsUntilItHasEnded) {
  limit(1);
  cold("a");
  dispatcher_->abandon(invoke());
  EXPECT_EQ(counted(), 1U) << "it is still executed";
  invoke();
  EXPECT_EQ(answers_[1], "too_many_requests");
  link_.finish(true);
  EXPECT_EQ(counted(), 0U);
}

TEST_F(DispatcherLimits, ACallThatIsRefusedByAllLeaves) {
  limit(1);
  invoke();
  EXPECT_EQ(answers_[0], "no_capacity");
  EXPECT_EQ(counted(), 0U);
}

TEST_F(DispatcherLimits, ACallThatWaitsCountsAndLeavesWithItsCaller) {
  limit(1);
  worker_.makes_room = true;
  const CallId waiting = invoke();
  EXPECT_EQ(counted(), 1U);
  dispatcher_->abandon(waiting);
  EXPECT_EQ(counted(), 0U);
}

TEST_F(DispatcherLimits, ACallThatIsSentOnToAnotherInstanceCountsOnce) {
  limit(2);
  messaging_.announce_warm("v", {"inproc:", "stale", 1, 1, 128});
  cold("a");
  link_.gone_next = 1;
  invoke();
  EXPECT_EQ(counted(), 1U);
  link_.finish(true);
  EXPECT_EQ(counted(), 0U);
}

TEST_F(DispatcherLimits, ACallRefusedAfterItsCallerLeftIsNoMore) {
  limit(1);
  cold("a");
  dispatcher_->abandon(invoke());
  auto observer = link_.running.front().observer;
  link_.running.clear();
  observer->refused(model::Refusal::kGone);
  EXPECT_EQ(counted(), 0U);
}

TEST_F(DispatcherLimits, CallsThatRunWhenTheLimitComesAreCounted) {
  cold("a");
  cold("b");
  invoke();
  invoke();
  limit(2);
  invoke();
  EXPECT_EQ(answers_[2], "too_many_requests");
  link_.finish(true);
  link_.finish(true);
  EXPECT_EQ(counted(), 0U);
}

TEST_F(DispatcherLimits, WhatDrainsLeaves) {
  limit(1);
  worker_.makes_room = true;
  invoke();
  dispatcher_->drain();
  EXPECT_EQ(answers_[0], "shutting_down");
  EXPECT_EQ(counted(), 0U);
}

}  // namespace
}  // namespace hearth::dispatch
