// When the calls of an open loop are due: at a steady rate, or at given times, whatever the answers do, so
// that a slow server cannot slow its own measurement down (coordinated omission). Calls that are due and find
// no connection wait, and their latency counts from here. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace hearth::bench {

class OpenSchedule {
 public:
  // Every `threads`th call of `per_second`, from the `thread`th on: the threads together keep the rate.
  OpenSchedule(std::int64_t start_ns, double per_second, std::uint32_t thread, std::uint32_t threads)
      : start_ns_(start_ns), interval_ns_(1e9 / per_second), thread_(thread), threads_(threads) {}

  // The same at these times from the start, earliest first, which outlive it; then never again.
  OpenSchedule(std::int64_t start_ns, const std::vector<std::int64_t>& times_ns, std::uint32_t thread,
               std::uint32_t threads)
      : start_ns_(start_ns), interval_ns_(0), thread_(thread), threads_(threads), times_ns_(&times_ns) {}

  std::int64_t due_ns(std::uint64_t call) const {
    if (times_ns_ != nullptr) {
      const std::uint64_t place = call * threads_ + thread_;
      return place < times_ns_->size() ? start_ns_ + (*times_ns_)[place] : kNever;
    }
    return start_ns_ +
           static_cast<std::int64_t>(static_cast<double>(call * threads_ + thread_) * interval_ns_);
  }
  // When the next call that was not taken yet is due.
  std::int64_t next_ns() const { return due_ns(taken_); }
  // Its due time; it counts as taken.
  std::int64_t take() { return due_ns(taken_++); }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  std::int64_t start_ns_;
  double interval_ns_;
  std::uint32_t thread_;
  std::uint32_t threads_;
  const std::vector<std::int64_t>* times_ns_ = nullptr;
  std::uint64_t taken_ = 0;
};

}  // namespace hearth::bench
