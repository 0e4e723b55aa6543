#include "trace/trace_calls.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearth::trace {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;

constexpr std::uint32_t kMemorySizesMb[] = {128, 256, 512, 1'024};
constexpr double kMicrosecondsInMinute = 60e6;

}  // namespace

std::uint32_t memory_size_mb(const std::optional<MemoryUse>& use) {
  if (!use) {
    return kUnknownMemoryMb;
  }
  const auto* const fits =
      std::ranges::find_if(kMemorySizesMb, [&](std::uint32_t size_mb) { return size_mb >= use->most_mb; });
  return fits == std::end(kMemorySizesMb) ? kMemorySizesMb[std::size(kMemorySizesMb) - 1] : *fits;
}

TraceCalls::TraceCalls(const TracedFunction& function, Arrivals arrivals, Shares shares)
    : function_(function),
      arrivals_(arrivals),
      evenly_(arrivals == Arrivals::kOnce || (arrivals == Arrivals::kTimers && function.trigger == "timer")),
      shares_(std::move(shares)),
      own_place_(shares_()) {}

std::optional<microseconds> TraceCalls::next() {
  while (minute_ < function_.calls.size()) {
    const MinuteCalls& minute = function_.calls[minute_];
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
    place_ += (1 - place_) * (1 - std::pow(1 - shares_(), 1 / left));
  }
  ++made_;
  return microseconds(static_cast<std::int64_t>(place_ * kMicrosecondsInMinute));
}

}  // namespace hearth::trace
