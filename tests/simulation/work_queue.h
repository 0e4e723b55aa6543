// The pool of one simulated process: each job is done a while after it was submitted, on the loop that all
// share, and its answer arrives a while later still. What was under way when its process is killed is done at
// once, done later (it had left for a store on another host), or never.
//
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>

#include "base/work_pool.h"
#include "sim/dice.h"
#include "tests/simulation/process_loop.h"

namespace hearth::simulation {

class WorkQueue final : public base::WorkPool {
 public:
  struct Options {
    bool own_disk = false;  // the store is in the process: nothing of it is done once that is dead
  };

  // All outlive it.
  WorkQueue(sim::SimLoop& loop, ProcessLoop& home, sim::Dice dice, Options options)
      : loop_(loop), home_(home), dice_(dice), options_(options) {}

  base::Result<void> submit(std::function<void()> job) override;

  // Each job takes up to some seconds until then.
  void slow_until(base::TimePoint until) { slow_until_ = until; }
  // The process has been stopped: what was sent is done, the rest waits.
  void go_on();
  void kill();

 private:
  static constexpr std::size_t kThreads = 4;
  static constexpr std::size_t kQueue = 1'000;

  void begin_next();
  void done(std::uint64_t number);
  base::Duration pause();

  sim::SimLoop& loop_;
  ProcessLoop& home_;
  sim::Dice dice_;
  const Options options_;
  base::TimePoint slow_until_{};
  std::deque<std::function<void()>> waiting_;
  std::map<std::uint64_t, std::function<void()>> under_way_;
  std::deque<std::uint64_t> stopped_;  // under way when the process was stopped, and then due
  std::uint64_t last_ = 0;
};

}  // namespace hearth::simulation
