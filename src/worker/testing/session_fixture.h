// A session that a test feeds with events, and what it tells.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "worker/instance_session.h"

namespace hearth::worker::session_test {

using base::Error;
using base::ErrorCode;
using model::OutcomeKind;
using protocol::Frame;
using protocol::FrameType;
using sandbox::Exit;
using sandbox::ExitReason;
using std::chrono::milliseconds;
using testing::HasSubstr;

inline const Frame kReady{FrameType::kReady, 0, R"({"protocol":2,"runtime":"test 1"})"};
inline const Frame kLoaded{FrameType::kLoaded, 0, ""};

inline Frame result(std::uint64_t invocation, const std::string& json = "17") {
  return {FrameType::kResult, invocation, std::string("\7\0\0\0", 4) + json};
}

// What the heart is told, of the start or of one call.
enum class Told { kNothing, kBooted, kStarted, kStartFailed, kFinished };

inline Told told(const SessionActions& actions) {
  EXPECT_LE(actions.finished.size(), 1U);
  return actions.finished.empty() ? static_cast<Told>(actions.report) : Told::kFinished;
}
inline const model::Outcome& outcome_of(const SessionActions& actions) {
  return actions.finished.empty() ? actions.outcome : actions.finished.front().outcome;
}
inline bool reusable(const SessionActions& actions) {
  return !actions.finished.empty() && actions.finished.front().reusable;
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
  void expect_killed(const SessionActions& actions, Told report, OutcomeKind kind) {
    EXPECT_EQ(told(actions), report);
    EXPECT_EQ(outcome_of(actions).kind, kind);
    EXPECT_FALSE(reusable(actions));
    EXPECT_TRUE(actions.remove_sandbox);
    EXPECT_TRUE(actions.clear_deadline);
    EXPECT_FALSE(actions.report_ended);
    EXPECT_EQ(session_.state(), SessionState::kStopping);
    const auto end = exit(ExitReason::kRemoved);
    EXPECT_TRUE(end.report_ended);
    EXPECT_EQ(told(end), Told::kNothing);
    EXPECT_EQ(session_.state(), SessionState::kEnded);
  }

  // It has ended by itself.
  void expect_ended(const SessionActions& actions, Told report, OutcomeKind kind) {
    EXPECT_EQ(told(actions), report);
    EXPECT_EQ(outcome_of(actions).kind, kind);
    EXPECT_TRUE(actions.report_ended);
    EXPECT_EQ(session_.state(), SessionState::kEnded);
  }

  base::TimePoint now_{milliseconds(1'000)};
  InstanceSession session_{SessionLimits{}, SessionStart::kWithVersion, now_};
};

}  // namespace hearth::worker::session_test
