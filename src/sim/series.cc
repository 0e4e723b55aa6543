#include "sim/series.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hearth::sim {
namespace {

double mean_of(const std::vector<double>& values) {
  return values.empty()
             ? 0
             : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double Series::mean() const { return mean_of(values_); }

double Series::peak() const { return values_.empty() ? 0 : *std::ranges::max_element(values_); }

double Series::busiest() const {
  if (values_.size() <= kWindow) {
    return mean();
  }
  double sum = std::accumulate(values_.begin(), values_.begin() + kWindow, 0.0);
  double most = sum;
  for (std::size_t end = kWindow; end < values_.size(); ++end) {
    sum += values_[end] - values_[end - kWindow];
    most = std::max(most, sum);
  }
  return most / static_cast<double>(kWindow);
}

Spread spread_of(const std::vector<double>& values) {
  const double mean = mean_of(values);
  if (mean <= 0) {
    return {};
  }
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
  return {*std::ranges::max_element(values) / mean, deviation / mean, 0};
}

}  // namespace hearth::sim
