// Calls that stand behind the one that an instance executes, so that the next is at hand when it ends.
#include <utility>

#include "worker/worker.h"

namespace hearth::worker {

// The reservation that executes on what this allocation offered, for whoever was given it.
Worker::Slot* Worker::find_held(const model::Allocation& running) {
  Slot* slot = find(running.instance);
  const bool held = slot != nullptr && slot->state == ReservationState::kRunning && running.slot == 0 &&
                    slot->lanes[0].epoch == running.epoch + 1 && slot->version->concurrency == 1;
  return held ? slot : nullptr;
}

void Worker::execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                            std::shared_ptr<model::ExecutionObserver> observer) {
  Slot* slot = find_held(running);
  const bool fits = slot != nullptr && !slot->retired && !draining_ && slot->running < model::kBehindMost &&
                    slot->version->id == request.version->id && slot->instance->takes_behind() &&
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
  if (Slot* slot = find_held(running)) {
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
