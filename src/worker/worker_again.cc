// Announcing again what the messaging layer may have lost.
#include <algorithm>
#include <utility>
#include <vector>

#include "worker/worker.h"

namespace hearth::worker {

// Whether anybody may be executed on this lane, as far as we know: it was announced and not taken since.
bool Worker::offered(const Slot& slot, std::uint32_t lane) {
  if (slot.state == ReservationState::kCold) {
    return true;
  }
  const bool several = slot.version && slot.version->concurrency > 1;
  const bool loaded =
      slot.state == ReservationState::kIdle ||
      (several && (slot.state == ReservationState::kLeased || slot.state == ReservationState::kRunning));
  return loaded && !slot.retired && !slot.lent && lane < slot.version->concurrency &&
         !slot.lanes[lane].leased && !slot.lanes[lane].observer;
}

// What was taken a moment ago looks the same from here: said again it is a hint that finds its epoch gone.
void Worker::on_announce_again() {
  if (draining_) {
    return;
  }
  std::vector<const Slot*> slots;
  for (const auto& [name, slot] : slots_) {
    slots.push_back(&slot);
  }
  // The last used ends on top of its stack.
  std::ranges::stable_sort(slots, {}, &Slot::last_used);
  // First all, then said: whoever hears it may execute on it at once.
  std::vector<std::pair<model::VersionId, model::Allocation>> again;
  for (const Slot* slot : slots) {
    for (std::uint32_t lane = 0; lane < slot->lanes.size(); ++lane) {
      if (offered(*slot, lane)) {
        again.emplace_back(slot->version ? slot->version->id : model::VersionId(),
                           allocation_of(*slot, lane));
      }
    }
  }
  for (const auto& [version, allocation] : again) {
    if (version.empty()) {
      messaging_.announce_cold(allocation);
    } else {
      messaging_.announce_warm(version, allocation);
    }
  }
}

}  // namespace hearth::worker
