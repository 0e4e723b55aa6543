#include "bench/run/statistics.h"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::bench {
namespace {

using ByLevel = std::map<double, double>;

// Throughput by level, in each repeat.
std::map<std::uint32_t, ByLevel> throughput(const std::vector<Sample>& samples, const std::string& target) {
  std::map<std::uint32_t, ByLevel> repeats;
  for (const Sample& sample : samples) {
    if (sample.target == target && sample.per_second > 0) {
      repeats[sample.repeat][sample.x] = sample.per_second;
    }
  }
  return repeats;
}

std::map<double, Spread> spreads(const std::map<double, std::vector<double>>& values) {
  std::map<double, Spread> result;
  for (const auto& [x, ratios] : values) {
    result[x] = spread_of(ratios);
  }
  return result;
}

}  // namespace

std::string shown(const Spread& spread) {
  const int digits = spread.median >= 100 ? 0 : spread.median >= 10 ? 1 : 2;
  return fmt::format("{:.{}f} ({:.{}f}-{:.{}f})", spread.median, digits, spread.min, digits, spread.max,
                     digits);
}

std::map<double, Spread> against_best_lower(const std::vector<Sample>& samples, const std::string& target) {
  std::map<double, std::vector<double>> values;
  for (const auto& [repeat, levels] : throughput(samples, target)) {
    double best = 0;
    for (const auto& [x, per_second] : levels) {
      if (best > 0) {
        values[x].push_back(per_second / best);
      }
      best = std::max(best, per_second);
    }
  }
  return spreads(values);
}

std::map<double, Spread> against_ideal(const std::vector<Sample>& samples, const std::string& target,
                                       double call_ms) {
  std::map<double, std::vector<double>> values;
  for (const auto& [repeat, levels] : throughput(samples, target)) {
    for (const auto& [x, per_second] : levels) {
      values[x].push_back(per_second / (x * 1000.0 / call_ms));
    }
  }
  return spreads(values);
}

std::vector<double> ratios(const std::vector<Sample>& samples, const std::string& target,
                           const std::string& reference, double (*metric)(const Sample&)) {
  std::map<std::uint32_t, std::pair<double, double>> repeats;
  for (const Sample& sample : samples) {
    if (sample.target == target) {
      repeats[sample.repeat].first = metric(sample);
    }
    if (sample.target == reference) {
      repeats[sample.repeat].second = metric(sample);
    }
  }
  std::vector<double> result;
  for (const auto& [repeat, both] : repeats) {
    if (both.first > 0 && both.second > 0) {
      result.push_back(both.first / both.second);
    }
  }
  return result;
}

}  // namespace hearth::bench
