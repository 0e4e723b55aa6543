// Demand: how the worker makes room for a caller that found no allocation.
#include <algorithm>
#include <utility>

#include "worker/worker.h"

namespace hearth::worker {
namespace {

// How long an instance that has just finished is left alone, so that its own next call finds it.
constexpr std::chrono::milliseconds kEvictionGrace{2};

}  // namespace

bool Worker::on_demand(const messaging::Demand& demand) {
  if (draining_) {
    return false;
  }
  demands_.push_back(demand);
  serve_demands();
  const bool served = std::none_of(demands_.begin(), demands_.end(),
                                   [&](const messaging::Demand& waiting) { return waiting.id == demand.id; });
  // Idle memory counts: what has only just become idle goes after its grace.
  const std::uint32_t idle_mb =
      options_.evict ? memory_in(ReservationState::kIdle) + memory_in(ReservationState::kLeased) : 0;
  return served || ledger_.free_mb() + memory_in(ReservationState::kRemoving) + idle_mb >= demanded_mb();
}

void Worker::on_demand_withdrawn(std::uint64_t demand_id) {
  const auto removed =
      std::erase_if(demands_, [&](const messaging::Demand& waiting) { return waiting.id == demand_id; });
  if (removed > 0) {
    serve_demands();
    advertise();
  }
}

void Worker::serve_demands() {
  // Memory that is free, but less than the largest function's, is offered in the size that is asked for.
  while (!draining_ && !demands_.empty() && demands_.front().memory_mb <= ledger_.free_mb()) {
    const std::uint32_t memory_mb = demands_.front().memory_mb;
    demands_.pop_front();
    announce_cold_of(memory_mb);
  }
  while (options_.evict && demanded_mb() > ledger_.free_mb() + memory_in(ReservationState::kRemoving)) {
    if (!evict_least_recent()) {
      break;
    }
  }
}

std::uint32_t Worker::memory_in(ReservationState state) const {
  std::uint32_t sum_mb = 0;
  for (const auto& [name, slot] : slots_) {
    if (slot.state == state) {
      sum_mb += slot.memory.memory_mb();
    }
  }
  return sum_mb;
}

std::uint32_t Worker::demanded_mb() const {
  std::uint32_t sum_mb = 0;
  for (const auto& demand : demands_) {
    sum_mb += demand.memory_mb;
  }
  return sum_mb;
}

bool Worker::evict_least_recent() {
  Slot* least = nullptr;
  for (auto& [name, slot] : slots_) {
    const bool idle = slot.state == ReservationState::kIdle || slot.state == ReservationState::kLeased;
    if (idle && (least == nullptr || slot.last_used < least->last_used)) {
      least = &slot;
    }
  }
  if (least == nullptr) {
    return false;
  }
  if (least->last_used + kEvictionGrace > loop_.now()) {
    check_demands_soon();
    return false;
  }
  ++evicted_;
  remove(*least);
  return true;
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
