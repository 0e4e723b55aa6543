// The calls of a traced function one by one. A trace counts them by the minute: when within it they come is
// chance, or rule. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "trace/trace.h"

namespace hearth::trace {

// When within their minute calls come:
enum class Arrivals {
  kTimers,   // those of a timer at the same place of every minute, evenly; those of others at any time
  kUniform,  // all at any time
  // Of each minute with calls one, at the function's own second, and it takes no time: what policies are
  // compared by in the literature.
  kOnce,
};

// Chance: 0 up to 1, without 1.
using Shares = std::function<double()>;

// One function's calls, one after the other, as times from the trace's beginning.
class TraceCalls {
 public:
  // `function` outlives it.
  TraceCalls(const TracedFunction& function, Arrivals arrivals, Shares shares);

  // None: there are no more.
  std::optional<std::chrono::microseconds> next();

 private:
  std::chrono::microseconds place_in_minute(std::uint32_t calls);

  const TracedFunction& function_;
  const Arrivals arrivals_;
  const bool evenly_;
  Shares shares_;
  const double own_place_;  // 0 up to 1: of a minute, or of its part for one call
  std::size_t minute_ = 0;  // of function_.calls
  std::uint32_t made_ = 0;  // calls of that minute
  double place_ = 0;        // of the last of them
};

// Of a function that has no memory in the trace.
inline constexpr std::uint32_t kUnknownMemoryMb = 128;

// The smallest of 128, 256, 512 and 1,024 MB that holds what it took at most; the largest where none does.
std::uint32_t memory_size_mb(const std::optional<MemoryUse>& use);

}  // namespace hearth::trace
