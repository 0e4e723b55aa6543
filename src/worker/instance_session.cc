#include "worker/instance_session.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

namespace hearth::worker {
namespace {

using base::ErrorCode;
using model::Outcome;
using model::OutcomeKind;
using protocol::FrameType;

std::string words_of(const sandbox::Exit& exit) {
  switch (exit.reason) {
    case sandbox::ExitReason::kExited:
      return "the process ended with exit code " + std::to_string(exit.code);
    case sandbox::ExitReason::kSignaled: {
      const char* const name = sigabbrev_np(exit.code);
      return "the process was ended by signal " +
             (name != nullptr ? "SIG" + std::string(name) : std::to_string(exit.code));
    }
    case sandbox::ExitReason::kOutOfMemory:
      return "the instance reached its memory limit";
    case sandbox::ExitReason::kRemoved:
      return "the instance was stopped";
  }
  return "the process ended";
}

// Ends that are not the function's own word or the platform's: what the runtime was given may be why.
bool is_fall(OutcomeKind kind) {
  return kind == OutcomeKind::kExited || kind == OutcomeKind::kOutOfMemory ||
         kind == OutcomeKind::kProtocolError || kind == OutcomeKind::kInitTimedOut;
}

std::string milliseconds_text(std::chrono::milliseconds time) { return std::to_string(time.count()) + " ms"; }

}  // namespace

std::string_view to_string(SessionState state) {
  switch (state) {
    case SessionState::kFetchingCode:
      return "fetching_code";
    case SessionState::kStarting:
      return "starting";
    case SessionState::kBooting:
      return "booting";
    case SessionState::kWaiting:
      return "waiting";
    case SessionState::kAssigning:
      return "assigning";
    case SessionState::kInitialising:
      return "initialising";
    case SessionState::kIdle:
      return "idle";
    case SessionState::kExecuting:
      return "executing";
    case SessionState::kClosing:
      return "closing";
    case SessionState::kAborting:
      return "aborting";
    case SessionState::kStopping:
      return "stopping";
    case SessionState::kEnded:
      return "ended";
  }
  return "unknown";
}

InstanceSession::InstanceSession(SessionLimits limits, SessionStart start, base::TimePoint now)
    : limits_(limits),
      prestarted_(start == SessionStart::kPrestarted),
      now_(now),
      lap_(now),
      deadline_(now + limits.start_timeout) {
  steps_.cold = true;
  if (prestarted_) {
    state_ = SessionState::kStarting;
  }
}

SessionActions InstanceSession::on(SessionEvent&& event, base::TimePoint now) {
  now_ = now;
  switch (state_) {
    case SessionState::kFetchingCode:
      return in_fetching_code(event);
    case SessionState::kStarting:
      return in_starting(event);
    case SessionState::kBooting:
      return in_booting(event);
    case SessionState::kWaiting:
      return in_waiting(event);
    case SessionState::kAssigning:
      return in_assigning(event);
    case SessionState::kInitialising:
      return in_initialising(event);
    case SessionState::kIdle:
      return in_idle(event);
    case SessionState::kExecuting:
      return in_executing(event);
    case SessionState::kClosing:
      return in_closing(event);
    case SessionState::kAborting:
      return in_aborting(event);
    case SessionState::kStopping:
      return in_stopping(event);
    case SessionState::kEnded:
      return {};
  }
  return {};
}

SessionActions InstanceSession::in_fetching_code(const SessionEvent& event) {
  SessionActions actions;
  if (std::holds_alternative<event::CodeFetched>(event)) {
    state_ = SessionState::kStarting;
    steps_.code_us = lap_us();
    actions.start_sandbox = true;
  } else if (const auto* failed = std::get_if<event::CodeFailed>(&event)) {
    actions = give_up(model::failed(OutcomeKind::kStartFailed, "code: " + failed->error.message),
                      SessionState::kEnded);
  } else if (std::holds_alternative<event::DeadlinePassed>(event)) {
    const auto text = "the code was not there within " + milliseconds_text(limits_.start_timeout);
    actions = give_up(model::failed(OutcomeKind::kStartFailed, text), SessionState::kEnded);
  } else if (std::holds_alternative<event::Stop>(event)) {
    actions = give_up(model::failed(OutcomeKind::kStartFailed, "stopped before it was started"),
                      SessionState::kEnded);
  }
  return actions;
}

SessionActions InstanceSession::in_starting(const SessionEvent& event) {
  if (std::holds_alternative<event::SandboxStarted>(event)) {
    state_ = SessionState::kBooting;
    steps_.sandbox_us = lap_us();
  } else if (const auto* failed = std::get_if<event::SandboxFailed>(&event)) {
    return give_up(model::failed(OutcomeKind::kStartFailed, "sandbox: " + failed->error.message),
                   SessionState::kEnded);
  } else if (std::holds_alternative<event::DeadlinePassed>(event)) {
    const auto text = "the sandbox was not ready within " + milliseconds_text(limits_.start_timeout);
    return give_up(model::failed(OutcomeKind::kStartFailed, text), SessionState::kAborting);
  } else if (std::holds_alternative<event::Stop>(event)) {
    return give_up(model::failed(OutcomeKind::kStartFailed, "stopped before it was started"),
                   SessionState::kAborting);
  }
  return {};
}

SessionActions InstanceSession::in_booting(const SessionEvent& event) {
  if (const auto* received = std::get_if<event::FrameReceived>(&event); received && !received->more_follows) {
    return booted(received->frame);
  }
  if (std::holds_alternative<event::DeadlinePassed>(event)) {
    return give_up(OutcomeKind::kStartFailed,
                   "the runtime was not ready within " + milliseconds_text(limits_.start_timeout));
  }
  return interrupted(event);
}

SessionActions InstanceSession::in_initialising(const SessionEvent& event) {
  if (const auto* received = std::get_if<event::FrameReceived>(&event); received && !received->more_follows) {
    return initialised(received->frame);
  }
  if (std::holds_alternative<event::DeadlinePassed>(event)) {
    return give_up(OutcomeKind::kInitTimedOut,
                   "the handler was not loaded within " + milliseconds_text(limits_.init_timeout));
  }
  return interrupted(event);
}

SessionActions InstanceSession::in_idle(SessionEvent& event) {
  if (const auto* paused = std::get_if<event::Pause>(&event)) {
    return pause(*paused);
  }
  if (auto* received = std::get_if<event::FrameReceived>(&event); received && is_collected(received->frame)) {
    return collected(std::move(received->frame));
  }
  if (!std::holds_alternative<event::Invoke>(event)) {
    return interrupted(event);
  }
  SessionActions actions = begin_call(std::get<event::Invoke>(event));
  if (std::exchange(paused_, false)) {
    actions.frozen = false;
  }
  return actions;
}

SessionActions InstanceSession::in_closing(const SessionEvent& event) {
  if (const auto* exit = std::get_if<event::Exited>(&event)) {
    return exited(*exit);
  }
  if (std::holds_alternative<event::DeadlinePassed>(event)) {
    return give_up(OutcomeKind::kProtocolError, "the runtime closed its answers and did not end");
  }
  if (std::holds_alternative<event::Stop>(event)) {
    return interrupted(event);
  }
  if (const auto* invoke = std::get_if<event::Invoke>(&event)) {
    running_.push_back({++last_call_, invoke->slot, now_, invoke->latest});
  }
  return {};
}

SessionActions InstanceSession::in_aborting(const SessionEvent& event) {
  SessionActions actions;
  if (std::holds_alternative<event::SandboxStarted>(event)) {
    state_ = SessionState::kStopping;
    actions.remove_sandbox = true;
  } else if (std::holds_alternative<event::SandboxFailed>(event) ||
             std::holds_alternative<event::Exited>(event)) {
    state_ = SessionState::kEnded;
    actions.report_ended = true;
  }
  return actions;
}

SessionActions InstanceSession::in_stopping(const SessionEvent& event) {
  SessionActions actions;
  if (std::holds_alternative<event::Exited>(event)) {
    state_ = SessionState::kEnded;
    actions.report_ended = true;
  } else if (const auto* invoke = std::get_if<event::Invoke>(&event)) {
    // The heart has not heard yet that this instance is on its way out.
    running_.push_back({++last_call_, invoke->slot, now_, invoke->latest});
    pay(actions, model::failed(OutcomeKind::kExited, "the instance was ending when the call came"));
  }
  return actions;
}

SessionActions InstanceSession::booted(const protocol::Frame& frame) {
  if (frame.type != FrameType::kReady || frame.invocation != 0) {
    return give_up(OutcomeKind::kProtocolError, out_of_place(frame));
  }
  auto ready = protocol::decode_ready(frame.payload);
  if (!ready) {
    return give_up(OutcomeKind::kProtocolError, ready.error().message);
  }
  compiles_ = std::move(ready->compiles);
  steps_.boot_us = lap_us();
  SessionActions actions;
  if (prestarted_) {
    state_ = SessionState::kWaiting;
    actions.clear_deadline = true;
    actions.report = Report::kBooted;
  } else {
    begin_init(actions);
  }
  return actions;
}

void InstanceSession::begin_init(SessionActions& actions) {
  state_ = SessionState::kInitialising;
  actions.send_init = true;
  set_deadline(actions, now_ + limits_.init_timeout);
}

SessionActions InstanceSession::initialised(const protocol::Frame& frame) {
  if (frame.type == FrameType::kInitError && frame.invocation == 0) {
    auto error = protocol::decode_init_error(frame.payload);
    if (!error) {
      return give_up(OutcomeKind::kProtocolError, error.error().message);
    }
    return give_up(Outcome{OutcomeKind::kInitFailed, "", std::move(*error)}, SessionState::kStopping);
  }
  if (frame.type != FrameType::kLoaded || frame.invocation != 0) {
    return give_up(OutcomeKind::kProtocolError, out_of_place(frame));
  }
  state_ = SessionState::kIdle;
  owes_start_ = false;
  steps_.init_us = lap_us();
  SessionActions actions;
  actions.clear_deadline = true;
  actions.cap_cpu = true;
  actions.report = Report::kLoaded;
  return actions;
}

// What can happen to a running instance in any state.
SessionActions InstanceSession::interrupted(const SessionEvent& event) {
  if (const auto* received = std::get_if<event::FrameReceived>(&event)) {
    return give_up(OutcomeKind::kProtocolError, out_of_place(received->frame));
  }
  if (const auto* failed = std::get_if<event::ChannelFailed>(&event)) {
    const bool too_large = failed->error.code == ErrorCode::kTooLarge && state_ == SessionState::kExecuting;
    return give_up(too_large ? OutcomeKind::kResponseTooLarge : OutcomeKind::kProtocolError,
                   failed->error.message);
  }
  if (const auto* ended = std::get_if<event::ChannelEnded>(&event)) {
    return await_exit(ended->mid_frame);
  }
  if (const auto* exit = std::get_if<event::Exited>(&event)) {
    return exited(*exit);
  }
  if (std::holds_alternative<event::Stop>(event)) {
    stopped_ = state_ != SessionState::kClosing;
    return give_up(owes_start_ ? OutcomeKind::kStartFailed : OutcomeKind::kExited,
                   "the instance was stopped");
  }
  return {};
}

SessionActions InstanceSession::await_exit(bool mid_frame) {
  const bool has_deadline = state_ != SessionState::kIdle && state_ != SessionState::kWaiting;
  const base::TimePoint latest = now_ + limits_.exit_wait;
  closed_in_ = state_;
  state_ = SessionState::kClosing;
  mid_frame_ = mid_frame;
  SessionActions actions;
  set_deadline(actions, has_deadline ? std::min(latest, deadline_) : latest);
  return actions;
}

SessionActions InstanceSession::exited(const event::Exited& event) {
  const SessionState state = state_ == SessionState::kClosing ? closed_in_ : state_;
  OutcomeKind kind = OutcomeKind::kExited;
  std::string message = words_of(event.exit);
  if (event.exit.reason == sandbox::ExitReason::kOutOfMemory) {
    kind = OutcomeKind::kOutOfMemory;
  } else if (event.heap_exhausted) {
    kind = OutcomeKind::kOutOfMemory;
    message = "the heap reached its limit within the instance's memory";
  } else if (mid_frame_) {
    kind = OutcomeKind::kProtocolError;
    message = "the runtime ended in the middle of a frame: " + message;
  } else if (state == SessionState::kBooting) {
    kind = OutcomeKind::kStartFailed;
    message = "the runtime did not come up: " + message;
  }
  return give_up(model::failed(kind, std::move(message)), SessionState::kEnded);
}

// An unexpected frame in words, for the error of the call or start that it ends.
std::string InstanceSession::out_of_place(const protocol::Frame& frame) {
  return "the runtime sent a frame out of place: " + std::string(to_string(frame.type));
}

SessionActions InstanceSession::give_up(OutcomeKind kind, std::string message) {
  return give_up(model::failed(kind, std::move(message)), SessionState::kStopping);
}

// The instance is of no use any more. `next` says whether its end is still awaited.
SessionActions InstanceSession::give_up(Outcome outcome, SessionState next) {
  state_ = next;
  SessionActions actions;
  actions.clear_deadline = true;
  actions.remove_sandbox = next != SessionState::kEnded;
  actions.report_ended = next == SessionState::kEnded;
  actions.unproven = !served_ && !stopped_ && is_fall(outcome.kind);
  end_collecting(actions);
  pay(actions, std::move(outcome));
  return actions;
}

// Tells the heart what it is owed, if anything.
void InstanceSession::pay(SessionActions& actions, Outcome outcome) {
  if (std::exchange(owes_start_, false)) {
    actions.report = Report::kStartFailed;
    actions.outcome = std::move(outcome);
    return;
  }
  for (const RunningCall& call : std::exchange(running_, {})) {
    actions.finished.push_back({call.slot, outcome, {}, us_since(call.began), 0, false});
  }
}

void InstanceSession::set_deadline(SessionActions& actions, base::TimePoint deadline) {
  deadline_ = deadline;
  actions.deadline = deadline;
}

std::int64_t InstanceSession::lap_us() { return us_since(std::exchange(lap_, now_)); }

std::int64_t InstanceSession::us_since(base::TimePoint began) const {
  return std::chrono::duration_cast<std::chrono::microseconds>(now_ - began).count();
}

}  // namespace hearth::worker
