#include "bench/report/aggregate.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <numeric>

namespace hearth::bench {
namespace {

template <typename Figure>
Spread spread_over(const std::vector<Sample>& samples, Figure figure) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const Sample& sample : samples) {
    values.push_back(figure(sample));
  }
  return spread_of(std::move(values));
}

std::uint64_t sum(const std::vector<Sample>& samples, std::uint64_t Sample::*figure) {
  std::uint64_t total = 0;
  for (const Sample& sample : samples) {
    total += sample.*figure;
  }
  return total;
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) {
    return {};
  }
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  const double total = std::accumulate(values.begin(), values.end(), 0.0);
  return {values.size(), values.front(), median, total / static_cast<double>(values.size()), values.back()};
}

Spread Point::latency(double LatencySummary::*figure) const {
  return spread_over(samples, [figure](const Sample& sample) {
    return sample.latency.count > 0 ? sample.latency.*figure : NAN;
  });
}

Spread Point::rate() const {
  return spread_over(samples, [](const Sample& sample) { return sample.per_second; });
}

bool Point::has_rate() const { return rate().max > 0 || calls() == 0; }

Spread Point::megabytes() const {
  return spread_over(samples, [](const Sample& sample) { return sample.megabytes_per_second; });
}

Spread Point::cpu_us_per_call() const {
  return spread_over(samples, [](const Sample& sample) {
    return sample.server_cpu_us_per_call > 0 ? sample.server_cpu_us_per_call : NAN;
  });
}

std::uint64_t Point::calls() const { return sum(samples, &Sample::calls); }
std::uint64_t Point::errors() const { return sum(samples, &Sample::errors); }
std::uint64_t Point::cold() const { return sum(samples, &Sample::cold); }
bool Point::client_limited() const { return std::ranges::any_of(samples, &Sample::client_limited); }

std::vector<std::string> targets_of(const RunResult& run) {
  std::vector<std::string> targets;
  for (const Sample& sample : run.samples) {
    if (std::ranges::find(targets, sample.target) == targets.end()) {
      targets.push_back(sample.target);
    }
  }
  return targets;
}

std::vector<Point> points_of(const RunResult& run) {
  std::vector<Point> points;
  for (const Sample& sample : run.samples) {
    const auto same = std::ranges::find_if(points, [&](const Point& point) {
      return point.target == sample.target && point.label == sample.label &&
             std::is_eq(std::strong_order(point.x, sample.x));
    });
    if (same == points.end()) {
      points.push_back({sample.target, sample.x, sample.label, {sample}});
    } else {
      same->samples.push_back(sample);
    }
  }
  const auto targets = targets_of(run);
  std::vector<std::string> labels;
  for (const Point& point : points) {
    labels.push_back(point.label);
  }
  const auto place = [&](const Point& point) { return std::ranges::find(targets, point.target); };
  const auto word = [&](const Point& point) { return std::ranges::find(labels, point.label); };
  std::ranges::stable_sort(points, [&](const Point& a, const Point& b) {
    if (const auto order = std::strong_order(a.x, b.x); std::is_neq(order)) {
      return std::is_lt(order);  // total even over what is no number
    }
    return a.label != b.label ? word(a) < word(b) : place(a) < place(b);
  });
  return points;
}

}  // namespace hearth::bench
