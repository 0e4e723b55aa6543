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
      ledger_(options_.memory_mb, options_.overcommit),
      keep_alive_(make_keep_alive(options_.keep_alive)),
      prestarts_(options_.prestart) {}

Worker::~Worker() {
  loop_.cancel(expiry_timer_);
  loop_.cancel(demand_timer_);
  loop_.cancel(prestart_timer_);
  loop_.cancel(provision_timer_);
  stop_expecting();
}

void Worker::open() {
  advertise();
  check_prestarts();
}

Worker::Slot* Worker::find(const std::string& name) {
  const auto found = slots_.find(name);
  return found == slots_.end() ? nullptr : &found->second;
}

void Worker::move(Slot& slot, ReservationEvent event) {
  const auto next = after(slot.state, event);
  assert(next && "the event cannot happen in this state");
  slot.state = *next;
}

model::Allocation Worker::allocation_of(const Slot& slot, std::uint32_t lane) const {
  return {options_.uri, slot.name, lane, slot.lanes[lane].epoch, slot.memory.memory_mb()};
}

void Worker::advertise() {
  while (!draining_ && demands_.empty() && ledger_.free_mb() >= options_.largest_function_mb) {
    announce_cold_of(options_.largest_function_mb);
  }
}

void Worker::announce_cold_of(std::uint32_t memory_mb, std::uint64_t demand) {
  auto memory = ledger_.reserve(memory_mb);
  assert(memory);
  const std::string name = base::make_instance_name(random_);
  const auto [slot, inserted] = slots_.try_emplace(name, name, std::move(*memory));
  assert(inserted);
  slot->second.offered_to = demand;
  messaging_.announce_cold(allocation_of(slot->second));
}

void Worker::execute(const model::Allocation& allocation, model::ExecuteRequest request,
                     std::shared_ptr<model::ExecutionObserver> observer) {
  if (draining_) {
    observer->refused(model::Refusal::kDraining);
    return;
  }
  Slot* slot = find(allocation.instance);
  if (slot == nullptr || allocation.slot >= (slot->version ? slot->version->concurrency : 1) ||
      allocation.slot >= slot->lanes.size() || slot->lanes[allocation.slot].epoch != allocation.epoch) {
    observer->refused(model::Refusal::kGone);
    return;
  }
  const bool cold = slot->state == ReservationState::kCold;
  const bool warm = slot->state == ReservationState::kIdle || slot->state == ReservationState::kLeased ||
                    slot->state == ReservationState::kRunning || slot->state == ReservationState::kResuming;
  if (!cold && !(warm && !slot->retired && slot->version->id == request.version->id)) {
    observer->refused(model::Refusal::kGone);
    return;
  }
  Lane& lane = slot->lanes[allocation.slot];
  if (warm && slot->state != ReservationState::kResuming && !can_resume(*slot)) {
    remove(*slot);  // all the memory is at work: it would only be offered again and again
    observer->refused(model::Refusal::kGone);
    return;
  }
  slot->held_from = lane.leased ? slot->held_from : lane.epoch;
  ++lane.epoch;
  const bool fits =
      !cold || slot->memory.memory_mb() + ledger_.free_mb() >= std::uint64_t{request.version->memory_mb};
  if (!fits) {
    observer->refused(model::Refusal::kTooSmall);
  }
  if (!fits || !observer->admitted()) {
    release(allocation_of(*slot, allocation.slot), model::ReleaseKind::kKeep);
    return;
  }
  if (cold) {
    const bool resized = slot->memory.resize(request.version->memory_mb);
    assert(resized);
    static_cast<void>(resized);
  }
  slot->retired = request.version_retired;
  lane.request = std::move(request);
  lane.observer = std::move(observer);
  set_leased(*slot, allocation.slot, false);
  ++slot->running;
  if (cold) {
    assign(*slot);
  } else {
    begin(*slot, allocation.slot);
  }
}

// On an instance that is there, as soon as all its memory is charged.
void Worker::begin(Slot& slot, std::uint32_t lane) {
  if (slot.state == ReservationState::kResuming) {
    return;  // with those that wait already
  }
  if (!slot.memory.charge_in_full()) {
    resume(slot);
    return;
  }
  if (slot.state != ReservationState::kRunning) {
    move(slot, ReservationEvent::kAdmitted);
  }
  invoke(slot, lane);
}

void Worker::assign(Slot& slot) {
  move(slot, ReservationEvent::kAssigned);
  slot.version = slot.lanes.front().request.version;
  stop_expecting(slot.version->id);
  ++started_;
  slot.instance = start_instance(slot);
  give_prestarts_up();
  // What the function does not need has been reclaimed: others may have it.
  check_provisions();
  serve_demands();
  advertise();
}

void Worker::invoke(Slot& slot, std::uint32_t lane) {
  model::ExecuteRequest& request = slot.lanes[lane].request;
  ++executions_;
  if (keep_alive_->learns()) {
    keep_alive_->called(slot.version->function_id, loop_.now());
  }
  slot.pre_warmed_until.reset();
  slot.instance->invoke({lane, request.request_id, std::move(request.body), request.latest});
}

void Worker::set_leased(Slot& slot, std::uint32_t lane, bool leased) {
  if (slot.lanes[lane].leased != leased) {
    slot.lanes[lane].leased = leased;
    slot.leased += leased ? 1U : -1U;
  }
}

void Worker::loaded(const std::string& instance, const model::ExecutionSteps& start_steps) {
  Slot* slot = find(instance);
  if (slot == nullptr || slot->state != ReservationState::kStarting) {
    return;
  }
  slot->start_cost = std::chrono::microseconds(start_steps.code_us + start_steps.sandbox_us +
                                               start_steps.boot_us + start_steps.init_us);
  slot->loaded_at = loop_.now();
  if (slot->ahead) {
    loaded_ahead(*slot);
    return;
  }
  slot->start_steps = start_steps;
  slot->start_steps.cold = true;
  move(*slot, ReservationEvent::kLoaded);
  invoke(*slot, 0);
  rest_prestarts();
  // The other calls that it takes at once are anybody's.
  for (auto lane = static_cast<std::uint32_t>(slot->lanes.size()); lane < slot->version->concurrency;
       ++lane) {
    slot->lanes.emplace_back();
    if (!slot->retired) {
      announce_warm(*slot, lane);
    }
  }
}

void Worker::start_failed(const std::string& instance, model::Outcome outcome, model::CapturedLogs logs,
                          const model::ExecutionSteps& start_steps) {
  Slot* slot = find(instance);
  if (slot != nullptr && slot->state == ReservationState::kPrestarted) {
    prestart_failed(*slot, outcome);
    return;
  }
  if (slot != nullptr && slot->ahead) {
    ahead_failed(*slot, outcome);
    return;
  }
  if (slot == nullptr || !slot->lanes.front().observer) {
    return;
  }
  model::Execution execution{std::move(outcome), slot->name, start_steps, std::move(logs)};
  execution.steps.cold = true;
  slot->running = 0;
  remove(*slot);
  const auto observer = std::exchange(slot->lanes.front().observer, nullptr);
  observer->done(std::move(execution), std::nullopt);
}

void Worker::finished(const std::string& instance, FinishedCall&& call) {
  Slot* slot = find(instance);
  if (slot == nullptr || !slot->lanes[call.slot].observer) {
    return;
  }
  if (!call.started) {
    not_started(*slot, call);
    return;
  }
  // The first call of an instance is in its first lane, and is the only one that was cold.
  model::ExecutionSteps steps =
      call.slot == 0 ? std::exchange(slot->start_steps, {}) : model::ExecutionSteps();
  model::Execution execution{std::move(call.outcome), slot->name, steps, std::move(call.logs)};
  execution.steps.run_us = call.run_us;
  execution.steps.handler_us = call.handler_us;
  Lane& lane = slot->lanes[call.slot];
  const auto observer = std::exchange(lane.observer, nullptr);
  slot->last_used = loop_.now();
  slot->last_run = std::chrono::microseconds(call.run_us);
  --slot->running;
  slot->retired = slot->retired || !call.reusable;

  std::optional<model::Allocation> lease;
  if (!slot->retired && !draining_ && slot->state == ReservationState::kRunning) {
    lease = next_lease(*slot, call.slot);
  } else if (slot->running == 0) {
    remove(*slot);
  } else {
    messaging_.withdraw(slot->version->id, slot->name);
  }
  // Last: the observer may come back with the next execution at once.
  observer->done(std::move(execution), std::move(lease));
}

// A call has ended, and its instance may have another. Nothing while calls stand behind it.
std::optional<model::Allocation> Worker::next_lease(Slot& slot, std::uint32_t lane) {
  const bool one_at_a_time = slot.version->concurrency == 1;
  if (slot.running == 0) {
    move(slot, ReservationEvent::kFinished);
    arm_expiry();
    check_demands_soon();
  } else if (one_at_a_time) {
    return std::nullopt;
  }
  const std::uint32_t offered = one_at_a_time ? 0 : lane;
  if (const auto waiting = distant_for(slot.version->id, kPatience); waiting != demands_.end()) {
    hand_over(waiting, slot, offered);
    return std::nullopt;
  }
  if (wanted_elsewhere(slot.version->id, kPatience)) {
    to_whoever_waits(slot, offered);
    return std::nullopt;
  }
  set_leased(slot, offered, true);
  return allocation_of(slot, offered);
}

void Worker::ended(const std::string& instance) {
  const auto found = slots_.find(instance);
  if (found == slots_.end()) {
    return;
  }
  if (found->second.version) {
    messaging_.withdraw(found->second.version->id, instance);  // it may have ended by itself
  }
  std::vector<std::shared_ptr<model::ExecutionObserver>> observers;
  for (Lane& lane : found->second.lanes) {
    if (lane.observer) {
      observers.push_back(std::move(lane.observer));
    }
  }
  provisioned_ended(found->second, "it has ended");
  // The instance is in the middle of telling us: it goes when that has returned.
  std::shared_ptr<Instance> dying = std::move(found->second.instance);
  loop_.post([dying] {});
  slots_.erase(found);
  for (const auto& observer : observers) {
    model::Execution execution{{model::OutcomeKind::kExited, {}, {}}, instance, {}, {}};
    observer->done(std::move(execution), std::nullopt);
  }
  memory_came_free();
  finish_drain_if_empty();
}

void Worker::release(const model::Allocation& lease, model::ReleaseKind kind) {
  Slot* slot = find(lease.instance);
  if (slot == nullptr || lease.slot >= slot->lanes.size() || slot->lanes[lease.slot].epoch != lease.epoch) {
    return;
  }
  slot->lanes[lease.slot].epoch += kind == model::ReleaseKind::kLost ? 1U : 0U;
  const bool was_leased = slot->lanes[lease.slot].leased;
  slot->lent = false;
  set_leased(*slot, lease.slot, false);
  if (slot->state == ReservationState::kRunning ||
      slot->state == ReservationState::kResuming) {  // for other calls
    slot->retired = slot->retired || kind == model::ReleaseKind::kRemove;
    if (!slot->retired && !draining_) {
      announce_warm(*slot, lease.slot);
    }
    return;
  }
  const bool warm = slot->state == ReservationState::kLeased || slot->state == ReservationState::kIdle;
  if (warm && (kind == model::ReleaseKind::kRemove || draining_)) {
    remove(*slot);
    return;
  }
  if (slot->state == ReservationState::kLeased && slot->leased == 0 && was_leased) {
    move(*slot, ReservationEvent::kReleased);
  }
  if (warm) {  // also when it was taken from the stack and is given back unused
    announce_warm(*slot, lease.slot);
  } else if (slot->state == ReservationState::kCold) {
    messaging_.announce_cold(allocation_of(*slot));
  }
}

void Worker::remove(Slot& slot) {
  if (slot.state == ReservationState::kRemoving) {
    return;
  }
  const bool announced = slot.state == ReservationState::kIdle || slot.lanes.size() > 1;
  move(slot, ReservationEvent::kStopped);
  if (announced) {
    messaging_.withdraw(slot.version->id, slot.name);
  }
  slot.instance->stop();
}

void Worker::on_version_dropped(const model::VersionId& version) {
  stop_expecting(version);
  provisions_.drop(version);
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

void Worker::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  demands_.clear();
  stop_expecting();
  provisions_.clear();
  std::erase_if(slots_, [this](const auto& entry) {
    const Slot& slot = entry.second;
    if (slot.state == ReservationState::kCold) {
      messaging_.withdraw({}, slot.name);
      return true;
    }
    return false;
  });
  for (auto& [name, slot] : slots_) {
    if (slot.state == ReservationState::kIdle || slot.state == ReservationState::kLeased ||
        slot.state == ReservationState::kPrestarted || slot.ahead) {
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

}  // namespace hearth::worker
