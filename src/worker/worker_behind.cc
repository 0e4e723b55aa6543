// Calls that stand behind the one that an instance executes, so that the next is at hand when it ends.
#include <utility>

#include "worker/worker.h"

namespace hearth::worker {

// The reservation that was given with this allocation, while it is whose that was: it executes for them, or
// they have the lease of its next call.
Worker::Slot* Worker::find_held(const model::Allocation& running) {
  Slot* slot = find(running.instance);
  if (slot == nullptr || running.slot != 0 || running.epoch < slot->held_from || !slot->version ||
      slot->version->concurrency != 1) {
    return nullptr;
  }
  const std::uint64_t next = slot->lanes[0].epoch;
  const bool at_work = slot->state == ReservationState::kRunning && running.epoch < next;
  const bool leased =
      slot->state == ReservationState::kLeased && slot->lanes[0].leased && running.epoch <= next;
  return at_work || leased ? slot : nullptr;
}

void Worker::execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                            std::shared_ptr<model::ExecutionObserver> observer) {
  Slot* slot = find_held(running);
  const bool theirs =
      slot != nullptr && !slot->retired && !draining_ && slot->version->id == request.version->id;
  if (theirs && slot->state == ReservationState::kLeased) {
    execute(allocation_of(*slot), std::move(request), std::move(observer));  // those before it have ended
    return;
  }
  const bool fits = theirs && slot->running < model::kBehindMost && slot->instance->takes_behind() &&
                    !wanted_elsewhere(slot->version->id, kPatience) &&
                    (!request.body || request.body->size() <= model::kBehindBodyBytes);
  if (!fits) {
    observer->refused(model::Refusal::kBusy);
    return;
  }
  if (!observer->admitted()) {
    return;
  }
  std::uint32_t free = 0;
  while (free < slot->lanes.size() && slot->lanes[free].observer) {
    ++free;
  }
  if (free == slot->lanes.size()) {
    slot->lanes.emplace_back();
  }
  slot->lanes[free].request = std::move(request);
  slot->lanes[free].observer = std::move(observer);
  ++slot->running;
  invoke(*slot, free);
}

void Worker::take_back(const model::Allocation& running) {
  Slot* slot = find_held(running);
  if (slot != nullptr && slot->state == ReservationState::kRunning) {
    slot->instance->take_back();
  }
}

void Worker::not_started(Slot& slot, const FinishedCall& call) {
  Lane& lane = slot.lanes[call.slot];
  const auto observer = std::exchange(lane.observer, nullptr);
  --slot.running;
  --executions_;
  std::optional<model::Allocation> lease;
  if (slot.running == 0 && slot.state == ReservationState::kRunning) {
    if (call.reusable && !slot.retired && !draining_) {
      lease = next_lease(slot, 0);
    } else {
      remove(slot);
    }
  }
  if (lease) {
    release(*lease, model::ReleaseKind::kKeep);
  }
  observer->refused(model::Refusal::kBusy);
}

}  // namespace hearth::worker
