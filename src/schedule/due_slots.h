// Which slots of a schedule are executed now, and which were missed: the policies for missed slots. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "model/schedule.h"
#include "schedule/timing.h"

namespace hearth::schedule {

// Slots of one schedule that are executed in one step, so that one that has missed many holds nobody up.
inline constexpr std::size_t kMostSlotsAtOnce = 20;
// Slots that are looked at in one step: what is beyond is decided in the next.
inline constexpr std::size_t kMostSlotsLooked = 50'000;

struct DueSlots {
  std::uint64_t missed = 0;         // not to be executed: all of them are before the first of `slots`
  std::vector<std::int64_t> slots;  // to be executed, in their order
  std::int64_t next_ms = 0;         // the first one of which nothing is decided by this; 0: there is none

  bool operator==(const DueSlots&) const = default;
};

// A slot that is older than `grace` was missed. Of a schedule that has a slot at `next_ms`.
DueSlots due_slots(const Timing& timing, model::MissedSlots policy, std::int64_t next_ms, std::int64_t now_ms,
                   std::chrono::milliseconds grace);

// The schedule that a change by a user makes: `before`, unless that is null, with another setting. Its slots
// and what became of them stay where its timing stays. kInvalidArgument.
base::Result<model::Schedule> with_setting(const model::Schedule* before, model::ScheduleSetting setting,
                                           TimeZones& zones, std::int64_t now_ms);

}  // namespace hearth::schedule
