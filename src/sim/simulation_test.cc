// Whole simulations of small platforms: the same seed gives the same run, nothing is lost on the way, and the
// figures are what they are taken for.
#include "sim/simulation.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Settings small() {
  Settings settings;
  settings.workers = 20;
  settings.gateways = 3;
  settings.load.functions = 500;
  settings.load.rate = 100;
  settings.load.day = seconds(60);
  settings.warm_up = seconds(20);
  settings.duration = seconds(60);
  return settings;
}

Report run(const Settings& settings) {
  return simulate(settings, [](const Progress&) { return true; });
}

TEST(Simulation, TheSameSeedGivesTheSameReport) {
  Settings settings = small();
  const Report first = run(settings);
  EXPECT_GT(first.calls, 5'000U);
  EXPECT_EQ(to_json(first), to_json(run(settings)));
  EXPECT_EQ(to_text(first), to_text(run(settings)));
  settings.seed = 2;
  EXPECT_NE(to_json(first), to_json(run(settings)));
}

TEST(Simulation, NoMemoryIsLostAndEveryCallIsAnsweredWhereMemoryIsShort) {
  Settings settings = small();
  settings.memory_mb = 2'048;
  const Report report = run(settings);
  EXPECT_TRUE(report.ledgers_exact);
  EXPECT_GT(report.instances_evicted, 0U);
  EXPECT_GT(report.commands(Command::kDemand), 0U);
  // What began in the last seconds has not ended, and what ended in the first had begun before.
  EXPECT_NEAR(static_cast<double>(report.calls), 6'000, 300);
  EXPECT_LE(report.memory_peak, 1.0);
}

TEST(Simulation, TheLossOfATenthOfTheWorkersIsGotOver) {
  Settings settings = small();
  settings.load.functions = 50;
  settings.duration = seconds(180);
  const Report report = run(settings);
  EXPECT_EQ(report.workers_lost, 2U);
  EXPECT_EQ(report.lost_at_s, 108U);
  EXPECT_GT(report.failed, 0U);
  EXPECT_GT(report.refused, 0U);
  ASSERT_TRUE(report.recovery.failed_s);
  EXPECT_GE(*report.recovery.failed_s, 5U) << "what the lost executed fails when they are forgotten";
  EXPECT_LE(*report.recovery.failed_s, 7U);
  ASSERT_TRUE(report.recovery.all_s());
  EXPECT_TRUE(report.ledgers_exact);
}

TEST(Simulation, AWarmCallOfASteadyFunctionNeedsNoMessage) {
  Settings settings = small();
  settings.gateways = 1;
  settings.load.functions = 1;
  settings.load.swing = 0;
  settings.load.run_mean = std::chrono::milliseconds(2);
  settings.loss.share = 0;
  settings.messaging.announce_again = seconds(0);
  const Report report = run(settings);
  EXPECT_LT(report.a_call(report.commands()), 0.05);
  EXPECT_LT(report.a_call(report.cold), 0.01);
  EXPECT_NEAR(report.own_part_warm.p50_us, 500, 15) << "one round trip, to the worker";
}

TEST(Simulation, ACallOfASeldomFunctionTakesAndIsAnnounced) {
  Settings settings = small();
  settings.load.zipf = 0;  // each once in five seconds
  settings.load.swing = 0;
  settings.load.run_mean = std::chrono::milliseconds(20);
  settings.loss.share = 0;
  settings.messaging.announce_again = seconds(0);
  const Report report = run(settings);
  EXPECT_NEAR(report.a_call(report.commands(Command::kTake)), 1, 0.15);
  EXPECT_NEAR(report.a_call(report.commands(Command::kAnnounceWarm)), 1, 0.15);
  EXPECT_NEAR(report.own_part_warm.p50_us, 1'020, 30) << "a round trip to messaging before it";
}

TEST(Simulation, AServerThatIsTooSlowIsTheFirstBottleneck) {
  Settings settings = small();
  settings.messaging.servers = 1;
  settings.messaging.rate = 500;
  const Report report = run(settings);
  ASSERT_FALSE(report.uses.empty());
  EXPECT_EQ(report.uses.front().resource, "messaging server 1");
  EXPECT_NE(to_text(report).find("The first bottleneck: messaging server 1"), std::string::npos);
}

TEST(Simulation, IsEndedByItsProgress) {
  const Report report = simulate(small(), [](const Progress& progress) { return progress.second < 30; });
  EXPECT_EQ(report.seconds.size(), 10U) << "of those that are measured";
  EXPECT_GT(report.calls, 0U);
}

}  // namespace
}  // namespace hearth::sim
