// A recorded load: which functions were called how often in which minute, how long their calls ran and how
// much memory they took. Values, in the order of the file that they come from (azure_trace.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hearth::trace {

struct MinuteCalls {
  std::uint32_t minute = 0;  // from the trace's first, which is 0
  std::uint32_t calls = 0;   // at least one

  bool operator==(const MinuteCalls&) const = default;
};

// Of all calls, so many percent ran no longer than the time at the same place in `percentiles_ms`.
inline constexpr std::array kRunPercentiles = {0, 1, 25, 50, 75, 99, 100};

struct RunTimes {
  double average_ms = 0;
  std::array<double, kRunPercentiles.size()> percentiles_ms{};  // none is smaller than the one before

  bool operator==(const RunTimes&) const = default;
};

struct MemoryUse {
  double average_mb = 0;
  double most_mb = 0;

  bool operator==(const MemoryUse&) const = default;
};

struct TracedFunction {
  std::string owner;
  std::string app;
  std::string function;
  std::string trigger;             // "timer", "http", "queue" and so on
  std::vector<MinuteCalls> calls;  // earliest first, each minute once
  std::optional<RunTimes> runs;    // not every function of a trace has them
  std::optional<MemoryUse> memory;

  bool operator==(const TracedFunction&) const = default;
};

struct Trace {
  std::uint32_t first_minute = 0;  // as the file counts
  std::uint32_t minutes = 0;
  std::vector<TracedFunction> functions;

  bool operator==(const Trace&) const = default;
};

}  // namespace hearth::trace
