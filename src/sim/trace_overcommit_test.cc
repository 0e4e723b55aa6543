// A synthetic load with more memory promised than there is: what is gained, and what happens when all want
// theirs at once. And what the figures are counted by.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/manual_event_loop.h"
#include "sim/trace_simulation.h"
#include "sim/warm_functions.h"

namespace hearth::sim {
namespace {

using std::chrono::seconds;
using trace::Trace;

constexpr std::uint32_t kFunctions = 32;
constexpr std::uint32_t kMinutes = 60;
constexpr std::uint32_t kMemoryMb = 2'048;  // eight of them, or what all use while they stand still

// Each has 256 MB, of which it uses 50 while it stands still, and is called once a minute for `run_ms`.
Trace synthetic(double run_ms) {
  Trace trace{0, kMinutes, {}};
  for (std::uint32_t i = 0; i < kFunctions; ++i) {
    trace::TracedFunction function{"o", "a", std::to_string(i), "timer", {}, std::nullopt, std::nullopt};
    for (std::uint32_t minute = 0; minute < kMinutes; ++minute) {
      function.calls.push_back({minute, 1});
    }
    function.runs = trace::RunTimes{run_ms, {run_ms, run_ms, run_ms, run_ms, run_ms, run_ms, run_ms}};
    function.memory = trace::MemoryUse{49.3, 250};
    trace.functions.push_back(function);
  }
  return trace;
}

TraceReport run(const Trace& trace, const std::vector<double>& overcommits) {
  TraceSettings settings = TraceSettings::defaults();
  settings.policies = {worker::KeepAliveKind::kFixed};
  settings.overcommits = overcommits;
  settings.platform.memory_mb = kMemoryMb;
  TraceReport report = simulate_trace(settings, trace, [](const Progress&) { return true; });
  for (const PolicyReport& each : report.policies) {
    EXPECT_EQ(each.killed, 0U);
    EXPECT_EQ(each.unanswered, 0U);
    EXPECT_TRUE(each.ledgers_exact);
  }
  return report;
}

TEST(TraceOvercommit, WhereTheyStandStillInTurnAllStayWarm) {
  const TraceReport report = run(synthetic(100), {1, 2, 4});
  ASSERT_EQ(report.policies.size(), 3U);
  const PolicyReport& without = report.policies[0];
  EXPECT_LE(without.warm_functions_most, 8U);
  EXPECT_EQ(without.cold, kFunctions * kMinutes) << "each has gone before its next call";
  const PolicyReport& twice = report.policies[1];
  EXPECT_EQ(twice.overcommit, 2);
  EXPECT_LE(twice.warm_functions_most, 16U) << "no more may be promised";
  EXPECT_GT(twice.warm_functions, 1.8 * without.warm_functions);
  const PolicyReport& four_times = report.policies[2];
  EXPECT_GT(four_times.warm_functions, 0.9 * kFunctions);
  EXPECT_LT(four_times.cold, 0.1 * static_cast<double>(without.cold));
}

TEST(TraceOvercommit, WhereAllRunAtOnceItGainsNothingAndNobodyIsKilled) {
  // A minute's work of each, and eight may run.
  const TraceReport report = run(synthetic(55'000), {1, 4});
  const PolicyReport& without = report.policies.at(0);
  const PolicyReport& with = report.policies.at(1);
  EXPECT_GT(without.rejected, kFunctions * kMinutes / 2);
  EXPECT_GT(with.rejected, kFunctions * kMinutes / 2);
  EXPECT_NEAR(with.warm_functions, without.warm_functions, 2);
}

TEST(TraceOvercommit, TheReportSaysWhichColumnIsWhich) {
  const TraceReport report = run(synthetic(100), {1, 4});
  EXPECT_THAT(to_text(report), testing::HasSubstr("fixed     fixed x 4     ratio\n"));
  EXPECT_THAT(to_json(report), testing::HasSubstr(R"("overcommit":4E0)"));
}

TEST(TraceOvercommit, OneThatStandsStillUsesTheAverageRoundedUpAndAllWhereNobodyKnows) {
  Trace trace = synthetic(1);
  trace::TracedFunction& function = trace.functions.front();
  EXPECT_EQ(told_function(function, Arrivals::kTimers).used_mb, 50U);
  function.memory = trace::MemoryUse{4'000, 5'000};
  EXPECT_EQ(told_function(function, Arrivals::kTimers).used_mb, 1'024U) << "no more than its memory";
  function.memory.reset();
  EXPECT_EQ(told_function(function, Arrivals::kTimers).used_mb, kUnknownMemoryMb);
}

TEST(WarmFunctionsTest, AreThoseWithAnInstanceHoweverManyThatIs) {
  base::ManualEventLoop loop;
  WarmFunctions warm(3, loop);
  loop.advance(seconds(10));
  warm.add(0);
  loop.advance(seconds(1));
  warm.add(0);
  warm.add(2);
  loop.advance(seconds(1));
  warm.remove(0);
  warm.remove(2);
  loop.advance(seconds(1));
  EXPECT_EQ(warm.time(), seconds(1 + 2 + 1));
  warm.remove(0);
  loop.advance(seconds(5));
  EXPECT_EQ(warm.time(), seconds(4));
  EXPECT_EQ(warm.peak(), 2U);
}

}  // namespace
}  // namespace hearth::sim
