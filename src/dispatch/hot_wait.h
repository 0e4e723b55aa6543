// The short wait's policy, for one version: is it better to wait for an instance that is at work, or
// that is being started, than to wake or start another? Decided from recent durations. Pure values.
//
// A waiting handler (one that awaits a database, say) gets another instance at once: its instances cost
// no CPU. Short calls, which only compute, do not: once the cores are busy, each further process that is
// woken for one only adds switches between processes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace hearth::dispatch {

class HotWait {
 public:
  using Microseconds = std::chrono::microseconds;

  // One warm execution took `whole`, admission to answer, of which the handler ran for `handler`.
  void observe(Microseconds whole, Microseconds handler) {
    whole_us_.add(static_cast<double>(whole.count()), kWeight);
    long_share_.add(handler > kShortHandler ? 1.0 : 0.0, kShareWeight);
    // A call that the kernel interrupted says nothing of the others.
    short_us_.add(static_cast<double>(std::min(handler, kShortHandler).count()), kWeight);
  }

  // One start, from assignment to the loaded handler.
  void observe_start(Microseconds duration) { start_us_.add(static_cast<double>(duration.count()), kWeight); }

  // Whether a call that comes as the `queued`+1st, with `busy` executions under way, may expect to take
  // the place of one of them within `limit`.
  bool worth_it(std::size_t queued, std::size_t busy, Microseconds limit) const {
    return whole_us_.known && busy > 0 && limit.count() > 0 && turn(queued, busy) <= limit;
  }

  // The handler only computes, and not for long: nothing that is waited for takes so short a time. A few
  // calls may take longer, if only because the kernel gave the core to somebody else meanwhile.
  bool calls_are_short() const { return long_share_.known && long_share_.mean <= kLongShareMost; }

  // How many instances keep so many cores busy with short calls. Their handlers share the cores with the
  // platform and the callers, whose part of a call is the larger one when the handler does little.
  std::size_t useful_instances(std::size_t cores) const {
    const double instance_us = short_us_.mean + kShimUs;
    const double share = instance_us / (instance_us + kAroundUs);
    return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(share * static_cast<double>(cores))));
  }

  // The same for instances on other hosts, with cores of their own: so many that this loop, which has a part
  // in each call, can give them work without a pause.
  std::size_t useful_instances_elsewhere() const {
    return static_cast<std::size_t>(std::ceil((short_us_.mean + kShimUs) / kLoopUs));
  }

  // How long a call waits, at most, when as many instances as are useful are at work on short calls.
  Microseconds crowded_limit(std::size_t queued, std::size_t busy) const {
    return std::clamp(2 * turn(queued, busy), kCrowdedLeast, kCrowdedMost);
  }

  // How long a call waits, at most, for starts that are under way.
  Microseconds start_limit() const {
    return start_us_.known ? 2 * Microseconds(static_cast<std::int64_t>(start_us_.mean)) : kUnknownStart;
  }

 private:
  static constexpr double kWeight = 0.1;            // of the newest sample
  static constexpr Microseconds kShortHandler{50};  // the quickest answer of another process takes longer
  static constexpr double kShareWeight = 0.05;      // of the newest in the share of long calls
  static constexpr double kLongShareMost = 0.15;
  static constexpr double kShimUs = 5;  // of a call, in the instance around the handler; measured
  static constexpr double kAroundUs =
      25;  // of a call, in the server and its caller on the same machine; measured
  static constexpr double kLoopUs = 10;  // of a call, in the gateway's loop; measured
  static constexpr Microseconds kCrowdedLeast{1'000};
  static constexpr Microseconds kCrowdedMost{100'000};
  static constexpr Microseconds kUnknownStart{100'000};

  struct Mean {
    double mean = 0;
    bool known = false;

    void add(double sample, double weight) {
      mean = known ? mean + (sample - mean) * weight : sample;
      known = true;
    }
  };

  Microseconds turn(std::size_t queued, std::size_t busy) const {
    const double turns =
        static_cast<double>(queued + 1) / static_cast<double>(std::max<std::size_t>(busy, 1));
    return Microseconds(static_cast<std::int64_t>(whole_us_.mean * turns));
  }

  Mean whole_us_;
  Mean long_share_;
  Mean short_us_;
  Mean start_us_;
};

}  // namespace hearth::dispatch
