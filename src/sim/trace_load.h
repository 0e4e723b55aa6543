// A trace as a load: the functions that it tells of, and when each of its calls comes. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "sim/dice.h"
#include "sim/functions.h"
#include "trace/trace.h"
#include "trace/trace_calls.h"

namespace hearth::sim {

using trace::Arrivals;
using trace::kUnknownMemoryMb;
using trace::TraceCalls;

// Of a call whose function has no run times in the trace.
inline constexpr std::chrono::seconds kUnknownRun{1};
// The longest time-out that a function can have.
inline constexpr std::chrono::minutes kLongestRun{15};

// Run times as the trace has them, and the smallest of 128, 256, 512 and 1,024 MB that holds what it took at
// most. An instance that stands still uses what it took on average.
ToldFunction told_function(const trace::TracedFunction& function, Arrivals arrivals);

// The dice as what TraceCalls draws from.
trace::Shares shares_of(Dice dice);

}  // namespace hearth::sim
