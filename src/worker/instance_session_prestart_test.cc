// A session whose version is known only when it has booted.
#include "worker/testing/session_fixture.h"

namespace hearth::worker::session_test {
namespace {

class PrestartedSession : public InstanceSessionTest {
 protected:
  PrestartedSession() { session_ = InstanceSession(SessionLimits{}, SessionStart::kPrestarted, now_); }

  void boot() {
    on(event::SandboxStarted{});
    EXPECT_EQ(told(frame(kReady)), Told::kBooted);
    ASSERT_EQ(session_.state(), SessionState::kWaiting);
  }
  void assign() {
    on(event::Assigned{milliseconds(500), 1});
    ASSERT_EQ(session_.state(), SessionState::kAssigning);
  }
};

TEST_F(PrestartedSession, WaitsAsLongAsItTakesAndThenLives) {
  EXPECT_EQ(session_.state(), SessionState::kStarting);
  on(event::SandboxStarted{});
  const auto booted = frame(kReady);
  EXPECT_EQ(told(booted), Told::kBooted);
  EXPECT_TRUE(booted.clear_deadline);
  EXPECT_FALSE(booted.send_init);
  now_ += std::chrono::hours(1);

  const auto assigned = on(event::Assigned{milliseconds(500), 1});
  EXPECT_EQ(assigned.deadline, now_ + SessionLimits().start_timeout);
  now_ += milliseconds(1);
  const auto fetched = on(event::CodeFetched{});
  EXPECT_TRUE(fetched.mount_code);
  EXPECT_FALSE(fetched.send_init);
  const auto mounted = on(event::CodeMounted{});
  EXPECT_TRUE(mounted.send_init);
  EXPECT_EQ(mounted.deadline, now_ + SessionLimits().init_timeout);
  const auto loaded = frame(kLoaded);
  EXPECT_EQ(told(loaded), Told::kStarted);
  EXPECT_TRUE(loaded.cap_cpu);

  const auto steps = session_.start_steps();
  EXPECT_TRUE(steps.cold);
  EXPECT_TRUE(steps.prestarted);
  EXPECT_EQ(steps.code_us, 2'000) << "from the assignment on";
  EXPECT_EQ(steps.sandbox_us, 1'000);
  EXPECT_EQ(steps.boot_us, 0);
  EXPECT_EQ(steps.init_us, 1'000);

  const auto call = on(event::Invoke{});
  EXPECT_EQ(call.deadline, now_ + milliseconds(500)) << "the version's time-out";
}

TEST_F(PrestartedSession, TakesAsManyCallsAsItsVersionSays) {
  boot();
  on(event::Assigned{milliseconds(500), 2});
  on(event::CodeFetched{});
  on(event::CodeMounted{});
  frame(kLoaded);
  on(event::Invoke{0});
  on(event::Invoke{1});
  EXPECT_EQ(told(frame(result(2))), Told::kFinished);
  EXPECT_EQ(told(frame(result(1))), Told::kFinished);
}

TEST_F(PrestartedSession, OneThatDoesNotComeUpSaysSo) {
  on(event::SandboxFailed{Error{ErrorCode::kIo, "no"}});
  EXPECT_EQ(session_.state(), SessionState::kEnded);

  session_ = InstanceSession(SessionLimits{}, SessionStart::kPrestarted, now_);
  on(event::SandboxStarted{});
  expect_killed(on(event::DeadlinePassed{}), Told::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(PrestartedSession, OneThatEndsWhileItWaitsSaysSo) {
  boot();
  expect_ended(exit(ExitReason::kSignaled, 9), Told::kStartFailed, OutcomeKind::kExited);
}

TEST_F(PrestartedSession, AFrameWhileItWaitsIsOutOfPlace) {
  boot();
  expect_killed(frame(kLoaded), Told::kStartFailed, OutcomeKind::kProtocolError);
}

TEST_F(PrestartedSession, IsStoppedWhileItWaits) {
  boot();
  expect_killed(on(event::Stop{}), Told::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(PrestartedSession, CodeThatCannotBeHadEndsIt) {
  boot();
  assign();
  const auto actions = on(event::CodeFailed{Error{ErrorCode::kNotFound, "no such code"}});
  EXPECT_EQ(actions.outcome.error.message, "code: no such code");
  expect_killed(actions, Told::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(PrestartedSession, CodeThatCannotBeMountedEndsIt) {
  boot();
  assign();
  on(event::CodeFetched{});
  const auto actions = on(event::CodeNotMounted{Error{ErrorCode::kBusy, "in use"}});
  EXPECT_EQ(actions.outcome.error.message, "sandbox: in use");
  expect_killed(actions, Told::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(PrestartedSession, CodeThatDoesNotComeEndsIt) {
  boot();
  assign();
  expect_killed(on(event::DeadlinePassed{}), Told::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(PrestartedSession, AnEndWhileItIsAssignedIsTheStartsFailure) {
  boot();
  assign();
  on(event::ChannelEnded{});
  on(event::CodeFetched{});
  expect_ended(exit(ExitReason::kOutOfMemory), Told::kStartFailed, OutcomeKind::kOutOfMemory);
}

// The heart has not heard yet that it ended.
TEST_F(PrestartedSession, AnAssignmentThatMeetsTheEndFails) {
  boot();
  on(event::ChannelEnded{});
  EXPECT_EQ(told(on(event::Assigned{milliseconds(500), 1})), Told::kNothing);
  expect_ended(exit(ExitReason::kExited, 1), Told::kStartFailed, OutcomeKind::kExited);
}

}  // namespace
}  // namespace hearth::worker::session_test
