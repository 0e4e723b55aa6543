// The loop of one simulated process, on the loop that all share: it can be stopped for a while (what is due
// runs when it goes on) and killed at any moment (nothing runs any more, and nothing that arrives is heard).
// Its timers run a little late, each by chance.
//
// One thread. It outlives whatever was told to reach it, long after its process.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "sim/dice.h"
#include "sim/sim_loop.h"
#include "tests/simulation/trace.h"

namespace hearth::simulation {

class ProcessLoop final : public base::EventLoop {
 public:
  ProcessLoop(sim::SimLoop& loop, Trace& trace, sim::Dice dice) : loop_(loop), trace_(trace), dice_(dice) {}
  ProcessLoop(const ProcessLoop&) = delete;
  ProcessLoop& operator=(const ProcessLoop&) = delete;
  ~ProcessLoop() override { kill(); }

  base::TimePoint now() const override { return loop_.now(); }
  base::TimerId at(base::TimePoint when, std::function<void()> callback) override;
  void cancel(base::TimerId timer) override;
  void post(std::function<void()> callback) override;

  // Something arrives from outside in a while.
  void later(base::Duration pause, std::function<void()> callback);
  // What a job on another thread posts arrives in a while.
  void run_elsewhere(base::Duration pause, const std::function<void()>& job);

  // SIGSTOP and SIGCONT.
  void stop() { stopped_ = true; }
  void go_on();
  void kill();
  bool alive() const { return alive_; }
  bool stopped() const { return stopped_; }

 private:
  struct Entry {
    std::function<void()> callback;
    base::TimerId timer = 0;  // of loop_; 0: it is posted
  };

  base::TimerId add(base::TimePoint when, std::function<void()> callback);
  void due(base::TimerId id);

  sim::SimLoop& loop_;
  Trace& trace_;
  sim::Dice dice_;
  std::unordered_map<base::TimerId, Entry> entries_;
  std::vector<base::TimerId> waiting_;  // due while it was stopped, oldest first
  base::TimerId last_ = 0;
  base::Duration post_pause_{};
  bool stopped_ = false;
  bool alive_ = true;
};

}  // namespace hearth::simulation
