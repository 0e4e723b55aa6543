// What the clocks of a place show: a list of changes of their distance from UTC, and a rule for the years
// after it. Pure values, immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "schedule/yearly_rule.h"

namespace hearth::schedule {

// A time in which local time is always so far ahead of UTC. Seconds of Unix time.
struct Period {
  std::int64_t begin_s = 0;
  std::int64_t end_s = 0;  // not in it any more
  std::int32_t offset_s = 0;
  std::int32_t offset_before_s = 0;  // just before it began

  bool operator==(const Period&) const = default;
};

// Times outside of these years are taken for their ends.
inline constexpr std::int64_t kEarliest_s = -62'135'596'800;  // the year 1
inline constexpr std::int64_t kLatest_s = 253'402'300'799;    // the end of the year 9999

class TimeZone {
 public:
  // UTC.
  TimeZone() = default;
  // `changes` in their order. Without a rule the last one is for ever.
  TimeZone(std::int32_t first_offset_s, std::vector<OffsetChange> changes, std::optional<YearlyRule> rule)
      : first_offset_s_(first_offset_s), changes_(std::move(changes)), rule_(std::move(rule)) {}

  // The one that has this moment. One search in the list.
  Period period_at(std::int64_t unix_s) const;
  std::int32_t offset_at(std::int64_t unix_s) const;

  bool operator==(const TimeZone&) const = default;

 private:
  bool ruled(std::int64_t unix_s) const;

  std::int32_t first_offset_s_ = 0;
  std::vector<OffsetChange> changes_;
  std::optional<YearlyRule> rule_;
};

// From the bytes of a file of the IANA database (TZif, RFC 9636). kCorrupt; kUnsupported: of a form that we
// do not read, such as one that counts leap seconds.
base::Result<TimeZone> parse_time_zone(std::string_view bytes);

}  // namespace hearth::schedule
