// What a session does when it is idle: it is asked for what it has compiled, and stands still.
#include "worker/testing/session_fixture.h"

namespace hearth::worker::session_test {
namespace {

const Frame kCompiled{FrameType::kCompiled, 0, "bytes"};

class Collecting : public InstanceSessionTest {
 protected:
  SessionActions pause(bool collect = true, bool freeze = true) { return on(event::Pause{freeze, collect}); }

  // One call has returned, and it was asked.
  void ask() {
    reach(SessionState::kExecuting);
    frame(result(1));
    ASSERT_TRUE(pause().send_collect);
  }
};

TEST_F(Collecting, IsAskedInsteadOfStandingStill) {
  reach(SessionState::kExecuting);
  frame(result(1));
  const auto asked = pause();
  EXPECT_TRUE(asked.send_collect);
  EXPECT_FALSE(asked.frozen);
  EXPECT_FALSE(pause(false).frozen) << "it is at work";
  const auto came = frame(kCompiled);
  EXPECT_EQ(came.compiled, "bytes");
  EXPECT_EQ(session_.state(), SessionState::kIdle);
  EXPECT_EQ(pause(false).frozen, true);
}

TEST_F(Collecting, NotBeforeACallHasReturned) {
  reach(SessionState::kIdle);
  EXPECT_FALSE(pause().send_collect);
  EXPECT_TRUE(session_.paused());
  on(event::Invoke{});
  frame({FrameType::kError, 1, std::string("\1\0\0\0\0", 5) + "{}"});
  EXPECT_FALSE(pause().send_collect) << "it threw";
  on(event::Invoke{});
  frame(result(2));
  EXPECT_TRUE(pause().send_collect);
}

TEST_F(Collecting, WhereNothingStandsStillToo) {
  reach(SessionState::kExecuting);
  frame(result(1));
  EXPECT_FALSE(pause(false, false).frozen);
  EXPECT_TRUE(pause(true, false).send_collect);
  frame(kCompiled);
  EXPECT_FALSE(pause(false, false).frozen);
}

TEST_F(Collecting, ACallThatComesMeanwhileFollowsAndHasItsWholeTime) {
  ask();
  const auto call = on(event::Invoke{});
  EXPECT_EQ(call.send_invoke, 2U);
  now_ += milliseconds(10'000);
  const auto came = frame(kCompiled, true);
  EXPECT_EQ(came.compiled, "bytes");
  EXPECT_EQ(came.deadline, now_ + milliseconds(30'000));
  EXPECT_EQ(told(frame(result(2))), Told::kFinished);
}

TEST_F(Collecting, WhoeverDoesNotAnswerStandsStillAllTheSame) {
  ask();
  EXPECT_FALSE(pause(false).frozen);
  now_ += milliseconds(1'000);
  EXPECT_EQ(pause(false).frozen, true);
  EXPECT_EQ(on(event::Invoke{}).frozen, false);
  EXPECT_EQ(frame(kCompiled, true).compiled, "bytes") << "late is as good";
}

TEST_F(Collecting, UnaskedItIsAProtocolError) {
  reach(SessionState::kIdle);
  expect_killed(frame(kCompiled), Told::kNothing, OutcomeKind::kReturned);
}

TEST_F(Collecting, UnaskedInACallToo) {
  reach(SessionState::kExecuting);
  expect_killed(frame(kCompiled), Told::kFinished, OutcomeKind::kProtocolError);
}

TEST_F(Collecting, TwiceToo) {
  ask();
  frame(kCompiled);
  expect_killed(frame(kCompiled), Told::kNothing, OutcomeKind::kReturned);
}

TEST_F(Collecting, OfAnInvocationToo) {
  ask();
  expect_killed(frame({FrameType::kCompiled, 1, "bytes"}), Told::kNothing, OutcomeKind::kReturned);
}

TEST_F(Collecting, InPlaceOfLoadedToo) {
  reach(SessionState::kInitialising);
  expect_killed(frame(kCompiled), Told::kStartFailed, OutcomeKind::kProtocolError);
}

TEST_F(Collecting, WhatIsTakenBackIsAskedAgain) {
  ask();
  on(event::Invoke{});
  on(event::Invoke{1});
  const auto back = on(event::TakenBack{{0, 2, 3}});
  EXPECT_EQ(back.finished.size(), 2U);
  EXPECT_EQ(session_.state(), SessionState::kIdle);
  EXPECT_TRUE(pause().send_collect);
}

TEST_F(Collecting, WhoeverEndsMeanwhileHasNothing) {
  ask();
  const auto ended = exit(ExitReason::kOutOfMemory);
  EXPECT_EQ(ended.compiled, "") << "and so would the next";
  EXPECT_TRUE(ended.report_ended);
}

TEST_F(Collecting, WhoeverClosesItsAnswersMeanwhileToo) {
  ask();
  EXPECT_FALSE(on(event::ChannelEnded{}).compiled);
  EXPECT_EQ(on(event::Stop{}).compiled, "") << "it was ending before it was told to";
}

TEST_F(Collecting, WhoeverHoldsUpACallMeanwhileToo) {
  ask();
  on(event::Invoke{});
  EXPECT_EQ(on(event::DeadlinePassed{}).compiled, "");
}

TEST_F(Collecting, WhoeverWearsOutMeanwhileToo) {
  SessionLimits limits;
  limits.concurrency = 2;
  session_ = InstanceSession(limits, SessionStart::kWithVersion, now_);
  ask();
  on(event::Invoke{0});
  on(event::Invoke{1});
  EXPECT_FALSE(on(event::DeadlinePassed{}).compiled) << "it may still come";
  EXPECT_EQ(frame(result(3)).compiled, "");
  EXPECT_EQ(session_.state(), SessionState::kStopping);
}

TEST_F(Collecting, WhoeverIsStoppedMeanwhileSaysNothingOfTheNext) {
  ask();
  EXPECT_FALSE(on(event::Stop{}).compiled);
  EXPECT_FALSE(exit(ExitReason::kRemoved).compiled);
}

TEST_F(Collecting, WhoeverEndsAfterwardsHasSentIt) {
  ask();
  frame(kCompiled);
  EXPECT_FALSE(exit(ExitReason::kExited, 1).compiled);
}

// Whatever it was given is not to be trusted until a call has returned.
class Unproven : public InstanceSessionTest {};

TEST_F(Unproven, UntilACallHasReturned) {
  reach(SessionState::kIdle);
  EXPECT_TRUE(exit(ExitReason::kSignaled, 11).unproven) << "idle";
  session_ = InstanceSession({}, SessionStart::kWithVersion, now_);
  reach(SessionState::kExecuting);
  EXPECT_TRUE(exit(ExitReason::kOutOfMemory).unproven) << "in its first call";
  session_ = InstanceSession({}, SessionStart::kWithVersion, now_);
  reach(SessionState::kExecuting);
  frame(result(1));
  EXPECT_FALSE(exit(ExitReason::kExited, 1).unproven);
}

TEST_F(Unproven, WhoeverIsNotLoadedInTime) {
  reach(SessionState::kInitialising);
  EXPECT_TRUE(on(event::DeadlinePassed{}).unproven);
}

TEST_F(Unproven, WhoeverSendsWhatIsNone) {
  reach(SessionState::kExecuting);
  EXPECT_TRUE(frame(kLoaded).unproven);
}

TEST_F(Unproven, NotWhoeverIsStopped) {
  reach(SessionState::kExecuting);
  EXPECT_FALSE(on(event::Stop{}).unproven);
}

TEST_F(Unproven, NotWhoeverSaysThatItCannotLoad) {
  reach(SessionState::kInitialising);
  EXPECT_FALSE(frame({FrameType::kInitError, 0, R"({"type":"Error","message":"","stack":""})"}).unproven);
}

TEST_F(Collecting, KnowsWhatTheRuntimeCompilesTo) {
  reach(SessionState::kBooting);
  frame({FrameType::kReady, 0, R"({"protocol":2,"runtime":"test 1","compiles":"test code 1"})"});
  EXPECT_EQ(session_.compiles(), "test code 1");
}

}  // namespace
}  // namespace hearth::worker::session_test
