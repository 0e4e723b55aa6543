// The simulation's event loop: a virtual clock that jumps from one event to the next, made for tens of
// millions of them. Everything of a simulated platform runs on the one loop, so that a run is a single
// sequence of events: what is due at the same instant runs in the order in which it was asked for.
//
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "base/event_loop.h"

namespace hearth::sim {

class SimLoop final : public base::EventLoop {
 public:
  base::TimePoint now() const override { return now_; }
  base::TimerId at(base::TimePoint when, std::function<void()> callback) override;
  void cancel(base::TimerId timer) override;
  void post(std::function<void()> callback) override { posted_.push_back(std::move(callback)); }

  // Runs everything that is due up to `end`, each at its own time; the clock stands at `end` then.
  void run_until(base::TimePoint end);

  // Callbacks that have run.
  std::uint64_t events() const { return events_; }

 private:
  struct Due {
    base::TimePoint when;
    std::uint64_t order = 0;
    std::uint32_t place = 0;
    std::uint32_t generation = 0;
  };
  // A callback's place is used again once it has run; its generation tells the old timer from the new.
  struct Place {
    std::function<void()> callback;
    std::uint32_t generation = 1;
  };

  static bool later(const Due& a, const Due& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }
  std::function<void()> give_up(std::uint32_t place);
  void run_posted();

  base::TimePoint now_{std::chrono::hours(1)};
  std::vector<Due> heap_;  // the earliest in front
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_places_;
  std::deque<std::function<void()>> posted_;
  std::uint64_t last_order_ = 0;
  std::uint64_t events_ = 0;
};

// The same loop with coarse timers, as a server has them that keeps many: one that is due in kFar or more, or
// is set by such a one, runs at the next whole kTick. Waits of milliseconds stay exact.
class CoarseLoop final : public base::EventLoop {
 public:
  static constexpr std::chrono::milliseconds kFar{100};
  static constexpr std::chrono::milliseconds kTick{50};

  explicit CoarseLoop(base::EventLoop& loop) : loop_(loop) {}

  base::TimePoint now() const override { return loop_.now(); }
  base::TimerId at(base::TimePoint when, std::function<void()> callback) override;
  void cancel(base::TimerId timer) override { loop_.cancel(timer); }
  void post(std::function<void()> callback) override { loop_.post(std::move(callback)); }

  // A coarse timer's callback is under way.
  bool coarse_runs() const { return coarse_runs_; }

 private:
  base::EventLoop& loop_;
  bool coarse_runs_ = false;
};

}  // namespace hearth::sim
