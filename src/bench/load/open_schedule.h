// When the calls of an open loop are due: at a steady rate whatever the answers do, so that a slow server
// cannot slow its own measurement down (coordinated omission). Calls that are due and find no connection
// wait, and their latency counts from here. Pure.
#pragma once

#include <cstdint>

namespace hearth::bench {

class OpenSchedule {
 public:
  // Every `threads`th call of `per_second`, from the `thread`th on: the threads together keep the rate.
  OpenSchedule(std::int64_t start_ns, double per_second, std::uint32_t thread, std::uint32_t threads)
      : start_ns_(start_ns), interval_ns_(1e9 / per_second), thread_(thread), threads_(threads) {}

  std::int64_t due_ns(std::uint64_t call) const {
    return start_ns_ +
           static_cast<std::int64_t>(static_cast<double>(call * threads_ + thread_) * interval_ns_);
  }
  // When the next call that was not taken yet is due.
  std::int64_t next_ns() const { return due_ns(taken_); }
  // Its due time; it counts as taken.
  std::int64_t take() { return due_ns(taken_++); }

 private:
  std::int64_t start_ns_;
  double interval_ns_;
  std::uint32_t thread_;
  std::uint32_t threads_;
  std::uint64_t taken_ = 0;
};

}  // namespace hearth::bench
