// The states of a reservation, in one enum, and the moves between them, in one function. The same
// names stand in metrics and log lines. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hearth::worker {

enum class ReservationState : std::uint8_t {
  kCold,        // memory set aside, offered to any function
  kPrestarted,  // a container without a function's code, booted or about to be
  kStarting,    // assigned; its container boots and loads the handler for a call that waits, or is expected
  kIdle,        // loaded, on the warm stack (or just taken from it)
  kLeased,      // loaded, held by the dispatcher that used it last
  kResuming,    // a call was admitted on it, and waits until all its memory is charged (--overcommit)
  kRunning,     // executing
  kRemoving,    // on its way out; its memory is still its own
};

inline constexpr std::array kReservationStates = {ReservationState::kCold,     ReservationState::kPrestarted,
                                                  ReservationState::kStarting, ReservationState::kIdle,
                                                  ReservationState::kLeased,   ReservationState::kResuming,
                                                  ReservationState::kRunning,  ReservationState::kRemoving};

enum class ReservationEvent : std::uint8_t {
  kAssigned,   // an execution was admitted on cold memory
  kLoaded,     // the handler is loaded, the waiting call begins
  kPreWarmed,  // the handler is loaded, nobody waits yet
  kAdmitted,   // an execution was admitted on a warm instance
  kHeldBack,   // the same, and some of its memory has yet to come free
  kResumed,    // it is there
  kFinished,   // the execution ended and the instance can be used again
  kReleased,   // the lease was given back
  kStopped,    // expiry, eviction, deletion, failure, shutdown
};

std::string_view to_string(ReservationState state);

// The state after `event`, or nothing when the event cannot happen in this state.
std::optional<ReservationState> after(ReservationState state, ReservationEvent event);

}  // namespace hearth::worker
