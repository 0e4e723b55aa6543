#include "sim/functions.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <string>

namespace hearth::sim {
namespace {

// The mean run times of the functions of the Azure trace are log-normal with this deviation (Shahrad et al.,
// "Serverless in the Wild", 2020, section 3.4); a call of one function varies far less: half the functions of
// that trace stay below this one.
constexpr double kRunDeviation = 2.36;
constexpr double kCallDeviation = 0.5;
constexpr double kRunLeastUs = 1'000;
constexpr double kRunMostUs = 30'000'000;  // the product's default time-out

constexpr int kScaleSteps = 20;

struct MemoryShare {
  double upto = 1;
  std::uint32_t memory_mb = 0;
};
constexpr MemoryShare kMemoryShares[] = {{0.6, 128}, {0.85, 256}, {0.95, 512}, {1.0, 1'024}};

std::uint32_t memory_of(double at) {
  return std::ranges::find_if(kMemoryShares, [at](const MemoryShare& each) { return at < each.upto; })
      ->memory_mb;
}

std::chrono::microseconds drawn(const std::vector<RunPoint>& runs, double at) {
  RunPoint before{0, runs.front().run};
  for (const RunPoint& point : runs) {
    if (at < point.upto) {
      const double part = (at - before.upto) / (point.upto - before.upto);
      return before.run + std::chrono::microseconds(static_cast<std::int64_t>(
                              part * static_cast<double>((point.run - before.run).count())));
    }
    before = point;
  }
  return before.run;
}

}  // namespace

Functions::Functions(const LoadSettings& load, Dice dice) {
  double sum = 0;
  for (std::uint32_t i = 0; i < load.functions; ++i) {
    add(memory_of(dice.share()));
    run_median_us_.push_back(dice.log_normal(1, kRunDeviation));
    sum += 1.0 / std::pow(i + 1.0, load.zipf);
    upto_.push_back(sum);
  }
  for (double& upto : upto_) {
    upto /= sum;
  }
  scale_runs(load.run_mean);
}

Functions::Functions(const std::vector<ToldFunction>& told) {
  for (const ToldFunction& each : told) {
    add(each.memory_mb);
    runs_.push_back(each.runs);
    used_mb_.push_back(each.used_mb);
  }
}

void Functions::add(std::uint32_t memory_mb) {
  auto version = std::make_shared<model::Version>();
  version->function_id = "f" + std::to_string(versions_.size());
  version->id = "v" + std::to_string(versions_.size());
  version->memory_mb = memory_mb;
  versions_.push_back(std::move(version));
}

// What is cut off at either end changes the mean, so that it is come at step by step.
void Functions::scale_runs(std::chrono::microseconds mean) {
  const double spread = std::exp(kCallDeviation * kCallDeviation / 2);  // a log-normal's mean / its median
  const auto wanted = static_cast<double>(mean.count());
  for (int step = 0; step < kScaleSteps; ++step) {
    double mean_us = 0;
    for (std::uint32_t function = 0; function < size(); ++function) {
      mean_us += share(function) * std::clamp(spread * run_median_us_[function], kRunLeastUs, kRunMostUs);
    }
    for (double& median_us : run_median_us_) {
      median_us *= wanted / mean_us;
    }
  }
}

double Functions::share(std::uint32_t function) const {
  return function == 0 ? upto_[0] : upto_[function] - upto_[function - 1];
}

std::uint32_t Functions::pick(Dice& dice) const {
  const auto found = std::ranges::upper_bound(upto_, dice.share());
  return std::min(static_cast<std::uint32_t>(found - upto_.begin()), size() - 1);
}

std::uint32_t Functions::used_mb(std::uint32_t function) const {
  return used_mb_.empty() ? versions_[function]->memory_mb : used_mb_[function];
}

std::chrono::microseconds Functions::run(std::uint32_t function, Dice& dice) const {
  if (!runs_.empty()) {
    return drawn(runs_[function], dice.share());
  }
  const double run_us = dice.log_normal(run_median_us_[function], kCallDeviation);
  return std::chrono::microseconds(static_cast<std::int64_t>(std::clamp(run_us, kRunLeastUs, kRunMostUs)));
}

std::uint32_t Functions::of(const model::Version& version) {
  std::uint32_t function = 0;
  std::from_chars(version.id.data() + 1, version.id.data() + version.id.size(), function);
  return function;
}

}  // namespace hearth::sim
