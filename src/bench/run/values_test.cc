// Levels, intervals, sizes, statistics, Zipf, command lines: the pure parts of the runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "bench/run/levels.h"
#include "bench/run/machine.h"
#include "bench/run/statistics.h"
#include "bench/run/zipf.h"

namespace hearth::bench {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

TEST(Levels, RangesAndLists) {
  EXPECT_THAT(parse_levels("1..4").value(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(parse_levels("1,2,4,8").value(), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(parse_levels("1..3,16").value(), ElementsAre(1, 2, 3, 16));
  EXPECT_EQ(parse_levels("1..64")->size(), 64U);
}

TEST(Levels, WrongOnesAreRefused) {
  for (const char* text :
       {"", "0", "-1", "a", "1..", "..3", "3..1", "1,,2", "1.5", "100001", "1..5000", "1 2"}) {
    EXPECT_FALSE(parse_levels(text)) << text;
  }
}

TEST(Intervals, RangesGoInTheirOwnUnit) {
  const auto paper = parse_intervals("1m..30m");
  ASSERT_TRUE(paper);
  EXPECT_EQ(paper->size(), 30U);
  EXPECT_EQ(paper->front(), milliseconds(60'000));
  EXPECT_EQ((*paper)[1], milliseconds(120'000));
  EXPECT_EQ(paper->back(), milliseconds(1'800'000));
  EXPECT_THAT(parse_intervals("500ms,2s,1m").value(),
              ElementsAre(milliseconds(500), milliseconds(2'000), milliseconds(60'000)));
  for (const char* text : {"", "0", "5", "1m..", "3m..1m", "0.1ms", "1ms..1h"}) {
    EXPECT_FALSE(parse_intervals(text)) << text;
  }
}

TEST(Sizes, AreListed) {
  EXPECT_THAT(parse_sizes("500,1KB,6MB").value(), ElementsAre(500, 1000, 6'000'000));
  for (const char* text : {"", "0", "x", "1KB,"}) {
    EXPECT_FALSE(parse_sizes(text)) << text;
  }
}

TEST(Rotated, BeginsOneFurtherOnInEachRepeat) {
  const std::vector<std::uint32_t> levels = {1, 2, 3};
  EXPECT_THAT(rotated(levels, 0), ElementsAre(1, 2, 3));
  EXPECT_THAT(rotated(levels, 1), ElementsAre(2, 3, 1));
  EXPECT_THAT(rotated(levels, 5), ElementsAre(3, 1, 2));
}

TEST(CommandText, NamesTheProgramWithoutItsFolderAndNoKey) {
  const auto text = [](std::vector<std::string> words) {
    std::string arguments;
    for (const std::string& word : words) {
      arguments += word + '\0';
    }
    return command_text(arguments);
  };
  EXPECT_EQ(text({"/work/build/hearth", "bench", "events", "--json", "/tmp/run.json"}),
            "hearth bench events --json /tmp/run.json");
  EXPECT_EQ(text({"hearth", "bench", "--target", "hearth:serve=--threads 1"}),
            "hearth bench --target 'hearth:serve=--threads 1'");
  EXPECT_EQ(text({"./hearth", "--api-key", "secret", "--api-key=secret", "bench"}),
            "hearth --api-key … --api-key=… bench");
  EXPECT_THAT(command_text(), testing::StartsWith("bench_test")) << "this process's";
}

Sample sample(const char* target, std::uint32_t repeat, double x, double per_second) {
  Sample one;
  one.target = target;
  one.repeat = repeat;
  one.x = x;
  one.per_second = per_second;
  return one;
}

TEST(Statistics, AgainstTheBestLowerLevel) {
  const std::vector<Sample> samples = {
      sample("a", 0, 3, 90),  sample("a", 0, 1, 50), sample("a", 0, 2, 100),  // in any order
      sample("a", 1, 1, 100), sample("a", 1, 2, 80), sample("a", 1, 3, 110), sample("b", 0, 3, 1e9),
  };
  const auto rows = against_best_lower(samples, "a");
  ASSERT_EQ(rows.size(), 2U) << "the lowest level has nothing below it";
  EXPECT_DOUBLE_EQ(rows.at(2).min, 0.8);
  EXPECT_DOUBLE_EQ(rows.at(2).max, 2.0);
  EXPECT_DOUBLE_EQ(rows.at(2).median, 1.4);
  EXPECT_DOUBLE_EQ(rows.at(3).min, 0.9) << "against level 2, the best below it, not level 1";
  EXPECT_DOUBLE_EQ(rows.at(3).max, 1.1) << "against level 1 here";
}

TEST(Statistics, AgainstTheIdeal) {
  const auto rows = against_ideal({sample("a", 0, 1, 19), sample("a", 0, 10, 200)}, "a", 50);
  EXPECT_DOUBLE_EQ(rows.at(1).median, 0.95);
  EXPECT_DOUBLE_EQ(rows.at(10).median, 1.0);
}

TEST(Statistics, RatiosAreTakenWithinAPair) {
  const std::vector<Sample> samples = {sample("a", 0, 1, 10), sample("b", 0, 1, 20), sample("a", 1, 1, 60),
                                       sample("b", 1, 1, 20), sample("a", 2, 1, 60), sample("b", 2, 1, 0)};
  const auto per_second = [](const Sample& one) { return one.per_second; };
  EXPECT_THAT(ratios(samples, "a", "b", per_second), ElementsAre(0.5, 3.0)) << "the cut pair is left out";
}

TEST(Statistics, SpreadsAreShownWithTheDigitsThatMatter) {
  EXPECT_EQ(shown(spread_of({1.234, 2, 3})), "2.00 (1.23-3.00)");
  EXPECT_EQ(shown(spread_of({12.34, 20, 30})), "20.0 (12.3-30.0)");
  EXPECT_EQ(shown(spread_of({1234})), "1234 (1234-1234)");
}

TEST(Zipf, SharesFollowTheLaw) {
  const auto shares = zipf_shares(4, 1);
  EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-12);
  EXPECT_NEAR(shares[0] / shares[1], 2, 1e-9);
  EXPECT_NEAR(shares[0] / shares[3], 4, 1e-9);
  EXPECT_THAT(zipf_shares(2, 0), ElementsAre(0.5, 0.5));
}

TEST(Zipf, TheOrderHasTheShares) {
  constexpr std::size_t kCalls = 100'000;
  const auto order = zipf_order(20, 1.1, kCalls, 1);
  const auto shares = zipf_shares(20, 1.1);
  std::vector<double> counts(20);
  for (const auto pick : order) {
    ASSERT_LT(pick, 20U);
    counts[pick] += 1;
  }
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_NEAR(counts[i] / kCalls, shares[i], 0.005) << i;
  }
  EXPECT_EQ(order, zipf_order(20, 1.1, kCalls, 1)) << "the same for the same seed";
  EXPECT_NE(order, zipf_order(20, 1.1, kCalls, 2));
}

}  // namespace
}  // namespace hearth::bench
