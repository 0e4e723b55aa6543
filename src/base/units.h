// Sizes and times that carry their unit in their name.
#pragma once

#include <cstdint>

namespace hearth::base {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

}  // namespace hearth::base
