#include "schedule/timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::schedule {
namespace {

constexpr std::int64_t kMinute = 60;

std::int64_t floor_of(std::int64_t value, std::int64_t unit) {
  return value / unit - (value % unit < 0 ? 1 : 0);
}

base::Error wrong(std::string message) { return {base::ErrorCode::kInvalidArgument, std::move(message)}; }

// One search on a local clock, from period to period: what was found in one is good for the next as well,
// unless that begins after it.
class LocalSearch {
 public:
  explicit LocalSearch(const Cron& cron) : cron_(cron) {}

  std::optional<std::int64_t> from(std::int64_t local_s) {
    if (!begun_ || (found_ && *found_ < local_s) || local_s < from_) {
      found_ = next_match(cron_, local_s);
      from_ = local_s;
      begun_ = true;
    }
    return found_;
  }

 private:
  const Cron& cron_;
  bool begun_ = false;
  std::int64_t from_ = 0;
  std::optional<std::int64_t> found_;
};

}  // namespace

base::Result<Timing> Timing::make(const model::ScheduleSetting& setting, std::int64_t anchor_ms,
                                  TimeZones& zones) {
  if (setting.cron.empty() == (setting.every_s == 0)) {
    return wrong("a schedule has a cron expression or a rate, one of the two");
  }
  if (setting.cron.empty()) {
    if (setting.every_s < model::kShortestRate_s || setting.every_s > model::kLongestRate_s) {
      return wrong(
          fmt::format("a rate is every {} to {} seconds", model::kShortestRate_s, model::kLongestRate_s));
    }
    return Timing(anchor_ms, setting.every_s);
  }
  const auto cron = parse_cron(setting.cron);
  if (!cron) {
    return cron.error();
  }
  auto zone = zones.find(setting.time_zone);
  if (!zone) {
    return zone.error();
  }
  return Timing(*cron, std::move(*zone));
}

std::optional<std::int64_t> Timing::next_after(std::int64_t unix_ms) const {
  return std::visit([unix_ms](const auto& when) { return next_after(when, unix_ms); }, when_);
}

std::optional<std::int64_t> Timing::next_after(const Rate& rate, std::int64_t unix_ms) {
  const std::int64_t every_ms = std::int64_t{rate.every_s} * 1'000;
  if (unix_ms < rate.anchor_ms) {
    return rate.anchor_ms + every_ms;
  }
  const std::int64_t next_ms = rate.anchor_ms + ((unix_ms - rate.anchor_ms) / every_ms + 1) * every_ms;
  return next_ms <= kLatest_s * 1'000 ? std::optional(next_ms) : std::nullopt;
}

std::optional<std::int64_t> Timing::next_after(const Clock& clock, std::int64_t unix_ms) {
  const bool times_of_day = !clock.cron.any_hour();
  const std::int64_t first_s = std::clamp(floor_of(unix_ms, 1'000) + 1, kEarliest_s, kLatest_s);
  const std::int64_t last_s = std::min(kLatest_s, first_s + std::int64_t{kYearsAhead} * 366 * 86'400);
  LocalSearch search(clock.cron);
  for (Period period = clock.zone->period_at(first_s); period.begin_s <= last_s;
       period = clock.zone->period_at(period.end_s)) {
    const std::int64_t local_end_before = period.begin_s + period.offset_before_s;
    std::int64_t from_s = std::max(first_s, period.begin_s) + period.offset_s;
    if (times_of_day && period.begin_s >= first_s && period.offset_s > period.offset_before_s) {
      const auto left_out = search.from(local_end_before);
      if (left_out && *left_out < period.begin_s + period.offset_s) {
        return period.begin_s * 1'000;
      }
    }
    if (times_of_day) {
      from_s = std::max(from_s, local_end_before);  // what is before has been shown once already
    }
    const auto found = search.from(from_s);
    if (!found) {
      return std::nullopt;
    }
    if (const std::int64_t slot_s = *found - period.offset_s; slot_s < period.end_s) {
      return slot_s * 1'000;
    }
    if (period.end_s > kLatest_s) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace hearth::schedule
