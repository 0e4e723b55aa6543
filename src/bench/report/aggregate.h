// Samples of one run put together over its repeats: what tables, charts and headlines all start from.
// Pure. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/result.h"

namespace hearth::bench {

// Of the finite ones among some values; all 0 when there are none.
struct Spread {
  std::size_t count = 0;
  double min = 0;
  double median = 0;
  double mean = 0;
  double max = 0;

  bool operator==(const Spread&) const = default;
};

Spread spread_of(std::vector<double> values);

// Every repeat of one target at one x.
struct Point {
  std::string target;
  double x = 0;
  std::string label;
  std::vector<Sample> samples;

  // Samples with calls alone: a stretch without calls has no latency.
  Spread latency(double LatencySummary::*figure) const;
  Spread rate() const;
  bool has_rate() const;  // single calls are answered at no rate; failed ones at one of 0
  Spread megabytes() const;
  Spread cpu_us_per_call() const;  // samples alone where it is known
  std::uint64_t calls() const;
  std::uint64_t errors() const;
  std::uint64_t cold() const;
  bool client_limited() const;  // in any repeat

  bool operator==(const Point&) const = default;
};

// By x, then the order in which the labels appeared, then that of the targets.
std::vector<Point> points_of(const RunResult& run);

// In the order in which they appeared.
std::vector<std::string> targets_of(const RunResult& run);

}  // namespace hearth::bench
