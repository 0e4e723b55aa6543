#include "membership/capacity.h"

#include <gtest/gtest.h>

#include <string>

#include "membership/fleet_metrics.h"

namespace hearth::membership {
namespace {

using model::Member;
using model::MemberRole;
using model::MemberState;
using std::chrono::minutes;
using std::chrono::seconds;

const base::TimePoint kStart{std::chrono::hours(1)};

Member worker(std::uint32_t busy_mb, std::uint32_t peak_mb = 0, MemberState state = MemberState::kServing) {
  Member card{"worker", MemberRole::kWorker, state, "http://h:1", "1", 0, 1, {}, {}};
  card.worker = {1'000, 1'000 - busy_mb, busy_mb, std::max(busy_mb, peak_mb), 1, {{"idle", 2}}, 1};
  return card;
}

Member gateway(std::uint32_t waited_mb, std::uint32_t peak_mb = 0) {
  Member card{"gateway", MemberRole::kGateway, MemberState::kServing, "", "1", 0, 1, {}, {}};
  card.gateway = {3, 4, waited_mb, std::max(waited_mb, peak_mb)};
  return card;
}

TEST(SlidingMaximum, ForgetsWhatIsOlderThanItsWindow) {
  SlidingMaximum most(seconds(10));
  EXPECT_EQ(most.at(kStart), 0U);
  most.add(5, kStart);
  most.add(3, kStart + seconds(4));
  most.add(4, kStart + seconds(6));
  EXPECT_EQ(most.at(kStart + seconds(10)), 5U);
  EXPECT_EQ(most.at(kStart + seconds(11)), 4U);
  EXPECT_EQ(most.at(kStart + seconds(17)), 0U);
  most.add(1, kStart + seconds(20));
  EXPECT_EQ(most.at(kStart + seconds(20)), 1U);
}

TEST(Capacity, IsTheSumOfThoseThatServe) {
  CapacityGauge gauge({});
  gauge.look({worker(200), worker(100), worker(50, 0, MemberState::kDraining), gateway(128),
              worker(900, 0, MemberState::kLeft)},
             kStart);
  Capacity expected;
  expected.workers = 2;
  expected.workers_draining = 1;
  expected.workers_needed = 1;
  expected.memory_total_mb = 2'000;
  expected.memory_free_mb = 1'700;
  expected.memory_busy_mb = 300;
  expected.cold_allocations = 2;
  expected.instances_idle = 4;
  expected.calls_waiting = 3;
  expected.calls_running = 4;
  expected.memory_waited_mb = 128;
  EXPECT_EQ(gauge.read(kStart), expected);
}

// Each worker has 1,000 MB, 800 of which are to be busy at the peak.
TEST(Capacity, NeededIsWhatTheLoadOfTheWindowNeeds) {
  CapacityGauge gauge({minutes(5), 0.8});
  const auto needed = [&](std::vector<Member> members, base::TimePoint now) {
    gauge.look(members, now);
    return gauge.read(now).workers_needed;
  };
  EXPECT_EQ(needed({worker(0)}, kStart), 0U);
  EXPECT_EQ(needed({worker(800)}, kStart + seconds(1)), 1U);
  EXPECT_EQ(needed({worker(801)}, kStart + seconds(2)), 2U);
  EXPECT_EQ(needed({worker(1'000), gateway(2'000)}, kStart + seconds(3)), 4U) << "3,000 / 800";
  EXPECT_EQ(needed({worker(0)}, kStart + minutes(5)), 4U);
  EXPECT_EQ(needed({worker(0)}, kStart + minutes(5) + seconds(4)), 0U);
}

TEST(Capacity, WhatADrainingWorkerExecutesIsLoad) {
  CapacityGauge gauge({minutes(5), 0.8});
  gauge.look({worker(700), worker(900, 0, MemberState::kDraining)}, kStart);
  EXPECT_EQ(gauge.read(kStart).workers_needed, 2U);
}

TEST(Capacity, WhoHasJustBegunToWatchCallsNobodySuperfluousButAsksForNoMore) {
  CapacityGauge gauge({minutes(5), 0.8});
  const std::vector<Member> members = {worker(0, 800), worker(0, 800), worker(0, 800), gateway(0, 4'000)};
  gauge.look(members, kStart);
  EXPECT_EQ(gauge.read(kStart).workers_needed, 3U);
  gauge.look(members, kStart + minutes(5));
  EXPECT_EQ(gauge.read(kStart + minutes(5)).workers_needed, 0U) << "it has seen for itself";
}

TEST(Capacity, WithoutWorkersTheSizeOfTheLastOnesCounts) {
  CapacityGauge gauge({minutes(5), 0.8});
  gauge.look({gateway(128)}, kStart);
  EXPECT_EQ(gauge.read(kStart).workers_needed, 1U) << "nobody knows what one has";
  gauge.look({worker(0)}, kStart);
  gauge.look({gateway(1'700)}, kStart);
  EXPECT_EQ(gauge.read(kStart).workers, 0U);
  EXPECT_EQ(gauge.read(kStart).workers_needed, 3U);
}

TEST(Capacity, IsToldToPrometheus) {
  CapacityGauge gauge({});
  gauge.look({worker(200), gateway(128)}, kStart);
  const std::string text = fleet_metrics(gauge.read(kStart));
  for (const char* line : {"\nhearth_workers 1\n", "\nhearth_workers_needed 1\n",
                           "\nhearth_cold_allocations 1\n", "\nhearth_workers_memory_busy_bytes 209715200\n",
                           "\n# TYPE hearth_workers_draining gauge\nhearth_workers_draining 0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

}  // namespace
}  // namespace hearth::membership
