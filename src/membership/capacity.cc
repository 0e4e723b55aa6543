#include "membership/capacity.h"

#include <algorithm>
#include <cmath>

namespace hearth::membership {
namespace {

void add_worker(Capacity& sum, const model::WorkerLoad& load) {
  ++sum.workers;
  sum.memory_total_mb += load.memory_total_mb;
  sum.memory_free_mb += load.memory_free_mb;
  sum.memory_busy_mb += load.memory_busy_mb;
  sum.cold_allocations += load.cold_allocations;
  if (const auto idle = load.instances.find("idle"); idle != load.instances.end()) {
    sum.instances_idle += idle->second;
  }
}

}  // namespace

void CapacityGauge::look(const std::vector<model::Member>& members, base::TimePoint now) {
  now_ = {};
  peaks_mb_ = 0;
  std::uint64_t load_mb = 0;
  for (const model::Member& member : members) {
    if (member.state == model::MemberState::kLeft) {
      continue;
    }
    if (member.worker) {
      // What a worker that drains executes will need another's memory next time.
      load_mb += member.worker->memory_busy_mb;
      peaks_mb_ += member.worker->memory_busy_peak_mb;
      if (member.state == model::MemberState::kServing) {
        add_worker(now_, *member.worker);
      } else {
        ++now_.workers_draining;
      }
    }
    if (member.gateway) {
      now_.calls_waiting += member.gateway->calls_waiting;
      now_.calls_running += member.gateway->calls_running;
      now_.memory_waited_mb += member.gateway->memory_waited_mb;
      peaks_mb_ += member.gateway->memory_waited_peak_mb;
    }
  }
  load_mb += now_.memory_waited_mb;
  if (now_.workers > 0) {
    worker_mb_ = static_cast<double>(now_.memory_total_mb) / static_cast<double>(now_.workers);
  }
  load_mb_.add(load_mb, now);
  if (!watching_) {
    watching_ = true;
    watching_since_ = now;
  }
}

// Without a worker ever seen nobody knows what one has: one, then.
std::size_t CapacityGauge::needed_for(std::uint64_t load_mb) const {
  if (load_mb == 0 || worker_mb_ <= 0) {
    return load_mb == 0 ? 0 : 1;
  }
  return static_cast<std::size_t>(std::ceil(static_cast<double>(load_mb) / (worker_mb_ * options_.target)));
}

Capacity CapacityGauge::read(base::TimePoint now) {
  Capacity capacity = now_;
  capacity.workers_needed = needed_for(load_mb_.at(now));
  if (watching_ && now - watching_since_ < options_.window) {
    capacity.workers_needed =
        std::max(capacity.workers_needed, std::min(needed_for(peaks_mb_), capacity.workers));
  }
  return capacity;
}

}  // namespace hearth::membership
