// One figure a second. Pure.
#pragma once

#include <cstddef>
#include <vector>

namespace hearth::sim {

class Series {
 public:
  void add(double value) { values_.push_back(value); }
  double mean() const;
  double peak() const;
  // The highest mean of ten seconds in a row; of all, when there are fewer.
  double busiest() const;
  const std::vector<double>& values() const { return values_; }

 private:
  static constexpr std::size_t kWindow = 10;

  std::vector<double> values_;
};

// How unevenly something is spread over workers.
struct Spread {
  double max_to_mean = 0;
  double variation = 0;  // standard deviation / mean
  double by_chance = 0;  // the variation, were each piece of it on any worker with the same probability

  bool operator==(const Spread&) const = default;
};
Spread spread_of(const std::vector<double>& values);

}  // namespace hearth::sim
