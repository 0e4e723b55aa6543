// What a test varies, as people write it: "1..15", "1,2,4,8", "1m..30m", "1KB,100KB,6MB"; and in which
// order levels are run. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::bench {

inline constexpr std::uint32_t kMostLevels = 1'000;
inline constexpr std::uint32_t kHighestLevel = 100'000;

// Numbers from 1 and ranges of them, with commas between: "1..4,8,16". kInvalidArgument.
base::Result<std::vector<std::uint32_t>> parse_levels(std::string_view text);

// Durations, and ranges of them in steps of their own unit: "1m..30m" is every minute of half an hour.
base::Result<std::vector<std::chrono::milliseconds>> parse_intervals(std::string_view text);

// Sizes in bytes: "1KB,1MB". None is 0.
base::Result<std::vector<std::uint64_t>> parse_sizes(std::string_view text);

// The order of the levels in a repeat: each begins one further on, so that over the repeats no level is
// always measured first, or always after the same one.
template <typename T>
std::vector<T> rotated(const std::vector<T>& levels, std::uint32_t repeat) {
  std::vector<T> order;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    order.push_back(levels[(i + repeat) % levels.size()]);
  }
  return order;
}

}  // namespace hearth::bench
