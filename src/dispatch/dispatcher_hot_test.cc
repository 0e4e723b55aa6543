// Who waits for an instance at work, and who gets another one.
#include <gtest/gtest.h>

#include "dispatch/testing/dispatcher_fixture.h"

namespace hearth::dispatch {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kShortUs = 40;  // enough that two cores want two instances
constexpr std::int64_t kTinyUs = 2;
constexpr std::int64_t kLongUs = 1'000;

class HotTest : public DispatcherTest {
 protected:
  void warm(int instances, std::int64_t handler_us) {
    DispatcherOptions options;
    options.cores = 2;
    DispatcherTest::warm(options, "inproc:", instances, handler_us);
  }
};

TEST_F(HotTest, ShortCallsUseAsManyInstancesAsThereAreCores) {
  warm(4, kShortUs);
  for (int i = 0; i < 6; ++i) {
    invoke();
  }
  EXPECT_EQ(link_.running.size(), 2U);
  EXPECT_EQ(dispatcher_->leases_idle(), 2U) << "two are not woken";
  for (int i = 0; i < 4; ++i) {
    link_.finish(false, true, kShortUs);
    EXPECT_EQ(link_.running.size(), 2U) << "the next call is sent at once";
  }
}

TEST_F(HotTest, HandlersThatDoLittleNeedFewerInstancesThanThereAreCores) {
  warm(2, kTinyUs);
  for (int i = 0; i < 6; ++i) {
    invoke();
  }
  EXPECT_EQ(link_.running.size(), 1U) << "the other core is the server's and its callers'";
}

TEST_F(HotTest, AnIdleInstanceThatNobodyHoldsIsTakenBeforeAnyWait) {
  warm(1, kShortUs);
  messaging_.announce_warm("v", {"inproc:", "b", 0, 1, 128});
  invoke();
  invoke();
  ASSERT_EQ(link_.running.size(), 2U);
  EXPECT_EQ(link_.running[1].allocation.instance, "b");
}

TEST_F(HotTest, AHandlerThatMayBeWaitingGetsAnotherInstanceAtOnce) {
  warm(4, kLongUs);
  for (int i = 0; i < 4; ++i) {
    invoke();
  }
  EXPECT_EQ(link_.running.size(), 4U);
}

TEST_F(HotTest, ALongCallAmongShortOnesHoldsNobodyUp) {
  warm(4, kShortUs);
  invoke();
  invoke();
  loop_.advance(milliseconds(6));  // both take longer than any short wait
  invoke();
  EXPECT_EQ(link_.running.size(), 2U);
  loop_.advance(milliseconds(2));
  EXPECT_EQ(link_.running.size(), 3U);
}

TEST_F(HotTest, InACrowdOfShortCallsTheWaitGoesOn) {
  warm(2, kShortUs);
  cold("unused");
  for (int i = 0; i < 20; ++i) {
    invoke();
  }
  for (int i = 0; i < 18; ++i) {
    loop_.advance(milliseconds(1));  // the machine is busy with something else
    link_.finish(false, true, kShortUs);
    EXPECT_EQ(link_.running.size(), 2U);
  }
}

TEST_F(HotTest, ABurstStartsNoMoreInstancesThanCoresAtOnce) {
  DispatcherOptions options;
  options.cores = 2;
  make(options);
  for (const char* instance : {"a", "b", "c", "d", "e"}) {
    cold(instance);
  }
  for (int i = 0; i < 5; ++i) {
    invoke();
  }
  EXPECT_EQ(link_.running.size(), 2U);
  link_.finish(true);
  EXPECT_EQ(link_.running.back().allocation.instance, "a") << "the first that is up serves the next";
  EXPECT_EQ(link_.running.size(), 2U);
}

TEST_F(HotTest, StartsThatTakeTooLongAreWaitedForNoLonger) {
  cold("a");
  cold("b");
  DispatcherOptions options;
  options.cores = 1;
  make(options);
  invoke();
  invoke();
  EXPECT_EQ(link_.running.size(), 1U);
  loop_.advance(milliseconds(101));
  EXPECT_EQ(link_.running.size(), 2U);
}

TEST_F(HotTest, WaitsThatEndTogetherDoNotAllStartInstances) {
  warm(1, kShortUs);
  for (const char* instance : {"b", "c", "d", "e", "f"}) {
    cold(instance);
  }
  for (int i = 0; i < 6; ++i) {
    invoke();
  }
  loop_.advance(milliseconds(20));  // the one at work is stuck
  EXPECT_EQ(link_.running.size(), 3U) << "two starts, one for each core";
  loop_.advance(milliseconds(100));
  EXPECT_EQ(link_.running.size(), 6U) << "but not for longer than a start takes";
}

TEST_F(HotTest, AStartThatFailsLetsTheWaitingGo) {
  cold("a");
  cold("b");
  DispatcherOptions options;
  options.cores = 1;
  make(options);
  invoke();
  invoke();
  link_.finish(true, false);
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.running[0].allocation.instance, "b");
}

TEST_F(HotTest, OneStartServesAsManyCallsAsItsInstanceTakesAtOnce) {
  concurrency_ = 3;
  for (const char* instance : {"a", "b"}) {
    cold(instance);
  }
  for (int i = 0; i < 3; ++i) {
    invoke();
  }
  EXPECT_EQ(link_.running.size(), 1U);
  messaging_.announce_warm("v", {"inproc:", "a", 1, 1, 128});  // as the worker does when it has loaded
  messaging_.announce_warm("v", {"inproc:", "a", 2, 1, 128});
  loop_.run_posted();
  ASSERT_EQ(link_.running.size(), 3U);
  EXPECT_EQ(link_.running[2].allocation.instance, "a");
  invoke();
  EXPECT_EQ(link_.running.back().allocation.instance, "b") << "a fourth does not fit into the first";
}

TEST_F(HotTest, InACrowdTheNextStandBehindThoseAtWork) {
  warm(3, kShortUs);
  link_.takes_behind = true;
  for (int i = 0; i < 6; ++i) {
    invoke();
  }
  EXPECT_EQ(link_.running.size(), 2U);
  ASSERT_EQ(link_.behind.size(), 4U);
  EXPECT_NE(link_.behind[0].allocation.instance, link_.behind[1].allocation.instance) << "the shortest first";
  EXPECT_EQ(dispatcher_->leases_idle(), 1U);
}

TEST_F(HotTest, WhatStandsBehindALongCallIsTakenBackAndExecutedElsewhere) {
  warm(3, kShortUs);
  link_.takes_behind = true;
  for (int i = 0; i < 3; ++i) {
    invoke();
  }
  ASSERT_EQ(link_.behind.size(), 1U);
  loop_.advance(milliseconds(1));
  EXPECT_EQ(link_.taken_back.size(), 1U);
  EXPECT_TRUE(link_.behind.empty());
  EXPECT_EQ(link_.running.size(), 2U) << "it waits here now";
  loop_.advance(milliseconds(8));
  EXPECT_EQ(link_.running.size(), 3U) << "both calls are long";
}

TEST_F(HotTest, TheLeaseComesBackWithTheLastOfTheCallsBehind) {
  warm(2, kShortUs);
  link_.takes_behind = true;
  for (int i = 0; i < 4; ++i) {
    invoke();
  }
  ASSERT_EQ(link_.behind.size(), 2U);
  link_.finish(false, false, kShortUs);  // goes on with the next: no lease
  link_.finish(false, false, kShortUs);
  EXPECT_EQ(dispatcher_->leases_idle(), 0U);
  link_.running = std::exchange(link_.behind, {});
  link_.finish(false, true, kShortUs);
  link_.finish(false, true, kShortUs);
  EXPECT_EQ(dispatcher_->leases_idle(), 2U);
}

TEST_F(HotTest, WhatWasTakenBackIsNotPutBehindAnotherAgain) {
  warm(1, kTinyUs);
  link_.takes_behind = true;
  invoke();
  invoke();
  loop_.advance(milliseconds(1));
  ASSERT_EQ(link_.taken_back.size(), 1U);
  invoke();  // younger
  for (int i = 0; i < 3; ++i) {
    invoke();
  }
  EXPECT_TRUE(link_.behind.empty()) << "they wait here, with the one that was taken back";
  link_.finish(false, true, kTinyUs);
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.behind.size(), 2U) << "behind the oldest";
  link_.finish(false, true, kTinyUs);
  EXPECT_EQ(answers_[1], "ran on a");
}

TEST_F(HotTest, OfTwoThatWereTakenBackNeitherStandsBehindTheOther) {
  warm(1, kTinyUs);
  link_.takes_behind = true;
  for (int i = 0; i < 3; ++i) {
    invoke();
  }
  loop_.advance(milliseconds(1));
  ASSERT_EQ(link_.taken_back.size(), 1U);
  link_.finish(false, true, kTinyUs);
  EXPECT_EQ(link_.running.size(), 1U);
  EXPECT_TRUE(link_.behind.empty());
}

TEST_F(HotTest, SoManyStandBehindAnInstanceAndNoMore) {
  warm(1, kTinyUs);
  link_.takes_behind = true;
  for (unsigned i = 0; i < model::kBehindMost + 3; ++i) {
    invoke();
  }
  EXPECT_EQ(link_.behind.size(), model::kBehindMost - 1);
}

TEST_F(HotTest, AnInstanceThatMakesProgressKeepsThoseBehind) {
  warm(1, kTinyUs);
  link_.takes_behind = true;
  for (int i = 0; i < 3; ++i) {
    invoke();
  }
  ASSERT_EQ(link_.behind.size(), 2U);
  loop_.advance(std::chrono::microseconds(600));
  link_.finish(false, false, kTinyUs);  // goes on with the next
  link_.running.push_back(link_.behind.front());
  link_.behind.erase(link_.behind.begin());
  loop_.advance(std::chrono::microseconds(600));
  EXPECT_TRUE(link_.taken_back.empty());
  loop_.advance(milliseconds(1));
  EXPECT_EQ(link_.taken_back.size(), 1U) << "none since then";
}

TEST_F(HotTest, ALargeBodyStandsBehindNobody) {
  warm(2, kShortUs);
  link_.takes_behind = true;
  body_ = std::make_shared<const std::string>(model::kBehindBodyBytes + 1, 'x');
  for (int i = 0; i < 3; ++i) {
    invoke();
  }
  EXPECT_EQ(link_.running.size(), 2U);
  EXPECT_TRUE(link_.behind.empty());
}

TEST_F(HotTest, AnAbandonedHotWaitIsOver) {
  warm(2, kShortUs);
  invoke();
  invoke();
  const CallId third = invoke();
  dispatcher_->abandon(third);
  link_.finish(false, true, kShortUs);
  link_.finish(false, true, kShortUs);
  EXPECT_TRUE(link_.running.empty());
}

}  // namespace
}  // namespace hearth::dispatch
