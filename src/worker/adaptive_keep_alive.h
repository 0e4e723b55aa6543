// The keep-alive that learns from the times between a function's calls.
//
// - Called once: kept for --keep-alive, as with the fixed policy.
// - Called again: kept for --keep-alive-longest, unless
// - its calls come at regular times, as a timer's do: then it is removed soon after each call, started again
//   shortly before the next is expected, and kept until shortly after that.
//
// Calls less than a minute apart are one burst, and times are taken from the beginning of one burst to that
// of the next. Why these rules and figures: docs/decisions/2026-11-27-keep-alive-by-regular-times.md. Pure;
// loop thread only.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <string_view>
#include <unordered_map>

#include "worker/keep_alive.h"

namespace hearth::worker {

class AdaptiveKeepAlive final : public KeepAlivePolicy {
 public:
  static constexpr std::size_t kTimesRemembered = 16;  // the latest, of each function
  static constexpr std::size_t kTimesToExpect = 3;     // fewer say nothing about the next
  static constexpr std::chrono::minutes kBurst{1};
  // Times are regular when they differ by so much at most, and a tenth of the shortest.
  static constexpr std::chrono::minutes kSpread{2};
  static constexpr int kSpreadPart = 10;
  // The next call is expected from so long before the shortest of them to so long after the longest, and a
  // twentieth of each.
  static constexpr std::chrono::seconds kMargin{45};
  static constexpr int kMarginPart = 20;
  // Whoever is expected sooner than this after a call is kept: a start costs more than that saves.
  static constexpr std::chrono::minutes kWorthRemoving{3};
  // Functions that are remembered; whose last call is longest ago is forgotten. Some 250 bytes each.
  static constexpr std::size_t kMostFunctions = 16'384;

  explicit AdaptiveKeepAlive(const KeepAliveOptions& options);
  AdaptiveKeepAlive(const AdaptiveKeepAlive&) = delete;
  AdaptiveKeepAlive& operator=(const AdaptiveKeepAlive&) = delete;
  ~AdaptiveKeepAlive() override = default;

  base::Duration least() const override { return least_; }
  bool learns() const override { return true; }
  void called(const model::FunctionId& function, base::TimePoint now) override;
  KeepAlivePlan plan(const model::FunctionId& function, base::TimePoint idle_since) const override;

  std::size_t functions_remembered() const { return known_.size(); }

 private:
  struct Known {
    model::FunctionId function;
    base::TimePoint burst_began{};
    base::TimePoint last_call{};
    std::array<base::Duration, kTimesRemembered> times{};  // from burst to burst, a ring
    std::uint64_t bursts_before = 0;                       // how many times there have been
  };

  Known& known_of(const model::FunctionId& function, base::TimePoint now);
  std::optional<PreWarm> expected(const Known& known) const;

  const base::Duration time_;
  const base::Duration longest_;
  const base::Duration least_;
  std::list<Known> known_;  // the last called first
  std::unordered_map<std::string_view, std::list<Known>::iterator> by_function_;
};

}  // namespace hearth::worker
