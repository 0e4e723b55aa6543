// Durations by their size, in steps of 2 %: percentiles of millions of calls in a few kilobytes. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace hearth::sim {

class LatencyHistogram {
 public:
  void add(std::chrono::microseconds duration);
  std::uint64_t count() const { return count_; }
  // The duration that `share` (0 to 1) of them do not exceed, up to 2 % too long; 0 when there is none.
  double percentile_us(double share) const;

 private:
  static constexpr double kStep = 1.02;
  static constexpr std::size_t kSteps = 1'000;  // up to six minutes

  std::array<std::uint64_t, kSteps> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace hearth::sim
