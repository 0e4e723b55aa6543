#include "cli/scaler_policy.h"

#include <algorithm>
#include <tuple>

namespace hearth::cli {
namespace {

constexpr unsigned kMostDoublings = 4;

bool is_starved(const CapacityInfo& capacity) {
  return capacity.memory_waited_mb > 0 && capacity.memory_waited_mb > capacity.memory_free_mb;
}

}  // namespace

std::uint64_t ScalerPolicy::wanted(const CapacityInfo& capacity) const {
  std::uint64_t wanted = capacity.workers_needed + options_.margin;
  if (capacity.workers_needed > capacity.workers) {
    wanted = capacity.workers_needed;
  } else if (is_starved(capacity)) {
    wanted = capacity.workers + 1;
  } else if (capacity.memory_waited_mb > 0) {
    wanted = capacity.workers;  // there is room for them, and none to give away
  } else {
    wanted = std::min(wanted, capacity.workers);  // a margin alone is no reason to grow
  }
  return std::clamp(wanted, options_.min, options_.max);
}

ScalerDecision ScalerPolicy::decide(const CapacityInfo& capacity, base::TimePoint now) {
  ScalerDecision decision{ScalerAction::kNone, capacity.workers, wanted(capacity)};
  const bool above = decision.wanted > capacity.workers;
  const bool below = decision.wanted < capacity.workers;
  above_since_ = above ? std::optional(above_since_.value_or(now)) : std::nullopt;
  below_since_ = below ? std::optional(below_since_.value_or(now)) : std::nullopt;
  if (now < cool_until_) {
    return decision;
  }
  if (above && now - *above_since_ >= options_.up_after) {
    decision.action = ScalerAction::kUp;
  } else if (below && now - *below_since_ >= options_.down_after && capacity.workers_draining == 0) {
    decision.action = ScalerAction::kDown;
  }
  return decision;
}

void ScalerPolicy::unknown() {
  above_since_.reset();
  below_since_.reset();
}

void ScalerPolicy::tried(bool worked, base::TimePoint now) {
  failures_ = worked ? 0 : std::min(failures_ + 1, kMostDoublings);
  cool_until_ = now + options_.cool_down * (1U << failures_);
  above_since_.reset();
  // That fewer are needed stays so while one after the other goes.
}

const WorkerInfo* least_busy(const std::vector<WorkerInfo>& workers) {
  const auto order = [](const WorkerInfo& worker) {
    return std::tuple(worker.state != "serving", worker.role != "worker", worker.memory_busy_mb,
                      worker.instance_count());
  };
  const auto least = std::ranges::min_element(
      workers, [&order](const WorkerInfo& a, const WorkerInfo& b) { return order(a) < order(b); });
  return least == workers.end() || least->state != "serving" ? nullptr : &*least;
}

}  // namespace hearth::cli
