// What is played of a trace, and what is counted meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bench/run/memory_time.h"
#include "bench/run/replay_plan.h"
#include "bench/run/replay_report.h"

namespace hearth::bench {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

trace::TracedFunction function_of(const std::string& name, std::vector<trace::MinuteCalls> calls,
                                  double median_ms = 600) {
  trace::TracedFunction function{"o", "a", name, "timer", std::move(calls), std::nullopt, std::nullopt};
  function.runs = trace::RunTimes{median_ms, {1, 1, 1, median_ms, 1e6, 1e6, 1e6}};
  return function;
}

// Ten minutes: one function is called in each, one three times in the last, one in the first, one never.
trace::Trace small_trace() {
  trace::TracedFunction steady = function_of("steady", {});
  for (std::uint32_t minute = 0; minute < 10; ++minute) {
    steady.calls.push_back({minute, 1});
  }
  return {
      480,
      10,
      {steady, function_of("late", {{9, 3}}), function_of("early", {{0, 1}}, 2e6), function_of("never", {})}};
}

ReplayPlan plan(const ReplayWish& wish) {
  auto made = plan_replay(small_trace(), wish);
  EXPECT_TRUE(made) << made.error().message;
  return made ? *made : ReplayPlan{};
}

std::string refusal(const ReplayWish& wish) {
  const auto made = plan_replay(small_trace(), wish);
  return made ? "" : made.error().message;
}

TEST(ReplayPlan, TimesAreTheTracesOverTheScale) {
  ReplayWish wish;
  wish.duration = seconds(60);
  const ReplayPlan made = plan(wish);
  EXPECT_EQ(made.duration, seconds(10)) << "the trace ends before";
  ASSERT_EQ(made.functions.size(), 3U) << "what is never called is not deployed";
  ASSERT_EQ(made.due_ns.size(), 14U);
  ASSERT_EQ(made.called.size(), 14U);
  EXPECT_TRUE(std::ranges::is_sorted(made.due_ns));
  std::int64_t before_ns = -1;
  for (std::size_t i = 0; i < made.called.size(); ++i) {
    if (made.called[i] == 0) {
      EXPECT_EQ(before_ns < 0 ? 1'000'000'000 : made.due_ns[i] - before_ns, 1'000'000'000)
          << "a timer's minute is a second";
      before_ns = made.due_ns[i];
    }
  }
}

TEST(ReplayPlan, PlaysAPartOfTheTrace) {
  ReplayWish wish;
  wish.from_minute = 9;
  wish.duration = seconds(60);
  const ReplayPlan made = plan(wish);
  EXPECT_EQ(made.duration, seconds(1));
  ASSERT_EQ(made.functions.size(), 2U);
  EXPECT_EQ(made.due_ns.size(), 4U);
  EXPECT_GE(made.due_ns.front(), 0);
  EXPECT_LT(made.due_ns.back(), 1'000'000'000);
  wish.from_minute = 0;
  wish.duration = seconds(2);
  EXPECT_EQ(plan(wish).duration, seconds(2));
  EXPECT_EQ(plan(wish).due_ns.size(), 3U);
}

TEST(ReplayPlan, HandlersTakeTheMedianOverTheirScaleWithinBounds) {
  ReplayWish wish;
  EXPECT_EQ(plan(wish).functions.at(0).run_ms, 10U);
  EXPECT_EQ(plan(wish).functions.at(2).run_ms, kLongestReplayRun.count());
  EXPECT_EQ(plan(wish).runs_cut, 1U);
  wish.run_scale = 1e5;
  EXPECT_EQ(plan(wish).functions.at(0).run_ms, 1U) << "at least";
  EXPECT_EQ(plan(wish).runs_cut, 0U);
  EXPECT_EQ(plan(wish).functions.at(0).memory_mb, trace::kUnknownMemoryMb);
}

TEST(ReplayPlan, ChoosesTheMostCalledOrASampleThatASeedGives) {
  ReplayWish wish;
  wish.functions = 2;
  wish.most_called = true;
  EXPECT_EQ(plan(wish).functions.at(0).place, 0U);
  EXPECT_EQ(plan(wish).functions.at(1).place, 1U);
  wish.most_called = false;
  EXPECT_EQ(plan(wish).functions, plan(wish).functions);
  EXPECT_EQ(plan(wish).due_ns, plan(wish).due_ns);
  std::set<std::size_t> seen;
  for (wish.seed = 1; wish.seed < 20; ++wish.seed) {
    ASSERT_EQ(plan(wish).functions.size(), 2U);
    seen.insert(plan(wish).functions[0].place);
    seen.insert(plan(wish).functions[1].place);
  }
  EXPECT_EQ(seen, (std::set<std::size_t>{0, 1, 2}));
}

TEST(ReplayPlan, SaysWhatCannotBePlayed) {
  ReplayWish wish;
  wish.from_minute = 10;
  EXPECT_EQ(refusal(wish), "--from 10 is behind the trace's end: it has 10 minutes");
  trace::Trace quiet{0, 5, {function_of("never", {})}};
  EXPECT_THAT(plan_replay(quiet, {}).error().message, HasSubstr("no function is called in the 5.0 minutes"));
  quiet.functions[0].calls = {{0, 100'000'000}};
  EXPECT_THAT(plan_replay(quiet, {}).error().message, HasSubstr("more than 10000000 calls"));
}

TEST(MemoryTimeTest, IsReadByState) {
  const MemoryReading reading = memory_in(
      "# HELP hearth_memory_bytes x\nhearth_memory_bytes{state=\"free\"} 1073741824\n"
      "hearth_memory_bytes{state=\"running\"} 268435456\nhearth_memory_bytes{state=\"starting\"} 134217728\n"
      "hearth_memory_bytes{state=\"idle\"} 1048576\nhearth_memory_bytes{state=\"leased\"} 2097152\n"
      "hearth_memory_bytes{state=\"cold\"} 1048576\nhearth_memory_bytes{state=\"removing\"} 4194304\n");
  EXPECT_EQ(reading, (MemoryReading{384, 3, 4}));
  EXPECT_EQ(memory_in(""), MemoryReading{});
}

TEST(MemoryTimeTest, IsTheMeanOfTwoReadingsTimesWhatLiesBetween) {
  MemoryTime time;
  time.add({100, 10, 1}, 5);
  EXPECT_EQ(time.sum(), MemoryReading{});
  time.add({300, 10, 3}, 6);
  time.add({300, 0, 3}, 8);
  EXPECT_EQ(time.sum(), (MemoryReading{200 + 600, 10 + 10, 2 + 6}));
  EXPECT_EQ(time.readings(), 3U);
}

FinishedCall answered(std::uint64_t latency_ms, std::string_view body_end, Start start) {
  FinishedCall call;
  call.request = 1;
  call.status = 200;
  call.latency_ns = latency_ms * 1'000'000;
  call.body_end = body_end;
  call.start = start;
  return call;
}

TEST(ReplayCountTest, SlowdownIsOfWhatTheHandlerTook) {
  ReplayCount count({1'000, 10});
  count.on_call(answered(60, R"({"name":"handler","duration":20.0})", Start::kWarm));
  count.on_call(answered(40, "", Start::kWarm));  // it was told 10 ms
  count.on_call(answered(40, R"({"name":"execute.cold"},{"name":"assign","duration":1})", Start::kCold));
  count.on_call(answered(40, R"({"name":"execute.cold"},{"name":"sandbox","duration":1})", Start::kCold));
  FinishedCall failed = answered(9'000, "", Start::kUnknown);
  failed.reason = "503 no_capacity";
  count.on_call(failed);
  Sample sample;
  count.write({}, sample);
  EXPECT_EQ(sample.figures.at("cold_prestarted"), 1);
  EXPECT_NEAR(sample.figures.at("slowdown_p99"), 4, 0.01);
  EXPECT_NEAR(sample.figures.at("slowdown_p50"), 4, 0.01);
  ReplayCount one({10, 10});
  one.on_call(answered(60, R"({"name":"handler","duration":20.0})", Start::kWarm));
  one.write({}, sample);
  EXPECT_NEAR(sample.figures.at("slowdown_p50"), 3, 0.01);
}

RunResult result_of(std::vector<Sample> samples) {
  RunResult result;
  result.samples = std::move(samples);
  return result;
}

TEST(ReplayCountTest, IsSaidInWords) {
  Sample sample;
  sample.target = "hearth";
  sample.calls = 1'234;
  sample.errors = 5;
  sample.cold = 20;
  ReplayCount count({});
  MemoryTime memory;
  memory.add({1'000, 2'000, 0}, 0);
  memory.add({1'000, 2'000, 0}, 3);
  count.write(memory, sample);
  const std::string text = replay_text(result_of({sample, Sample{}}));
  EXPECT_THAT(text, HasSubstr("hearth: 1,234 calls answered, 5 failed; 20 cold starts, of these 0 on a pre"));
  EXPECT_THAT(text, HasSubstr("MB x s: 3,000 to running instances, 6,000 to idle ones, 0 else\n"));
  count.write({}, sample);
  EXPECT_THAT(replay_text(result_of({sample})), HasSubstr("/metrics gave no figures"));
}

// A host that knows its metrics alone.
class FakeHost final : public FunctionHost {
 public:
  base::Result<std::string> deploy(const FunctionWish&) override { return std::string(); }
  void remove(const std::string&) override {}
  base::Result<std::string> metrics() override {
    if (fails) {
      return base::Error{base::ErrorCode::kIo, "it has gone"};
    }
    return std::string("\nhearth_memory_bytes{state=\"idle\"} 1048576\n");
  }
  std::string request(const std::string&, const std::string&) const override { return {}; }

  bool fails = false;
};

TEST(MemoryWatchTest, ReadsAtOnceAndAtItsEndAndLeavesOutWhatFails) {
  FakeHost host;
  MemoryWatch watch(host);
  const MemoryTime time = watch.stop();
  EXPECT_EQ(time.readings(), 2U);
  EXPECT_EQ(watch.stop().readings(), 2U) << "once";
  host.fails = true;
  MemoryWatch other(host);
  EXPECT_EQ(other.stop().readings(), 0U);
}

}  // namespace
}  // namespace hearth::bench
