// Which functions a call would find warm: those that have an instance that is loaded and is not being
// removed, on any of the workers. Counted now, at most, and over time. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/event_loop.h"

namespace hearth::sim {

class WarmFunctions {
 public:
  // `loop` outlives it.
  WarmFunctions(std::uint32_t functions, const base::EventLoop& loop)
      : loop_(loop), instances_(functions), counted_at_(loop.now()) {}

  // One instance more, or one less.
  void add(std::uint32_t function);
  void remove(std::uint32_t function);

  std::uint32_t peak() const { return peak_; }
  // How long functions were warm up to now, all together.
  std::chrono::microseconds time() const;

 private:
  void count(std::int32_t by);

  const base::EventLoop& loop_;
  std::vector<std::uint32_t> instances_;  // of each function
  std::uint32_t warm_ = 0;
  std::uint32_t peak_ = 0;
  std::chrono::microseconds time_{0};  // up to counted_at_
  base::TimePoint counted_at_;
};

}  // namespace hearth::sim
