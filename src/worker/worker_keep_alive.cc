// How long idle instances are kept, and instances that are started before a call that is expected.
#include <algorithm>
#include <cassert>
#include <unordered_map>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "worker/worker.h"

namespace hearth::worker {

// What has just become idle is kept for the least time; whoever looks then finds when to look next.
void Worker::arm_expiry() { expire_at(loop_.now() + keep_alive_->least()); }

void Worker::expire_at(base::TimePoint when) {
  if (expiry_timer_ != 0 && expiry_at_ <= when) {
    return;
  }
  loop_.cancel(expiry_timer_);
  expiry_at_ = when;
  expiry_timer_ = loop_.at(when, [this] {
    expiry_timer_ = 0;
    expire();
  });
}

void Worker::expire() {
  const base::TimePoint now = loop_.now();
  std::unordered_map<model::VersionId, std::uint32_t> instances;
  for (const auto& [name, slot] : slots_) {
    if (slot.version && slot.state != ReservationState::kRemoving) {
      ++instances[slot.version->id];
    }
  }
  auto next = base::TimePoint::max();
  for (auto& [name, slot] : slots_) {
    const bool idle = slot.state == ReservationState::kIdle || slot.state == ReservationState::kLeased;
    if (!idle || slot.kept) {
      continue;
    }
    std::uint32_t& of_version = instances[slot.version->id];
    const base::TimePoint due = kept_until(slot, of_version == 1);
    if (due <= now) {
      expect(slot);
      ++expired_;
      --of_version;
      remove(slot);
    } else {
      next = std::min(next, due);
    }
  }
  if (next != base::TimePoint::max()) {
    expire_at(next);
  }
}

// Plans are for one instance of a function. Where calls need several at once, each stays for the fixed time:
// the least used go first, and the one that is left is planned for.
base::TimePoint Worker::kept_until(const Slot& slot, bool only_one) const {
  if (slot.pre_warmed_until) {
    return *slot.pre_warmed_until;
  }
  if (!only_one) {
    return slot.last_used + options_.keep_alive.time;
  }
  const KeepAlivePlan plan = keep_alive_->plan(slot.version->function_id, slot.last_used);
  const bool expected_now = plan.pre_warm && plan.pre_warm->at <= loop_.now();
  return expected_now ? plan.pre_warm->until : plan.keep_until;
}

// The instance is about to be removed, and may have to be there again later.
void Worker::expect(const Slot& slot) {
  const KeepAlivePlan plan = keep_alive_->plan(slot.version->function_id, slot.last_used);
  if (!plan.pre_warm || plan.pre_warm->at <= loop_.now() || expected_.size() >= kMostExpected) {
    return;
  }
  const bool another = std::ranges::any_of(slots_, [&slot](const auto& entry) {
    const Slot& each = entry.second;
    return &each != &slot && each.version && each.version->id == slot.version->id &&
           each.state != ReservationState::kRemoving;
  });
  if (another) {
    return;
  }
  const model::VersionId& version = slot.version->id;
  const auto timer = loop_.at(plan.pre_warm->at, [this, version] { pre_warm_in_turn(version); });
  const auto [expected, added] = expected_.try_emplace(
      version, Expected{slot.version, slot.lanes.front().request.function_name, *plan.pre_warm, timer});
  if (!added) {
    loop_.cancel(std::exchange(expected->second.timer, timer));
    expected->second.window = *plan.pre_warm;
  }
}

void Worker::stop_expecting(const model::VersionId& version) {
  if (const auto found = expected_.find(version); found != expected_.end()) {
    loop_.cancel(found->second.timer);
    expected_.erase(found);
  }
}

void Worker::stop_expecting() {
  for (const auto& [version, expected] : expected_) {
    loop_.cancel(expected.timer);
  }
  expected_.clear();
}

void Worker::pre_warm_in_turn(const model::VersionId& version) {
  const base::TimePoint turn = std::max(loop_.now(), next_pre_warm_);
  next_pre_warm_ = turn + kPreWarmPause;
  if (turn == loop_.now()) {
    pre_warm(version);
  } else {
    expected_.at(version).timer = loop_.at(turn, [this, version] { pre_warm(version); });
  }
}

// Where memory is free: nobody is evicted for it, and callers who wait for memory come first.
void Worker::pre_warm(const model::VersionId& version) {
  const Expected expected = std::move(expected_.extract(version).mapped());
  if (!demands_.empty() || !resuming_.empty() || !make_free(expected.version->memory_mb)) {
    return;
  }
  auto memory = ledger_.reserve(expected.version->memory_mb);
  assert(memory);
  const std::string name = base::make_instance_name(random_);
  Slot& slot = slots_.try_emplace(name, name, std::move(*memory)).first->second;
  slot.ahead = true;
  slot.pre_warmed_until = expected.window.until;
  slot.lanes.front().request.version = expected.version;
  slot.lanes.front().request.function_name = expected.function_name;
  ++prewarmed_;
  assign(slot);
}

// It waits on the warm stack for a call.
void Worker::loaded_ahead(Slot& slot) {
  move(slot, ReservationEvent::kPreWarmed);
  slot.ahead = false;
  if (slot.retired) {
    remove(slot);
    return;
  }
  slot.last_used = loop_.now();
  provision_from_ = slot.kept ? loop_.now() + kProvisionRest : provision_from_;
  const std::uint32_t lanes = slot.version->concurrency;
  slot.lanes.resize(lanes);
  expire_at(slot.pre_warmed_until.value_or(loop_.now() + keep_alive_->least()));
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {  // whoever hears it may execute at once
    announce_warm(slot, lane);
  }
  check_provisions();
  check_prestarts();
}

void Worker::ahead_failed(Slot& slot, const model::Outcome& outcome) {
  if (slot.pre_warmed_until) {
    spdlog::warn("function {}: an instance for a call that is expected could not be started: {}",
                 slot.lanes.front().request.function_name, outcome.error.message);
  }
  provisioned_ended(slot, outcome.error.message);
  remove(slot);
}

}  // namespace hearth::worker
