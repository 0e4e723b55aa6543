// Pre-started instances: runtimes that are booted before it is known for which function. Each has memory of
// its own in the ledger until it is assigned; memory that anybody waits for is taken from them first.
#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "worker/worker.h"

namespace hearth::worker {

void Worker::check_prestarts() {
  if (options_.prestart.most == 0 || draining_) {
    return;
  }
  const base::TimePoint now = loop_.now();
  while (const auto kind = prestarts_.excess(prestarted(), now)) {
    if (!remove_prestarted(*kind)) {
      break;
    }
  }
  give_prestarts_up();
  const auto lacking = cores_are_busy() ? std::nullopt : prestarts_.lacking(prestarted(), now);
  if (lacking && now >= prestart_from_ && has_room_for(prestart_memory_mb(*lacking))) {
    prestart(*lacking);
  }
  check_prestarts_at(prestarts_.changes_at(now));
  if (lacking && now < prestart_from_) {
    check_prestarts_at(prestart_from_);
  }
}

// What boots takes the time of a core.
bool Worker::cores_are_busy() const {
  std::uint32_t starting = 0;
  std::uint32_t booting = 0;
  for (const auto& [name, slot] : slots_) {
    starting += slot.state == ReservationState::kStarting ? 1U : 0U;
    booting += slot.state == ReservationState::kPrestarted && !slot.booted ? 1U : 0U;
  }
  const std::uint32_t cores = options_.prestart.cores;
  return starting + booting >= cores || booting >= std::max(1U, cores / 2);
}

// The call that has just begun has the cores to itself.
void Worker::rest_prestarts() {
  prestart_from_ = std::max(prestart_from_, loop_.now() + kPrestartRest);
  check_prestarts();
}

// So that what is wanted no longer goes, though nothing happens.
void Worker::check_prestarts_at(base::TimePoint when) {
  if (prestart_timer_ != 0 && prestart_timer_at_ <= when) {
    return;
  }
  loop_.cancel(prestart_timer_);
  prestart_timer_ = 0;
  if (when == base::TimePoint::max()) {
    return;
  }
  prestart_timer_at_ = when;
  prestart_timer_ = loop_.at(when, [this] {
    prestart_timer_ = 0;
    check_prestarts();
  });
}

// So that the next call finds room, however large its function, before it has to wait for it.
void Worker::give_prestarts_up() {
  while (unused_mb({ReservationState::kRemoving}) < options_.largest_function_mb && remove_prestarted()) {
  }
}

std::uint32_t Worker::unused_mb(std::initializer_list<ReservationState> gone) const {
  std::uint32_t sum_mb = room_mb(gone);
  for (const auto& [name, slot] : slots_) {
    sum_mb += for_anybody(slot) ? slot.memory.memory_mb() : 0;
  }
  return sum_mb;
}

// The largest function finds its room all the same, and most of the memory is for instances that have one.
bool Worker::has_room_for(std::uint32_t memory_mb) const {
  return demands_.empty() && unused_mb({}) >= options_.largest_function_mb + memory_mb &&
         memory_in(ReservationState::kPrestarted) + memory_mb <= ledger_.total_mb() / kPrestartShare;
}

void Worker::prestart(const InstanceKind& kind) {
  const std::uint32_t memory_mb = prestart_memory_mb(kind);
  auto memory = make_free(memory_mb) ? ledger_.reserve(memory_mb) : std::nullopt;
  if (!memory) {
    return;
  }
  const std::string name = base::make_instance_name(random_);
  Slot& slot = slots_.try_emplace(name, name, std::move(*memory)).first->second;
  slot.state = ReservationState::kPrestarted;
  slot.kind = kind;
  slot.instance = instances_.prestart({name, kind, memory_mb}, *this);
  advertise();
}

PrestartPlan::Counts Worker::prestarted() const {
  PrestartPlan::Counts counts;
  for (const auto& [name, slot] : slots_) {
    if (slot.state == ReservationState::kPrestarted) {
      ++counts[slot.kind];
    }
  }
  return counts;
}

Worker::Slot* Worker::find_prestarted(const InstanceKind& kind) {
  const auto found = std::ranges::find_if(slots_, [&](const auto& entry) {
    const Slot& slot = entry.second;
    return slot.state == ReservationState::kPrestarted && slot.booted && slot.kind == kind;
  });
  return found == slots_.end() ? nullptr : &found->second;
}

// What no call waits for has time to boot: those that were pre-started are for calls that wait.
std::unique_ptr<Instance> Worker::start_instance(const Slot& slot) {
  const InstanceKind kind = kind_of(*slot.version);
  InstanceStart start{slot.name, slot.lanes.front().request.function_name, slot.version};
  if (slot.ahead) {
    return instances_.start(std::move(start), *this);
  }
  prestarts_.started(kind, loop_.now());
  if (auto waiting = take_prestarted(kind)) {
    waiting->assign(std::move(start));
    return waiting;
  }
  return instances_.start(std::move(start), *this);
}

// The reservation of the call's has the memory that the instance needs from now on; its own is given back.
std::unique_ptr<Instance> Worker::take_prestarted(const InstanceKind& kind) {
  Slot* const waiting = find_prestarted(kind);
  if (waiting == nullptr) {
    return nullptr;
  }
  auto instance = std::move(waiting->instance);
  slots_.erase(waiting->name);
  ++prestarts_used_;
  return instance;
}

// Of this kind, or of any; those that still boot first.
bool Worker::remove_prestarted(const std::optional<InstanceKind>& kind) {
  Slot* found = nullptr;
  for (auto& [name, slot] : slots_) {
    const bool wanted = slot.state == ReservationState::kPrestarted && (!kind || slot.kind == *kind);
    if (wanted && (found == nullptr || !slot.booted)) {
      found = &slot;
    }
  }
  if (found != nullptr) {
    remove(*found);
  }
  return found != nullptr;
}

void Worker::booted(const std::string& instance) {
  Slot* slot = find(instance);
  if (slot == nullptr || slot->state != ReservationState::kPrestarted) {
    return;
  }
  slot->booted = true;
  prestart_pause_ = kPrestartPause;
  check_prestarts();
}

// Nobody waits for it. The next tries are rare, for as long as none comes up.
void Worker::prestart_failed(Slot& slot, const model::Outcome& outcome) {
  spdlog::warn("a pre-started instance ({}) did not come up, or ended: {}", slot.kind.runtime,
               outcome.error.message);
  remove(slot);
  prestart_from_ = loop_.now() + prestart_pause_;
  prestart_pause_ = std::min(2 * prestart_pause_, kPrestartPauseMost);
  check_prestarts_at(prestart_from_);
}

}  // namespace hearth::worker
