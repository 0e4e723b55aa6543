// The clocks that the load reads. Any thread.
#pragma once

#include <cstdint>

namespace hearth::bench {

std::int64_t monotonic_ns();
std::int64_t unix_ms();

struct ThreadTimes {
  std::int64_t cpu_ns = 0;   // on a core
  std::int64_t wait_ns = 0;  // ready to run, without a core; 0 where the kernel does not tell
};

// Of the calling thread.
ThreadTimes thread_times();

}  // namespace hearth::bench
