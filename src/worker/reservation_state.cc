#include "worker/reservation_state.h"

namespace hearth::worker {
namespace {

using State = ReservationState;
using Event = ReservationEvent;

std::optional<State> on(bool possible, State next) { return possible ? std::optional(next) : std::nullopt; }

}  // namespace

std::string_view to_string(ReservationState state) {
  switch (state) {
    case State::kCold:
      return "cold";
    case State::kPrestarted:
      return "prestarted";
    case State::kStarting:
      return "starting";
    case State::kIdle:
      return "idle";
    case State::kLeased:
      return "leased";
    case State::kResuming:
      return "resuming";
    case State::kRunning:
      return "running";
    case State::kRemoving:
      return "removing";
  }
  return "unknown";
}

std::optional<State> after(State state, Event event) {
  switch (event) {
    case Event::kAssigned:
      return on(state == State::kCold, State::kStarting);
    case Event::kLoaded:
      return on(state == State::kStarting, State::kRunning);
    case Event::kPreWarmed:
      return on(state == State::kStarting, State::kIdle);
    case Event::kAdmitted:
      return on(state == State::kIdle || state == State::kLeased, State::kRunning);
    case Event::kHeldBack:
      return on(state == State::kIdle || state == State::kLeased, State::kResuming);
    case Event::kResumed:
      return on(state == State::kResuming, State::kRunning);
    case Event::kFinished:
      return on(state == State::kRunning, State::kLeased);
    case Event::kReleased:
      return on(state == State::kLeased, State::kIdle);
    case Event::kStopped:
      return on(state != State::kRemoving, State::kRemoving);
  }
  return std::nullopt;
}

}  // namespace hearth::worker
