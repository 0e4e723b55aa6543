#include "sim/sim_loop.h"

#include <gtest/gtest.h>

#include <vector>

namespace hearth::sim {
namespace {

using std::chrono::milliseconds;

TEST(SimLoop, RunsTimersInTheirOrderAndAtTheirTime) {
  SimLoop loop;
  const auto start = loop.now();
  std::vector<int> seen;
  loop.at(start + milliseconds(20), [&] { seen.push_back(2); });
  loop.at(start + milliseconds(10), [&] {
    EXPECT_EQ(loop.now(), start + milliseconds(10));
    seen.push_back(1);
    loop.post([&] { seen.push_back(10); });
  });
  loop.at(start + milliseconds(20), [&] { seen.push_back(3); });
  loop.at(start + milliseconds(40), [&] { seen.push_back(4); });
  loop.run_until(start + milliseconds(30));
  EXPECT_EQ(seen, (std::vector{1, 10, 2, 3}));
  EXPECT_EQ(loop.now(), start + milliseconds(30));
  EXPECT_EQ(loop.events(), 4U);
}

TEST(SimLoop, ACancelledTimerDoesNotRunAndItsPlaceIsUsedAgain) {
  SimLoop loop;
  const auto start = loop.now();
  int runs = 0;
  const auto first = loop.at(start + milliseconds(1), [&] { ++runs; });
  loop.cancel(first);
  const auto second = loop.at(start + milliseconds(2), [&] { runs += 10; });
  EXPECT_NE(first, second);
  loop.cancel(first);  // it is not the one that has its place now
  loop.cancel(0);
  loop.run_until(start + milliseconds(5));
  EXPECT_EQ(runs, 10);
  loop.cancel(second);
}

TEST(SimLoop, ATimerOfThePastRunsNow) {
  SimLoop loop;
  const auto start = loop.now();
  bool ran = false;
  loop.at(start - milliseconds(5), [&] { ran = true; });
  loop.run_until(start);
  EXPECT_TRUE(ran);
  EXPECT_EQ(loop.now(), start);
}

TEST(CoarseLoop, WhatACoarseTimerSetsIsCoarseToo) {
  SimLoop loop;
  CoarseLoop coarse(loop);
  const auto start = loop.now();
  base::Duration second{};
  coarse.at(start + milliseconds(200), [&] {
    EXPECT_TRUE(coarse.coarse_runs());
    coarse.at(loop.now() + milliseconds(3), [&] { second = loop.now() - start; });
  });
  loop.run_until(start + milliseconds(500));
  EXPECT_EQ(second, milliseconds(250));
  EXPECT_FALSE(coarse.coarse_runs());
}

TEST(CoarseLoop, LeavesShortTimersExactAndRoundsLongOnesUp) {
  SimLoop loop;
  CoarseLoop coarse(loop);
  const auto start = loop.now();
  std::vector<base::Duration> seen;
  const auto note = [&] { seen.push_back(loop.now() - start); };
  coarse.at(start + milliseconds(7), note);
  coarse.at(start + milliseconds(201), note);
  coarse.at(start + milliseconds(250), note);
  loop.run_until(start + milliseconds(500));
  EXPECT_EQ(seen, (std::vector<base::Duration>{milliseconds(7), milliseconds(250), milliseconds(250)}));
}

}  // namespace
}  // namespace hearth::sim
