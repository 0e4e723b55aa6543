// The parts of a simulation that are values: chance, functions, the cold queue, what a server costs, figures.
#include <gtest/gtest.h>

#include "sim/cold_queue.h"
#include "sim/dice.h"
#include "sim/functions.h"
#include "sim/latency_histogram.h"
#include "sim/messaging_server.h"
#include "sim/recovery.h"
#include "sim/series.h"

namespace hearth::sim {
namespace {

using std::chrono::microseconds;

model::Allocation cold(const std::string& instance, std::uint32_t memory_mb) {
  return {"w0", instance, 0, 1, memory_mb};
}

TEST(Dice, RepeatsItsSequenceAndKeepsToItsMeans) {
  Dice a(7);
  Dice b(7);
  double exponential = 0;
  std::uint32_t below_median = 0;
  for (int i = 0; i < 20'000; ++i) {
    EXPECT_EQ(a.next(), b.next());
    exponential += a.exponential(3) / 20'000;
    below_median += a.log_normal(5, 2) < 5 ? 1U : 0U;
    b.exponential(3);
    b.log_normal(5, 2);
  }
  EXPECT_NEAR(exponential, 3, 0.1);
  EXPECT_NEAR(below_median, 10'000, 300);
}

TEST(Functions, ArePopularByZipfAndRunForTheMeanThatWasAskedFor) {
  LoadSettings load;
  load.functions = 1'000;
  load.zipf = 1.0;
  load.run_mean = std::chrono::milliseconds(500);
  const Functions functions(load, Dice(1));
  EXPECT_NEAR(functions.share(9) / functions.share(0), 0.1, 1e-9);
  Dice dice(2);
  std::uint32_t first = 0;
  double run_ms = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint32_t function = functions.pick(dice);
    ASSERT_LT(function, 1'000U);
    first += function == 0 ? 1U : 0U;
    run_ms += static_cast<double>(functions.run(function, dice).count()) / 1e3 / 1e5;
  }
  EXPECT_NEAR(first, 100'000 * functions.share(0), 1'000);
  EXPECT_NEAR(run_ms, 500, 50);
  EXPECT_EQ(Functions::of(*functions.version(123)), 123U);
}

TEST(ColdQueue, GivesTheOldestThatFits) {
  ColdQueue queue;
  queue.push(cold("a", 128));
  queue.push(cold("b", 1'024));
  queue.push(cold("c", 512));
  EXPECT_EQ(queue.take(256)->instance, "b");
  EXPECT_EQ(queue.take(100)->instance, "a");
  EXPECT_FALSE(queue.take(1'024));
  EXPECT_EQ(queue.size(), 1U);
}

TEST(ColdQueue, AnEntryThatIsPushedAgainGoesToTheEnd) {
  ColdQueue queue;
  queue.push(cold("a", 128));
  queue.push(cold("b", 128));
  queue.push(cold("a", 128));
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.take(1)->instance, "b");
  queue.erase("a");
  queue.erase("nobody");
  EXPECT_EQ(queue.size(), 0U);
}

TEST(ColdQueue, IsWalkedByTheHundredUpToTheFirstThatFits) {
  ColdQueue queue;
  for (int i = 0; i < 250; ++i) {
    queue.push(cold("small" + std::to_string(i), 128));
  }
  queue.push(cold("large", 1'024));
  EXPECT_EQ(queue.walked_for(128), 100U);
  EXPECT_EQ(queue.walked_for(1'024), 251U);
  EXPECT_EQ(queue.walked_for(2'048), 251U) << "all of it, to find nothing";
}

TEST(MessagingServer, ExecutesOneCommandAfterTheOther) {
  ServerCosts costs;
  MessagingServer server(costs);
  const base::TimePoint start{std::chrono::hours(1)};
  EXPECT_EQ(server.admit(Command::kTake, start, {}), start) << "free of charge";
  server.charge();
  EXPECT_EQ(server.admit(Command::kTake, start, {}), start + microseconds(10));
  EXPECT_EQ(server.admit(Command::kAnnounceWarm, start, {100, 5}), start + microseconds(10 + 10 + 27 + 5));
  EXPECT_EQ(server.admit(Command::kDemandAnswer, start + microseconds(100), {}, 3),
            start + microseconds(110));
  EXPECT_EQ(server.admit(Command::kTake, start, {}), start + microseconds(140));
  EXPECT_EQ(server.counts().of(Command::kTake), 2U);
  EXPECT_EQ(server.counts().of(Command::kDemandAnswer), 3U);
  EXPECT_DOUBLE_EQ(server.counts().entry_us, 27);
}

TEST(MessagingServer, GivesTheNewestWarmEntryBeforeAColdOne) {
  MessagingServer server({});
  server.cold().push(cold("cold", 1'024));
  server.push_warm("v1", cold("old", 128));
  server.push_warm("v1", cold("new", 128));
  server.push_warm("v1", cold("old", 128));  // again: now it is the newest
  EXPECT_EQ(server.take("v1", 128)->allocation.instance, "old");
  server.withdraw("v1", "new");
  EXPECT_FALSE(server.take("v1", messaging::kWarmOnly));
  EXPECT_EQ(server.take("v1", 128)->source, messaging::Source::kCold);
  EXPECT_FALSE(server.take("v1", 128));
}

TEST(LatencyHistogram, KnowsPercentilesUpToTwoPerCent) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.percentile_us(0.5), 0);
  for (int us = 1; us <= 1'000; ++us) {
    histogram.add(microseconds(us));
  }
  EXPECT_NEAR(histogram.percentile_us(0.5), 505, 10);
  EXPECT_NEAR(histogram.percentile_us(0.99), 1'000, 20);
}

TEST(Series, FindsTheBusiestTenSeconds) {
  Series series;
  for (int i = 0; i < 20; ++i) {
    series.add(i < 10 ? 0 : 1);
  }
  EXPECT_DOUBLE_EQ(series.mean(), 0.5);
  EXPECT_DOUBLE_EQ(series.busiest(), 1);
  EXPECT_DOUBLE_EQ(spread_of({1, 3}).max_to_mean, 1.5);
  EXPECT_DOUBLE_EQ(spread_of({1, 3}).variation, 0.5);
  EXPECT_EQ(spread_of({}), Spread());
}

std::vector<Second> steady(std::size_t seconds) { return std::vector<Second>(seconds, {100, 2, 0, 0, 0}); }

TEST(Recovery, IsTheFirstSecondFromWhichOnAllIsAsBefore) {
  auto seconds = steady(100);
  for (std::size_t i = 50; i < 57; ++i) {
    seconds[i].cold = 30;
  }
  seconds[55].failed = 40;
  const Recovery recovery = recovery_of(seconds, 50);
  EXPECT_EQ(recovery.cold_s, 7U);
  EXPECT_EQ(recovery.failed_s, 6U);
  EXPECT_EQ(recovery.refused_s, 0U);
  EXPECT_EQ(recovery.all_s(), 7U);
}

TEST(Recovery, IsUnknownWhenItIsNotSeen) {
  auto seconds = steady(60);
  for (std::size_t i = 50; i < 60; ++i) {
    seconds[i].rejected = 50;
  }
  EXPECT_FALSE(recovery_of(seconds, 50).all_s());
}

}  // namespace
}  // namespace hearth::sim
