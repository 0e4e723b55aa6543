// What the terminal shows: medians over the repeats, and nothing bad left out.
#include <gtest/gtest.h>

#include <cmath>

#include "bench/report/aggregate.h"
#include "bench/report/report.h"
#include "bench/report/words.h"

namespace hearth::bench {
namespace {

Sample sample(const std::string& target, std::uint32_t repeat, double x, double rate) {
  Sample made;
  made.target = target;
  made.repeat = repeat;
  made.x = x;
  made.calls = 100;
  made.per_second = rate;
  made.latency = {100, 500, 100, 400, 600, 900, 1500, 2500};
  return made;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Spread, IsOverTheFiniteValues) {
  EXPECT_EQ(spread_of({}), Spread{});
  EXPECT_EQ(spread_of({NAN, INFINITY}), Spread{});
  EXPECT_EQ(spread_of({3}), (Spread{1, 3, 3, 3, 3}));
  EXPECT_EQ(spread_of({9, 1, 2}), (Spread{3, 1, 2, 4, 9}));
  EXPECT_EQ(spread_of({4, NAN, 1, 2, 9}), (Spread{4, 1, 3, 4, 9}));
}

TEST(Points, PutRepeatsTogetherInTheOrderOfX) {
  RunResult run;
  run.samples = {sample("node", 0, 2, 20), sample("hearth", 0, 2, 40), sample("node", 0, 1, 10),
                 sample("node", 1, 2, 22)};
  const auto points = points_of(run);
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(points[0].x, 1);
  EXPECT_EQ(points[1].target, "node");
  EXPECT_EQ(points[1].rate().median, 21);
  EXPECT_EQ(points[2].target, "hearth");
}

TEST(Points, SurviveWhatIsNoNumber) {
  RunResult run;
  run.samples = {sample("a", 0, NAN, 1), sample("a", 0, 1, 2), sample("a", 1, NAN, 3), sample("a", 0, 0, 4)};
  EXPECT_EQ(points_of(run).size(), 3U);
}

TEST(Points, AStretchWithoutCallsHasNoLatency) {
  Point point{"a", 1, "", {sample("a", 0, 1, 10), sample("a", 1, 1, 0)}};
  point.samples[1].latency = {};
  EXPECT_EQ(point.latency(&LatencySummary::p50_us).median, 400);
  EXPECT_EQ(point.rate().median, 5) << "but it has a rate";
  EXPECT_EQ(point.cpu_us_per_call().count, 0U);
}

TEST(Table, ShowsMediansAndTheWorst) {
  RunResult run;
  run.x_name = "concurrent calls";
  run.samples = {sample("hearth", 0, 8, 1000), sample("hearth", 1, 8, 1200), sample("hearth", 2, 8, 1100)};
  run.samples[1].latency.max_us = 70'000;
  run.samples[2].errors = 7;
  run.samples[2].errors_by_reason = {{"503 no_capacity", 7}};
  const std::string text = table(run);
  EXPECT_TRUE(has(text, "CONCURRENT CALLS")) << text;
  EXPECT_TRUE(has(text, "1,100")) << text;
  EXPECT_TRUE(has(text, "±9.1%")) << text;
  EXPECT_TRUE(has(text, "400 µs")) << text;
  EXPECT_TRUE(has(text, "70.0 ms")) << text;
  EXPECT_TRUE(has(text, "errors: hearth: 7 x 503 no_capacity")) << text;
  EXPECT_FALSE(has(text, "warning")) << text;
}

TEST(Table, SingleCallsHaveNoRate) {
  RunResult run;
  run.samples = {sample("hearth", 0, 8, 0)};
  EXPECT_FALSE(has(table(run), "0.00")) << table(run);
  run.samples[0].calls = 0;
  EXPECT_TRUE(has(table(run), "0.00")) << "where all failed there is one";
}

TEST(Table, WarnsWhereTheClientWasTheLimit) {
  RunResult run;
  run.samples = {sample("hearth", 0, 8, 1000), sample("node", 0, 16, 900)};
  run.samples[1].client_limited = true;
  EXPECT_TRUE(has(table(run), "warning: the client itself may have been the limit: node at 16\n"))
      << table(run);
}

TEST(Table, HoldsWithLittleOrHostileData) {
  RunResult run;
  EXPECT_EQ(table(run), "no samples\n");
  run.samples.resize(1);
  run.samples[0].target = "\x1b[31mred";
  run.samples[0].errors_by_reason = {{"a\nb", 1}};
  EXPECT_FALSE(has(table(run), "\x1b"));
  EXPECT_TRUE(has(table(run), "?[31mred")) << table(run);
  EXPECT_TRUE(has(table(run), "a?b")) << table(run);
  EXPECT_FALSE(has(table(run), "0 µs")) << "no calls, no latency\n" << table(run);
}

TEST(Words, ReadAsPeopleWriteThem) {
  EXPECT_EQ(latency_text(412.4), "412 µs");
  EXPECT_EQ(latency_text(1250), "1.25 ms");
  EXPECT_EQ(latency_text(NAN), "-");
  EXPECT_EQ(rate_text(0.5), "0.50");
  EXPECT_EQ(rate_text(1'234'567.8), "1,234,568");
  RunResult run;
  EXPECT_EQ(x_text(run, 8, ""), "8");
  EXPECT_EQ(x_text(run, 8, "node 18"), "node 18");
  run.x_unit = "bytes";
  EXPECT_EQ(x_text(run, 65536, ""), "64 KB");
  run.x_unit = "ms";
  EXPECT_EQ(x_text(run, 250, ""), "250 ms");
  EXPECT_EQ(x_text(run, 1500, ""), "1.5 s");
  EXPECT_EQ(x_text(run, 1'800'000, ""), "30 min");
  EXPECT_EQ(x_text(run, NAN, ""), "-");
}

}  // namespace
}  // namespace hearth::bench
