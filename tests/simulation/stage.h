// What the parts of one simulated run share. Owned by the world; one thread.
#pragma once

#include <map>

#include "base/event_loop.h"
#include "tests/simulation/directory.h"
#include "tests/simulation/hub.h"
#include "tests/simulation/lease_book.h"
#include "tests/simulation/store_port.h"
#include "tests/simulation/wire.h"

namespace hearth::simulation {

// When each server process, and what all of them use, last had a fault.
class Wellness {
 public:
  explicit Wellness(const sim::SimLoop& loop) : loop_(loop) {}

  void disturbed(ProcessId process) { last_[process] = loop_.now(); }
  void all_disturbed() { all_ = loop_.now(); }
  void dead(ProcessId process) { last_[process] = base::TimePoint::max(); }
  // Nothing can be said of anybody any more: answers of the store are lost now and then, or clocks jump.
  void never() { never_ = true; }

  bool was_well(ProcessId process, base::Duration time) const {
    const auto found = last_.find(process);
    const base::TimePoint last = found == last_.end() ? all_ : std::max(all_, found->second);
    return !never_ && last != base::TimePoint::max() && last + time < loop_.now();
  }

 private:
  const sim::SimLoop& loop_;
  std::map<ProcessId, base::TimePoint> last_;
  base::TimePoint all_{};
  bool never_ = false;
};

struct Stage {
  const Settings& settings;
  sim::SimLoop& loop;
  Trace& trace;
  Runs& runs;
  Directory& directory;
  Hub& hub;
  Wire& wire;
  LeaseBook& book;
  store::ExecutionStore& store;
  StoreFaults& store_faults;
  Wellness& wellness;
  sim::Dice& dice;  // of whoever builds the stage's parts

  sim::Dice new_dice() const { return sim::Dice(dice.next()); }
};

}  // namespace hearth::simulation
