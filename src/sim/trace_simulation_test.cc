// Traces on the virtual clock: small ones whose figures are known, and what the policies make of them.
#include "sim/trace_simulation.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace hearth::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;
using trace::Trace;

trace::TracedFunction called(const std::string& trigger, const std::vector<std::uint32_t>& at_minutes,
                             std::uint32_t times = 1) {
  trace::TracedFunction function{"o", "a", "f", trigger, {}, std::nullopt, std::nullopt};
  for (const std::uint32_t minute : at_minutes) {
    function.calls.push_back({minute, times});
  }
  return function;
}

trace::TracedFunction timer(std::uint32_t period, std::uint32_t minutes_in_all) {
  std::vector<std::uint32_t> at;
  for (std::uint32_t minute = 0; minute < minutes_in_all; minute += period) {
    at.push_back(minute);
  }
  return called("timer", at);
}

TraceReport run(const Trace& trace, Arrivals arrivals, std::uint32_t memory_mb = 0) {
  TraceSettings settings = TraceSettings::defaults();
  settings.arrivals = arrivals;
  if (memory_mb > 0) {
    settings.platform.memory_mb = memory_mb;
  }
  TraceReport report = simulate_trace(settings, trace, [](const Progress&) { return true; });
  for (const PolicyReport& policy : report.policies) {
    EXPECT_TRUE(policy.ledgers_exact);
  }
  return report;
}

TEST(TraceSimulation, CountsColdStartsAndWarmMinutesOfTheFixedPolicy) {
  // Warm after 10 minutes and after 15, not after 16.
  const Trace trace{480, 100, {called("http", {0, 10, 25, 41}), called("http", {})}};
  const TraceReport report = run(trace, Arrivals::kOnce);
  EXPECT_EQ(report.functions_called, 1U);
  const PolicyReport& fixed = report.policies.at(0);
  EXPECT_EQ(fixed.calls, 4U);
  EXPECT_EQ(fixed.cold, 2U);
  EXPECT_EQ(report.cold_again(fixed), 1U);
  EXPECT_NEAR(fixed.warm_minutes, 25 + 15 + 15, 0.1);
  EXPECT_NEAR(report.warm_minutes_a_function(fixed), 55 / 2.0, 0.1);
  EXPECT_NEAR(fixed.memory_gb_hours, 128.0 / 1'024 * 55 / 60, 0.01);
  EXPECT_EQ(fixed.prewarmed, 0U);
}

TEST(TraceSimulation, TheAdaptivePolicyIsThereBeforeATimer) {
  const Trace trace{0, 480, {timer(30, 480)}};
  const TraceReport report = run(trace, Arrivals::kOnce);
  EXPECT_EQ(report.cold_again(report.policies.at(0)), 15U);
  const PolicyReport& adaptive = report.policies.at(1);
  EXPECT_EQ(report.cold_again(adaptive), 1U) << "of the second nobody knows that it comes";
  EXPECT_EQ(adaptive.prewarmed, 13U);
  EXPECT_LT(adaptive.warm_minutes, 0.6 * report.policies.at(0).warm_minutes);
}

TEST(TraceSimulation, BothPoliciesGetTheSameCalls) {
  const Trace trace{0, 60, {called("http", {1, 5, 9, 30}, 40), timer(5, 60)}};
  for (const auto arrivals : {Arrivals::kTimers, Arrivals::kUniform, Arrivals::kOnce}) {
    const TraceReport report = run(trace, arrivals);
    ASSERT_EQ(report.policies.size(), 2U);
    EXPECT_EQ(report.policies[0].calls, arrivals == Arrivals::kOnce ? 16U : 172U);
    EXPECT_EQ(report.policies[0].calls, report.policies[1].calls);
    EXPECT_EQ(report.policies[0].rejected, 0U);
  }
}

TEST(TraceSimulation, TheSameSeedGivesTheSameReport) {
  const Trace trace{0, 60, {called("http", {1, 5, 9, 30}, 40), timer(5, 60)}};
  EXPECT_EQ(to_json(run(trace, Arrivals::kUniform)), to_json(run(trace, Arrivals::kUniform)));
  EXPECT_EQ(to_text(run(trace, Arrivals::kTimers)), to_text(run(trace, Arrivals::kTimers)));
}

TEST(TraceSimulation, WhereMemoryIsShortOneGivesWayToAnotherAndNobodyForWhatIsOnlyExpected) {
  Trace trace{0, 240, {}};
  for (int i = 0; i < 12; ++i) {
    trace.functions.push_back(timer(20, 240));
  }
  const TraceReport report = run(trace, Arrivals::kOnce, 1'024);
  EXPECT_GT(report.policies[0].evicted, 0U);
  EXPECT_EQ(report.policies[0].rejected + report.policies[1].rejected, 0U);
  EXPECT_LT(report.policies[1].cold, report.policies[0].cold);
}

TEST(TraceSimulation, IsEndedByItsProgress) {
  const Trace trace{0, 60, {timer(5, 60)}};
  const TraceReport report = simulate_trace(
      TraceSettings::defaults(), trace, [](const Progress& progress) { return progress.second < 90 * 60; });
  EXPECT_EQ(report.policies.size(), 1U) << "the second policy did not come to its end";
}

TEST(TraceLoad, TimersCallEvenlyAtTheSamePlaceOfEveryMinute) {
  const auto function = called("timer", {0, 7}, 4);
  TraceCalls calls(function, Arrivals::kTimers, shares_of(Dice(3)));
  std::vector<microseconds> times;
  while (const auto next = calls.next()) {
    times.push_back(*next);
  }
  ASSERT_EQ(times.size(), 8U);
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(times[i] - times[0], i * microseconds(15'000'000));
  }
  EXPECT_EQ(times[4] - times[0], minutes(7));
}

TEST(TraceLoad, OthersCallAtAnyTimeOfTheirMinute) {
  constexpr std::uint32_t kCalls = 20'000;
  const auto function = called("http", {3}, kCalls);
  TraceCalls calls(function, Arrivals::kTimers, shares_of(Dice(3)));
  microseconds before = minutes(3);
  std::map<std::int64_t, std::uint32_t> of_ten_seconds;
  std::uint32_t count = 0;
  for (auto next = calls.next(); next; next = calls.next(), ++count) {
    ASSERT_GE(*next, before);
    ASSERT_LE(*next, minutes(4));
    before = *next;
    ++of_ten_seconds[(*next - minutes(3)) / std::chrono::seconds(10)];
  }
  EXPECT_EQ(count, kCalls);
  for (const auto& [part, calls_of_part] : of_ten_seconds) {
    EXPECT_NEAR(calls_of_part, kCalls / 6.0, 200);
  }
}

TEST(TraceLoad, MemoryIsTheSmallestSizeThatHoldsWhatWasTakenAtMost) {
  const auto memory = [](double most_mb) {
    auto function = called("http", {0});
    function.memory = trace::MemoryUse{most_mb / 2, most_mb};
    return told_function(function, Arrivals::kTimers).memory_mb;
  };
  EXPECT_EQ(memory(10), 128U);
  EXPECT_EQ(memory(128), 128U);
  EXPECT_EQ(memory(128.1), 256U);
  EXPECT_EQ(memory(600), 1'024U);
  EXPECT_EQ(memory(5'000), 1'024U);
  EXPECT_EQ(told_function(called("http", {0}), Arrivals::kTimers).memory_mb, kUnknownMemoryMb);
}

TEST(TraceLoad, CallsRunAsThePercentilesSay) {
  auto function = called("http", {0});
  function.runs = trace::RunTimes{0, {10, 20, 100, 200, 300, 1'000, 4'000'000}};
  const Functions functions({told_function(function, Arrivals::kTimers)});
  Dice dice(4);
  std::map<int, int> upto;
  constexpr int kCalls = 100'000;
  for (int i = 0; i < kCalls; ++i) {
    const auto run = functions.run(0, dice);
    ASSERT_GE(run, microseconds(10'000));
    ASSERT_LE(run, kLongestRun);
    for (const int ms : {20, 100, 200, 300, 1'000}) {
      upto[ms] += run <= std::chrono::milliseconds(ms) ? 1 : 0;
    }
  }
  EXPECT_NEAR(upto[20], 0.01 * kCalls, 200);
  EXPECT_NEAR(upto[100], 0.25 * kCalls, 600);
  EXPECT_NEAR(upto[200], 0.5 * kCalls, 600);
  EXPECT_NEAR(upto[300], 0.75 * kCalls, 600);
  EXPECT_NEAR(upto[1'000], 0.99 * kCalls, 200);
}

}  // namespace
}  // namespace hearth::sim
