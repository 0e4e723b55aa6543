#include "worker/instance_session.h"

#include <csignal>

#include "worker/testing/session_fixture.h"

namespace hearth::worker::session_test {
namespace {

TEST_F(InstanceSessionTest, AWarmLife) {
  EXPECT_EQ(session_.deadline(), now_ + milliseconds(30'000));
  EXPECT_TRUE(on(event::CodeFetched{}).start_sandbox);
  EXPECT_EQ(on(event::SandboxStarted{}), SessionActions{});
  const auto init = frame(kReady);
  EXPECT_TRUE(init.send_init);
  EXPECT_EQ(init.deadline, now_ + milliseconds(10'000));
  const auto loaded = frame(kLoaded);
  EXPECT_EQ(told(loaded), Told::kStarted);
  EXPECT_TRUE(loaded.cap_cpu);
  EXPECT_TRUE(loaded.clear_deadline);
  const model::ExecutionSteps expected_steps{true, false, 1'000, 1'000, 1'000, 1'000, 0, 0};
  EXPECT_EQ(session_.start_steps(), expected_steps);

  for (std::uint64_t call = 1; call <= 3; ++call) {
    const auto invoke = on(event::Invoke{});
    EXPECT_EQ(invoke.send_invoke, call);
    EXPECT_EQ(invoke.deadline, now_ + milliseconds(30'000));
    now_ += milliseconds(4);
    const auto finished = frame(result(call));
    EXPECT_EQ(told(finished), Told::kFinished);
    EXPECT_EQ(outcome_of(finished).output, "17");
    EXPECT_EQ(finished.finished.at(0).run_us, 5'000);
    EXPECT_EQ(finished.finished.at(0).handler_us, 7);
    EXPECT_TRUE(reusable(finished));
    EXPECT_TRUE(finished.clear_deadline);
    EXPECT_FALSE(finished.remove_sandbox);
    EXPECT_EQ(session_.state(), SessionState::kIdle);
  }
  expect_killed(on(event::Stop{}), Told::kNothing, OutcomeKind::kReturned);
}

TEST_F(InstanceSessionTest, ATimeOutCountsFromTheInvokeAlone) {
  reach(SessionState::kStarting);
  now_ += milliseconds(29'000);
  reach(SessionState::kExecuting);
  EXPECT_EQ(session_.deadline(), now_ + milliseconds(30'000));
}

TEST_F(InstanceSessionTest, AnErrorOfTheHandlerLeavesTheInstanceInUse) {
  reach(SessionState::kExecuting);
  const auto actions = frame({FrameType::kError, 1, std::string("\1\0\0\0\0", 5) + R"({"message":"m"})"});
  EXPECT_EQ(outcome_of(actions).kind, OutcomeKind::kThrew);
  EXPECT_EQ(outcome_of(actions).error.message, "m");
  EXPECT_TRUE(reusable(actions));
  EXPECT_EQ(session_.state(), SessionState::kIdle);
}

TEST_F(InstanceSessionTest, StandsStillWhileItIsIdle) {
  reach(SessionState::kIdle);
  EXPECT_EQ(on(event::Pause{}).frozen, true);
  EXPECT_TRUE(session_.paused());
  now_ += std::chrono::hours(1);
  const auto call = on(event::Invoke{});
  EXPECT_EQ(call.send_invoke, 1U);
  EXPECT_EQ(call.frozen, false) << "goes on, and finds the call";
  EXPECT_FALSE(session_.paused());
  frame(result(1));
  EXPECT_FALSE(on(event::Invoke{}).frozen) << "it was not paused in between";
}

TEST_F(InstanceSessionTest, IsNotPausedInTheMiddleOfACall) {
  reach(SessionState::kExecuting);
  EXPECT_FALSE(on(event::Pause{}).frozen);
  EXPECT_FALSE(session_.paused());
  EXPECT_EQ(told(frame(result(1))), Told::kFinished);
}

TEST_F(InstanceSessionTest, IsStoppedWhileItIsPaused) {
  reach(SessionState::kIdle);
  on(event::Pause{});
  expect_killed(on(event::Stop{}), Told::kNothing, OutcomeKind::kReturned);
}

TEST_F(InstanceSessionTest, CodeThatCannotBeHad) {
  const auto actions = on(event::CodeFailed{Error{ErrorCode::kNotFound, "gone"}});
  EXPECT_THAT(outcome_of(actions).error.message, HasSubstr("gone"));
  expect_ended(actions, Told::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, ASandboxThatCannotBeMade) {
  reach(SessionState::kStarting);
  expect_ended(on(event::SandboxFailed{Error{ErrorCode::kExhausted, "no uid"}}), Told::kStartFailed,
               OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, DeadlinesOfTheStart) {
  expect_ended(on(event::DeadlinePassed{}), Told::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, DeadlineWhileTheSandboxIsBeingMade) {
  reach(SessionState::kStarting);
  const auto actions = on(event::DeadlinePassed{});
  EXPECT_EQ(outcome_of(actions).kind, OutcomeKind::kStartFailed);
  EXPECT_TRUE(actions.remove_sandbox);
  EXPECT_EQ(session_.state(), SessionState::kAborting);
  EXPECT_TRUE(on(event::SandboxStarted{}).remove_sandbox);
  EXPECT_EQ(session_.state(), SessionState::kStopping);
  EXPECT_TRUE(exit(ExitReason::kRemoved).report_ended);
}

TEST_F(InstanceSessionTest, StoppedWhileTheSandboxIsBeingMadeAndThatFails) {
  reach(SessionState::kStarting);
  EXPECT_EQ(told(on(event::Stop{})), Told::kStartFailed);
  const auto end = on(event::SandboxFailed{Error{ErrorCode::kIo, "no"}});
  EXPECT_EQ(told(end), Told::kNothing);
  EXPECT_TRUE(end.report_ended);
}

TEST_F(InstanceSessionTest, DeadlineOfTheBoot) {
  reach(SessionState::kBooting);
  expect_killed(on(event::DeadlinePassed{}), Told::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, DeadlineOfTheInit) {
  reach(SessionState::kInitialising);
  expect_killed(on(event::DeadlinePassed{}), Told::kStartFailed, OutcomeKind::kInitTimedOut);
}

TEST_F(InstanceSessionTest, DeadlineOfTheCall) {
  reach(SessionState::kExecuting);
  now_ += milliseconds(30'000);
  const auto actions = on(event::DeadlinePassed{});
  EXPECT_EQ(actions.finished.at(0).run_us, 30'001'000);
  EXPECT_THAT(outcome_of(actions).error.message, HasSubstr("30000 ms"));
  expect_killed(actions, Told::kFinished, OutcomeKind::kTimedOut);
}

TEST_F(InstanceSessionTest, AHandlerThatCannotBeLoaded) {
  reach(SessionState::kInitialising);
  const auto actions = frame({FrameType::kInitError, 0, R"({"type":"SyntaxError","message":"m"})"});
  EXPECT_EQ(outcome_of(actions).error.type, "SyntaxError");
  expect_killed(actions, Told::kStartFailed, OutcomeKind::kInitFailed);
}

TEST_F(InstanceSessionTest, ARuntimeOfAnotherVersion) {
  reach(SessionState::kBooting);
  expect_killed(frame({FrameType::kReady, 0, R"({"protocol":1})"}), Told::kStartFailed,
                OutcomeKind::kProtocolError);
}

// Every frame in every state where it does not belong.
TEST(InstanceSessionFrames, OutOfPlaceEndTheInstance) {
  struct Case {
    SessionState state;
    Frame frame;
    bool more_follows;
    Told report;
  };
  const Frame error{FrameType::kError, 1, std::string("\1\0\0\0\0{}", 7)};
  const Frame init_error{FrameType::kInitError, 0, "{}"};
  const std::vector<Case> cases = {
      {SessionState::kBooting, kLoaded, false, Told::kStartFailed},
      {SessionState::kBooting, result(1), false, Told::kStartFailed},
      {SessionState::kBooting, init_error, false, Told::kStartFailed},
      {SessionState::kBooting, kReady, true, Told::kStartFailed},
      {SessionState::kBooting, {FrameType::kReady, 1, kReady.payload}, false, Told::kStartFailed},
      {SessionState::kInitialising, kReady, false, Told::kStartFailed},
      {SessionState::kInitialising, result(1), false, Told::kStartFailed},
      {SessionState::kInitialising, kLoaded, true, Told::kStartFailed},
      {SessionState::kInitialising, {FrameType::kLoaded, 1, ""}, false, Told::kStartFailed},
      {SessionState::kInitialising, {FrameType::kInitError, 0, "no JSON"}, false, Told::kStartFailed},
      {SessionState::kIdle, kReady, false, Told::kNothing},
      {SessionState::kIdle, kLoaded, false, Told::kNothing},
      {SessionState::kIdle, result(0), false, Told::kNothing},
      {SessionState::kIdle, result(1), false, Told::kNothing},
      {SessionState::kIdle, error, false, Told::kNothing},
      {SessionState::kExecuting, kReady, false, Told::kFinished},
      {SessionState::kExecuting, kLoaded, false, Told::kFinished},
      {SessionState::kExecuting, init_error, false, Told::kFinished},
      {SessionState::kExecuting, result(0), false, Told::kFinished},
      {SessionState::kExecuting, result(2), false, Told::kFinished},
      {SessionState::kExecuting, result(1), true, Told::kFinished},
      {SessionState::kExecuting, result(1, ""), false, Told::kFinished},
      {SessionState::kExecuting, {FrameType::kError, 1, "no"}, false, Told::kFinished},
  };
  for (const auto& example : cases) {
    SCOPED_TRACE(std::string(to_string(example.state)) + " " + std::string(to_string(example.frame.type)));
    const base::TimePoint now{milliseconds(1)};
    InstanceSession session(SessionLimits{}, SessionStart::kWithVersion, now);
    for (const SessionEvent& step : std::vector<SessionEvent>{
             event::CodeFetched{}, event::SandboxStarted{}, event::FrameReceived{kReady, false},
             event::FrameReceived{kLoaded, false}, event::Invoke{}}) {
      if (session.state() != example.state) {
        session.on(SessionEvent(step), now);
      }
    }
    ASSERT_EQ(session.state(), example.state);
    const auto actions = session.on(event::FrameReceived{example.frame, example.more_follows}, now);
    EXPECT_EQ(told(actions), example.report);
    if (example.report != Told::kNothing) {
      EXPECT_EQ(outcome_of(actions).kind, OutcomeKind::kProtocolError);
    }
    EXPECT_FALSE(reusable(actions));
    EXPECT_TRUE(actions.remove_sandbox);
    EXPECT_EQ(session.state(), SessionState::kStopping);
  }
}

TEST_F(InstanceSessionTest, BytesThatAreNoFrames) {
  reach(SessionState::kExecuting);
  expect_killed(on(event::ChannelFailed{Error{ErrorCode::kCorrupt, "garbage"}}), Told::kFinished,
                OutcomeKind::kProtocolError);
}

TEST_F(InstanceSessionTest, AResultOverItsBound) {
  reach(SessionState::kExecuting);
  expect_killed(on(event::ChannelFailed{Error{ErrorCode::kTooLarge, "10 MB"}}), Told::kFinished,
                OutcomeKind::kResponseTooLarge);
}

TEST_F(InstanceSessionTest, AnAnnouncedResultOverItsBoundBeforeAnyCall) {
  reach(SessionState::kBooting);
  expect_killed(on(event::ChannelFailed{Error{ErrorCode::kTooLarge, "4 GB"}}), Told::kStartFailed,
                OutcomeKind::kProtocolError);
}

TEST_F(InstanceSessionTest, TheExitSaysWhyTheSocketEnded) {
  reach(SessionState::kExecuting);
  const auto closing = on(event::ChannelEnded{});
  EXPECT_EQ(told(closing), Told::kNothing);
  EXPECT_EQ(closing.deadline, now_ + milliseconds(2'000));
  EXPECT_EQ(session_.state(), SessionState::kClosing);
  const auto actions = exit(ExitReason::kExited, 3);
  EXPECT_THAT(outcome_of(actions).error.message, HasSubstr("exit code 3"));
  expect_ended(actions, Told::kFinished, OutcomeKind::kExited);
}

TEST_F(InstanceSessionTest, TheWaitForAnExitDoesNotOutlastTheCall) {
  reach(SessionState::kExecuting);
  const auto call_deadline = now_ + milliseconds(30'000);
  now_ += milliseconds(29'900);
  EXPECT_EQ(on(event::ChannelEnded{}).deadline, call_deadline);
}

TEST_F(InstanceSessionTest, ASocketClosedByAProcessThatGoesOn) {
  reach(SessionState::kExecuting);
  on(event::ChannelEnded{});
  expect_killed(on(event::DeadlinePassed{}), Told::kFinished, OutcomeKind::kProtocolError);
}

TEST_F(InstanceSessionTest, HalfAFrame) {
  reach(SessionState::kExecuting);
  on(event::ChannelEnded{true});
  expect_ended(exit(ExitReason::kExited, 0), Told::kFinished, OutcomeKind::kProtocolError);
}

TEST_F(InstanceSessionTest, OutOfMemoryIsSaidBeforeAnythingElse) {
  reach(SessionState::kExecuting);
  on(event::ChannelEnded{true});
  expect_ended(exit(ExitReason::kOutOfMemory), Told::kFinished, OutcomeKind::kOutOfMemory);
}

TEST_F(InstanceSessionTest, AHeapLimitIsOutOfMemoryToo) {
  reach(SessionState::kExecuting);
  expect_ended(exit(ExitReason::kSignaled, SIGABRT, true), Told::kFinished, OutcomeKind::kOutOfMemory);
}

TEST_F(InstanceSessionTest, ASignalIsNamed) {
  reach(SessionState::kExecuting);
  const auto actions = exit(ExitReason::kSignaled, SIGSEGV);
  EXPECT_THAT(outcome_of(actions).error.message, HasSubstr("SIGSEGV"));
  expect_ended(actions, Told::kFinished, OutcomeKind::kExited);
}

TEST_F(InstanceSessionTest, ExitsDuringTheStart) {
  reach(SessionState::kInitialising);
  expect_ended(exit(ExitReason::kExited, 9), Told::kStartFailed, OutcomeKind::kExited);
}

TEST_F(InstanceSessionTest, ARuntimeThatDoesNotComeUp) {
  reach(SessionState::kBooting);
  on(event::ChannelEnded{});
  expect_ended(exit(ExitReason::kExited, 127), Told::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, AnIdleInstanceThatEndsTellsOnlyItsEnd) {
  reach(SessionState::kIdle);
  expect_ended(exit(ExitReason::kExited, 1), Told::kNothing, OutcomeKind::kReturned);
}

TEST_F(InstanceSessionTest, ACallThatMeetsAnEndingInstance) {
  reach(SessionState::kIdle);
  on(event::ChannelEnded{});
  const auto invoke = on(event::Invoke{});
  EXPECT_EQ(invoke.send_invoke, std::nullopt);
  expect_ended(exit(ExitReason::kExited, 1), Told::kFinished, OutcomeKind::kExited);
}

TEST_F(InstanceSessionTest, ACallThatMeetsAKilledInstance) {
  reach(SessionState::kIdle);
  frame(kLoaded);
  const auto actions = on(event::Invoke{});
  EXPECT_EQ(told(actions), Told::kFinished);
  EXPECT_EQ(outcome_of(actions).kind, OutcomeKind::kExited);
  EXPECT_FALSE(reusable(actions));
  EXPECT_EQ(session_.state(), SessionState::kStopping);
}

TEST_F(InstanceSessionTest, StopFinishesWhatWasExecuting) {
  reach(SessionState::kExecuting);
  const auto actions = on(event::Stop{});
  expect_killed(actions, Told::kFinished, OutcomeKind::kExited);
}

// stop() is safe at any moment, twice, and nothing is told twice.
TEST(InstanceSessionStop, IsSafeInEveryStateAndTwice) {
  const std::vector<SessionEvent> way = {event::CodeFetched{},
                                         event::SandboxStarted{},
                                         event::FrameReceived{kReady, false},
                                         event::FrameReceived{kLoaded, false},
                                         event::Invoke{},
                                         event::ChannelEnded{}};
  const base::TimePoint now{milliseconds(1)};
  for (std::size_t steps = 0; steps <= way.size(); ++steps) {
    InstanceSession session(SessionLimits{}, SessionStart::kWithVersion, now);
    int reports = 0;
    int ends = 0;
    const auto feed = [&](const SessionEvent& event) {
      const auto actions = session.on(SessionEvent(event), now);
      reports += (actions.report != Report::kNothing ? 1 : 0) + static_cast<int>(actions.finished.size());
      ends += actions.report_ended ? 1 : 0;
    };
    for (std::size_t i = 0; i < steps; ++i) {
      feed(way[i]);
    }
    feed(event::Stop{});
    feed(event::Stop{});
    feed(event::DeadlinePassed{});
    feed(event::SandboxStarted{});
    feed(event::Exited{{"name", ExitReason::kRemoved, 0, 0}, false});
    feed(event::Exited{{"name", ExitReason::kRemoved, 0, 0}, false});
    EXPECT_EQ(session.state(), SessionState::kEnded) << steps;
    EXPECT_EQ(ends, 1) << steps;
    EXPECT_EQ(reports, steps < 5 ? 1 : 2) << steps;  // the start, and the call when there was one
  }
}

}  // namespace
}  // namespace hearth::worker::session_test
