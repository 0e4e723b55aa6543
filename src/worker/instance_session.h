// The life of one instance as the platform sees it, from the fetch of its code to its end: the pure
// heart of SandboxedInstance.
//
// Events go in together with the time, actions come out; the shell performs them (descriptors in
// InstanceChannel, everything else in sandboxed_instance.cc). Nothing here blocks, allocates a
// descriptor or looks at a clock. Loop thread only.
//
//   fetching_code → starting → booting → initialising → idle ⇄ executing
//   starting → booting → waiting → assigning → initialising, when it is started before its version is known
//   any of them → aborting (a start is under way) or stopping → ended
//   booting … executing → closing (the answers have ended, the reason is awaited) → stopping → ended
//
// Up to SessionLimits::concurrency calls are executed at once. Where that is one, others may have been sent
// behind it: each begins, and its time is counted, when the one before it has ended. When one of several runs
// out of time, it alone is answered so; no further call comes, and the instance ends with the last of the
// others.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"
#include "model/outcome.h"
#include "sandbox/sandbox.h"
#include "worker/instance.h"
#include "worker/protocol.h"

namespace hearth::worker {

enum class SessionState {
  kFetchingCode,  // the code's folder was asked for
  kStarting,      // the sandbox was asked for
  kBooting,       // the program runs; `ready` is awaited
  kWaiting,       // pre-started and booted; its version is awaited
  kAssigning,     // its code's folder was asked for, and then that the sandbox gets it
  kInitialising,  // init was sent; `loaded` is awaited
  kIdle,          // loaded, nothing to do
  kExecuting,     // at least one invoke was sent whose answer is awaited
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
  std::chrono::milliseconds exit_wait{2'000};       // from the pipe's end to the exit that explains it
  std::chrono::milliseconds collect_wait{1'000};    // for what it has compiled, until it stands still without
  std::uint32_t concurrency = 1;                    // calls at once: the version's
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
// `more_follows`: further bytes came with it, which only a shim sends that has several calls in hand.
struct FrameReceived {
  protocol::Frame frame;
  bool more_follows = false;
};
// Of a pre-started one: the version is known. What depends on it replaces what was set.
struct Assigned {
  std::chrono::milliseconds call_timeout;
  std::uint32_t concurrency = 1;
};
// The sandbox has its code and limits, or has not got them.
struct CodeMounted {};
struct CodeNotMounted {
  base::Error error;
};
// The frames make no sense any more, or could not be sent.
struct ChannelFailed {
  base::Error error;
};
// The peer closed the socket, in the middle of a frame or not.
struct ChannelEnded {
  bool mid_frame = false;
};
// `slot`: which of the instance's calls at once this is; it comes back with the answer.
// `latest`: when nobody waits for it any more.
struct Invoke {
  std::uint32_t slot = 0;
  base::TimePoint latest = base::TimePoint::max();
};
struct Stop {};
// It has been idle for long enough.
struct Pause {
  bool freeze = true;    // its processes are to stand still
  bool collect = false;  // what it has compiled is of use to others
};
// Frames of these calls were read back out of the pipe: they have not begun, and never will.
struct TakenBack {
  std::vector<std::uint64_t> calls;  // their ids
};
struct DeadlinePassed {};
// `heap_exhausted`: it aborted because the language's own heap limit was reached.
struct Exited {
  sandbox::Exit exit;
  bool heap_exhausted = false;
};
}  // namespace event
using SessionEvent =
    std::variant<event::CodeFetched, event::CodeFailed, event::SandboxStarted, event::SandboxFailed,
                 event::Assigned, event::CodeMounted, event::CodeNotMounted, event::FrameReceived,
                 event::ChannelFailed, event::ChannelEnded, event::Invoke, event::Pause, event::Stop,
                 event::TakenBack, event::DeadlinePassed, event::Exited>;

// What is told to the worker's heart of the start.
enum class Report { kNothing, kBooted, kLoaded, kStartFailed };

// What a handler wrote, as told in a frame; for instances that execute several calls at once.
struct LoggedText {
  std::uint32_t slot = 0;
  model::LogStream stream = model::LogStream::kOut;
  std::string text;

  bool operator==(const LoggedText&) const = default;
};

// What the shell does, in the order of the fields.
struct SessionActions {
  bool start_sandbox = false;
  bool mount_code = false;  // into the sandbox that runs, with the version's limits
  bool send_init = false;
  std::optional<std::uint64_t> send_invoke;  // the invocation's id
  bool send_collect = false;
  std::optional<bool> frozen;               // after the invoke: what it wakes up to is there
  std::optional<base::TimePoint> deadline;  // replaces the one that is set
  bool clear_deadline = false;
  bool cap_cpu = false;  // from here on the configured cap holds
  bool remove_sandbox = false;
  std::optional<LoggedText> logged;                          // kept for the call in that slot
  std::optional<std::string> compiled;                       // for others; empty: nothing is to be had
  bool unproven = false;                                     // it fell, and no call had returned
  Report report = Report::kNothing;                          // with what the pipes held until now
  model::Outcome outcome;                                    // of kStartFailed
  boost::container::small_vector<FinishedCall, 1> finished;  // their logs are the shell's to add
  bool report_ended = false;                                 // the shell may forget the instance

  bool operator==(const SessionActions&) const = default;
};

// kPrestarted: before its version is known. The sandbox has been asked for.
enum class SessionStart { kWithVersion, kPrestarted };

class InstanceSession {
 public:
  InstanceSession(SessionLimits limits, SessionStart start, base::TimePoint now);

  // The deadline of the start, set before the first event; later ones come as actions.
  base::TimePoint deadline() const { return deadline_; }

  SessionActions on(SessionEvent&& event, base::TimePoint now);

  SessionState state() const { return state_; }
  // Of kIdle: its processes stand still.
  bool paused() const { return paused_; }
  // What its runtime says that it compiles code to, once it has booted.
  const std::string& compiles() const { return compiles_; }
  // Calls that were sent and have not ended; all but the first have not begun where one is taken at a time.
  std::size_t calls_in_hand() const { return running_.size(); }
  // How long the steps of the start took, as far as it has come.
  const model::ExecutionSteps& start_steps() const { return steps_; }

 private:
  struct RunningCall {
    std::uint64_t id = 0;  // in frames
    std::uint32_t slot = 0;
    base::TimePoint began;
    base::TimePoint latest = base::TimePoint::max();
  };

  SessionActions in_fetching_code(const SessionEvent& event);
  SessionActions in_starting(const SessionEvent& event);
  SessionActions in_booting(const SessionEvent& event);
  SessionActions in_waiting(const SessionEvent& event);
  SessionActions in_assigning(const SessionEvent& event);
  SessionActions in_initialising(const SessionEvent& event);
  SessionActions in_idle(SessionEvent& event);
  SessionActions pause(const event::Pause& event);
  SessionActions in_executing(SessionEvent& event);
  SessionActions in_closing(const SessionEvent& event);
  SessionActions in_aborting(const SessionEvent& event);
  SessionActions in_stopping(const SessionEvent& event);

  SessionActions booted(const protocol::Frame& frame);
  void begin_init(SessionActions& actions);
  SessionActions initialised(const protocol::Frame& frame);
  SessionActions begin_call(const event::Invoke& invoke);
  SessionActions answered(protocol::Frame&& frame);
  SessionActions finish(std::vector<RunningCall>::iterator call, protocol::Answer&& answer);
  SessionActions logged(const protocol::Frame& frame);
  bool is_collected(const protocol::Frame& frame) const;
  SessionActions collected(protocol::Frame&& frame);
  void end_collecting(SessionActions& actions);
  SessionActions taken_back(const event::TakenBack& event);
  SessionActions overdue();
  void await_next(SessionActions& actions);
  SessionActions interrupted(const SessionEvent& event);
  SessionActions await_exit(bool mid_frame);
  SessionActions exited(const event::Exited& event);
  SessionActions give_up(model::OutcomeKind kind, std::string message);
  SessionActions give_up(model::Outcome outcome, SessionState next);
  void pay(SessionActions& actions, model::Outcome outcome);
  std::vector<RunningCall>::iterator find_running(std::uint64_t id);
  base::TimePoint deadline_of(const RunningCall& call) const;
  std::vector<RunningCall>::iterator first_due();
  void set_deadline(SessionActions& actions, base::TimePoint deadline);
  static std::string out_of_place(const protocol::Frame& frame);
  std::int64_t lap_us();
  std::int64_t us_since(base::TimePoint began) const;

  SessionLimits limits_;
  SessionState state_ = SessionState::kFetchingCode;
  bool owes_start_ = true;                        // the heart has not been told yet how the start ended
  bool prestarted_ = false;                       // and has no version yet
  base::TimePoint now_;                           // of the event in hand
  base::TimePoint lap_;                           // when the current step of the start began
  base::TimePoint deadline_;                      // the one that is set, or was last
  SessionState closed_in_ = SessionState::kIdle;  // of kClosing: where the pipe's end came
  bool paused_ = false;                           // of kIdle: its processes stand still
  bool served_ = false;                           // a call has returned
  bool collecting_ = false;                       // what it has compiled was asked for, and has not come
  bool stopped_ = false;                          // it ends because it was told to
  base::TimePoint collect_until_;                 // then it stands still all the same
  std::string compiles_;
  bool mid_frame_ = false;  // of kClosing: it came within a frame
  std::uint64_t last_call_ = 0;
  std::vector<RunningCall> running_;  // in the order in which they began
  bool in_order_ = true;              // and so in that of their deadlines
  bool wearing_out_ = false;  // one has run out of time: the instance ends with the last of the others
  std::vector<std::uint64_t> overdue_;  // timed out, while others go on; their answers mean nothing
  model::ExecutionSteps steps_;
};

}  // namespace hearth::worker
