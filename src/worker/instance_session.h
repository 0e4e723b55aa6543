// The life of one instance as the platform sees it, from the fetch of its code to its end: the pure
// heart of SandboxedInstance.
//
// Events go in together with the time, actions come out; the shell performs them (descriptors in
// InstanceChannel, everything else in sandboxed_instance.cc). Nothing here blocks, allocates a
// descriptor or looks at a clock. Loop thread only.
//
//   fetching_code → starting → booting → initialising → idle ⇄ executing
//   any of them → aborting (a start is under way) or stopping → ended
//   booting … executing → closing (the socket has ended, the reason is awaited) → stopping → ended
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/event_loop.h"
#include "base/result.h"
#include "model/outcome.h"
#include "sandbox/sandbox.h"
#include "worker/protocol.h"

namespace hearth::worker {

enum class SessionState {
  kFetchingCode,  // the code's folder was asked for
  kStarting,      // the sandbox was asked for
  kBooting,       // the program runs; `ready` is awaited
  kInitialising,  // init was sent; `loaded` is awaited
  kIdle,          // loaded, nothing to do
  kExecuting,     // an invoke was sent; its answer is awaited
  kClosing,       // its answers have ended; the exit, which says why, is awaited
  kAborting,      // given up while the sandbox is being started
  kStopping,      // told to end; the exit is awaited
  kEnded,         // nothing is left
};
std::string_view to_string(SessionState state);

struct SessionLimits {
  std::chrono::milliseconds start_timeout{30'000};  // --start-timeout: from the start to `ready`
  std::chrono::milliseconds init_timeout{10'000};   // --init-timeout: from init to `loaded`
  std::chrono::milliseconds call_timeout{30'000};   // the version's: from invoke to its answer
  std::chrono::milliseconds exit_wait{2'000};       // from the socket's end to the exit that explains it
};

// What happens to a session.
namespace event {
struct CodeFetched {};
struct CodeFailed {
  base::Error error;
};
struct SandboxStarted {};
struct SandboxFailed {
  base::Error error;
};
// `more_follows`: further bytes came with it, which no shim sends that keeps to the protocol.
struct FrameReceived {
  protocol::Frame frame;
  bool more_follows = false;
};
// The frames make no sense any more, or could not be sent.
struct ChannelFailed {
  base::Error error;
};
// The peer closed the socket, in the middle of a frame or not.
struct ChannelEnded {
  bool mid_frame = false;
};
struct Invoke {};
struct Stop {};
struct DeadlinePassed {};
// `heap_exhausted`: it aborted because the language's own heap limit was reached.
struct Exited {
  sandbox::Exit exit;
  bool heap_exhausted = false;
};
}  // namespace event
using SessionEvent =
    std::variant<event::CodeFetched, event::CodeFailed, event::SandboxStarted, event::SandboxFailed,
                 event::FrameReceived, event::ChannelFailed, event::ChannelEnded, event::Invoke, event::Stop,
                 event::DeadlinePassed, event::Exited>;

// What is told to the worker's heart.
enum class Report { kNothing, kLoaded, kStartFailed, kFinished };

// What the shell does, in the order of the fields.
struct SessionActions {
  bool start_sandbox = false;
  bool send_init = false;
  std::optional<std::uint64_t> send_invoke;  // the invocation's id
  std::optional<base::TimePoint> deadline;   // replaces the one that is set
  bool clear_deadline = false;
  bool cap_cpu = false;  // from here on the configured cap holds
  bool remove_sandbox = false;
  Report report = Report::kNothing;  // with what the pipes held until now
  model::Outcome outcome;            // of kStartFailed and kFinished
  std::int64_t run_us = 0;           // of kFinished
  std::int64_t handler_us = 0;       // of kFinished
  bool reusable = false;             // of kFinished
  bool report_ended = false;         // the shell may forget the instance

  bool operator==(const SessionActions&) const = default;
};

class InstanceSession {
 public:
  InstanceSession(SessionLimits limits, base::TimePoint now);

  // The deadline of the start, set before the first event; later ones come as actions.
  base::TimePoint deadline() const { return deadline_; }

  SessionActions on(SessionEvent&& event, base::TimePoint now);

  SessionState state() const { return state_; }
  // How long the steps of the start took, as far as it has come.
  const model::ExecutionSteps& start_steps() const { return steps_; }

 private:
  // What the heart still has to be told.
  enum class Owed { kStart, kFinish, kNothing };

  SessionActions in_fetching_code(const SessionEvent& event);
  SessionActions in_starting(const SessionEvent& event);
  SessionActions in_booting(const SessionEvent& event);
  SessionActions in_initialising(const SessionEvent& event);
  SessionActions in_idle(const SessionEvent& event);
  SessionActions in_executing(SessionEvent& event);
  SessionActions in_closing(const SessionEvent& event);
  SessionActions in_aborting(const SessionEvent& event);
  SessionActions in_stopping(const SessionEvent& event);

  SessionActions booted(const protocol::Frame& frame);
  SessionActions initialised(const protocol::Frame& frame);
  SessionActions answered(protocol::Frame frame);
  SessionActions interrupted(const SessionEvent& event);
  SessionActions await_exit(bool mid_frame);
  SessionActions exited(const event::Exited& event);
  SessionActions give_up(model::OutcomeKind kind, std::string message);
  SessionActions give_up(model::Outcome outcome, SessionState next);
  void pay(SessionActions& actions, model::Outcome outcome);
  void set_deadline(SessionActions& actions, base::TimePoint deadline);
  std::int64_t lap_us();

  const SessionLimits limits_;
  SessionState state_ = SessionState::kFetchingCode;
  Owed owed_ = Owed::kStart;
  base::TimePoint now_;                           // of the event in hand
  base::TimePoint lap_;                           // when the current step of the start, or the call, began
  base::TimePoint deadline_;                      // the one that is set, or was last
  SessionState closed_in_ = SessionState::kIdle;  // of kClosing: where the socket's end came
  bool mid_frame_ = false;                        // of kClosing: it came within a frame
  std::uint64_t invocation_ = 0;
  model::ExecutionSteps steps_;
};

}  // namespace hearth::worker
