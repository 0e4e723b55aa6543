// The bar of the overcommit, on the sample of the Azure trace.
#include <iostream>
#include <string>

#include "sim/testing/sample_trace.h"
#include "sim/trace_simulation.h"

namespace hearth::sim {
namespace {

constexpr double kBar = 2;  // times the functions kept warm in the same memory, on average over the trace
constexpr double kOvercommit = 4;
// Where a third of the functions is kept warm that are where nobody is evicted: with every call and its run
// time; and with one call a minute that takes no time.
constexpr std::uint32_t kThirdMb = 6'656;
constexpr std::uint32_t kThirdOnceMb = 3'072;

class OvercommitBar : public SampleTrace {
 protected:
  TraceReport play(Arrivals arrivals, std::uint32_t memory_mb, std::uint64_t seed) const {
    TraceSettings settings = TraceSettings::defaults();
    settings.policies = {worker::KeepAliveKind::kFixed};
    settings.overcommits = {1, kOvercommit};
    settings.arrivals = arrivals;
    settings.platform.memory_mb = memory_mb;
    settings.platform.seed = seed;
    return simulate_trace(settings, trace_, [](const Progress&) { return true; });
  }

  void expect_bar(Arrivals arrivals, std::uint32_t memory_mb, std::uint64_t seed) const {
    const TraceReport report = play(arrivals, memory_mb, seed);
    const PolicyReport& without = report.policies.at(0);
    const PolicyReport& with = report.policies.at(1);
    const double ratio = with.warm_functions / without.warm_functions;
    std::cout << to_string(arrivals) << ", " << memory_mb << " MB, seed " << seed << ": functions warm "
              << without.warm_functions << " and " << with.warm_functions << ", ratio " << ratio
              << "; cold starts " << without.cold << " and " << with.cold << ", 503 " << without.rejected
              << " and " << with.rejected << '\n';
    EXPECT_GE(ratio, kBar);
    EXPECT_LT(with.cold, 0.6 * static_cast<double>(without.cold));
    for (const PolicyReport& each : report.policies) {
      EXPECT_EQ(each.killed, 0U) << "nothing that runs makes way";
      EXPECT_EQ(each.unanswered, 0U);
      EXPECT_TRUE(each.ledgers_exact);
    }
  }
};

TEST_F(OvercommitBar, HoldsWithEveryCallAndTheTimeThatItTakes) {
  for (const auto arrivals : {Arrivals::kTimers, Arrivals::kUniform}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      expect_bar(arrivals, kThirdMb, seed);
    }
  }
}

TEST_F(OvercommitBar, HoldsWhereCallsTakeNoTime) { expect_bar(Arrivals::kOnce, kThirdOnceMb, 1); }

}  // namespace
}  // namespace hearth::sim
