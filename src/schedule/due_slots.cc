#include "schedule/due_slots.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace hearth::schedule {
namespace {

using model::MissedSlots;

// The slots until now, of which some are left out at once, so that few are held.
struct Seen {
  std::deque<std::int64_t> slots;
  std::uint64_t left_out = 0;         // before those
  bool any_late = false;              // one was older than the grace
  std::optional<std::int64_t> after;  // the next one, due or not
};

Seen look(const Timing& timing, MissedSlots policy, std::int64_t next_ms, std::int64_t now_ms,
          std::int64_t late_before_ms) {
  Seen seen;
  seen.after = next_ms;
  for (std::size_t looked = 0; looked < kMostSlotsLooked && seen.after && *seen.after <= now_ms; ++looked) {
    const bool late = *seen.after < late_before_ms;
    seen.any_late = seen.any_late || late;
    if (late && policy == MissedSlots::kSkip) {
      ++seen.left_out;
    } else {
      seen.slots.push_back(*seen.after);
    }
    if (policy == MissedSlots::kAll && seen.slots.size() > model::kMostSlotsWaiting) {
      seen.slots.pop_front();
      ++seen.left_out;
    }
    seen.after = timing.next_after(*seen.after);
  }
  return seen;
}

bool same_timing(const model::ScheduleSetting& a, const model::ScheduleSetting& b) {
  return a.cron == b.cron && a.time_zone == b.time_zone && a.every_s == b.every_s;
}

}  // namespace

DueSlots due_slots(const Timing& timing, MissedSlots policy, std::int64_t next_ms, std::int64_t now_ms,
                   std::chrono::milliseconds grace) {
  Seen seen = look(timing, policy, next_ms, now_ms, now_ms - grace.count());
  const bool more = seen.after && *seen.after <= now_ms;  // that were not looked at
  DueSlots due;
  due.missed = seen.left_out;
  due.next_ms = seen.after.value_or(0);
  if (policy == MissedSlots::kAll && more) {
    // Which of them are among the newest is not known yet.
    due.next_ms = seen.slots.front();
    return due;
  }
  if (policy == MissedSlots::kOnce && seen.any_late) {
    const std::size_t executed = more ? 0 : 1;  // the last one of all
    while (seen.slots.size() > executed) {
      seen.slots.pop_front();
      ++due.missed;
    }
  }
  if (seen.slots.size() > kMostSlotsAtOnce) {
    due.next_ms = seen.slots[kMostSlotsAtOnce];
    seen.slots.resize(kMostSlotsAtOnce);
  }
  due.slots.assign(seen.slots.begin(), seen.slots.end());
  return due;
}

base::Result<model::Schedule> with_setting(const model::Schedule* before, model::ScheduleSetting setting,
                                           TimeZones& zones, std::int64_t now_ms) {
  const model::Schedule none;
  const model::Schedule& old = before != nullptr ? *before : none;
  model::Schedule changed = old;
  changed.created_ms = before != nullptr ? old.created_ms : now_ms;
  changed.updated_ms = now_ms;
  const bool same = before != nullptr && same_timing(old.setting, setting);
  changed.anchor_ms = same ? old.anchor_ms : now_ms;
  const auto timing = Timing::make(setting, changed.anchor_ms, zones);
  if (!timing) {
    return timing.error();
  }
  if (!setting.enabled) {
    changed.next_ms = 0;
  } else if (!same || old.next_ms == 0) {
    // No slot that was executed is due again, whoever's clock is behind.
    changed.next_ms = timing->next_after(std::max(now_ms, old.last_slot_ms)).value_or(0);
    if (changed.next_ms == 0) {
      return base::Error{base::ErrorCode::kInvalidArgument, "this schedule has no slot any more"};
    }
  }
  changed.setting = std::move(setting);
  return changed;
}

}  // namespace hearth::schedule
