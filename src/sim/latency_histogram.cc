#include "sim/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace hearth::sim {

void LatencyHistogram::add(std::chrono::microseconds duration) {
  const auto us = static_cast<double>(std::max<std::int64_t>(1, duration.count()));
  const auto step = static_cast<std::size_t>(std::ceil(std::log(us) / std::log(kStep)));
  ++counts_[std::min(step, kSteps - 1)];
  ++count_;
}

double LatencyHistogram::percentile_us(double share) const {
  const double wanted = share * static_cast<double>(count_);
  std::uint64_t upto = 0;
  for (std::size_t step = 0; step < kSteps && count_ > 0; ++step) {
    upto += counts_[step];
    if (upto > 0 && static_cast<double>(upto) >= wanted) {
      return std::pow(kStep, static_cast<double>(step));
    }
  }
  return 0;
}

}  // namespace hearth::sim
