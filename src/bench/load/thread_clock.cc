#include "bench/load/thread_clock.h"

#include <ctime>
#include <fstream>

namespace hearth::bench {
namespace {

std::int64_t read_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::int64_t monotonic_ns() { return read_ns(CLOCK_MONOTONIC); }

std::int64_t unix_ms() { return read_ns(CLOCK_REALTIME) / 1'000'000; }

ThreadTimes thread_times() {
  ThreadTimes times;
  times.cpu_ns = read_ns(CLOCK_THREAD_CPUTIME_ID);
  std::ifstream file("/proc/thread-self/schedstat");
  std::int64_t on_cpu = 0;
  file >> on_cpu >> times.wait_ns;
  return times;
}

}  // namespace hearth::bench
