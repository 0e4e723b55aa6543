// More memory promised than there is: an idle instance is charged what it uses, and what begins to run again
// is charged all that it was promised, before it does. What is running never makes way.
#include <algorithm>
#include <utility>

#include "worker/worker.h"

namespace hearth::worker {

void Worker::paused(const std::string& instance, std::uint32_t used_mb) {
  Slot* slot = find(instance);
  const bool idle =
      slot != nullptr && (slot->state == ReservationState::kIdle || slot->state == ReservationState::kLeased);
  if (!idle || slot->kept || options_.overcommit <= 1) {
    return;
  }
  slot->memory.charge_only(used_mb);
  memory_came_free();
}

// Whoever waits in the middle of an admission comes first, then what is to be kept started.
void Worker::memory_came_free() {
  resume_waiting();
  check_provisions();
  serve_demands();
  advertise();
  check_prestarts();
}

// What those that are to run again still lack.
std::uint32_t Worker::owed_mb() const {
  std::uint32_t sum_mb = 0;
  for (const auto& name : resuming_) {
    const auto found = slots_.find(name);
    sum_mb +=
        found == slots_.end() ? 0 : found->second.memory.memory_mb() - found->second.memory.charged_mb();
  }
  return sum_mb;
}

// An idle instance that may be evicted. One of a version that is waited for serves it better than its memory
// would.
bool Worker::evictable(const Slot& slot) const {
  const bool idle = slot.state == ReservationState::kIdle || slot.state == ReservationState::kLeased;
  return idle && !slot.kept && options_.evict && !wanted_elsewhere(slot.version->id, base::Duration::zero());
}

bool Worker::gives_way(const Slot& slot) const {
  return for_anybody(slot) || slot.state == ReservationState::kPrestarted || evictable(slot);
}

// Whether it can be charged in full, now or when others have gone that nobody uses.
bool Worker::can_resume(const Slot& slot) const {
  if (slot.memory.charged_mb() == slot.memory.memory_mb()) {
    return true;
  }
  std::uint64_t room_mb = ledger_.uncharged_mb();
  for (const auto& [name, other] : slots_) {
    if (&other != &slot && (other.state == ReservationState::kRemoving || gives_way(other))) {
      room_mb += other.memory.charged_mb();
    }
  }
  return room_mb >= std::uint64_t{owed_mb()} + slot.memory.memory_mb() - slot.memory.charged_mb();
}

// It has been admitted, and waits for what can_resume() has found.
void Worker::resume(Slot& slot) {
  move(slot, ReservationEvent::kHeldBack);
  resuming_.push_back(slot.name);
  for (auto other = slots_.begin(); other != slots_.end() && !slot.memory.charge_in_full();) {
    if (for_anybody(other->second)) {
      messaging_.withdraw({}, other->first);
      other = slots_.erase(other);
    } else {
      ++other;
    }
  }
  while (owed_mb() > memory_in(ReservationState::kRemoving) &&
         (remove_prestarted() || evict_least_valuable())) {
  }
  resume_waiting();
}

// In the order in which they were admitted: each keeps what it has got so far.
void Worker::resume_waiting() {
  while (!resuming_.empty()) {
    Slot* const slot = find(resuming_.front());
    const bool waits = slot != nullptr && slot->state == ReservationState::kResuming;
    if (waits && !slot->memory.charge_in_full()) {
      return;
    }
    resuming_.pop_front();
    if (!waits) {
      continue;  // it has ended
    }
    move(*slot, ReservationEvent::kResumed);
    for (std::uint32_t lane = 0; lane < slot->lanes.size(); ++lane) {
      if (slot->lanes[lane].observer) {
        invoke(*slot, lane);
      }
    }
  }
}

// What could be reserved when all in these states had gone that are not kept, and all that waits to run had
// what it lacks.
std::uint32_t Worker::room_mb(std::initializer_list<ReservationState> gone) const {
  std::uint32_t uncharged_mb = ledger_.uncharged_mb();
  std::uint32_t unpromised_mb = ledger_.unpromised_mb();
  for (const auto& [name, slot] : slots_) {
    const bool stays = slot.kept && slot.state != ReservationState::kRemoving;
    if (!stays && std::ranges::find(gone, slot.state) != gone.end()) {
      uncharged_mb += slot.memory.charged_mb();
      unpromised_mb += slot.memory.memory_mb();
    }
  }
  return std::min(uncharged_mb - std::min(uncharged_mb, owed_mb()), unpromised_mb);
}

// Greedy dual: what has been idle for long, is large, and was started quickly, is missed the least.
double Worker::expendability(const Slot& slot) const {
  constexpr double kLeastStartUs = 1'000;
  const auto idle_us = std::chrono::duration<double, std::micro>(loop_.now() - slot.last_used).count();
  return idle_us * slot.memory.charged_mb() /
         std::max(static_cast<double>(slot.start_cost.count()), kLeastStartUs);
}

// False when there is none that may go.
bool Worker::evict_least_valuable(base::Duration grace) {
  Slot* least = nullptr;
  for (auto& [name, slot] : slots_) {
    if (!evictable(slot)) {
      continue;
    }
    if (slot.last_used + grace > loop_.now()) {
      check_demands_soon();
    } else if (least == nullptr || expendability(slot) > expendability(*least)) {
      least = &slot;
    }
  }
  if (least == nullptr) {
    return false;
  }
  ++evicted_;
  expect(*least);
  remove(*least);
  return true;
}

}  // namespace hearth::worker
