// The short wait's policy: is an instance of this version free sooner than a cold one would be
// ready? Decided from the version's recent durations. Pure values.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace hearth::dispatch {

class HotWait {
 public:
  // One warm execution took this long, admission to answer.
  void observe(std::chrono::microseconds duration) {
    const auto sample = static_cast<double>(duration.count());
    mean_us_ = known_ ? mean_us_ + (sample - mean_us_) * kWeight : sample;
    known_ = true;
  }

  // Whether a call that comes as the `queued`+1st, with `busy` instances at work, may expect one of
  // them within `limit`.
  bool worth_it(std::size_t queued, std::size_t busy, std::chrono::microseconds limit) const {
    if (!known_ || busy == 0 || limit.count() == 0) {
      return false;
    }
    const double turns = static_cast<double>(queued + 1) / static_cast<double>(busy);
    return mean_us_ * turns <= static_cast<double>(limit.count());
  }

 private:
  static constexpr double kWeight = 0.1;  // of the newest sample

  double mean_us_ = 0;
  bool known_ = false;
};

}  // namespace hearth::dispatch
