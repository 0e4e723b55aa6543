#include "sim/trace_load.h"

#include <algorithm>
#include <cmath>

namespace hearth::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;

constexpr std::uint32_t kMemorySizesMb[] = {128, 256, 512, 1'024};
constexpr microseconds kNoTime{1'000};
constexpr double kMicrosecondsInMinute = 60e6;

std::uint32_t memory_for(const std::optional<trace::MemoryUse>& use) {
  if (!use) {
    return kUnknownMemoryMb;
  }
  const auto* const fits =
      std::ranges::find_if(kMemorySizesMb, [&](std::uint32_t size_mb) { return size_mb >= use->most_mb; });
  return fits == std::end(kMemorySizesMb) ? kMemorySizesMb[std::size(kMemorySizesMb) - 1] : *fits;
}

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
  told.memory_mb = memory_for(function.memory);
  told.used_mb = used_by(function.memory, told.memory_mb);
  told.runs = {{1, kUnknownRun}};
  if (arrivals == Arrivals::kOnce) {
    told.runs = {{1, kNoTime}};
  } else if (function.runs) {
    told.runs = points_of(*function.runs);
  }
  return told;
}

TraceCalls::TraceCalls(const trace::TracedFunction& function, Arrivals arrivals, Dice dice)
    : function_(function),
      arrivals_(arrivals),
      evenly_(arrivals == Arrivals::kOnce || (arrivals == Arrivals::kTimers && function.trigger == "timer")),
      dice_(dice),
      own_place_(dice_.share()) {}

std::optional<microseconds> TraceCalls::next() {
  while (minute_ < function_.calls.size()) {
    const trace::MinuteCalls& minute = function_.calls[minute_];
    const std::uint32_t calls = arrivals_ == Arrivals::kOnce ? 1 : minute.calls;
    if (made_ < calls) {
      return minutes(minute.minute) + place_in_minute(calls);
    }
    ++minute_;
    made_ = 0;
    place_ = 0;
  }
  return std::nullopt;
}

// Calls at any time come one after the other without being kept: the next of `left` is the smallest of so
// many that are spread over what is left of the minute.
microseconds TraceCalls::place_in_minute(std::uint32_t calls) {
  if (evenly_) {
    place_ = (made_ + own_place_) / calls;
  } else {
    const double left = calls - made_;
    place_ += (1 - place_) * (1 - std::pow(1 - dice_.share(), 1 / left));
  }
  ++made_;
  return microseconds(static_cast<std::int64_t>(place_ * kMicrosecondsInMinute));
}

}  // namespace hearth::sim
