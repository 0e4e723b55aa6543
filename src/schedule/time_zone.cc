#include "schedule/time_zone.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace hearth::schedule {
namespace {

int year_of(std::int64_t unix_s) {
  const auto day =
      std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(unix_s)));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

// Those of three years: no moment in the middle one is without a neighbour on each side.
std::array<OffsetChange, 6> changes_around(const YearlyRule& rule, std::int64_t unix_s) {
  std::array<OffsetChange, 6> changes{};
  const int year = year_of(unix_s);
  for (int i = 0; i < 3; ++i) {
    const auto of_year = rule.changes_of(year - 1 + i);
    std::ranges::copy(of_year, changes.begin() + 2 * i);
  }
  std::ranges::stable_sort(changes, {}, &OffsetChange::at_s);
  return changes;
}

// The first change after it.
template <typename Changes>
auto after(const Changes& changes, std::int64_t unix_s) {
  return std::ranges::upper_bound(changes, unix_s, {}, &OffsetChange::at_s);
}

}  // namespace

// Whether the rule says what holds then.
bool TimeZone::ruled(std::int64_t unix_s) const {
  return rule_ && (changes_.empty() || unix_s >= changes_.back().at_s);
}

std::int32_t TimeZone::offset_at(std::int64_t unix_s) const {
  unix_s = std::clamp(unix_s, kEarliest_s, kLatest_s);
  if (!ruled(unix_s)) {
    const auto next = after(changes_, unix_s);
    return next == changes_.begin() ? first_offset_s_ : std::prev(next)->offset_s;
  }
  if (!rule_->has_summer_time()) {
    return rule_->standard_offset_s();
  }
  const auto changes = changes_around(*rule_, unix_s);
  return std::prev(after(changes, unix_s))->offset_s;
}

Period TimeZone::period_at(std::int64_t unix_s) const {
  unix_s = std::clamp(unix_s, kEarliest_s, kLatest_s);
  Period period{kEarliest_s, kLatest_s + 1, offset_at(unix_s), 0};
  const auto next = after(changes_, unix_s);
  if (next != changes_.begin()) {
    period.begin_s = std::max(period.begin_s, std::prev(next)->at_s);
  }
  if (next != changes_.end()) {
    period.end_s = std::min(period.end_s, next->at_s);
  }
  if (ruled(unix_s) && rule_->has_summer_time()) {
    const auto changes = changes_around(*rule_, unix_s);
    const auto following = after(changes, unix_s);
    period.begin_s = std::max(period.begin_s, std::prev(following)->at_s);
    period.end_s = std::min(period.end_s, following->at_s);
  }
  period.offset_before_s = period.begin_s > kEarliest_s ? offset_at(period.begin_s - 1) : period.offset_s;
  return period;
}

}  // namespace hearth::schedule
