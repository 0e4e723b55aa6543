// A clock that goes on while the machine is suspended (CLOCK_BOOTTIME), for what others measure meanwhile: a
// lease. The event loop's clock stands still then. Any thread; a reading costs no system call.
#pragma once

#include <chrono>
#include <ctime>

namespace hearth::base {

struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;

  static time_point now() {
    timespec read{};
    ::clock_gettime(CLOCK_BOOTTIME, &read);
    return time_point(std::chrono::seconds(read.tv_sec) + std::chrono::nanoseconds(read.tv_nsec));
  }
};

using BootTime = BootClock::time_point;

}  // namespace hearth::base
