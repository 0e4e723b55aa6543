// Durations by their size, in steps of 2 %: percentiles of millions of calls in a few kilobytes. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace hearth::sim {

struct Percentiles {
  std::uint64_t calls = 0;
  double p50_us = 0;
  double p90_us = 0;
  double p99_us = 0;
  double p999_us = 0;
};

class LatencyHistogram {
 public:
  void add(std::chrono::microseconds duration);
  std::uint64_t count() const { return count_; }
  // The duration that `share` (0 to 1) of them do not exceed, up to 2 % too long; 0 when there is none.
  double percentile_us(double share) const;
  Percentiles percentiles() const {
    return {count_, percentile_us(0.5), percentile_us(0.9), percentile_us(0.99), percentile_us(0.999)};
  }

 private:
  static constexpr double kStep = 1.02;
  static constexpr std::size_t kSteps = 1'000;  // up to six minutes

  std::array<std::uint64_t, kSteps> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace hearth::sim
