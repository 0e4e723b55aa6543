// A trace as a load: the functions that it tells of, and when each of its calls comes. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/dice.h"
#include "sim/functions.h"
#include "trace/trace.h"

namespace hearth::sim {

// A trace counts calls by the minute. When within it they come:
enum class Arrivals {
  kTimers,   // those of a timer at the same place of every minute, evenly; those of others at any time
  kUniform,  // all at any time
  // Of each minute with calls one, at the function's own second, and it takes no time: what policies are
  // compared by in the literature.
  kOnce,
};

// Of a call whose function has no run times in the trace, or no memory.
inline constexpr std::chrono::seconds kUnknownRun{1};
inline constexpr std::uint32_t kUnknownMemoryMb = 128;
// The longest time-out that a function can have.
inline constexpr std::chrono::minutes kLongestRun{15};

// Run times as the trace has them, and the smallest of 128, 256, 512 and 1,024 MB that holds what it took at
// most. An instance that stands still uses what it took on average.
ToldFunction told_function(const trace::TracedFunction& function, Arrivals arrivals);

// One function's calls, one after the other, as times from the trace's beginning.
class TraceCalls {
 public:
  // `function` outlives it.
  TraceCalls(const trace::TracedFunction& function, Arrivals arrivals, Dice dice);

  // None: there are no more.
  std::optional<std::chrono::microseconds> next();

 private:
  std::chrono::microseconds place_in_minute(std::uint32_t calls);

  const trace::TracedFunction& function_;
  const Arrivals arrivals_;
  const bool evenly_;
  Dice dice_;
  const double own_place_;  // 0 up to 1: of a minute, or of its part for one call
  std::size_t minute_ = 0;  // of function_.calls
  std::uint32_t made_ = 0;  // calls of that minute
  double place_ = 0;        // of the last of them
};

}  // namespace hearth::sim
