#include "bench/load/hdr_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hearth::bench {
namespace {

// 2,048 steps within a power of two: the width of a bucket is below a thousandth of its values. Below
// 2,048 ns a bucket is one nanosecond; every further power of two adds its upper half, 1,024 buckets.
constexpr unsigned kBits = 11;
constexpr std::uint64_t kLinear = 1ULL << kBits;
constexpr std::uint64_t kHalf = kLinear / 2;

constexpr std::size_t bucket_of(std::uint64_t value) {
  if (value < kLinear) {
    return value;
  }
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits;
  return kLinear + (shift - 1) * kHalf + ((value >> shift) - kHalf);
}

// The middle of a bucket's values.
constexpr std::uint64_t value_of(std::size_t bucket) {
  if (bucket < kLinear) {
    return bucket;
  }
  const std::uint64_t shift = (bucket - kLinear) / kHalf + 1;
  const std::uint64_t lowest = ((bucket - kLinear) % kHalf + kHalf) << shift;
  return lowest + (1ULL << (shift - 1));
}

double us(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000.0; }

}  // namespace

HdrHistogram::HdrHistogram() : buckets_(bucket_of(kHighestNs) + 1) {}

void HdrHistogram::record(std::uint64_t nanoseconds) {
  const std::uint64_t value = std::min(nanoseconds, kHighestNs);
  ++buckets_[bucket_of(value)];
  lowest_ns_ = count_ == 0 ? value : std::min(lowest_ns_, value);
  highest_ns_ = std::max(highest_ns_, value);
  ++count_;
  sum_ns_ += value;
}

void HdrHistogram::add(const HdrHistogram& other) {
  if (other.count_ == 0) {
    return;
  }
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    buckets_[i] += other.buckets_[i];
  }
  lowest_ns_ = count_ == 0 ? other.lowest_ns_ : std::min(lowest_ns_, other.lowest_ns_);
  highest_ns_ = std::max(highest_ns_, other.highest_ns_);
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
}

void HdrHistogram::clear() {
  std::ranges::fill(buckets_, 0);
  count_ = sum_ns_ = lowest_ns_ = highest_ns_ = 0;
}

std::uint64_t HdrHistogram::quantile_ns(double quantile) const {
  if (count_ == 0) {
    return 0;
  }
  const auto wanted = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) {
      return std::clamp(value_of(i), lowest_ns_, highest_ns_);
    }
  }
  return highest_ns_;
}

double HdrHistogram::mean_ns() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_ns_) / static_cast<double>(count_);
}

LatencySummary HdrHistogram::summary() const {
  LatencySummary summary;
  summary.count = count_;
  summary.mean_us = mean_ns() / 1000.0;
  summary.min_us = us(lowest_ns_);
  summary.p50_us = us(quantile_ns(0.5));
  summary.p90_us = us(quantile_ns(0.9));
  summary.p99_us = us(quantile_ns(0.99));
  summary.p999_us = us(quantile_ns(0.999));
  summary.max_us = us(highest_ns_);
  return summary;
}

}  // namespace hearth::bench
