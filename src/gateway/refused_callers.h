// How much memory callers were refused for want of it, within the last second: part of what says how many
// workers are needed. Who asks again at once, over the same connection, counts once: it has one call at a
// time. Pure.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/event_loop.h"

namespace hearth::gateway {

class RefusedCallers {
 public:
  // Beyond them callers are not counted until some have been forgotten.
  static constexpr std::size_t kMost = 10'000;

  // `caller`: its connection.
  void add(const void* caller, std::uint32_t memory_mb, base::TimePoint now);
  std::uint64_t memory_mb(base::TimePoint now);

 private:
  struct Refused {
    std::uint32_t memory_mb = 0;
    base::TimePoint when;
  };

  std::unordered_map<const void*, Refused> callers_;
};

}  // namespace hearth::gateway
