// The bar of the adaptive keep-alive, on the sample of the Azure trace.
#include <functional>
#include <iostream>
#include <string>

#include "sim/testing/sample_trace.h"
#include "sim/trace_simulation.h"

namespace hearth::sim {
namespace {

constexpr double kBar =
    0.4;  // of the fixed policy's cold starts, first calls left out, at no more warm minutes

class KeepAliveBar : public SampleTrace {
 protected:
  // Of cold starts and warm minutes, adaptive to fixed.
  struct Ratios {
    double cold = 0;
    double warm = 0;
  };
  static Ratios ratios(const trace::Trace& trace, Arrivals arrivals = Arrivals::kOnce) {
    TraceSettings settings = TraceSettings::defaults();
    settings.arrivals = arrivals;
    const TraceReport report = simulate_trace(settings, trace, [](const Progress&) { return true; });
    const PolicyReport& fixed = report.policies.at(0);
    const PolicyReport& adaptive = report.policies.at(1);
    const Ratios found{
        static_cast<double>(report.cold_again(adaptive)) / static_cast<double>(report.cold_again(fixed)),
        adaptive.warm_minutes / fixed.warm_minutes};
    std::cout << "cold starts " << report.cold_again(fixed) << " and " << report.cold_again(adaptive)
              << ", warm minutes a function " << report.warm_minutes_a_function(fixed) << " and "
              << report.warm_minutes_a_function(adaptive) << ": ratios " << found.cold << " and "
              << found.warm << '\n';
    return found;
  }
  void expect_bar(const trace::Trace& trace) {
    const Ratios found = ratios(trace);
    EXPECT_LE(found.cold, kBar);
    EXPECT_LE(found.warm, 1);
  }
  trace::Trace functions_where(const std::function<bool(std::size_t)>& wanted) const {
    trace::Trace part{trace_.first_minute, trace_.minutes, {}};
    for (std::size_t i = 0; i < trace_.functions.size(); ++i) {
      if (wanted(i)) {
        part.functions.push_back(trace_.functions[i]);
      }
    }
    return part;
  }
  trace::Trace minutes_from(std::uint32_t first, std::uint32_t count) const {
    trace::Trace part{trace_.first_minute + first, count, trace_.functions};
    for (trace::TracedFunction& function : part.functions) {
      std::erase_if(function.calls, [&](const trace::MinuteCalls& each) {
        return each.minute < first || each.minute >= first + count;
      });
      for (trace::MinuteCalls& each : function.calls) {
        each.minute -= first;
      }
    }
    return part;
  }
};

TEST_F(KeepAliveBar, HoldsOnTheWholeTrace) { expect_bar(trace_); }

// So that it is not the policy of one sample.
TEST_F(KeepAliveBar, HoldsOnHalfOfTheFunctions) {
  expect_bar(functions_where([](std::size_t i) { return i % 2 == 0; }));
  expect_bar(functions_where([](std::size_t i) { return i % 2 == 1; }));
}

TEST_F(KeepAliveBar, HoldsOnHalfOfTheTime) {
  expect_bar(minutes_from(0, trace_.minutes / 2));
  expect_bar(minutes_from(trace_.minutes / 2, trace_.minutes / 2));
}

// With every call, and the time that each takes, some need a further instance at the same time: the policy
// leaves that to the fixed time, and some of these starts no keep-alive can spare.
TEST_F(KeepAliveBar, IsBetterThanFixedWithEveryCall) {
  for (const auto arrivals : {Arrivals::kTimers, Arrivals::kUniform}) {
    const Ratios found = ratios(trace_, arrivals);
    EXPECT_LT(found.cold, 0.8);
    EXPECT_LE(found.warm, 1);
  }
}

}  // namespace
}  // namespace hearth::sim
