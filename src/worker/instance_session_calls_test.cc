// Several calls in one session: at once, and one behind another.
#include "worker/testing/session_fixture.h"

namespace hearth::worker::session_test {
namespace {

class SeveralCalls : public InstanceSessionTest {
 protected:
  SeveralCalls() {
    SessionLimits limits;
    limits.concurrency = 3;
    session_ = InstanceSession(limits, SessionStart::kWithVersion, now_);
    reach(SessionState::kIdle);
  }
};

TEST_F(SeveralCalls, AreAnsweredByTheirIdsInAnyOrder) {
  EXPECT_EQ(on(event::Invoke{2}).send_invoke, 1U);
  const auto second = on(event::Invoke{0});
  EXPECT_EQ(second.send_invoke, 2U);
  EXPECT_FALSE(second.deadline) << "the first call's stands";
  const auto first_ended = on(event::FrameReceived{result(2), true});
  ASSERT_EQ(first_ended.finished.size(), 1U);
  EXPECT_EQ(first_ended.finished[0].slot, 0U);
  EXPECT_TRUE(first_ended.finished[0].reusable);
  EXPECT_FALSE(first_ended.clear_deadline);
  EXPECT_EQ(session_.state(), SessionState::kExecuting);
  const auto last = frame(result(1));
  EXPECT_EQ(last.finished.at(0).slot, 2U);
  EXPECT_TRUE(last.clear_deadline);
  EXPECT_EQ(session_.state(), SessionState::kIdle);
}

TEST_F(SeveralCalls, ALogFrameBelongsToItsCall) {
  on(event::Invoke{1});
  const auto actions = frame({FrameType::kLog, 1, std::string("\2") + "text"});
  EXPECT_EQ(actions.logged, (LoggedText{1, model::LogStream::kErr, "text"}));
  EXPECT_EQ(frame({FrameType::kLog, 7, "\1text"}).logged, std::nullopt) << "of nobody";
  EXPECT_EQ(outcome_of(frame({FrameType::kLog, 1, "\7text"})).kind, OutcomeKind::kProtocolError);
}

TEST_F(SeveralCalls, OneOutOfTimeLeavesTheOthersTheirs) {
  on(event::Invoke{0});
  now_ += milliseconds(20'000);
  on(event::Invoke{1});
  now_ += milliseconds(10'000);
  const auto overdue = on(event::DeadlinePassed{});
  ASSERT_EQ(overdue.finished.size(), 1U);
  EXPECT_EQ(overdue.finished[0].outcome.kind, OutcomeKind::kTimedOut);
  EXPECT_FALSE(overdue.finished[0].reusable);
  EXPECT_FALSE(overdue.remove_sandbox);
  ASSERT_TRUE(overdue.deadline);
  EXPECT_EQ(frame(result(1)).finished.size(), 0U) << "too late, and nobody's";
  const auto last = frame(result(2));
  EXPECT_EQ(last.finished.at(0).outcome.kind, OutcomeKind::kReturned);
  EXPECT_FALSE(last.finished.at(0).reusable);
  EXPECT_TRUE(last.remove_sandbox) << "the instance ends with its last call";
  EXPECT_EQ(session_.state(), SessionState::kStopping);
}

TEST_F(SeveralCalls, OneThatNobodyWaitsForAnyMoreEndsBeforeItsTimeOut) {
  on(event::Invoke{0});
  const base::TimePoint latest = now_ + milliseconds(5'000);
  const auto second = on(event::Invoke{1, latest});
  EXPECT_EQ(second.deadline, latest) << "sooner than the first one's";
  const auto third = on(event::Invoke{2, now_ + milliseconds(40'000)});
  EXPECT_FALSE(third.deadline);
  now_ = latest;
  const auto overdue = on(event::DeadlinePassed{});
  ASSERT_EQ(overdue.finished.size(), 1U);
  EXPECT_EQ(overdue.finished[0].slot, 1U);
  EXPECT_EQ(overdue.finished[0].outcome.kind, OutcomeKind::kTimedOut);
  EXPECT_THAT(overdue.finished[0].outcome.error.message, HasSubstr("while its caller waited"));
  EXPECT_EQ(frame(result(1)).finished.size(), 1U) << "the others go on";
}

TEST_F(SeveralCalls, AllEndWithTheInstance) {
  on(event::Invoke{0});
  on(event::Invoke{1});
  const auto actions = exit(ExitReason::kOutOfMemory);
  ASSERT_EQ(actions.finished.size(), 2U);
  EXPECT_EQ(actions.finished[1].outcome.kind, OutcomeKind::kOutOfMemory);
  EXPECT_TRUE(actions.report_ended);
}

// One call at a time, and others sent behind it.
class CallsBehind : public InstanceSessionTest {
 protected:
  CallsBehind() {
    reach(SessionState::kIdle);
    on(event::Invoke{0});
    on(event::Invoke{1});
    on(event::Invoke{2});
  }
};

TEST_F(CallsBehind, EachBeginsWhenTheOneBeforeItHasEnded) {
  now_ += milliseconds(100);
  const auto first = on(event::FrameReceived{result(1), true});
  EXPECT_EQ(first.finished.at(0).slot, 0U);
  EXPECT_EQ(first.deadline, now_ + milliseconds(30'000)) << "counted from its own begin";
  now_ += milliseconds(4);
  const auto second = frame(result(2));
  EXPECT_EQ(second.finished.at(0).run_us, 5'000);
  EXPECT_FALSE(second.clear_deadline);
  EXPECT_TRUE(frame(result(3)).clear_deadline);
  EXPECT_EQ(session_.state(), SessionState::kIdle);
}

TEST_F(CallsBehind, TheTimeOfOneThatWaitsEndsItWhenItHasBegun) {
  const base::TimePoint latest = now_ + milliseconds(50);
  EXPECT_FALSE(on(event::Invoke{3, latest}).deadline) << "the first one's stands";
  for (std::uint64_t id = 1; id <= 3; ++id) {
    now_ += milliseconds(20);
    const auto ended = on(event::FrameReceived{result(id), true});
    EXPECT_EQ(ended.deadline, id < 3 ? now_ + milliseconds(30'000) : latest);
  }
  const auto overdue = on(event::DeadlinePassed{});
  EXPECT_EQ(outcome_of(overdue).kind, OutcomeKind::kTimedOut);
  EXPECT_TRUE(overdue.remove_sandbox);
}

TEST_F(CallsBehind, AnAnswerOutOfTurnBreaksTheProtocol) {
  const auto actions = frame(result(2));
  ASSERT_EQ(actions.finished.size(), 3U);
  EXPECT_EQ(actions.finished[0].outcome.kind, OutcomeKind::kProtocolError);
  EXPECT_TRUE(actions.remove_sandbox);
}

TEST_F(CallsBehind, WhatIsTakenBackWasNotExecuted) {
  const auto actions = on(event::TakenBack{{2, 3}});
  ASSERT_EQ(actions.finished.size(), 2U);
  EXPECT_FALSE(actions.finished[0].started);
  EXPECT_TRUE(actions.finished[0].reusable);
  EXPECT_EQ(actions.finished[1].slot, 2U);
  EXPECT_FALSE(actions.deadline) << "the first goes on";
  EXPECT_EQ(session_.state(), SessionState::kExecuting);
  EXPECT_EQ(frame(result(1)).finished.size(), 1U);
  EXPECT_EQ(session_.state(), SessionState::kIdle);
}

TEST_F(CallsBehind, AllMayBeTakenBack) {
  EXPECT_EQ(on(event::TakenBack{{1, 2, 3}}).finished.size(), 3U);
  EXPECT_EQ(session_.state(), SessionState::kIdle);
}

TEST_F(CallsBehind, TheTimeOutOfTheFirstEndsTheInstance) {
  on(event::TakenBack{{2, 3}});  // as the shell does before it tells of anything that may end the instance
  now_ += milliseconds(30'000);
  const auto actions = on(event::DeadlinePassed{});
  ASSERT_EQ(actions.finished.size(), 1U);
  EXPECT_EQ(actions.finished[0].outcome.kind, OutcomeKind::kTimedOut);
  EXPECT_TRUE(actions.remove_sandbox);
}

}  // namespace
}  // namespace hearth::worker::session_test
