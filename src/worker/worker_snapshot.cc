// What a worker has at one moment.
#include "worker/worker.h"

namespace hearth::worker {

WorkerSnapshot Worker::snapshot() const {
  WorkerSnapshot result;
  result.total_mb = ledger_.total_mb();
  result.free_mb = ledger_.uncharged_mb();
  result.promised_mb = ledger_.promised_mb();
  for (const auto state : kReservationStates) {
    result.reservations[state] = 0;
    result.reserved_mb[state] = 0;
  }
  for (const auto& [name, slot] : slots_) {
    ++result.reservations[slot.state];
    result.reserved_mb[slot.state] += slot.memory.charged_mb();
    if (slot.version) {
      result.versions.insert(slot.version->id);
    }
  }
  result.instances_started = started_;
  result.instances_prestarted = prestarts_used_;
  result.instances_prewarmed = prewarmed_;
  result.instances_expired = expired_;
  result.instances_evicted = evicted_;
  result.executions = executions_;
  for (const Provision& provision : provisions_.all()) {
    result.provisioned_wanted += provision.count;
    result.provisioned_ready += provisioned_ready(provision.version->function_id);
  }
  return result;
}

bool Worker::ledger_is_exact() const {
  std::uint64_t charged_mb = ledger_.uncharged_mb();
  std::uint64_t promised_mb = 0;
  for (const auto& [name, slot] : slots_) {
    const bool idle = slot.state == ReservationState::kIdle || slot.state == ReservationState::kLeased ||
                      slot.state == ReservationState::kResuming || slot.state == ReservationState::kRemoving;
    if (!idle && slot.memory.charged_mb() != slot.memory.memory_mb()) {
      return false;  // it may use all that it was promised
    }
    charged_mb += slot.memory.charged_mb();
    promised_mb += slot.memory.memory_mb();
  }
  return charged_mb == ledger_.total_mb() && promised_mb == ledger_.promised_mb() &&
         static_cast<double>(promised_mb) <= options_.overcommit * ledger_.total_mb();
}

}  // namespace hearth::worker
