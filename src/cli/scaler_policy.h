// When workers are added or taken away: hysteresis and a cool-down over what GET /capacity says. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "cli/api_model.h"

namespace hearth::cli {

struct ScalerOptions {
  std::uint64_t min = 1;     // --min
  std::uint64_t max = 10;    // --max
  std::uint64_t margin = 0;  // --margin: workers kept beyond those needed
  base::Duration up_after{std::chrono::seconds(10)};
  base::Duration down_after{std::chrono::minutes(5)};
  base::Duration cool_down{std::chrono::minutes(1)};  // after each command; longer after one that failed
};

enum class ScalerAction { kNone, kUp, kDown };

struct ScalerDecision {
  ScalerAction action = ScalerAction::kNone;
  std::uint64_t workers = 0;
  std::uint64_t wanted = 0;  // within --min and --max

  bool operator==(const ScalerDecision&) const = default;
};

class ScalerPolicy {
 public:
  explicit ScalerPolicy(ScalerOptions options) : options_(options) {}

  // Grows when more workers are needed than there are, or callers wait for more memory than is free, for
  // --up-after; shrinks by one when needed + margin are fewer for --down-after and none is leaving already.
  ScalerDecision decide(const CapacityInfo& capacity, base::TimePoint now);
  // Nobody answered: what was seen before is no reason any more.
  void unknown();
  // What was decided was tried. Each failure in a row doubles the cool-down, up to sixteen times.
  void tried(bool worked, base::TimePoint now);

 private:
  std::uint64_t wanted(const CapacityInfo& capacity) const;

  const ScalerOptions options_;
  std::optional<base::TimePoint> above_since_;
  std::optional<base::TimePoint> below_since_;
  base::TimePoint cool_until_{};
  unsigned failures_ = 0;
};

// The least busy of those that serve: of them the one with the fewest instances; gateways are not taken away
// with it while there are workers alone. Null: none serves.
const WorkerInfo* least_busy(const std::vector<WorkerInfo>& workers);

}  // namespace hearth::cli
