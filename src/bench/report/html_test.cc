// One file, complete in itself, that says the important things in words.
#include <gtest/gtest.h>

#include "bench/report/headlines.h"
#include "bench/report/report.h"
#include "bench/report/sample_runs_test_support.h"

namespace hearth::bench {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void erase_all(std::string& text, const std::string& part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at)) {
    text.erase(at, part.size());
  }
}

TEST(Html, HoldsEveryPartOfTheReport) {
  const std::string page = html({made_run("concurrency")});
  for (const auto* part :
       {"hearth", "node", "Machine and settings", "Example CPU 3.0 GHz, 8 cores", "setting: function",
        "<figure id=\"concurrency-throughput\">", "<h2>Figures</h2>", "503 no_capacity", "own limit",
        "<details><summary>All 300 samples</summary>", "1 of 150"}) {
    EXPECT_TRUE(has(page, part)) << part;
  }
}

TEST(Html, RefersToNothingOutside) {
  for (const auto* test : {"concurrency", "backoff", "payload", "coldburst", "runtimes", "compare"}) {
    std::string page = html({made_run(test), made_run(test)});
    erase_all(page, "xmlns=\"http://www.w3.org/2000/svg\"");
    for (const auto* reference :
         {"http:", "https:", "src=", "href=", "url(", "@import", "<link", "<script"}) {
      EXPECT_FALSE(has(page, reference)) << test << ": " << reference;
    }
  }
}

TEST(Html, HostileNamesAreText) {
  const std::string hostile = "<img src=x onerror=alert(1)>\"'";
  RunResult run = made_run("concurrency");
  run.command = run.started_at = run.hearth_version = run.machine.cpu = run.test = run.x_name = run.x_unit =
      hostile;
  run.settings = {{hostile, hostile}};
  run.samples[0].target = run.samples[1].label = hostile;
  run.samples[0].errors_by_reason = {{hostile, 1}};
  RunResult twin = run;
  twin.command += "2";
  const std::string page = html({run, twin});
  EXPECT_FALSE(has(page, "<img"));
  EXPECT_TRUE(has(page, "&lt;img src=x onerror=alert(1)&gt;&quot;&#39;"));
}

TEST(Html, RunsOfOtherTestsGetTheirCharts) {
  const std::string page = html({made_run("concurrency"), made_run("backoff")});
  EXPECT_TRUE(has(page, "<title>Hearth benchmark: concurrency, backoff</title>"));
  EXPECT_TRUE(has(page, "<figure id=\"concurrency-latency\">"));
  EXPECT_TRUE(has(page, "<figure id=\"backoff-latency\">"));
}

TEST(Html, HoldsWithoutData) {
  EXPECT_TRUE(has(html({}), "There are no samples."));
  EXPECT_TRUE(has(html({RunResult{}}), "There are no samples."));
  RunResult run;
  run.samples.resize(1);
  EXPECT_TRUE(has(html({run}), "None of 0 calls failed."));
}

TEST(Headlines, SayWhatWasReachedAndWhatFailed) {
  RunResult run;
  run.test = "concurrency";
  run.x_name = "concurrent calls";
  run.samples = {made_sample("hearth", 0, 1, 1000, 400), made_sample("hearth", 0, 8, 5000, 900),
                 made_sample("node", 0, 1, 800, 300), made_sample("node", 0, 8, 2500, 900)};
  auto lines = headlines({run});
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines[0], "hearth answered up to 5,000 calls per second, at 8 concurrent calls.");
  EXPECT_EQ(
      lines[1],
      "A call to hearth took (p50) 400 µs at 1 concurrent call, p99 1.60 ms; and 900 µs at 8 concurrent "
      "calls, p99 3.60 ms.");
  EXPECT_EQ(lines[4], "hearth answered 2.00 times as many calls per second as node, at 8 concurrent calls.");
  EXPECT_EQ(lines[5], "None of 4,000 calls failed.");
  EXPECT_EQ(lines[6], "The client was not the limit: it used at most 0.40 of one core.");
  run.samples[0].errors = 3;
  run.samples[0].client_limited = true;
  lines = headlines({run});
  EXPECT_EQ(lines[5], "3 of 4,003 calls failed.");
  EXPECT_EQ(lines[6],
            "The client itself may have been the limit in 1 of 4 samples: it used at most 0.40 of one core.");
}

TEST(Headlines, NameOneOfWhatIsVariedAndSizesWithTheirUnit) {
  const auto latency_line = [](const std::string& x_name, const std::string& x_unit, double x) {
    RunResult run;
    run.x_name = x_name;
    run.x_unit = x_unit;
    run.samples = {made_sample("hearth", 0, x, 0, 400)};
    return headlines({run}).at(0);
  };
  EXPECT_TRUE(has(latency_line("functions called at once", "", 1), " at 1 function called at once, p99"));
  EXPECT_TRUE(has(latency_line("functions called at once", "", 5), " at 5 functions called at once, p99"));
  EXPECT_TRUE(has(latency_line("process", "", 1), " at 1 process, p99")) << "no plural, though it ends in s";
  EXPECT_TRUE(has(latency_line("code size", "bytes", 1), " at 1 B (code size), p99"));
  EXPECT_TRUE(has(latency_line("body size", "bytes", 1000), " at 1000 B (body size), p99"));
}

TEST(Headlines, SayHowPairsCompare) {
  RunResult run;
  run.test = "compare";
  run.samples = {made_sample("new", 0, 8, 200, 400), made_sample("old", 0, 8, 100, 500),
                 made_sample("new", 1, 8, 150, 400), made_sample("old", 1, 8, 100, 500)};
  const auto lines = headlines({run});
  EXPECT_EQ(lines[4],
            "Pair by pair, new answered 1.75 times as many calls per second as old (1.50 to 2.00, median of "
            "2 pairs), "
            "in 0.80 times its latency (p50).");
}

TEST(Headlines, SayWhenTheFirstColdStartCame) {
  const auto lines = headlines({made_run("backoff")});
  EXPECT_EQ(
      lines[1],
      "75 of 150 calls to hearth met a cold start, the first at 16 min (time since the previous call).");
}

}  // namespace
}  // namespace hearth::bench
