#include "sim/warm_functions.h"

#include <algorithm>

namespace hearth::sim {

void WarmFunctions::add(std::uint32_t function) {
  if (++instances_[function] == 1) {
    count(1);
  }
}

void WarmFunctions::remove(std::uint32_t function) {
  if (--instances_[function] == 0) {
    count(-1);
  }
}

std::chrono::microseconds WarmFunctions::time() const {
  return time_ + std::chrono::duration_cast<std::chrono::microseconds>(loop_.now() - counted_at_) * warm_;
}

void WarmFunctions::count(std::int32_t by) {
  time_ = time();
  counted_at_ = loop_.now();
  warm_ += static_cast<std::uint32_t>(by);
  peak_ = std::max(peak_, warm_);
}

}  // namespace hearth::sim
