#include "membership/card_maker.h"

#include <gtest/gtest.h>

namespace hearth::membership {
namespace {

using model::MemberRole;
using model::MemberState;
using std::chrono::seconds;

const base::TimePoint kStart{std::chrono::hours(1)};

TEST(CardMaker, CountsItsCardsAndKeepsTheirPeaks) {
  CardMaker maker({"serve-1", MemberRole::kServe, MemberState::kServing, "http://h:1", "1", 5, 0, {}, {}},
                  seconds(60));
  Load load;
  load.worker.emplace().memory_busy_mb = 900;
  load.gateway.emplace().memory_waited_mb = 300;
  const model::Member first = maker.make(load, kStart);
  EXPECT_EQ(first.beat, 1U);
  EXPECT_EQ(first.uri, "http://h:1");
  load.worker->memory_busy_mb = 100;
  load.gateway->memory_waited_mb = 0;
  maker.set_state(MemberState::kDraining);
  const model::Member second = maker.make(load, kStart + seconds(60));
  EXPECT_EQ(second.beat, 2U);
  EXPECT_EQ(second.state, MemberState::kDraining);
  EXPECT_EQ(second.worker.value().memory_busy_mb, 100U);
  EXPECT_EQ(second.worker.value().memory_busy_peak_mb, 900U);
  EXPECT_EQ(second.gateway.value().memory_waited_peak_mb, 300U);
  EXPECT_EQ(maker.make(load, kStart + seconds(61)).worker.value().memory_busy_peak_mb, 100U);
}

TEST(CardMaker, IdsAreWordsThatDiffer) {
  base::SeededRandom random(1);
  const std::string id = make_member_id(MemberRole::kWorker, random);
  EXPECT_EQ(id.size(), std::string("worker-123456").size());
  EXPECT_TRUE(id.starts_with("worker-"));
  EXPECT_NE(id, make_member_id(MemberRole::kWorker, random));
}

TEST(MemberWords, AreReadAsTheyAreWritten) {
  for (const auto role : {MemberRole::kServe, MemberRole::kGateway, MemberRole::kWorker, MemberRole::kMonitor,
                          MemberRole::kOther}) {
    EXPECT_EQ(model::member_role(to_string(role)), role);
  }
  for (const auto state : {MemberState::kServing, MemberState::kDraining, MemberState::kLeft}) {
    EXPECT_EQ(model::member_state(to_string(state)), state);
  }
}

}  // namespace
}  // namespace hearth::membership
