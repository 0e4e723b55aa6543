// Latencies counted in buckets that are linear within a power of two: three significant digits from a
// nanosecond to an hour at a fixed size, and no allocation while recording. Pure; one thread each, merged
// afterwards.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/result.h"

namespace hearth::bench {

class HdrHistogram {
 public:
  static constexpr std::uint64_t kHighestNs = 3'600'000'000'000ULL;  // larger values are counted there

  HdrHistogram();

  void record(std::uint64_t nanoseconds);
  void add(const HdrHistogram& other);
  void clear();

  std::uint64_t count() const { return count_; }
  // The lowest value that `quantile` (0 to 1) of all are at or below, to three digits; 0 without values.
  std::uint64_t quantile_ns(double quantile) const;
  double mean_ns() const;
  LatencySummary summary() const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::uint64_t lowest_ns_ = 0;
  std::uint64_t highest_ns_ = 0;
};

}  // namespace hearth::bench
