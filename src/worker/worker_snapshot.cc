// What a worker has at one moment.
#include "worker/worker.h"

namespace hearth::worker {

WorkerSnapshot Worker::snapshot() const {
  WorkerSnapshot result;
  result.total_mb = ledger_.total_mb();
  result.free_mb = ledger_.free_mb();
  for (const auto state : kReservationStates) {
    result.reservations[state] = 0;
    result.reserved_mb[state] = 0;
  }
  for (const auto& [name, slot] : slots_) {
    ++result.reservations[slot.state];
    result.reserved_mb[slot.state] += slot.memory.memory_mb();
    if (slot.version) {
      result.versions.insert(slot.version->id);
    }
  }
  result.instances_started = started_;
  result.instances_prestarted = prestarts_used_;
  result.instances_expired = expired_;
  result.instances_evicted = evicted_;
  result.executions = executions_;
  return result;
}

bool Worker::ledger_is_exact() const {
  std::uint64_t sum_mb = ledger_.free_mb();
  for (const auto& [name, slot] : slots_) {
    sum_mb += slot.memory.memory_mb();
  }
  return sum_mb == ledger_.total_mb();
}

}  // namespace hearth::worker
