// How long a platform takes to be as it was before it lost workers, from what its calls got second by second.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace hearth::sim {

// The calls that ended within one second.
struct Second {
  std::uint32_t calls = 0;
  std::uint32_t cold = 0;      // of those: executed on an instance that was started for them
  std::uint32_t failed = 0;    // ended with their worker
  std::uint32_t rejected = 0;  // 503
  std::uint32_t refused = 0;   // met at least one allocation that was no more

  bool operator==(const Second&) const = default;
};

// Seconds from the loss until a share is back; nothing: not within what was simulated.
struct Recovery {
  std::optional<std::size_t> failed_s;  // failed and rejected together
  std::optional<std::size_t> cold_s;
  std::optional<std::size_t> refused_s;
  // All three.
  std::optional<std::size_t> all_s() const;

  bool operator==(const Recovery&) const = default;
};

// Before: the mean of the kBefore seconds before `lost_at`, an index. Back: the first second from which on
// the mean of kWindow seconds is at most kFactor of before and kSlack more, and stays so for another kWindow.
inline constexpr std::size_t kBefore = 30;
inline constexpr std::size_t kWindow = 5;
inline constexpr double kFactor = 1.1;
inline constexpr double kSlack = 0.002;
Recovery recovery_of(const std::vector<Second>& seconds, std::size_t lost_at);

}  // namespace hearth::sim
