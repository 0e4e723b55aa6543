// Several calls at once in one session.
#include "worker/testing/session_fixture.h"

namespace hearth::worker::session_test {
namespace {

class SeveralCalls : public InstanceSessionTest {
 protected:
  SeveralCalls() {
    SessionLimits limits;
    limits.concurrency = 3;
    session_ = InstanceSession(limits, now_);
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

TEST_F(SeveralCalls, ALogFrameIsOutOfPlaceWhereOneRuns) {
  session_ = InstanceSession(SessionLimits{}, now_);
  reach(SessionState::kExecuting);
  EXPECT_EQ(outcome_of(frame({FrameType::kLog, 1, "\1text"})).kind, OutcomeKind::kProtocolError);
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

TEST_F(SeveralCalls, AllEndWithTheInstance) {
  on(event::Invoke{0});
  on(event::Invoke{1});
  const auto actions = exit(ExitReason::kOutOfMemory);
  ASSERT_EQ(actions.finished.size(), 2U);
  EXPECT_EQ(actions.finished[1].outcome.kind, OutcomeKind::kOutOfMemory);
  EXPECT_TRUE(actions.report_ended);
}

}  // namespace
}  // namespace hearth::worker::session_test
