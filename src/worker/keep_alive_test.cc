// What every keep-alive policy promises, whatever is called when.
#include "worker/keep_alive.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "worker/adaptive_keep_alive.h"

namespace hearth::worker {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class KeepAlive : public testing::TestWithParam<KeepAliveKind> {
 protected:
  static std::unique_ptr<KeepAlivePolicy> make(milliseconds time = minutes(15),
                                               milliseconds longest = hours(1)) {
    return make_keep_alive({GetParam(), time, longest});
  }
};

void expect_sound(const KeepAlivePolicy& policy, const KeepAlivePlan& plan, base::TimePoint idle_since) {
  ASSERT_GE(plan.keep_until, idle_since + policy.least());
  ASSERT_LE(plan.keep_until, idle_since + hours(1));
  if (plan.pre_warm) {
    ASSERT_GT(plan.pre_warm->at, plan.keep_until);
    ASSERT_GT(plan.pre_warm->until, plan.pre_warm->at);
    ASSERT_LE(plan.pre_warm->until, plan.pre_warm->at + hours(1));
  }
}

TEST_P(KeepAlive, KeepsAFunctionThatIsCalledForTheFirstTimeForTheFixedTime) {
  const auto policy = make();
  const base::TimePoint now(hours(1));
  policy->called("f", now);
  EXPECT_EQ(policy->plan("f", now + seconds(2)),
            (KeepAlivePlan{now + seconds(2) + minutes(15), std::nullopt}));
}

TEST_P(KeepAlive, KeepsAFunctionThatItDoesNotKnowForTheFixedTime) {
  const auto policy = make();
  const base::TimePoint now(hours(1));
  EXPECT_EQ(policy->plan("f", now), (KeepAlivePlan{now + minutes(15), std::nullopt}));
}

TEST_P(KeepAlive, WorksAtTheClocksBeginning) {
  const auto policy = make();
  policy->called("f", base::TimePoint());
  const KeepAlivePlan plan = policy->plan("f", base::TimePoint());
  expect_sound(*policy, plan, base::TimePoint());
  EXPECT_EQ(plan.keep_until, base::TimePoint(minutes(15)));
}

TEST_P(KeepAlive, KeepsForTheLeastTimeAtLeastAndForTheLongestAtMost) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const auto policy = make();
    base::TimePoint now{};
    // Some rounds are of timers, some of calls at any time, some of both.
    const auto period = seconds(random() % 7'200);
    const auto jitter_s = 1 + random() % (round % 3 == 0 ? 5 : 4'000);
    for (int call = 0; call < 60; ++call) {
      policy->called("f", now);
      const base::TimePoint idle_since = now + milliseconds(random() % 100'000);
      expect_sound(*policy, policy->plan("f", idle_since), idle_since);
      now += period + seconds(random() % jitter_s);
    }
  }
}

TEST_P(KeepAlive, OneFunctionsCallsSayNothingOfAnothers) {
  std::mt19937 random(8);
  const auto together = make();
  std::map<std::string, std::unique_ptr<KeepAlivePolicy>> alone;
  base::TimePoint now{};
  for (int call = 0; call < 2'000; ++call) {
    now += seconds(random() % 300);
    const std::string function = "f" + std::to_string(random() % 10);
    auto& own = alone[function];
    own = own ? std::move(own) : make();
    own->called(function, now);
    together->called(function, now);
    ASSERT_EQ(together->plan(function, now), own->plan(function, now));
  }
}

TEST_P(KeepAlive, WhatDoesNotLearnMakesTheSamePlanWhateverIsCalled) {
  const auto policy = make();
  const base::TimePoint now(hours(9));
  const KeepAlivePlan before = policy->plan("f", now);
  for (int call = 0; call < 10; ++call) {
    policy->called("f", now - minutes(10 * (10 - call)));
  }
  EXPECT_EQ(policy->plan("f", now) == before, !policy->learns());
}

TEST_P(KeepAlive, AShortKeepAliveIsKept) {
  const auto policy = make(milliseconds(200), milliseconds(200));
  EXPECT_EQ(policy->least(), milliseconds(200));
  base::TimePoint now(hours(1));
  for (int call = 0; call < 10; ++call, now += seconds(61)) {
    policy->called("f", now);
    EXPECT_EQ(policy->plan("f", now).keep_until, now + milliseconds(200));
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, KeepAlive,
                         testing::Values(KeepAliveKind::kFixed, KeepAliveKind::kAdaptive),
                         [](const auto& test) {
                           return test.param == KeepAliveKind::kFixed ? "Fixed" : "Adaptive";
                         });

class Adaptive : public testing::Test {
 protected:
  // Called so often, so far apart; the plan after the last call.
  KeepAlivePlan every(base::Duration period, int calls) {
    for (int call = 0; call < calls; ++call, now_ += period) {
      policy_.called("f", now_);
    }
    now_ -= period;
    return policy_.plan("f", now_);
  }

  AdaptiveKeepAlive policy_{{KeepAliveKind::kAdaptive, minutes(15), hours(1)}};
  base::TimePoint now_{hours(1)};
};

TEST_F(Adaptive, WhoComesAgainIsKeptForTheLongestTime) {
  const KeepAlivePlan plan = every(minutes(20), 2);
  EXPECT_EQ(plan, (KeepAlivePlan{now_ + hours(1), std::nullopt}));
}

TEST_F(Adaptive, ATimerIsRemovedAndStartedAgainBeforeItsNextCall) {
  const KeepAlivePlan plan = every(minutes(30), 4);
  EXPECT_EQ(plan.keep_until, now_ + minutes(1));
  ASSERT_TRUE(plan.pre_warm);
  EXPECT_EQ(plan.pre_warm->at, now_ + minutes(30) - seconds(90) - seconds(45));
  EXPECT_EQ(plan.pre_warm->until, now_ + minutes(30) + seconds(90) + seconds(45));
}

TEST_F(Adaptive, ThreeTimesAreNeededToExpectTheNext) {
  EXPECT_FALSE(every(minutes(30), 3).pre_warm);
  now_ += minutes(30);
  EXPECT_TRUE(every(minutes(30), 1).pre_warm);
}

TEST_F(Adaptive, OneTimeOutOfLineEndsItUntilItIsForgotten) {
  every(minutes(30), 5);
  now_ += minutes(10);
  const KeepAlivePlan plan = every(minutes(30), AdaptiveKeepAlive::kTimesRemembered);
  EXPECT_EQ(plan, (KeepAlivePlan{now_ + hours(1), std::nullopt}));
  now_ += minutes(30);
  EXPECT_TRUE(every(minutes(30), 1).pre_warm) << "the sixteen latest are alike again";
}

TEST_F(Adaptive, WhoComesSoonIsKept) {
  const KeepAlivePlan plan = every(minutes(3), 20);
  EXPECT_EQ(plan, (KeepAlivePlan{now_ + hours(1), std::nullopt}));
}

TEST_F(Adaptive, ABurstIsOneCall) {
  for (int timer = 0; timer < 5; ++timer, now_ += minutes(10)) {
    for (int call = 0; call < 5; ++call) {
      policy_.called("f", now_ + seconds(20 * call));
    }
  }
  const auto plan = policy_.plan("f", now_ - minutes(10) + seconds(80));
  ASSERT_TRUE(plan.pre_warm);
  EXPECT_EQ(plan.pre_warm->at, now_ - seconds(30 + 45)) << "counted from the burst's beginning";
}

TEST_F(Adaptive, WhatRunsForNearlyItsWholePeriodIsKept) {
  every(minutes(30), 6);
  EXPECT_EQ(policy_.plan("f", now_ + minutes(26)).keep_until, now_ + minutes(26) + hours(1));
}

TEST_F(Adaptive, NoWindowIsLongerThanTheLongestTime) {
  EXPECT_TRUE(every(hours(9), 5).pre_warm);
  AdaptiveKeepAlive other({KeepAliveKind::kAdaptive, minutes(15), hours(1)});
  for (int call = 0; call < 5; ++call, now_ += hours(11)) {
    other.called("f", now_);
  }
  EXPECT_FALSE(other.plan("f", now_ - hours(11)).pre_warm);
}

TEST_F(Adaptive, RemembersABoundedNumberOfFunctions) {
  for (int timer = 0; timer < 5; ++timer, now_ += minutes(30)) {
    policy_.called("timer", now_);
  }
  now_ -= minutes(30);
  for (std::size_t i = 1; i < AdaptiveKeepAlive::kMostFunctions; ++i) {
    policy_.called("f" + std::to_string(i), now_);
  }
  EXPECT_EQ(policy_.functions_remembered(), AdaptiveKeepAlive::kMostFunctions);
  EXPECT_TRUE(policy_.plan("timer", now_).pre_warm);
  policy_.called("one more", now_);
  EXPECT_EQ(policy_.functions_remembered(), AdaptiveKeepAlive::kMostFunctions);
  EXPECT_EQ(policy_.plan("timer", now_).keep_until, now_ + minutes(15)) << "it was called longest ago";
}

}  // namespace
}  // namespace hearth::worker
