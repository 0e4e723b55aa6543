#include "worker/prestart_plan.h"

#include <algorithm>
#include <utility>

namespace hearth::worker {
namespace {

std::int64_t second_of(base::TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

// The first second that still counts.
std::int64_t oldest_second(base::TimePoint now) { return second_of(now) - kPrestartMemory.count() + 1; }

}  // namespace

PrestartPlan::PrestartPlan(PrestartOptions options) : options_(std::move(options)) {
  for (const InstanceKind& kind : options_.always) {
    kinds_[kind].always = true;
  }
}

void PrestartPlan::started(const InstanceKind& kind, base::TimePoint now) {
  if (options_.most == 0) {
    return;
  }
  if (kinds_.size() >= kPrestartKinds && !kinds_.contains(kind)) {
    const auto last = [](const auto& entry) {
      return std::pair(entry.second.always,
                       entry.second.seconds.empty() ? 0 : entry.second.seconds.back().number);
    };
    kinds_.erase(std::ranges::min_element(kinds_, {}, last));
  }
  std::vector<Second>& seconds = kinds_[kind].seconds;
  std::erase_if(seconds, [&](const Second& each) { return each.number < oldest_second(now); });
  if (seconds.empty() || seconds.back().number != second_of(now)) {
    seconds.push_back({second_of(now), 0});
  }
  ++seconds.back().starts;
}

// Where all together are more than there may be, what is kept ready comes first, and then the kinds that were
// started last.
PrestartPlan::Counts PrestartPlan::wanted(base::TimePoint now) const {
  std::uint32_t left = options_.most;
  Counts wanted;
  std::vector<std::pair<std::int64_t, InstanceKind>> by_last;
  for (const auto& [kind, past] : kinds_) {
    wanted[kind] = past.always ? std::min(left, options_.ready) : 0;
    left -= wanted[kind];
    by_last.emplace_back(past.seconds.empty() ? 0 : past.seconds.back().number, kind);
  }
  std::ranges::stable_sort(by_last, std::ranges::greater{}, &std::pair<std::int64_t, InstanceKind>::first);
  for (const auto& [last, kind] : by_last) {
    const std::uint32_t most = busiest_second(kinds_.at(kind), now);
    const std::uint32_t more = most > wanted[kind] ? std::min(left, most - wanted[kind]) : 0;
    wanted[kind] += more;
    left -= more;
  }
  return wanted;
}

std::uint32_t PrestartPlan::busiest_second(const Past& past, base::TimePoint now) {
  std::uint32_t most = 0;
  for (const Second& each : past.seconds) {
    most = each.number < oldest_second(now) ? most : std::max(most, each.starts);
  }
  return most;
}

std::optional<InstanceKind> PrestartPlan::lacking(const Counts& there, base::TimePoint now) const {
  for (const auto& [kind, count] : wanted(now)) {
    const auto found = there.find(kind);
    if ((found == there.end() ? 0 : found->second) < count) {
      return kind;
    }
  }
  return std::nullopt;
}

std::optional<InstanceKind> PrestartPlan::excess(const Counts& there, base::TimePoint now) const {
  const Counts counts = wanted(now);
  for (const auto& [kind, count] : there) {
    const auto found = counts.find(kind);
    if (count > (found == counts.end() ? 0 : found->second)) {
      return kind;
    }
  }
  return std::nullopt;
}

base::TimePoint PrestartPlan::changes_at(base::TimePoint now) const {
  auto next = base::TimePoint::max();
  for (const auto& [kind, past] : kinds_) {
    for (const Second& each : past.seconds) {
      if (each.number >= oldest_second(now)) {
        next = std::min(next, base::TimePoint(std::chrono::seconds(each.number) + kPrestartMemory));
        break;
      }
    }
  }
  return next;
}

}  // namespace hearth::worker
