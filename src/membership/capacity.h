// What all workers have and give together, and how many the load of the last minutes needs: the cold queue as
// the signal that scales the platform (the paper's section II-B). Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/event_loop.h"
#include "membership/sliding_maximum.h"
#include "model/member.h"

namespace hearth::membership {

struct Capacity {
  std::size_t workers = 0;  // that serve; memory and instances are theirs
  std::size_t workers_draining = 0;
  std::size_t workers_needed = 0;
  std::uint64_t memory_total_mb = 0;
  std::uint64_t memory_free_mb = 0;
  std::uint64_t memory_busy_mb = 0;
  std::uint64_t cold_allocations = 0;
  std::uint64_t instances_idle = 0;  // warm
  std::uint64_t calls_waiting = 0;
  std::uint64_t calls_running = 0;
  std::uint64_t memory_waited_mb = 0;

  bool operator==(const Capacity&) const = default;
};

struct CapacityOptions {
  base::Duration window{std::chrono::minutes(5)};  // --load-window
  double target = 0.8;  // --target-utilisation: how much of the workers' memory is to be busy at the peak
};

class CapacityGauge {
 public:
  explicit CapacityGauge(CapacityOptions options) : options_(options), load_mb_(options.window) {}

  // To be told every second or so, and before read(), of who there is.
  void look(const std::vector<model::Member>& members, base::TimePoint now);

  // As of the last look. Workers needed: so many that the largest load of the window, busy and waited-for
  // memory together, is `target` of what they have; each with as much as those that serve have on average, or
  // had when there were some. Who has not watched for a whole window yet takes the peaks of the members' own
  // cards too, which together may be too high: only so far that none of the workers is called superfluous.
  Capacity read(base::TimePoint now);

 private:
  std::size_t needed_for(std::uint64_t load_mb) const;

  const CapacityOptions options_;
  Capacity now_;
  std::uint64_t peaks_mb_ = 0;
  double worker_mb_ = 0;  // on average; 0: none was ever seen
  SlidingMaximum load_mb_;
  bool watching_ = false;
  base::TimePoint watching_since_{};
};

}  // namespace hearth::membership
