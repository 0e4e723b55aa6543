// The rule that goes on where a time zone's list of changes ends: POSIX's TZ text, such as
// "EST5EDT,M3.2.0,M11.1.0". Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace hearth::schedule {

// From then on local time is so far ahead of UTC.
struct OffsetChange {
  std::int64_t at_s = 0;
  std::int32_t offset_s = 0;

  bool operator==(const OffsetChange&) const = default;
};

class YearlyRule {
 public:
  // kInvalidArgument. RFC 9636, section 3.3.1, with its wider range of hours.
  static base::Result<YearlyRule> parse(std::string_view text);

  // Of a zone without summer time: for ever.
  std::int32_t standard_offset_s() const { return standard_s_; }
  bool has_summer_time() const { return summer_.has_value(); }
  // The two changes of that year, the earlier first; only with summer time.
  std::array<OffsetChange, 2> changes_of(int year) const;

  bool operator==(const YearlyRule&) const = default;

 private:
  friend class RuleReader;

  enum class DayKind { kJulian, kDayOfYear, kWeekday };
  struct Date {
    DayKind kind = DayKind::kWeekday;
    int day = 0;  // kJulian: 1 to 365, never 29 February; kDayOfYear: 0 to 365; kWeekday: 0, Sunday, to 6
    int month = 1;
    int week = 1;  // the 5th is the last
    std::int32_t time_s = 2 * 3'600;

    bool operator==(const Date&) const = default;
  };
  struct Summer {
    std::int32_t offset_s = 0;
    Date begin;
    Date end;

    bool operator==(const Summer&) const = default;
  };

  static std::int64_t local_s(const Date& date, int year);

  std::int32_t standard_s_ = 0;
  std::optional<Summer> summer_;
};

}  // namespace hearth::schedule
