// When the slots of a schedule are: a cron expression on the clocks of a time zone, or a fixed rate. Pure but
// for make().
//
// A cron expression that leaves the hour open (all 24 match) has a slot at each real minute at which the
// local clock shows a minute that matches: those that a clock set forward leaves out are left out, those that
// a clock set back shows twice are there twice. Any other expression means times of day: one that a clock set
// back shows twice counts the first time; those that a clock set forward leaves out count once, together, at
// the first moment after them.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "base/result.h"
#include "model/schedule.h"
#include "schedule/cron.h"
#include "schedule/time_zones.h"

namespace hearth::schedule {

class Timing {
 public:
  // A rate, from an anchor on.
  Timing(std::int64_t anchor_ms, std::uint32_t every_s) : when_(Rate{anchor_ms, every_s}) {}
  Timing(const Cron& cron, TimeZonePtr zone) : when_(Clock{cron, std::move(zone)}) {}

  // kInvalidArgument: no expression, no such zone, a rate out of bounds, or neither or both. May block, for
  // the zone.
  static base::Result<Timing> make(const model::ScheduleSetting& setting, std::int64_t anchor_ms,
                                   TimeZones& zones);

  // The first slot after that moment, both in Unix milliseconds; nothing beyond the year 9999. Some
  // thousand steps at most, a few as a rule.
  std::optional<std::int64_t> next_after(std::int64_t unix_ms) const;

 private:
  struct Rate {
    std::int64_t anchor_ms;
    std::uint32_t every_s;
  };
  struct Clock {
    Cron cron;
    TimeZonePtr zone;
  };

  static std::optional<std::int64_t> next_after(const Rate& rate, std::int64_t unix_ms);
  static std::optional<std::int64_t> next_after(const Clock& clock, std::int64_t unix_ms);

  std::variant<Rate, Clock> when_;
};

}  // namespace hearth::schedule
