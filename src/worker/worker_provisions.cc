// Instances that are kept started, whether or not anybody calls: any of their version will do, so that one
// that a call has started is one of them. They are started where memory is free, or idle ones of others give
// way, a few at a time, and are charged all their memory, so that a call finds it there.
#include <algorithm>
#include <cassert>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "worker/worker.h"

namespace hearth::worker {

void Worker::provide(Provision provision) {
  if (draining_) {
    return;
  }
  provisions_.want(std::move(provision));
  check_provisions();
}

std::uint32_t Worker::provisioned_ready(const model::FunctionId& function) const {
  return static_cast<std::uint32_t>(std::ranges::count_if(slots_, [&](const auto& entry) {
    const Slot& slot = entry.second;
    return slot.kept && stays(slot) && slot.state != ReservationState::kStarting &&
           slot.version->function_id == function;
  }));
}

// Of a version, and not about to end.
bool Worker::stays(const Slot& slot) {
  return slot.version && !slot.retired && slot.state != ReservationState::kRemoving;
}

// Says of each instance whether it is one of those that are kept, and counts these: what is loaded rather
// than what still starts, and what was kept before rather than another.
ProvisionPlan::Counts Worker::settle_provisions() {
  std::vector<std::pair<int, Slot*>> wanted;
  for (auto& [name, slot] : slots_) {
    if (stays(slot) && provisions_.find(*slot.version) != nullptr) {
      wanted.emplace_back((slot.state == ReservationState::kStarting ? 2 : 0) + (slot.kept ? 0 : 1), &slot);
    } else if (stays(slot)) {
      set_kept(slot, false);
    }
  }
  std::ranges::stable_sort(wanted, {}, &std::pair<int, Slot*>::first);
  ProvisionPlan::Counts counts;
  for (const auto& [rank, slot] : wanted) {
    std::uint32_t& count = counts[slot->version->function_id];
    const bool keep = count < provisions_.find(*slot->version)->count;
    set_kept(*slot, keep);
    count += keep ? 1U : 0U;
  }
  any_kept_ = !counts.empty();
  return counts;
}

void Worker::set_kept(Slot& slot, bool kept) {
  const bool idle = slot.state == ReservationState::kIdle || slot.state == ReservationState::kLeased;
  if (slot.kept != kept && idle) {
    if (kept) {
      slot.memory.charge_in_full();  // or what can be had now: the rest before its next call
    } else {
      arm_expiry();
    }
  }
  slot.kept = kept;
}

// To be called when memory came free, an instance came or went, or something else is wanted.
void Worker::check_provisions() {
  if (draining_ || (provisions_.empty() && !any_kept_)) {
    return;
  }
  const ProvisionPlan::Counts there = settle_provisions();
  const base::TimePoint now = loop_.now();
  const auto lacking = provisions_.lacking(there, now);
  check_provisions_at(provisions_.next_start(there, now));
  if (lacking.empty() || provisions_start()) {
    return;  // who starts says when it has come to its end
  }
  if (now < provision_from_) {
    check_provisions_at(provision_from_);
    return;
  }
  for (const Provision& provision : lacking) {
    auto memory = make_room_for(provision) ? ledger_.reserve(provision.version->memory_mb) : std::nullopt;
    if (memory) {
      start_provisioned(provision, std::move(*memory));  // and looks for the next
      return;
    }
  }
  ask_others(lacking.front());
  check_provisions_at(now + kProvisionLook);
}

// As many as may at once.
bool Worker::provisions_start() const {
  const auto starting = std::ranges::count_if(slots_, [](const auto& entry) {
    return entry.second.state == ReservationState::kStarting && entry.second.ahead;
  });
  return starting >= std::max(1, static_cast<int>(options_.prestart.cores / 2));
}

// False: it is not free, now or ever.
bool Worker::make_room_for(const Provision& provision) {
  const std::uint32_t memory_mb = provision.version->memory_mb;
  if (!resuming_.empty()) {
    return false;
  }
  if (make_free(memory_mb)) {
    return true;
  }
  have_give_way(memory_mb);
  return false;
}

// What could be had when all had gone that may.
std::uint32_t Worker::most_room_mb() const {
  using enum ReservationState;
  return options_.evict ? unused_mb({kRemoving, kPrestarted, kIdle, kLeased})
                        : unused_mb({kRemoving, kPrestarted});
}

// Nobody gives way for what would not fit all the same.
void Worker::have_give_way(std::uint32_t memory_mb) {
  const std::uint32_t most_mb = most_room_mb();
  while (most_mb >= memory_mb && unused_mb({ReservationState::kRemoving}) < memory_mb &&
         (remove_prestarted() || evict_least_valuable(kEvictionGrace))) {
  }
}

// For what is missing, and cannot come free here.
void Worker::ask_others(const Provision& provision) {
  const std::uint32_t memory_mb = provision.version->memory_mb;
  const std::uint32_t most_mb = most_room_mb();
  if (!ask_others_ || most_mb >= memory_mb || loop_.now() < ask_others_from_) {
    return;
  }
  ask_others_from_ = loop_.now() + kProvisionLook;
  ask_others_(memory_mb - unused_mb({}));
}

void Worker::make_room(std::uint32_t memory_mb) {
  if (!draining_ && demands_.empty()) {
    have_give_way(memory_mb);
  }
}

void Worker::start_provisioned(const Provision& provision, Reservation memory) {
  const std::string name = base::make_instance_name(random_);
  Slot& slot = slots_.try_emplace(name, name, std::move(memory)).first->second;
  slot.ahead = true;
  slot.kept = true;
  slot.lanes.front().request.version = provision.version;
  slot.lanes.front().request.function_name = provision.function_name;
  assign(slot);
}

// One that was kept, or was to be, is no more.
void Worker::provisioned_ended(Slot& slot, std::string_view why) {
  if (!std::exchange(slot.kept, false)) {
    return;
  }
  const bool loaded = slot.loaded_at != base::TimePoint();
  const base::Duration lasted = loaded ? loop_.now() - slot.loaded_at : base::Duration::zero();
  if (provisions_.ended(*slot.version, lasted, loop_.now())) {
    spdlog::warn(
        "function {}: a provisioned instance {}: {}; the next is started after {} s, then after twice as "
        "long "
        "each time, up to {} s",
        slot.lanes.front().request.function_name, loaded ? "did not last" : "did not come up", why,
        kProvisionPause.count(), kProvisionPauseMost.count());
  }
}

void Worker::check_provisions_at(base::TimePoint when) {
  if (when == base::TimePoint::max() || (provision_timer_ != 0 && provision_timer_at_ <= when)) {
    return;
  }
  loop_.cancel(provision_timer_);
  provision_timer_at_ = when;
  provision_timer_ = loop_.at(when, [this] {
    provision_timer_ = 0;
    check_provisions();
  });
}

}  // namespace hearth::worker
