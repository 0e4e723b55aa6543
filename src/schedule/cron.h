// Cron expressions: five fields, "minute hour day-of-month month day-of-week", or a word such as @daily.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace hearth::schedule {

// Which minutes of a local clock an expression means. Bit N is the number N.
struct Cron {
  std::uint64_t minutes = 0;   // 0 to 59
  std::uint32_t hours = 0;     // 0 to 23
  std::uint32_t days = 0;      // 1 to 31
  std::uint32_t months = 0;    // 1 to 12
  std::uint32_t weekdays = 0;  // 0 to 6, Sunday first
  // Neither day field begins with '*': a day needs to be in one of the two. Else it is in both.
  bool either_day = false;

  // Every hour of the day matches.
  bool any_hour() const { return hours == (1U << 24U) - 1; }

  bool operator==(const Cron&) const = default;
};

// kInvalidArgument names the field and what is wrong with it, also where no day of any year matches.
base::Result<Cron> parse_cron(std::string_view text);

// Any day that can match comes within so many years of any other: 29 February is a given weekday every 40
// years at worst.
inline constexpr int kYearsAhead = 41;

// The first minute that matches, from `local_s` on: seconds of a local clock, counted as if it were UTC's.
// Nothing when none does within kYearsAhead. A few thousand steps at most.
std::optional<std::int64_t> next_match(const Cron& cron, std::int64_t local_s);

}  // namespace hearth::schedule
