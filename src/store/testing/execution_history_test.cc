#include "store/testing/execution_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::store {
namespace {

using model::AsyncExecution;
using model::ExecutionState;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

StoredExecution pending(const std::string& id, const std::string& word) {
  AsyncExecution execution;
  execution.id = id;
  return {execution, word};
}

StoredExecution done(const std::string& id, const std::string& word, const std::string& output) {
  StoredExecution stored = pending(id, word);
  stored.execution.state = ExecutionState::kDone;
  stored.execution.started_ms = 5'000;
  stored.execution.ended_ms = 6'000;
  stored.execution.result.output = output;
  return stored;
}

TEST(ExecutionHistory, WhatWasAcceptedIsThere) {
  ExecutionHistory history;
  history.asked("a");
  history.accepted("1", "a");
  EXPECT_THAT(history.violations({pending("1", "a")}), IsEmpty());
  EXPECT_THAT(history.violations({}), ElementsAre(StartsWith("lost: 1")));
  EXPECT_THAT(history.violations({pending("1", "b")}), ElementsAre(StartsWith("another's: 1")));
  EXPECT_THAT(history.violations({pending("1", "a"), pending("1", "a")}),
              ElementsAre(StartsWith("there twice: 1"), StartsWith("executed for a request")));
}

TEST(ExecutionHistory, WhatWasNotAnsweredMayBeThereOnce) {
  ExecutionHistory history;
  history.asked("a");
  EXPECT_THAT(history.violations({}), IsEmpty());
  EXPECT_THAT(history.violations({pending("1", "a")}), IsEmpty());
  EXPECT_THAT(history.violations({pending("1", "a"), pending("2", "a")}),
              ElementsAre(StartsWith("executed for a request")));
  EXPECT_THAT(history.violations({pending("1", "b")}), ElementsAre(StartsWith("made up: 1")));
  history.accepted("1", "a");
  EXPECT_THAT(history.violations({pending("1", "a"), pending("2", "c")}),
              ElementsAre(StartsWith("made up: 2")));
}

TEST(ExecutionHistory, AnEndThatWasAcknowledgedStands) {
  ExecutionHistory history;
  history.accepted("1", "a");
  history.stands("1", ExecutionEnd{ExecutionState::kDone, "out"});
  EXPECT_THAT(history.violations({done("1", "a", "out")}), IsEmpty());
  EXPECT_THAT(history.violations({pending("1", "a")}), ElementsAre(StartsWith("its end is lost: 1")));
  EXPECT_THAT(history.violations({done("1", "a", "other")}), ElementsAre(StartsWith("its end is lost: 1")));
  history.may_change("1");
  EXPECT_THAT(history.violations({pending("1", "a")}), IsEmpty());
  EXPECT_THAT(history.violations({}), ElementsAre(StartsWith("lost: 1")));
  history.may_be_gone("1");
  EXPECT_THAT(history.violations({}), IsEmpty());
  history.stays("1");
  EXPECT_THAT(history.violations({}), ElementsAre(StartsWith("lost: 1")));
  history.removed("1");
  EXPECT_THAT(history.violations({}), IsEmpty());
}

TEST(ExecutionHistory, OnlyTheHolderOfTheCurrentLeaseSettles) {
  AsyncExecution execution = done("1", "a", "out").execution;
  execution.attempts = {{1, 1'000, 5'000, "worker_lost", "", false}};
  EXPECT_EQ(violation_in(execution), "");
  execution.attempts[0].ended_ms = 5'001;  // given up when the one who settled had long begun
  EXPECT_EQ(violation_in(execution), "settled by one who had lost its lease");
  execution.state = ExecutionState::kPending;
  execution.ended_ms = 0;
  EXPECT_EQ(violation_in(execution), "");
}

TEST(ExecutionHistory, AnExecutionAgreesWithItself) {
  AsyncExecution execution = done("1", "a", "out").execution;
  execution.attempts = {{2, 1, 2, "worker_lost", "", false}, {2, 3, 4, "worker_lost", "", false}};
  EXPECT_EQ(violation_in(execution), "its attempts are not in order");
  execution.attempts.clear();
  execution.state = ExecutionState::kDead;
  EXPECT_EQ(violation_in(execution), "dead without a reason");
  execution.state = ExecutionState::kRunning;
  EXPECT_EQ(violation_in(execution), "its state and its end do not agree");
}

}  // namespace
}  // namespace hearth::store
