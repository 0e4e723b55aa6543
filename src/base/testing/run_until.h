// Runs a reactor on the test's own thread until something has come about. Tests only.
#pragma once

#include <chrono>

#include "base/reactor.h"

namespace hearth::base {

// Generous where something has to come: no test that passes waits so long.
inline constexpr std::chrono::seconds kTestPatience{10};

// False when the time has passed.
template <typename Condition>
bool run_until(Reactor& reactor, Condition condition, std::chrono::milliseconds most = kTestPatience) {
  const TimePoint until = Clock::now() + most;
  bool met = condition();
  while (!met && Clock::now() < until) {
    reactor.run_one_until(until);
    met = condition();
  }
  return met;
}

// Lets the loop run for so long, whatever happens.
inline void run_for(Reactor& reactor, std::chrono::milliseconds time) {
  run_until(
      reactor, [] { return false; }, time);
}

}  // namespace hearth::base
