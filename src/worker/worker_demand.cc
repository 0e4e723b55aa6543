// Demand: how the worker makes room for a caller that found no allocation, on its own loop or another.
#include <algorithm>
#include <array>
#include <utility>

#include "worker/worker.h"

namespace hearth::worker {
namespace {

// Calls this short are worth waiting for when their instance is on another loop.
constexpr std::chrono::milliseconds kShortRun{100};

}  // namespace

bool Worker::on_demand(const messaging::Demand& demand) {
  if (draining_) {
    return false;
  }
  demands_.push_back({demand, nullptr, loop_.now(), evict_from()});
  serve_demands();
  return coming(demand) || comes_back(demand.version, /*lent_only=*/!options_.shared);
}

bool Worker::on_distant_demand(const messaging::Demand& demand, Give give) {
  if (draining_) {
    return false;
  }
  if (auto warm = lend(demand.version)) {
    give(std::move(warm));
    return true;
  }
  demands_.push_back({demand, std::move(give), loop_.now(), loop_.now()});
  serve_demands();
  return coming(demand) || comes_back(demand.version, /*lent_only=*/false);
}

// Whether the demand has been served, or will be without anything that executes coming to its end.
bool Worker::coming(const messaging::Demand& demand) const {
  const bool waits = std::any_of(demands_.begin(), demands_.end(),
                                 [&](const Waiting& each) { return each.demand.id == demand.id; });
  using enum ReservationState;
  // Idle memory counts: what has only just become idle goes after its grace.
  const std::uint32_t room =
      options_.evict ? room_mb({kRemoving, kPrestarted, kIdle, kLeased}) : room_mb({kRemoving, kPrestarted});
  return !waits || room >= demanded_mb();
}

// Whether an instance of the version is at work on a call that will not take long. The own dispatcher waits
// for its own by itself.
bool Worker::comes_back(const model::VersionId& version, bool lent_only) const {
  return std::any_of(slots_.begin(), slots_.end(), [&](const auto& entry) {
    const Slot& slot = entry.second;
    const bool at_work = slot.lent || (!lent_only && slot.state == ReservationState::kRunning);
    return at_work && !slot.retired && slot.version->id == version && slot.last_run.count() > 0 &&
           slot.last_run <= kShortRun;
  });
}

std::optional<model::Allocation> Worker::lend(const model::VersionId& version) {
  std::optional<model::Allocation> warm;
  messaging_.take(version, messaging::kWarmOnly, messaging::Reach::kHere,
                  [&warm](std::optional<messaging::Taken> taken) {
                    if (taken) {
                      warm = std::move(taken->allocation);
                    }
                  });
  if (Slot* slot = warm ? find(warm->instance) : nullptr) {
    slot->lent = true;
  }
  return warm;
}

void Worker::on_demand_withdrawn(std::uint64_t demand_id) {
  for (auto& [name, slot] : slots_) {
    if (slot.offered_to == demand_id) {
      slot.offered_to = 0;
      check_demands_soon();  // for those behind it; not now: it may be about to be executed on
    }
  }
  const auto removed =
      std::erase_if(demands_, [&](const Waiting& waiting) { return waiting.demand.id == demand_id; });
  if (removed > 0) {
    serve_demands();
    advertise();
  }
}

bool Worker::offer(std::uint32_t memory_mb) {
  if (draining_ || !demands_.empty() || !make_free(memory_mb)) {
    return false;
  }
  announce_cold_of(memory_mb);
  return true;
}

bool Worker::give_up(std::uint32_t memory_mb) {
  if (draining_ || !demands_.empty() || !make_free(memory_mb)) {
    return false;
  }
  const bool given = ledger_.give_up(memory_mb);
  advertise();
  return given;
}

void Worker::take_over(std::uint32_t memory_mb) {
  ledger_.take_over(memory_mb);
  check_provisions();
  serve_demands();
  advertise();
}

void Worker::serve_demands() {
  if (draining_ || demands_.empty()) {
    return;
  }
  hand_over_idle();
  take_leases_back();
  // Memory that is free, but less than the largest function's, is offered in the size that is asked for.
  while (!demands_.empty() && make_free(demands_.front().demand.memory_mb)) {
    const Waiting served = std::move(demands_.front());
    demands_.pop_front();
    if (!served.give) {
      announce_cold_of(served.demand.memory_mb, served.demand.id);
    } else if (ledger_.give_up(served.demand.memory_mb)) {
      served.give(std::nullopt);
    }
  }
  while (demanded_mb(loop_.now()) > room_mb({ReservationState::kRemoving})) {
    if (!remove_prestarted() && !evict_least_valuable(kEvictionGrace)) {
      break;
    }
  }
  if (options_.shared) {
    check_demands_soon();  // for those whose time to evict has not come
  }
}

base::TimePoint Worker::evict_from() {
  if (!options_.shared) {
    return loop_.now();
  }
  std::array<std::uint8_t, 1> part;
  random_.fill(part);
  return loop_.now() + kEvictionDelay + kEvictionSpread * part[0] / 256;
}

bool Worker::wanted_elsewhere(const model::VersionId& version, base::Duration patience) const {
  return options_.shared && std::any_of(demands_.begin(), demands_.end(), [&](const Waiting& each) {
           return each.demand.version == version && each.since + patience <= loop_.now();
         });
}

// Who has it now may take it again, as one of all.
void Worker::to_whoever_waits(Slot& slot, std::uint32_t lane) {
  if (slot.state == ReservationState::kLeased && slot.leased == 0) {
    move(slot, ReservationEvent::kReleased);
  }
  messaging_.announce_warm(slot.version->id, allocation_of(slot, lane));
}

// What a dispatcher keeps unused is better used by another that waits for the same version.
void Worker::take_leases_back() {
  if (!options_.shared) {
    return;
  }
  for (auto& [name, slot] : slots_) {
    if (slot.state != ReservationState::kLeased || slot.last_used + kEvictionGrace > loop_.now() ||
        !wanted_elsewhere(slot.version->id, base::Duration::zero())) {
      continue;
    }
    for (std::uint32_t lane = 0; lane < slot.lanes.size(); ++lane) {
      if (slot.lanes[lane].leased) {
        slot.last_used = loop_.now();  // it is about to be used: not the next to be evicted
        release(allocation_of(slot, lane), model::ReleaseKind::kLost);
      }
    }
  }
}

bool Worker::for_anybody(const Slot& slot) {
  return slot.state == ReservationState::kCold && slot.offered_to == 0;
}

// Cold memory that nobody was promised is as good as free: where it is looked for, its pieces were too small.
bool Worker::make_free(std::uint32_t memory_mb) {
  std::uint32_t most_mb = ledger_.free_mb();
  for (const auto& [name, slot] : slots_) {
    most_mb += for_anybody(slot) ? slot.memory.memory_mb() : 0;
  }
  if (most_mb < memory_mb) {
    return false;
  }
  for (auto slot = slots_.begin(); ledger_.free_mb() < memory_mb;) {
    if (for_anybody(slot->second)) {
      messaging_.withdraw({}, slot->first);
      slot = slots_.erase(slot);
    } else {
      ++slot;
    }
  }
  return true;
}

// An idle instance of the version that a distant caller waits for serves it better than its memory would.
void Worker::hand_over_idle() {
  for (auto& [name, slot] : slots_) {
    if (slot.state != ReservationState::kLeased || slot.last_used + kEvictionGrace > loop_.now()) {
      continue;
    }
    const auto waiting = distant_for(slot.version->id, base::Duration::zero());
    if (waiting == demands_.end()) {
      continue;
    }
    const auto leased =
        std::find_if(slot.lanes.begin(), slot.lanes.end(), [](const Lane& lane) { return lane.leased; });
    ++leased->epoch;  // what the own dispatcher holds is stale from now on
    hand_over(waiting, slot, static_cast<std::uint32_t>(leased - slot.lanes.begin()));
  }
}

// The oldest demand for the version, if that is a distant one that has waited for so long.
std::deque<Worker::Waiting>::iterator Worker::distant_for(const model::VersionId& version,
                                                          base::Duration patience) {
  const auto oldest = std::find_if(demands_.begin(), demands_.end(),
                                   [&](const Waiting& each) { return each.demand.version == version; });
  const bool distant = oldest != demands_.end() && oldest->give && oldest->since + patience <= loop_.now();
  return distant ? oldest : demands_.end();
}

// As if it had been taken from the warm stack.
void Worker::hand_over(std::deque<Waiting>::iterator waiting, Slot& slot, std::uint32_t lane) {
  const Give give = std::move(waiting->give);
  demands_.erase(waiting);
  set_leased(slot, lane, false);
  if (slot.state == ReservationState::kLeased && slot.leased == 0) {
    move(slot, ReservationEvent::kReleased);
  }
  slot.lent = true;
  slot.last_used = loop_.now();  // it is about to be used: not the next to be evicted
  give(allocation_of(slot, lane));
}

void Worker::announce_warm(Slot& slot, std::uint32_t lane) {
  if (const auto waiting = distant_for(slot.version->id, base::Duration::zero()); waiting != demands_.end()) {
    hand_over(waiting, slot, lane);
  } else {
    messaging_.announce_warm(slot.version->id, allocation_of(slot, lane));
  }
}

std::uint32_t Worker::memory_in(ReservationState state) const {
  std::uint32_t sum_mb = 0;
  for (const auto& [name, slot] : slots_) {
    if (slot.state == state) {
      sum_mb += slot.memory.charged_mb();
    }
  }
  return sum_mb;
}

// Of those for whom somebody may be evicted by then.
std::uint32_t Worker::demanded_mb(base::TimePoint evicting_by) const {
  std::uint32_t sum_mb = 0;
  for (const auto& waiting : demands_) {
    sum_mb += waiting.evict_from <= evicting_by ? waiting.demand.memory_mb : 0;
  }
  return sum_mb;
}

void Worker::check_demands_soon() {
  if (demands_.empty() || demand_timer_ != 0) {
    return;
  }
  demand_timer_ = loop_.at(loop_.now() + kEvictionGrace, [this] {
    demand_timer_ = 0;
    serve_demands();
  });
}

}  // namespace hearth::worker
