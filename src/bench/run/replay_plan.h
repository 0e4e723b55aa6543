// What of a trace is played, and when: which functions, how long their handlers take, and when each call is
// due. The same wish gives the same plan. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "trace/trace.h"
#include "trace/trace_calls.h"

namespace hearth::bench {

inline constexpr std::size_t kMostReplayCalls = 10'000'000;
// Less than a function's default time-out.
inline constexpr std::chrono::milliseconds kLongestReplayRun{20'000};

struct ReplayWish {
  double time_scale = 60;                      // divides the times between calls
  double run_scale = 60;                       // and how long handlers take
  std::chrono::milliseconds duration{60'000};  // of the replay
  std::uint32_t from_minute = 0;               // of the trace
  std::uint32_t functions = 0;                 // of those that are called then; 0: all
  bool most_called = false;                    // these; else a sample
  std::uint64_t seed = 1;
  trace::Arrivals arrivals = trace::Arrivals::kTimers;
};

struct ReplayFunction {
  std::size_t place = 0;  // in the trace
  std::uint32_t memory_mb = 0;
  std::uint32_t run_ms = 0;  // the trace's median over the scale, from 1 ms up to the bound

  bool operator==(const ReplayFunction&) const = default;
};

struct ReplayPlan {
  std::vector<ReplayFunction> functions;
  std::vector<std::int64_t> due_ns;      // of each call, from the beginning; earliest first
  std::vector<std::uint32_t> called;     // the function that it calls
  std::chrono::nanoseconds duration{0};  // shorter than wished where the trace ends first
  std::uint32_t runs_cut = 0;            // functions that would take longer than the bound
};

// kInvalidArgument when there is nothing to play, or too much.
base::Result<ReplayPlan> plan_replay(const trace::Trace& trace, const ReplayWish& wish);

}  // namespace hearth::bench
