// Whether a loop looks again before it sleeps. Falling asleep and being woken costs more than a short
// answer takes; a loop that looks again for a moment saves both, at the price of a core for that moment.
// Pure values. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

namespace hearth::base {

struct SpinOptions {
  std::chrono::microseconds limit{0};  // --spin: the longest; 0: never
  // Whether a core can be spared now; asked before each.
  std::function<bool()> may;
};

// Adaptive: a loop whose events have been coming within the limit looks again, another sleeps at once.
class Spin {
 public:
  explicit Spin(SpinOptions options) : options_(std::move(options)) {}

  // How long to look again before the next sleep.
  std::chrono::microseconds budget() const {
    const bool promising =
        options_.limit.count() > 0 && mean_us_ <= static_cast<double>(options_.limit.count());
    return promising && options_.may && options_.may() ? options_.limit : std::chrono::microseconds(0);
  }

  // Whether waits are worth timing at all.
  bool enabled() const { return options_.limit.count() > 0; }

  // A wait has ended after this long.
  void waited(std::chrono::microseconds duration) {
    // One long pause says little of the next burst: it weighs as four times the limit at most.
    const auto most = static_cast<double>(4 * options_.limit.count());
    mean_us_ += (std::min(static_cast<double>(duration.count()), most) - mean_us_) * kWeight;
  }

 private:
  static constexpr double kWeight = 0.2;

  SpinOptions options_;
  double mean_us_ = 0;
};

}  // namespace hearth::base
