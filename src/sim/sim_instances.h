// The instances of one simulated worker: each takes a while to start, longer when its code is new to the
// worker, and its calls run as long as its function's do. Nothing is executed.
//
// Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>

#include "base/event_loop.h"
#include "sim/dice.h"
#include "sim/functions.h"
#include "sim/warm_functions.h"
#include "worker/instance.h"

namespace hearth::sim {

// What a worker's instances do, or have done.
struct InstanceCounts {
  std::uint64_t calls = 0;
  std::uint64_t starts = 0;
  std::uint64_t code_fetches = 0;
  std::uint64_t start_us = 0;         // all starts together
  std::uint64_t run_us = 0;           // all calls that have ended
  std::uint32_t live = 0;             // instances there are now
  std::uint64_t live_mb = 0;          // their memory
  std::uint64_t busy_mb = 0;          // of those that start or execute now
  std::uint64_t busy_mb_squared = 0;  // of each of those, summed up
  std::uint32_t starting = 0;
  std::uint32_t executing = 0;
  std::uint64_t killed = 0;  // stopped while they started or executed
};

// How long instances have been there, all together: those that idle, start and execute.
struct InstanceTime {
  std::chrono::microseconds instances{0};
  double mb_minutes = 0;
};

class SimInstances final : public worker::InstanceFactory {
 public:
  // An instance that becomes idle stands still after it, and then says what memory it uses.
  static constexpr std::chrono::milliseconds kPauseAfter{10};

  // `pauses`: whether instances ever stand still.
  SimInstances(const Functions& functions, base::EventLoop& loop, Dice dice, WarmFunctions& warm, bool pauses)
      : functions_(functions), loop_(loop), dice_(dice), warm_(warm), pauses_(pauses) {}

  std::unique_ptr<worker::Instance> start(worker::InstanceStart start,
                                          worker::InstanceEvents& events) override;
  std::unique_ptr<worker::Instance> prestart(worker::Prestart prestart,
                                             worker::InstanceEvents& events) override;

  // The host is gone with all of its instances: none says anything any more.
  void lose() { lost_ = true; }

  const InstanceCounts& counts() const { return counts_; }
  // Up to now.
  InstanceTime time() const;

 private:
  class SimInstance;

  // One more or one less of that size from now on.
  void count_live(int by, std::uint32_t memory_mb);

  const Functions& functions_;
  base::EventLoop& loop_;
  Dice dice_;
  WarmFunctions& warm_;
  const bool pauses_;
  std::unordered_set<std::uint32_t> code_here_;
  InstanceCounts counts_;
  InstanceTime time_;  // up to counted_at_
  base::TimePoint counted_at_{};
  bool lost_ = false;
};

}  // namespace hearth::sim
