// The time of day, for what is told to people and kept in stores. It may jump: what is to happen later goes
// by the event loop's clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace hearth::base {

// Unix time in milliseconds. Any thread.
inline std::int64_t unix_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace hearth::base
