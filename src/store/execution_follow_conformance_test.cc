// What every execution store promises of executions that tell of others: they are accepted with the
// settlement that they follow or not at all, and each kind is claimed by itself.
#include "store/execution_conformance.h"

namespace hearth::store {
namespace {

using model::ExecutionKind;
using model::ExecutionState;
using testing::ElementsAre;
using testing::IsEmpty;

class ExecutionFollowConformance : public ExecutionConformance {
 protected:
  static NewExecution webhook(int number, const model::ExecutionId& parent, std::string function = "f") {
    NewExecution execution = sample_execution(number, std::move(function));
    execution.kind = ExecutionKind::kWebhook;
    execution.parent_id = parent;
    execution.parent_state = ExecutionState::kDead;
    execution.depth = 3;
    return execution;
  }
  std::vector<Claimed> claim_webhooks(std::int64_t now_ms) {
    ClaimRequest request{now_ms, now_ms + 10'000, 1'000, 1'000, UINT64_MAX, {}, {}};
    request.kind = ExecutionKind::kWebhook;
    return claim(request);
  }
  std::optional<std::int64_t> next_due(ExecutionKind kind) { return store().next_due(kind).value(); }
};

TEST_P(ExecutionFollowConformance, WhatFollowsIsAcceptedWithTheSettlement) {
  Settlement settlement = done(running(1));
  NewExecution call = sample_execution(2, "g");
  call.parent_id = execution_id(1);
  call.depth = 1;
  settlement.follow_ups = {call, webhook(3, execution_id(1))};
  ASSERT_TRUE(settle(settlement));
  reopen();
  EXPECT_EQ(find(execution_id(1)).state, ExecutionState::kDone);
  const auto followed = find(execution_id(2));
  EXPECT_EQ(followed.state, ExecutionState::kPending);
  EXPECT_EQ(followed.kind, ExecutionKind::kCall);
  EXPECT_EQ(followed.parent_id, execution_id(1));
  EXPECT_EQ(followed.depth, 1U);
  EXPECT_EQ(find(execution_id(3)).kind, ExecutionKind::kWebhook);
  EXPECT_THAT(store().backlog().value(),
              ElementsAre(Backlog{"f", 1, call.input->size()}, Backlog{"g", 1, call.input->size()}));
  EXPECT_FALSE(settle(settlement)) << "nor does it follow twice";
  EXPECT_THAT(listed(), ElementsAre(execution_id(3), execution_id(2), execution_id(1)));
}

TEST_P(ExecutionFollowConformance, WhoClaimsItHasItAsItWasSubmitted) {
  Settlement settlement = dead(running(1));
  settlement.follow_ups = {webhook(2, execution_id(1))};
  settlement.follow_ups[0].submitted_ms = 2'345;
  ASSERT_TRUE(settle(settlement));
  const auto claimed = claim_webhooks(9'000);
  ASSERT_THAT(ids(claimed), ElementsAre(execution_id(2)));
  EXPECT_EQ(claimed[0].kind, ExecutionKind::kWebhook);
  EXPECT_EQ(claimed[0].parent_id, execution_id(1));
  EXPECT_EQ(claimed[0].parent_state, ExecutionState::kDead);
  EXPECT_EQ(claimed[0].depth, 3U);
  EXPECT_EQ(claimed[0].submitted_ms, 2'345);
  EXPECT_EQ(*claimed[0].input, "{\"number\":2}");
  const auto again = claim_webhooks(20'000);
  ASSERT_THAT(ids(again), ElementsAre(execution_id(2))) << "its lease has run out";
  EXPECT_EQ(again[0].parent_state, ExecutionState::kDead);
  EXPECT_TRUE(settle(dead(again[0].lease)));
  EXPECT_EQ(store().redrive(execution_id(2), 30'000)->kind, ExecutionKind::kWebhook);
  EXPECT_EQ(claim_webhooks(30'000).at(0).submitted_ms, 2'345);
}

TEST_P(ExecutionFollowConformance, NothingFollowsASettlementThatIsNotApplied) {
  Settlement settlement = done(running(1));
  settlement.follow_ups = {webhook(2, execution_id(1))};
  ASSERT_THAT(claim(20'000), testing::SizeIs(1)) << "another has it now";
  EXPECT_FALSE(settle(settlement));
  EXPECT_EQ(code_of(store().find(execution_id(2))), "not_found");

  Settlement cancelled = done(running(3));
  cancelled.follow_ups = {webhook(4, execution_id(3))};
  ASSERT_TRUE(store().cancel(execution_id(3), 2'000).ok());
  EXPECT_FALSE(settle(cancelled));
  EXPECT_EQ(code_of(store().find(execution_id(4))), "not_found");
}

TEST_P(ExecutionFollowConformance, OfTwoSettlementsOfALeaseTheFirstHasWhatFollows) {
  Settlement first = done(running(1));
  Settlement second = dead(first.lease);
  first.follow_ups = {webhook(2, execution_id(1))};
  second.follow_ups = {webhook(3, execution_id(1))};
  EXPECT_THAT(write({{}, {first, second}}).settled, ElementsAre(true, false));
  EXPECT_EQ(code_of(store().find(execution_id(2))), "ok");
  EXPECT_EQ(code_of(store().find(execution_id(3))), "not_found");
}

TEST_P(ExecutionFollowConformance, WhatCannotFollowUndoesTheSettlement) {
  Settlement settlement = done(running(1));
  settlement.follow_ups = {webhook(1, execution_id(1))};  // an id that is taken
  EXPECT_EQ(code_of(store().write({{}, {settlement}})), "already_exists");
  settlement.follow_ups = {webhook(2, execution_id(1))};
  settlement.follow_ups[0].idempotency_key = "key";
  EXPECT_EQ(code_of(store().write({{}, {settlement}})), "invalid_argument");
  EXPECT_EQ(find(execution_id(1)).state, ExecutionState::kRunning);
  EXPECT_EQ(store().backlog()->at(0).executions, 1U);
}

TEST_P(ExecutionFollowConformance, EachKindIsClaimedByItself) {
  submit({sample_execution(1, "a"), webhook(2, "", "a"), sample_execution(3, "b"), webhook(4, "", "c")});
  EXPECT_THAT(ids(claim_webhooks(1'000)), ElementsAre(execution_id(2), execution_id(4)));
  EXPECT_EQ(next_due(ExecutionKind::kWebhook), 11'000);
  EXPECT_EQ(next_due(ExecutionKind::kCall), 1'000);
  EXPECT_THAT(ids(claim(2'000)), ElementsAre(execution_id(1), execution_id(3)));
  EXPECT_EQ(next_due(ExecutionKind::kCall), 12'000);
  EXPECT_THAT(ids(claim(50'000)), ElementsAre(execution_id(1), execution_id(3))) << "leases that ran out";
  EXPECT_THAT(claim_webhooks(10'999), IsEmpty());
  EXPECT_EQ(store().release_all(60'000).value(), 4U) << "of all kinds";
  EXPECT_EQ(next_due(ExecutionKind::kWebhook), 60'000);
  EXPECT_THAT(store().backlog().value(), testing::SizeIs(3));
}

INSTANTIATE_TEST_SUITE_P(Backends, ExecutionFollowConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
