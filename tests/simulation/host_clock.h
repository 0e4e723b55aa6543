// The time of day as one simulated host has it: off by a little, and it may jump. One thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "sim/sim_loop.h"

namespace hearth::simulation {

class HostClock {
 public:
  HostClock(const sim::SimLoop& loop, std::int64_t off_ms) : loop_(loop), off_ms_(off_ms) {}

  std::int64_t unix_now_ms() const {
    return kAtTheBegin + off_ms_ +
           std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now().time_since_epoch()).count();
  }
  std::int64_t off_ms() const { return off_ms_; }
  void set_off(std::int64_t off_ms) { off_ms_ = off_ms; }

 private:
  static constexpr std::int64_t kAtTheBegin = 1'800'000'000'000;

  const sim::SimLoop& loop_;
  std::int64_t off_ms_;
};

}  // namespace hearth::simulation
