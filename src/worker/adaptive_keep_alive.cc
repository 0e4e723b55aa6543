#include "worker/adaptive_keep_alive.h"

#include <algorithm>
#include <span>

namespace hearth::worker {

AdaptiveKeepAlive::AdaptiveKeepAlive(const KeepAliveOptions& options)
    : time_(options.time),
      longest_(std::max(options.longest, options.time)),
      least_(std::min<base::Duration>(options.time, kBurst)) {}

AdaptiveKeepAlive::Known& AdaptiveKeepAlive::known_of(const model::FunctionId& function,
                                                      base::TimePoint now) {
  if (const auto found = by_function_.find(function); found != by_function_.end()) {
    known_.splice(known_.begin(), known_, found->second);
    return known_.front();
  }
  if (known_.size() == kMostFunctions) {
    by_function_.erase(known_.back().function);
    known_.pop_back();
  }
  known_.push_front({function, now, now, {}, 0});
  by_function_.emplace(known_.front().function, known_.begin());
  return known_.front();
}

void AdaptiveKeepAlive::called(const model::FunctionId& function, base::TimePoint now) {
  Known& known = known_of(function, now);
  if (now - known.last_call >= kBurst) {
    known.times[known.bursts_before % kTimesRemembered] = now - known.burst_began;
    ++known.bursts_before;
    known.burst_began = now;
  }
  known.last_call = now;
}

std::optional<PreWarm> AdaptiveKeepAlive::expected(const Known& known) const {
  if (known.bursts_before < kTimesToExpect) {
    return std::nullopt;
  }
  const auto count = std::min<std::uint64_t>(known.bursts_before, kTimesRemembered);
  const auto [shortest, longest] = std::ranges::minmax(std::span(known.times).first(count));
  if (longest - shortest > kSpread + shortest / kSpreadPart) {
    return std::nullopt;
  }
  const PreWarm window{known.burst_began + shortest - shortest / kMarginPart - kMargin,
                       known.burst_began + longest + longest / kMarginPart + kMargin};
  return window.until - window.at <= longest_ ? std::optional(window) : std::nullopt;
}

KeepAlivePlan AdaptiveKeepAlive::plan(const model::FunctionId& function, base::TimePoint idle_since) const {
  const auto found = by_function_.find(function);
  if (found == by_function_.end() || found->second->bursts_before == 0) {
    return {idle_since + time_, std::nullopt};
  }
  const auto window = expected(*found->second);
  if (window && window->at - idle_since >= kWorthRemoving) {
    return {idle_since + least_, window};
  }
  return {idle_since + longest_, std::nullopt};
}

}  // namespace hearth::worker
