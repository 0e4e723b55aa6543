#include "sim/trace_load.h"

#include <algorithm>
#include <cmath>

namespace hearth::sim {
namespace {

using std::chrono::microseconds;

constexpr microseconds kNoTime{1'000};

// What nobody knows is taken as all of it.
std::uint32_t used_by(const std::optional<trace::MemoryUse>& use, std::uint32_t memory_mb) {
  return use ? static_cast<std::uint32_t>(std::min<double>(std::ceil(use->average_mb), memory_mb))
             : memory_mb;
}

std::vector<RunPoint> points_of(const trace::RunTimes& runs) {
  std::vector<RunPoint> points;
  for (std::size_t i = 0; i < runs.percentiles_ms.size(); ++i) {
    const auto run = microseconds(static_cast<std::int64_t>(runs.percentiles_ms[i] * 1'000));
    points.push_back({trace::kRunPercentiles[i] / 100.0, std::min<microseconds>(run, kLongestRun)});
  }
  return points;
}

}  // namespace

ToldFunction told_function(const trace::TracedFunction& function, Arrivals arrivals) {
  ToldFunction told;
  told.memory_mb = trace::memory_size_mb(function.memory);
  told.used_mb = used_by(function.memory, told.memory_mb);
  told.runs = {{1, kUnknownRun}};
  if (arrivals == Arrivals::kOnce) {
    told.runs = {{1, kNoTime}};
  } else if (function.runs) {
    told.runs = points_of(*function.runs);
  }
  return told;
}

trace::Shares shares_of(Dice dice) {
  return [dice]() mutable { return dice.share(); };
}

}  // namespace hearth::sim
