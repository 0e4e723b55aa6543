// The history itself is held against calls that it must refuse.
#include "tests/faults/change_history.h"

#include <gtest/gtest.h>

namespace hearth::faults {
namespace {

using Clock = ChangeHistory::Clock;

Clock::time_point at(int seconds) { return Clock::time_point(std::chrono::seconds(seconds)); }

ChangeHistory::Call call(const std::string& answer, int began, int ended) {
  return {"f", answer, at(began), at(ended)};
}

ChangeHistory created_deployed_deleted_created() {
  ChangeHistory history;
  int now = 10;
  for (const char* answer : {"1", "2", ChangeHistory::kGone, "3"}) {
    history.asked("f", answer, at(now));
    history.acknowledged("f", at(now + 2));
    now += 10;
  }
  return history;
}

TEST(ChangeHistory, ACallSeesWhatWasAcknowledgedOrWhatWasAskedForMeanwhile) {
  const auto history = created_deployed_deleted_created();
  EXPECT_EQ(history.violation(call("gone", 1, 2)), "");
  EXPECT_EQ(history.violation(call("gone", 9, 11)), "");
  EXPECT_EQ(history.violation(call("1", 9, 11)), "");
  EXPECT_EQ(history.violation(call("1", 13, 14)), "");
  EXPECT_EQ(history.violation(call("1", 21, 25)), "");
  EXPECT_EQ(history.violation(call("2", 21, 25)), "");
  EXPECT_EQ(history.violation(call("gone", 5, 50)), "");
}

TEST(ChangeHistory, WhatIsOlderOrNotAskedForYetIsRefused) {
  const auto history = created_deployed_deleted_created();
  EXPECT_EQ(history.violation(call("1", 22, 25)), "f answers 1 instead of 2");
  EXPECT_EQ(history.violation(call("2", 13, 14)), "f answers 2 instead of 1");
  EXPECT_EQ(history.violation(call("2", 32, 39)), "f answers 2 instead of gone");
  EXPECT_EQ(history.violation(call("gone", 42, 43)), "f answers gone instead of 3");
  EXPECT_EQ(history.violation(call("500", 21, 25)), "f answers 500 instead of 1 or 2");
}

TEST(ChangeHistory, WhatWasAcceptedIsExecutedLaterButByNoOtherFunctionOfTheName) {
  const auto history = created_deployed_deleted_created();
  EXPECT_EQ(history.violation_later(call("1", 13, 14)), "");
  EXPECT_EQ(history.violation_later(call("2", 13, 14)), "");
  EXPECT_EQ(history.violation_later(call("gone", 13, 14)), "");
  EXPECT_EQ(history.violation_later(call("3", 13, 14)), "f executes as 3 instead of 1 or 2");
  EXPECT_EQ(history.violation_later(call("1", 23, 24)), "f executes as 1 instead of 2");
  EXPECT_EQ(history.violation_later(call("gone", 43, 44)), "f executes as gone instead of 3");
}

}  // namespace
}  // namespace hearth::faults
