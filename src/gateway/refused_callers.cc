#include "gateway/refused_callers.h"

#include <algorithm>

namespace hearth::gateway {
namespace {

constexpr std::chrono::seconds kKept{1};

}  // namespace

void RefusedCallers::add(const void* caller, std::uint32_t memory_mb, base::TimePoint now) {
  const auto known = callers_.find(caller);
  if (known != callers_.end()) {
    const bool still = known->second.when + kKept >= now;
    known->second = {still ? std::max(known->second.memory_mb, memory_mb) : memory_mb, now};
  } else if (callers_.size() < kMost) {
    callers_.emplace(caller, Refused{memory_mb, now});
  }
}

std::uint64_t RefusedCallers::memory_mb(base::TimePoint now) {
  std::erase_if(callers_, [now](const auto& entry) { return entry.second.when + kKept < now; });
  std::uint64_t sum = 0;
  for (const auto& [caller, refused] : callers_) {
    sum += refused.memory_mb;
  }
  return sum;
}

}  // namespace hearth::gateway
