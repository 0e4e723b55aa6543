// Facts that a reader takes from a chart: where points stand, what the legend says, what is left out.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "bench/report/report.h"
#include "bench/report/sample_runs_test_support.h"

namespace hearth::bench {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

// The number behind ` name="` in the element that ends with or holds `part`; fails the test without one.
double attribute(const std::string& svg, const std::string& part, const std::string& name) {
  const std::size_t at = svg.find(part);
  const std::size_t start = at == std::string::npos ? at : svg.rfind('\n', at);
  const std::size_t value = start == std::string::npos ? start : svg.find(" " + name + "=\"", start);
  if (value == std::string::npos || value > at) {
    ADD_FAILURE() << "no " << name << " at " << part << " in\n" << svg;
    return 0;
  }
  return std::strtod(svg.c_str() + value + name.size() + 3, nullptr);
}

std::string chart(const std::vector<RunResult>& runs, const std::string& name) {
  for (const Chart& made : charts(runs)) {
    if (made.name == name) {
      return made.svg;
    }
  }
  ADD_FAILURE() << "no chart " << name;
  return {};
}

std::vector<std::string> names(const std::vector<RunResult>& runs) {
  std::vector<std::string> found;
  for (const Chart& made : charts(runs)) {
    found.push_back(made.name);
  }
  return found;
}

RunResult run_of(const std::string& test, const std::vector<Sample>& samples) {
  RunResult run;
  run.test = test;
  run.x_name = "concurrent calls";
  run.samples = samples;
  return run;
}

using Names = std::vector<std::string>;

TEST(Charts, EachTestHasItsOwn) {
  EXPECT_EQ(names({made_run("concurrency")}), (Names{"concurrency-throughput", "concurrency-latency"}));
  EXPECT_EQ(names({made_run("backoff")}), Names{"backoff-latency"});
  EXPECT_EQ(names({made_run("payload")}), (Names{"payload-throughput", "payload-latency"}));
  EXPECT_EQ(names({made_run("coldburst")}), (Names{"coldburst-throughput", "coldburst-latency"}));
  EXPECT_EQ(names({made_run("compare")}), (Names{"compare-throughput", "compare-latency"}));
  EXPECT_EQ(names({made_run("unheard/../of")}), (Names{"unheard----of-throughput", "unheard----of-latency"}));
}

TEST(Charts, PointsStandWhereTheTicksSay) {
  const auto svg = chart(
      {run_of("concurrency", {made_sample("hearth", 0, 1, 1000, 500), made_sample("hearth", 0, 2, 2000, 700),
                              made_sample("hearth", 0, 3, 3500, 900)})},
      "concurrency-throughput");
  const std::string point = "<title>hearth, 2: 2,000/s";
  EXPECT_NEAR(attribute(svg, point, "cx"), attribute(svg, ">2</text>", "x"), 0.02);
  EXPECT_NEAR(attribute(svg, point, "cy"), attribute(svg, ">2,000</text>", "y") - 4, 0.02);
  EXPECT_NEAR(attribute(svg, "<title>hearth, 1: ", "cy"), attribute(svg, ">1,000</text>", "y") - 4, 0.02);
}

TEST(Charts, LatencyStandsOnItsLogarithmicAxis) {
  const auto svg = chart(
      {run_of("concurrency", {made_sample("hearth", 0, 1, 10, 500), made_sample("hearth", 0, 2, 10, 5000)})},
      "concurrency-latency");
  EXPECT_NEAR(attribute(svg, "<title>hearth, 1: 500 µs", "cy"), attribute(svg, ">500 µs</text>", "y") - 4,
              0.02);
  EXPECT_NEAR(attribute(svg, "<title>hearth, 2: 5.00 ms", "cy"), attribute(svg, ">5 ms</text>", "y") - 4,
              0.02);
  EXPECT_TRUE(has(svg, ">hearth p50</text>"));
  EXPECT_TRUE(has(svg, ">hearth p99</text>"));
}

TEST(Charts, TheLineIsTheMeanAndTheBandTheReach) {
  const auto svg = chart(
      {run_of("concurrency", {made_sample("hearth", 0, 1, 100, 500), made_sample("hearth", 1, 1, 300, 500),
                              made_sample("hearth", 2, 1, 800, 500), made_sample("hearth", 0, 2, 900, 500)})},
      "concurrency-throughput");
  EXPECT_TRUE(has(svg, "<title>hearth, 1: 400.0/s (100.0/s to 800.0/s)")) << svg;
  EXPECT_EQ(count(svg, "fill-opacity=\"0.13\""), 1U);
  EXPECT_TRUE(has(svg, "mean of 3 repeats"));
}

TEST(Charts, BackoffMarksColdAndWarmApart) {
  const RunResult run = made_run("backoff");
  const auto svg = chart({run}, "backoff-latency");
  EXPECT_EQ(count(svg, ", repeat "), run.samples.size()) << "each sample a mark";
  EXPECT_EQ(count(svg, ", cold</title>"), 75U);
  EXPECT_EQ(count(svg, "fill=\"#ffffff\" stroke=\"#0072B2\""), 75U) << "cold ones are hollow";
  EXPECT_TRUE(has(svg, ">hollow: with a cold start</text>"));
  EXPECT_TRUE(has(svg, ">30 min</text>"));
  RunResult warm = run;
  for (Sample& sample : warm.samples) {
    sample.cold = 0;
  }
  EXPECT_FALSE(has(chart({warm}, "backoff-latency"), "cold"));
}

TEST(Charts, SizesStandAtEqualFactors) {
  const auto svg = chart({made_run("payload")}, "payload-throughput");
  const double first = attribute(svg, ">1 KB</text>", "x");
  const double second = attribute(svg, ">4 KB</text>", "x");
  const double third = attribute(svg, ">16 KB</text>", "x");
  EXPECT_NEAR(second - first, third - second, 0.05);
  EXPECT_TRUE(has(svg, ">MB per second</text>"));
  EXPECT_TRUE(has(svg, ">body size</text>")) << "the marks carry the units";
}

TEST(Charts, BarsCarryTheirLabelsAndEndAtTheirValue) {
  RunResult run =
      run_of("runtimes", {made_sample("hearth", 0, 0, 200, 500), made_sample("hearth", 0, 1, 100, 500)});
  run.samples[0].label = "nodejs";
  run.samples[1].label = "python <3>";
  const auto svg = chart({run}, "runtimes-throughput");
  EXPECT_TRUE(has(svg, ">nodejs</text>"));
  EXPECT_TRUE(has(svg, ">python &lt;3&gt;</text>"));
  const std::string bar = "<title>hearth: 100.0/s";
  EXPECT_NEAR(attribute(svg, bar, "x") + attribute(svg, bar, "width"), attribute(svg, ">100</text>", "x"),
              0.02);
}

TEST(Charts, SingleCallsHaveNoBarOfRate) {
  RunResult run =
      run_of("runtimes", {made_sample("hearth", 0, 0, 0, 500), made_sample("hearth", 0, 1, 100, 500)});
  run.samples[0].label = "first call";
  run.samples[1].label = "warm";
  EXPECT_FALSE(has(chart({run}, "runtimes-throughput"), "first call"));
  EXPECT_TRUE(has(chart({run}, "runtimes-latency"), "first call"));
  run.samples[0].calls = 0;
  EXPECT_TRUE(has(chart({run}, "runtimes-throughput"), ">0.00/s</text>")) << "where all failed there is one";
}

TEST(Charts, CompareShowsRatiosOfPairs) {
  const auto run = run_of("compare", {made_sample("new", 0, 8, 200, 500), made_sample("old", 0, 8, 100, 500),
                                      made_sample("old", 1, 8, 100, 500), made_sample("new", 1, 8, 300, 500),
                                      made_sample("new", 2, 8, 900, 500)});
  const auto svg = chart({run}, "compare-throughput");
  EXPECT_TRUE(has(svg, "<title>pair 1: 2</title>")) << svg;
  EXPECT_TRUE(has(svg, "<title>pair 2: 3</title>")) << "whichever of a pair came first";
  EXPECT_FALSE(has(svg, "<title>pair 3")) << "no pair without the other";
  EXPECT_TRUE(has(svg, ">new / old: median 2.5</text>"));
}

TEST(Charts, CompareHoldsAgainstTheReference) {
  auto run = run_of("compare", {made_sample("new", 0, 8, 200, 500), made_sample("old", 0, 8, 100, 500)});
  run.settings["reference"] = "new";
  EXPECT_TRUE(has(chart({run}, "compare-throughput"), ">old / new: median 0.5</text>"));
  run.settings["reference"] = "a stranger";
  EXPECT_TRUE(has(chart({run}, "compare-throughput"), ">new / old: median 2</text>"));
}

TEST(Charts, SingleCallsHaveNoPercentiles) {
  RunResult run =
      run_of("codesize", {made_sample("hearth", 0, 1024, 0, 500), made_sample("hearth", 0, 4096, 0, 700)});
  run.samples[0].latency.count = run.samples[1].latency.count = 1;
  EXPECT_FALSE(has(chart({run}, "codesize-latency"), "p99"));
  run.samples[1].latency.count = 2;
  EXPECT_TRUE(has(chart({run}, "codesize-latency"), ">hearth p99</text>"));
}

TEST(Charts, RunsLaidOverOneAnotherAreToldApart) {
  RunResult first = made_run("concurrency");
  RunResult second = first;
  second.command = "hearth bench concurrency --uring";
  const auto by_command = chart({first, second}, "concurrency-throughput");
  EXPECT_TRUE(has(by_command, ">hearth (hearth bench concurrency)</text>"));
  EXPECT_TRUE(has(by_command, ">hearth (hearth bench concurrency --uring)</text>"));
  second.command = first.command;
  second.started_at = "2026-02-01T00:00:00Z";
  EXPECT_TRUE(has(chart({first, second}, "concurrency-throughput"), ">hearth (2026-02-01T00:00:00Z)</text>"));
  second.started_at = first.started_at;
  EXPECT_TRUE(has(chart({first, second}, "concurrency-throughput"), ">hearth (run 2)</text>"));
  EXPECT_FALSE(has(chart({first, made_run("backoff")}, "concurrency-throughput"), "run 2")) << "another test";
}

TEST(Charts, NothingToDrawIsNoChart) {
  EXPECT_TRUE(charts({}).empty());
  EXPECT_TRUE(charts({run_of("concurrency", {})}).empty());
  EXPECT_TRUE(charts({run_of("backoff", {Sample{}})}).empty());
}

TEST(Charts, OddValuesStayOutOfTheDrawing) {
  for (const auto* test : {"concurrency", "backoff", "payload", "runtimes", "compare", "coldburst"}) {
    RunResult run = run_of(test, {made_sample("a", 0, NAN, NAN, NAN), made_sample("a", 0, 1, INFINITY, -5),
                                  made_sample("b", 0, 0, 0, 0), made_sample("b", 0, 1, 10, 100),
                                  made_sample("a", 1, -4, 1e300, 1e300)});
    run.x_unit = std::string(test) == "payload" ? "bytes" : "";
    for (const Chart& made : charts({run})) {
      EXPECT_FALSE(has(made.svg, "=\"nan") || has(made.svg, "=\"inf") || has(made.svg, "=\"-nan"))
          << made.svg;
    }
    run.samples.resize(1);
    charts({run});
  }
}

TEST(Charts, HostileNamesAreText) {
  const std::string hostile = "</text><script>alert('&\")</script>\x01\xff";
  for (const auto* test : {"concurrency", "backoff", "runtimes", "compare"}) {
    RunResult run = run_of(test, {made_sample(hostile, 0, 1, 10, 100), made_sample("b", 0, 1, 10, 100)});
    run.samples[0].label = run.samples[1].label = test == std::string("runtimes") ? hostile : "";
    run.x_name = run.x_unit = run.command = hostile;
    RunResult twin = run;
    twin.command += "2";
    for (const Chart& made : charts({run, twin})) {
      EXPECT_FALSE(has(made.svg, "<script")) << made.svg;
      EXPECT_FALSE(has(made.svg, "\x01") || has(made.svg, "\xff"));
      EXPECT_TRUE(has(made.svg, "&lt;script&gt;"));
    }
  }
}

}  // namespace
}  // namespace hearth::bench
