// The histogram against exact percentiles of the same values.
#include "bench/load/hdr_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace hearth::bench {
namespace {

constexpr double kThreeDigits = 0.0005;  // half of a bucket's width

std::uint64_t exact(const std::vector<std::uint64_t>& sorted, double quantile) {
  const auto rank = static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

void expect_close(std::uint64_t actual, std::uint64_t expected) {
  EXPECT_NEAR(static_cast<double>(actual), static_cast<double>(expected),
              static_cast<double>(expected) * kThreeDigits + 0.5);
}

TEST(HdrHistogram, IsExactToThreeDigitsFromAMicrosecondToAnHour) {
  for (double value = 1'000; value < 3.6e12; value *= 1.0037) {
    HdrHistogram histogram;
    histogram.record(1);  // so that the value is not the lowest, which is kept exactly
    histogram.record(static_cast<std::uint64_t>(value));
    histogram.record(HdrHistogram::kHighestNs);
    expect_close(histogram.quantile_ns(0.5), static_cast<std::uint64_t>(value));
  }
}

TEST(HdrHistogram, AgreesWithExactPercentiles) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latency(12, 1.5);
  std::vector<std::uint64_t> values;
  HdrHistogram histogram;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(latency(random)));
    histogram.record(values.back());
  }
  std::ranges::sort(values);
  for (const double quantile : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    expect_close(histogram.quantile_ns(quantile), exact(values, quantile));
  }
  double sum = 0;
  for (const auto value : values) {
    sum += static_cast<double>(value);
  }
  EXPECT_DOUBLE_EQ(histogram.mean_ns(), sum / 100'000);
}

TEST(HdrHistogram, SummaryIsInMicroseconds) {
  HdrHistogram histogram;
  for (std::uint64_t us = 1; us <= 1000; ++us) {
    histogram.record(us * 1000);
  }
  const LatencySummary summary = histogram.summary();
  EXPECT_EQ(summary.count, 1000U);
  EXPECT_DOUBLE_EQ(summary.min_us, 1);
  EXPECT_DOUBLE_EQ(summary.max_us, 1000);
  EXPECT_DOUBLE_EQ(summary.mean_us, 500.5);
  EXPECT_NEAR(summary.p50_us, 500, 0.5);
  EXPECT_NEAR(summary.p90_us, 900, 0.9);
  EXPECT_NEAR(summary.p99_us, 990, 1);
  EXPECT_NEAR(summary.p999_us, 999, 1);
}

TEST(HdrHistogram, EmptyIsAllZero) {
  EXPECT_EQ(HdrHistogram().summary(), LatencySummary{});
  EXPECT_EQ(HdrHistogram().quantile_ns(0.99), 0U);
}

TEST(HdrHistogram, CountsWhatIsLongerThanAnHourAsAnHour) {
  HdrHistogram histogram;
  histogram.record(~0ULL);
  EXPECT_EQ(histogram.quantile_ns(1), HdrHistogram::kHighestNs);
}

TEST(HdrHistogram, AddingTwoIsRecordingAllInOne) {
  HdrHistogram a;
  HdrHistogram b;
  HdrHistogram all;
  for (std::uint64_t i = 1; i < 5'000; ++i) {
    (i % 3 == 0 ? a : b).record(i * i);
    all.record(i * i);
  }
  a.add(b);
  a.add(HdrHistogram());
  EXPECT_EQ(a.summary(), all.summary());
  HdrHistogram into_empty;
  into_empty.add(all);
  EXPECT_EQ(into_empty.summary(), all.summary());
  into_empty.clear();
  EXPECT_EQ(into_empty.summary(), LatencySummary{});
}

}  // namespace
}  // namespace hearth::bench
