#include "worker/worker.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/ids.h"
#include "base/log.h"

namespace hearth::worker {

Worker::Worker(WorkerOptions options, InstanceFactory& instances, messaging::Messaging& messaging,
               base::EventLoop& loop, base::Random& random)
    : options_(std::move(options)),
      instances_(instances),
      messaging_(messaging),
      loop_(loop),
      random_(random),
      ledger_(options_.memory_mb) {}

Worker::~Worker() {
  loop_.cancel(expiry_timer_);
  loop_.cancel(demand_timer_);
}

void Worker::open() { advertise(); }

Worker::Slot* Worker::find(const std::string& name) {
  const auto found = slots_.find(name);
  return found == slots_.end() ? nullptr : &found->second;
}

void Worker::move(Slot& slot, ReservationEvent event) {
  const auto next = after(slot.state, event);
  assert(next && "the event cannot happen in this state");
  slot.state = *next;
}

model::Allocation Worker::allocation_of(const Slot& slot) const {
  return {options_.uri, slot.name, slot.epoch, 1, slot.memory.memory_mb()};
}

void Worker::advertise() {
  while (!draining_ && demands_.empty() && ledger_.free_mb() >= options_.largest_function_mb) {
    announce_cold_of(options_.largest_function_mb);
  }
}

void Worker::announce_cold_of(std::uint32_t memory_mb) {
  auto memory = ledger_.reserve(memory_mb);
  assert(memory);
  const std::string name = base::make_instance_name(random_);
  const auto [slot, inserted] = slots_.try_emplace(name, name, std::move(*memory));
  assert(inserted);
  messaging_.announce_cold(allocation_of(slot->second));
}

void Worker::execute(const model::Allocation& allocation, model::ExecuteRequest request,
                     std::shared_ptr<model::ExecutionObserver> observer) {
  if (draining_) {
    observer->refused(model::Refusal::kDraining);
    return;
  }
  Slot* slot = find(allocation.instance);
  if (slot == nullptr || slot->epoch != allocation.epoch) {
    observer->refused(model::Refusal::kGone);
    return;
  }
  const bool cold = slot->state == ReservationState::kCold;
  const bool warm = slot->state == ReservationState::kIdle || slot->state == ReservationState::kLeased;
  if (!cold && !(warm && slot->version->id == request.version->id)) {
    observer->refused(model::Refusal::kGone);
    return;
  }
  if (cold && !slot->memory.resize(request.version->memory_mb)) {
    ++slot->epoch;
    observer->refused(model::Refusal::kTooSmall);
    messaging_.announce_cold(allocation_of(*slot));
    return;
  }
  ++slot->epoch;
  slot->request = std::move(request);
  slot->observer = std::move(observer);
  if (cold) {
    assign(*slot);
  } else {
    move(*slot, ReservationEvent::kAdmitted);
    invoke(*slot);
  }
}

void Worker::assign(Slot& slot) {
  move(slot, ReservationEvent::kAssigned);
  slot.version = slot.request.version;
  ++started_;
  slot.instance = instances_.start({slot.name, slot.request.function_name, slot.version}, *this);
  // What the function does not need has been reclaimed: others may have it.
  serve_demands();
  advertise();
}

void Worker::invoke(Slot& slot) { slot.instance->invoke({slot.request.request_id, slot.request.body}); }

void Worker::loaded(const std::string& instance, const model::ExecutionSteps& start_steps) {
  Slot* slot = find(instance);
  if (slot == nullptr || slot->state != ReservationState::kStarting) {
    return;
  }
  slot->start_steps = start_steps;
  slot->start_steps.cold = true;
  move(*slot, ReservationEvent::kLoaded);
  invoke(*slot);
}

void Worker::start_failed(const std::string& instance, model::Outcome outcome, model::CapturedLogs logs,
                          const model::ExecutionSteps& start_steps) {
  Slot* slot = find(instance);
  if (slot == nullptr || !slot->observer) {
    return;
  }
  model::Execution execution{std::move(outcome), slot->name, start_steps, std::move(logs)};
  execution.steps.cold = true;
  remove(*slot);
  const auto observer = std::exchange(slot->observer, nullptr);
  observer->done(std::move(execution), std::nullopt);
}

void Worker::finished(const std::string& instance, model::Outcome outcome, model::CapturedLogs logs,
                      std::int64_t run_us, std::int64_t handler_us, bool reusable) {
  Slot* slot = find(instance);
  if (slot == nullptr || !slot->observer) {
    return;
  }
  model::Execution execution{std::move(outcome), slot->name, std::exchange(slot->start_steps, {}),
                             std::move(logs)};
  execution.steps.run_us = run_us;
  execution.steps.handler_us = handler_us;
  const auto observer = std::exchange(slot->observer, nullptr);
  slot->request.body.reset();
  slot->last_used = loop_.now();

  std::optional<model::Allocation> lease;
  if (reusable && !slot->retired && !draining_ && slot->state == ReservationState::kRunning) {
    move(*slot, ReservationEvent::kFinished);
    lease = allocation_of(*slot);
    arm_expiry();
    check_demands_soon();
  } else {
    remove(*slot);
  }
  // Last: the observer may come back with the next execution at once.
  observer->done(std::move(execution), std::move(lease));
}

void Worker::ended(const std::string& instance) {
  const auto found = slots_.find(instance);
  if (found == slots_.end()) {
    return;
  }
  auto observer = std::exchange(found->second.observer, nullptr);
  // The instance is in the middle of telling us: it goes when that has returned.
  std::shared_ptr<Instance> dying = std::move(found->second.instance);
  loop_.post([dying] {});
  slots_.erase(found);
  if (observer) {
    model::Execution execution{{model::OutcomeKind::kExited, {}, {}}, instance, {}, {}};
    observer->done(std::move(execution), std::nullopt);
  }
  serve_demands();
  advertise();
  finish_drain_if_empty();
}

void Worker::release(const model::Allocation& lease, model::ReleaseKind kind) {
  Slot* slot = find(lease.instance);
  if (slot == nullptr || slot->epoch != lease.epoch) {
    return;
  }
  const bool warm = slot->state == ReservationState::kLeased || slot->state == ReservationState::kIdle;
  if (warm && (kind == model::ReleaseKind::kRemove || draining_)) {
    remove(*slot);
    return;
  }
  if (slot->state == ReservationState::kLeased) {
    move(*slot, ReservationEvent::kReleased);
    messaging_.announce_warm(slot->version->id, allocation_of(*slot));
  } else if (slot->state == ReservationState::kIdle) {
    // Taken from the stack, and given back unused.
    messaging_.announce_warm(slot->version->id, allocation_of(*slot));
  } else if (slot->state == ReservationState::kCold) {
    messaging_.announce_cold(allocation_of(*slot));
  }
}

void Worker::remove(Slot& slot) {
  if (slot.state == ReservationState::kRemoving) {
    return;
  }
  const bool announced = slot.state == ReservationState::kIdle;
  move(slot, ReservationEvent::kStopped);
  if (announced) {
    messaging_.withdraw(slot.version->id, slot.name);
  }
  slot.instance->stop();
}

void Worker::on_version_dropped(const model::VersionId& version) {
  for (auto& [name, slot] : slots_) {
    if (!slot.version || slot.version->id != version) {
      continue;
    }
    if (slot.state == ReservationState::kIdle || slot.state == ReservationState::kLeased) {
      remove(slot);
    } else {
      slot.retired = true;
    }
  }
}

void Worker::arm_expiry() {
  if (expiry_timer_ == 0) {
    expiry_timer_ = loop_.at(loop_.now() + options_.keep_alive, [this] {
      expiry_timer_ = 0;
      expire();
    });
  }
}

void Worker::expire() {
  const base::TimePoint now = loop_.now();
  auto next = base::TimePoint::max();
  for (auto& [name, slot] : slots_) {
    if (slot.state != ReservationState::kIdle && slot.state != ReservationState::kLeased) {
      continue;
    }
    const base::TimePoint due = slot.last_used + options_.keep_alive;
    if (due <= now) {
      ++expired_;
      remove(slot);
    } else {
      next = std::min(next, due);
    }
  }
  if (next != base::TimePoint::max()) {
    expiry_timer_ = loop_.at(next, [this] {
      expiry_timer_ = 0;
      expire();
    });
  }
}

void Worker::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  demands_.clear();
  std::erase_if(slots_, [this](const auto& entry) {
    const Slot& slot = entry.second;
    if (slot.state == ReservationState::kCold) {
      messaging_.withdraw({}, slot.name);
      return true;
    }
    return false;
  });
  for (auto& [name, slot] : slots_) {
    if (slot.state == ReservationState::kIdle || slot.state == ReservationState::kLeased) {
      remove(slot);
    }
  }
  finish_drain_if_empty();
}

void Worker::stop_now() {
  for (auto& [name, slot] : slots_) {
    if (slot.instance) {
      slot.instance->stop();
    }
  }
}

void Worker::finish_drain_if_empty() {
  if (draining_ && slots_.empty() && drained_) {
    const auto done = std::exchange(drained_, nullptr);
    done();
  }
}

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
  }
  result.instances_started = started_;
  result.instances_expired = expired_;
  result.instances_evicted = evicted_;
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
