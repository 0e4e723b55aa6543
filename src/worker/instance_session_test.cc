#include "worker/instance_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace hearth::worker {
namespace {

using base::Error;
using base::ErrorCode;
using model::OutcomeKind;
using protocol::Frame;
using protocol::FrameType;
using sandbox::Exit;
using sandbox::ExitReason;
using std::chrono::milliseconds;
using testing::HasSubstr;

const Frame kReady{FrameType::kReady, 0, R"({"protocol":1,"runtime":"test 1"})"};
const Frame kLoaded{FrameType::kLoaded, 0, ""};

Frame result(std::uint64_t invocation, const std::string& json = "17") {
  return {FrameType::kResult, invocation, std::string("\7\0\0\0", 4) + json};
}

// A session on a clock that the test moves.
class InstanceSessionTest : public testing::Test {
 protected:
  SessionActions on(SessionEvent&& event) {
    now_ += milliseconds(1);
    return session_.on(std::move(event), now_);
  }
  SessionActions frame(Frame frame, bool more_follows = false) {
    return on(event::FrameReceived{std::move(frame), more_follows});
  }
  SessionActions exit(ExitReason reason, int code = 0, bool heap_exhausted = false) {
    return on(event::Exited{{"name", reason, code, 0}, heap_exhausted});
  }

  void reach(SessionState state) {
    const std::vector<std::pair<SessionState, std::function<void()>>> way = {
        {SessionState::kStarting, [this] { on(event::CodeFetched{}); }},
        {SessionState::kBooting, [this] { on(event::SandboxStarted{}); }},
        {SessionState::kInitialising, [this] { frame(kReady); }},
        {SessionState::kIdle, [this] { frame(kLoaded); }},
        {SessionState::kExecuting, [this] { on(event::Invoke{}); }}};
    for (const auto& [reached, step] : way) {
      if (session_.state() == state) {
        break;
      }
      step();
      ASSERT_EQ(session_.state(), reached);
    }
    ASSERT_EQ(session_.state(), state);
  }

  // The instance is given up with this report, killed, and its end is still awaited.
  void expect_killed(const SessionActions& actions, Report report, OutcomeKind kind) {
    EXPECT_EQ(actions.report, report);
    EXPECT_EQ(actions.outcome.kind, kind);
    EXPECT_FALSE(actions.reusable);
    EXPECT_TRUE(actions.remove_sandbox);
    EXPECT_TRUE(actions.clear_deadline);
    EXPECT_FALSE(actions.report_ended);
    EXPECT_EQ(session_.state(), SessionState::kStopping);
    const auto end = exit(ExitReason::kRemoved);
    EXPECT_TRUE(end.report_ended);
    EXPECT_EQ(end.report, Report::kNothing);
    EXPECT_EQ(session_.state(), SessionState::kEnded);
  }

  // It has ended by itself.
  void expect_ended(const SessionActions& actions, Report report, OutcomeKind kind) {
    EXPECT_EQ(actions.report, report);
    EXPECT_EQ(actions.outcome.kind, kind);
    EXPECT_TRUE(actions.report_ended);
    EXPECT_EQ(session_.state(), SessionState::kEnded);
  }

  base::TimePoint now_{milliseconds(1'000)};
  InstanceSession session_{SessionLimits{}, now_};
};

TEST_F(InstanceSessionTest, AWarmLife) {
  EXPECT_EQ(session_.deadline(), now_ + milliseconds(30'000));
  EXPECT_TRUE(on(event::CodeFetched{}).start_sandbox);
  EXPECT_EQ(on(event::SandboxStarted{}), SessionActions{});
  const auto init = frame(kReady);
  EXPECT_TRUE(init.send_init);
  EXPECT_EQ(init.deadline, now_ + milliseconds(10'000));
  const auto loaded = frame(kLoaded);
  EXPECT_EQ(loaded.report, Report::kLoaded);
  EXPECT_TRUE(loaded.cap_cpu);
  EXPECT_TRUE(loaded.clear_deadline);
  const model::ExecutionSteps expected_steps{true, 1'000, 1'000, 1'000, 1'000, 0, 0};
  EXPECT_EQ(session_.start_steps(), expected_steps);

  for (std::uint64_t call = 1; call <= 3; ++call) {
    const auto invoke = on(event::Invoke{});
    EXPECT_EQ(invoke.send_invoke, call);
    EXPECT_EQ(invoke.deadline, now_ + milliseconds(30'000));
    now_ += milliseconds(4);
    const auto finished = frame(result(call));
    EXPECT_EQ(finished.report, Report::kFinished);
    EXPECT_EQ(finished.outcome.output, "17");
    EXPECT_EQ(finished.run_us, 5'000);
    EXPECT_EQ(finished.handler_us, 7);
    EXPECT_TRUE(finished.reusable);
    EXPECT_TRUE(finished.clear_deadline);
    EXPECT_FALSE(finished.remove_sandbox);
    EXPECT_EQ(session_.state(), SessionState::kIdle);
  }
  expect_killed(on(event::Stop{}), Report::kNothing, OutcomeKind::kReturned);
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
  EXPECT_EQ(actions.outcome.kind, OutcomeKind::kThrew);
  EXPECT_EQ(actions.outcome.error.message, "m");
  EXPECT_TRUE(actions.reusable);
  EXPECT_EQ(session_.state(), SessionState::kIdle);
}

TEST_F(InstanceSessionTest, CodeThatCannotBeHad) {
  const auto actions = on(event::CodeFailed{Error{ErrorCode::kNotFound, "gone"}});
  EXPECT_THAT(actions.outcome.error.message, HasSubstr("gone"));
  expect_ended(actions, Report::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, ASandboxThatCannotBeMade) {
  reach(SessionState::kStarting);
  expect_ended(on(event::SandboxFailed{Error{ErrorCode::kExhausted, "no uid"}}), Report::kStartFailed,
               OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, DeadlinesOfTheStart) {
  expect_ended(on(event::DeadlinePassed{}), Report::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, DeadlineWhileTheSandboxIsBeingMade) {
  reach(SessionState::kStarting);
  const auto actions = on(event::DeadlinePassed{});
  EXPECT_EQ(actions.outcome.kind, OutcomeKind::kStartFailed);
  EXPECT_TRUE(actions.remove_sandbox);
  EXPECT_EQ(session_.state(), SessionState::kAborting);
  EXPECT_TRUE(on(event::SandboxStarted{}).remove_sandbox);
  EXPECT_EQ(session_.state(), SessionState::kStopping);
  EXPECT_TRUE(exit(ExitReason::kRemoved).report_ended);
}

TEST_F(InstanceSessionTest, StoppedWhileTheSandboxIsBeingMadeAndThatFails) {
  reach(SessionState::kStarting);
  EXPECT_EQ(on(event::Stop{}).report, Report::kStartFailed);
  const auto end = on(event::SandboxFailed{Error{ErrorCode::kIo, "no"}});
  EXPECT_EQ(end.report, Report::kNothing);
  EXPECT_TRUE(end.report_ended);
}

TEST_F(InstanceSessionTest, DeadlineOfTheBoot) {
  reach(SessionState::kBooting);
  expect_killed(on(event::DeadlinePassed{}), Report::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, DeadlineOfTheInit) {
  reach(SessionState::kInitialising);
  expect_killed(on(event::DeadlinePassed{}), Report::kStartFailed, OutcomeKind::kInitTimedOut);
}

TEST_F(InstanceSessionTest, DeadlineOfTheCall) {
  reach(SessionState::kExecuting);
  now_ += milliseconds(30'000);
  const auto actions = on(event::DeadlinePassed{});
  EXPECT_EQ(actions.run_us, 30'001'000);
  EXPECT_THAT(actions.outcome.error.message, HasSubstr("30000 ms"));
  expect_killed(actions, Report::kFinished, OutcomeKind::kTimedOut);
}

TEST_F(InstanceSessionTest, AHandlerThatCannotBeLoaded) {
  reach(SessionState::kInitialising);
  const auto actions = frame({FrameType::kInitError, 0, R"({"type":"SyntaxError","message":"m"})"});
  EXPECT_EQ(actions.outcome.error.type, "SyntaxError");
  expect_killed(actions, Report::kStartFailed, OutcomeKind::kInitFailed);
}

TEST_F(InstanceSessionTest, ARuntimeOfAnotherVersion) {
  reach(SessionState::kBooting);
  expect_killed(frame({FrameType::kReady, 0, R"({"protocol":2})"}), Report::kStartFailed,
                OutcomeKind::kProtocolError);
}

// Every frame in every state where it does not belong.
TEST(InstanceSessionFrames, OutOfPlaceEndTheInstance) {
  struct Case {
    SessionState state;
    Frame frame;
    bool more_follows;
    Report report;
  };
  const Frame error{FrameType::kError, 1, std::string("\1\0\0\0\0{}", 7)};
  const Frame init_error{FrameType::kInitError, 0, "{}"};
  const std::vector<Case> cases = {
      {SessionState::kBooting, kLoaded, false, Report::kStartFailed},
      {SessionState::kBooting, result(1), false, Report::kStartFailed},
      {SessionState::kBooting, init_error, false, Report::kStartFailed},
      {SessionState::kBooting, kReady, true, Report::kStartFailed},
      {SessionState::kBooting, {FrameType::kReady, 1, kReady.payload}, false, Report::kStartFailed},
      {SessionState::kInitialising, kReady, false, Report::kStartFailed},
      {SessionState::kInitialising, result(1), false, Report::kStartFailed},
      {SessionState::kInitialising, kLoaded, true, Report::kStartFailed},
      {SessionState::kInitialising, {FrameType::kLoaded, 1, ""}, false, Report::kStartFailed},
      {SessionState::kInitialising, {FrameType::kInitError, 0, "no JSON"}, false, Report::kStartFailed},
      {SessionState::kIdle, kReady, false, Report::kNothing},
      {SessionState::kIdle, kLoaded, false, Report::kNothing},
      {SessionState::kIdle, result(0), false, Report::kNothing},
      {SessionState::kIdle, result(1), false, Report::kNothing},
      {SessionState::kIdle, error, false, Report::kNothing},
      {SessionState::kExecuting, kReady, false, Report::kFinished},
      {SessionState::kExecuting, kLoaded, false, Report::kFinished},
      {SessionState::kExecuting, init_error, false, Report::kFinished},
      {SessionState::kExecuting, result(0), false, Report::kFinished},
      {SessionState::kExecuting, result(2), false, Report::kFinished},
      {SessionState::kExecuting, result(1), true, Report::kFinished},
      {SessionState::kExecuting, result(1, ""), false, Report::kFinished},
      {SessionState::kExecuting, {FrameType::kError, 1, "no"}, false, Report::kFinished},
  };
  for (const auto& example : cases) {
    SCOPED_TRACE(std::string(to_string(example.state)) + " " + std::string(to_string(example.frame.type)));
    const base::TimePoint now{milliseconds(1)};
    InstanceSession session(SessionLimits{}, now);
    for (const SessionEvent& step : std::vector<SessionEvent>{
             event::CodeFetched{}, event::SandboxStarted{}, event::FrameReceived{kReady, false},
             event::FrameReceived{kLoaded, false}, event::Invoke{}}) {
      if (session.state() != example.state) {
        session.on(SessionEvent(step), now);
      }
    }
    ASSERT_EQ(session.state(), example.state);
    const auto actions = session.on(event::FrameReceived{example.frame, example.more_follows}, now);
    EXPECT_EQ(actions.report, example.report);
    if (example.report != Report::kNothing) {
      EXPECT_EQ(actions.outcome.kind, OutcomeKind::kProtocolError);
    }
    EXPECT_FALSE(actions.reusable);
    EXPECT_TRUE(actions.remove_sandbox);
    EXPECT_EQ(session.state(), SessionState::kStopping);
  }
}

TEST_F(InstanceSessionTest, BytesThatAreNoFrames) {
  reach(SessionState::kExecuting);
  expect_killed(on(event::ChannelFailed{Error{ErrorCode::kCorrupt, "garbage"}}), Report::kFinished,
                OutcomeKind::kProtocolError);
}

TEST_F(InstanceSessionTest, AResultOverItsBound) {
  reach(SessionState::kExecuting);
  expect_killed(on(event::ChannelFailed{Error{ErrorCode::kTooLarge, "10 MB"}}), Report::kFinished,
                OutcomeKind::kResponseTooLarge);
}

TEST_F(InstanceSessionTest, AnAnnouncedResultOverItsBoundBeforeAnyCall) {
  reach(SessionState::kBooting);
  expect_killed(on(event::ChannelFailed{Error{ErrorCode::kTooLarge, "4 GB"}}), Report::kStartFailed,
                OutcomeKind::kProtocolError);
}

TEST_F(InstanceSessionTest, TheExitSaysWhyTheSocketEnded) {
  reach(SessionState::kExecuting);
  const auto closing = on(event::ChannelEnded{});
  EXPECT_EQ(closing.report, Report::kNothing);
  EXPECT_EQ(closing.deadline, now_ + milliseconds(2'000));
  EXPECT_EQ(session_.state(), SessionState::kClosing);
  const auto actions = exit(ExitReason::kExited, 3);
  EXPECT_THAT(actions.outcome.error.message, HasSubstr("exit code 3"));
  expect_ended(actions, Report::kFinished, OutcomeKind::kExited);
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
  expect_killed(on(event::DeadlinePassed{}), Report::kFinished, OutcomeKind::kProtocolError);
}

TEST_F(InstanceSessionTest, HalfAFrame) {
  reach(SessionState::kExecuting);
  on(event::ChannelEnded{true});
  expect_ended(exit(ExitReason::kExited, 0), Report::kFinished, OutcomeKind::kProtocolError);
}

TEST_F(InstanceSessionTest, OutOfMemoryIsSaidBeforeAnythingElse) {
  reach(SessionState::kExecuting);
  on(event::ChannelEnded{true});
  expect_ended(exit(ExitReason::kOutOfMemory), Report::kFinished, OutcomeKind::kOutOfMemory);
}

TEST_F(InstanceSessionTest, AHeapLimitIsOutOfMemoryToo) {
  reach(SessionState::kExecuting);
  expect_ended(exit(ExitReason::kSignaled, SIGABRT, true), Report::kFinished, OutcomeKind::kOutOfMemory);
}

TEST_F(InstanceSessionTest, ASignalIsNamed) {
  reach(SessionState::kExecuting);
  const auto actions = exit(ExitReason::kSignaled, SIGSEGV);
  EXPECT_THAT(actions.outcome.error.message, HasSubstr("SIGSEGV"));
  expect_ended(actions, Report::kFinished, OutcomeKind::kExited);
}

TEST_F(InstanceSessionTest, ExitsDuringTheStart) {
  reach(SessionState::kInitialising);
  expect_ended(exit(ExitReason::kExited, 9), Report::kStartFailed, OutcomeKind::kExited);
}

TEST_F(InstanceSessionTest, ARuntimeThatDoesNotComeUp) {
  reach(SessionState::kBooting);
  on(event::ChannelEnded{});
  expect_ended(exit(ExitReason::kExited, 127), Report::kStartFailed, OutcomeKind::kStartFailed);
}

TEST_F(InstanceSessionTest, AnIdleInstanceThatEndsTellsOnlyItsEnd) {
  reach(SessionState::kIdle);
  expect_ended(exit(ExitReason::kExited, 1), Report::kNothing, OutcomeKind::kReturned);
}

TEST_F(InstanceSessionTest, ACallThatMeetsAnEndingInstance) {
  reach(SessionState::kIdle);
  on(event::ChannelEnded{});
  const auto invoke = on(event::Invoke{});
  EXPECT_EQ(invoke.send_invoke, std::nullopt);
  expect_ended(exit(ExitReason::kExited, 1), Report::kFinished, OutcomeKind::kExited);
}

TEST_F(InstanceSessionTest, ACallThatMeetsAKilledInstance) {
  reach(SessionState::kIdle);
  frame(kLoaded);
  const auto actions = on(event::Invoke{});
  EXPECT_EQ(actions.report, Report::kFinished);
  EXPECT_EQ(actions.outcome.kind, OutcomeKind::kExited);
  EXPECT_FALSE(actions.reusable);
  EXPECT_EQ(session_.state(), SessionState::kStopping);
}

TEST_F(InstanceSessionTest, StopFinishesWhatWasExecuting) {
  reach(SessionState::kExecuting);
  const auto actions = on(event::Stop{});
  expect_killed(actions, Report::kFinished, OutcomeKind::kExited);
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
    InstanceSession session(SessionLimits{}, now);
    int reports = 0;
    int ends = 0;
    const auto feed = [&](const SessionEvent& event) {
      const auto actions = session.on(SessionEvent(event), now);
      reports += actions.report != Report::kNothing ? 1 : 0;
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
}  // namespace hearth::worker
