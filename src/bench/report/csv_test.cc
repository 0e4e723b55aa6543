// One row a sample, whatever its names hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "bench/report/report.h"

namespace hearth::bench {
namespace {

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  std::size_t from = 0;
  for (std::size_t end = text.find("\r\n"); end != std::string::npos; end = text.find("\r\n", from)) {
    found.push_back(text.substr(from, end - from));
    from = end + 2;
  }
  return found;
}

std::ptrdiff_t commas(const std::string& line) { return std::count(line.begin(), line.end(), ','); }

TEST(Csv, HasAHeadingAndARowForEachSample) {
  RunResult run;
  run.test = "concurrency";
  EXPECT_EQ(lines(csv(run)).size(), 1U);
  run.samples.resize(2);
  run.samples[0].target = "hearth";
  run.samples[0].x = 8;
  run.samples[0].per_second = 1234.5;
  run.samples[1].target = "node";
  const auto rows = lines(csv(run));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].find("test,started_at,target,repeat,x,"), 0U);
  EXPECT_EQ(rows[1].find("concurrency,,hearth,0,8,,"), 0U) << rows[1];
  EXPECT_NE(rows[1].find(",1234.5,"), std::string::npos) << rows[1];
  EXPECT_EQ(commas(rows[0]), commas(rows[1]));
  EXPECT_EQ(commas(rows[0]), commas(rows[2]));
}

TEST(Csv, QuotesWhatWouldBreakARow) {
  RunResult run;
  run.samples.resize(1);
  run.samples[0].target = "a,b";
  run.samples[0].label = "say \"hi\"";
  run.samples[0].errors_by_reason = {{"line\r\nbreak", 2}, {"plain", 1}};
  const std::string text = csv(run);
  EXPECT_NE(text.find(",\"a,b\","), std::string::npos) << text;
  EXPECT_NE(text.find(",\"say \"\"hi\"\"\","), std::string::npos) << text;
  EXPECT_NE(text.find(",\"line\r\nbreak: 2; plain: 1\","), std::string::npos) << text;
}

TEST(Csv, WritesNoNumberAsAnEmptyField) {
  RunResult run;
  run.samples.resize(1);
  run.samples[0].x = NAN;
  run.samples[0].per_second = INFINITY;
  const std::string text = csv(run);
  EXPECT_EQ(text.find("nan"), std::string::npos) << text;
  EXPECT_EQ(text.find("inf"), std::string::npos) << text;
  EXPECT_EQ(commas(lines(text)[0]), commas(lines(text)[1]));
}

}  // namespace
}  // namespace hearth::bench
