// What every execution store promises of an execution from its acceptance to its end, whatever it is built
// on.
#include "store/execution_conformance.h"

namespace hearth::store {
namespace {

using model::ExecutionState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ExecutionLifeConformance : public ExecutionConformance {};

TEST_P(ExecutionLifeConformance, WhatIsAcceptedIsPendingAndDueAtOnce) {
  NewExecution execution = sample_execution(1);
  execution.version = 7;
  submit({execution});
  model::AsyncExecution expected;
  expected.id = execution.id;
  expected.function_id = "f";
  expected.version = 7;
  expected.input_bytes = execution.input->size();
  expected.submitted_ms = expected.due_ms = 1'000;
  EXPECT_EQ(find(execution.id), expected);
  reopen();
  EXPECT_EQ(find(execution.id), expected);
  EXPECT_EQ(store().next_due(model::ExecutionKind::kCall).value(), 1'000);
}

TEST_P(ExecutionLifeConformance, WhatWasClaimedIsDoneWithItsOutputAndLogs) {
  submit({sample_execution(1)});
  const auto claimed = claim(1'500);
  ASSERT_THAT(ids(claimed), ElementsAre(execution_id(1)));
  EXPECT_EQ(claimed[0].lease.number, 1U);
  EXPECT_EQ(claimed[0].function_id, "f");
  EXPECT_EQ(claimed[0].version, 0U);
  EXPECT_EQ(*claimed[0].input, "{\"number\":1}");
  EXPECT_EQ(claimed[0].accepted_ms, 1'000);
  EXPECT_EQ(claimed[0].failures, 0U);
  EXPECT_EQ(find(execution_id(1)).state, ExecutionState::kRunning);
  EXPECT_EQ(find(execution_id(1)).due_ms, 0);
  EXPECT_EQ(find(execution_id(1)).started_ms, 1'500);

  const Settlement settlement = done(claimed[0].lease, "{\"hello\":\"Ada\"}");
  EXPECT_TRUE(settle(settlement));
  reopen();
  const auto found = find(execution_id(1));
  EXPECT_EQ(found.state, ExecutionState::kDone);
  EXPECT_EQ(found.started_ms, 2'000);
  EXPECT_EQ(found.ended_ms, 2'500);
  EXPECT_EQ(found.executed_version, 3U);
  EXPECT_EQ(found.result, settlement.result);
  EXPECT_THAT(found.attempts, IsEmpty());
  EXPECT_FALSE(settle(settlement)) << "it is settled once";
  EXPECT_THAT(claim(1'000'000), IsEmpty());
  EXPECT_EQ(store().next_due(model::ExecutionKind::kCall).value(), std::nullopt);
}

TEST_P(ExecutionLifeConformance, WhoSubmitsMayExecuteAtOnce) {
  NewExecution execution = sample_execution(1);
  execution.lease_until_ms = 9'000;
  submit({execution});
  EXPECT_EQ(find(execution.id).state, ExecutionState::kRunning);
  EXPECT_EQ(find(execution.id).started_ms, 1'000);
  EXPECT_THAT(claim(8'999), IsEmpty());
  EXPECT_TRUE(settle(done({execution.id, 1})));
  EXPECT_EQ(find(execution.id).state, ExecutionState::kDone);

  NewExecution at_once = sample_execution(2);
  at_once.lease_until_ms = 9'000;
  EXPECT_THAT(write({{at_once}, {done({at_once.id, 1})}}).settled, ElementsAre(true)) << "in one commit";
  EXPECT_EQ(find(at_once.id).state, ExecutionState::kDone);
}

TEST_P(ExecutionLifeConformance, AFailedAttemptIsTriedAgainWhenItIsDue) {
  const Settlement first = failed(running(1), 5'000);
  EXPECT_TRUE(settle(first));
  auto found = find(execution_id(1));
  EXPECT_EQ(found.state, ExecutionState::kPending);
  EXPECT_EQ(found.due_ms, 5'000);
  EXPECT_EQ(found.ended_ms, 0);
  EXPECT_THAT(found.attempts, ElementsAre(*first.attempt));
  EXPECT_EQ(found.result, model::ExecutionResult());
  EXPECT_EQ(store().next_due(model::ExecutionKind::kCall).value(), 5'000);
  EXPECT_THAT(claim(4'999), IsEmpty());

  const auto second = claim(5'000);
  ASSERT_THAT(ids(second), ElementsAre(execution_id(1)));
  EXPECT_EQ(second[0].lease.number, 2U);
  EXPECT_EQ(second[0].failures, 1U);
  EXPECT_EQ(second[0].accepted_ms, 1'000);
  Settlement platform = failed(second[0].lease, 6'000);
  platform.attempt->code = "no_capacity";
  platform.attempt->counts = false;
  platform.executed_version = 0;
  EXPECT_TRUE(settle(platform));
  EXPECT_EQ(find(execution_id(1)).executed_version, 3U) << "of the last that was executed";
  EXPECT_EQ(claim(6'000).at(0).failures, 1U);
  reopen();
  EXPECT_THAT(find(execution_id(1)).attempts, ElementsAre(*first.attempt, *platform.attempt));
}

TEST_P(ExecutionLifeConformance, ADeadOneHasItsErrorItsLogsAndItsAttempts) {
  const Settlement settlement = dead(running(1));
  EXPECT_TRUE(settle(settlement));
  reopen();
  const auto found = find(execution_id(1));
  EXPECT_EQ(found.state, ExecutionState::kDead);
  EXPECT_EQ(found.due_ms, 0);
  EXPECT_EQ(found.ended_ms, 2'500);
  EXPECT_EQ(found.result, settlement.result);
  EXPECT_THAT(found.attempts, ElementsAre(*settlement.attempt));
  EXPECT_THAT(claim(1'000'000), IsEmpty());
}

TEST_P(ExecutionLifeConformance, NoAttemptEndsAsRunning) {
  Settlement settlement = done(running(1));
  settlement.state = ExecutionState::kRunning;
  EXPECT_EQ(code_of(store().write({{sample_execution(2)}, {settlement}})), "invalid_argument");
  EXPECT_EQ(code_of(store().find(execution_id(2))), "not_found") << "an error means that nothing is written";
  EXPECT_EQ(store().backlog()->at(0).executions, 1U);
}

TEST_P(ExecutionLifeConformance, TheLastHundredAttemptsAreKept) {
  Lease lease = running(1);
  for (std::uint32_t number = 1; number < 105; ++number) {
    ASSERT_TRUE(settle(failed(lease, 1'000)));
    lease = claim(1'000).at(0).lease;
  }
  const auto attempts = find(execution_id(1)).attempts;
  ASSERT_EQ(attempts.size(), model::kAttemptsKept);
  EXPECT_EQ(attempts.front().number, 5U);
  EXPECT_EQ(attempts.back().number, 104U);
  ASSERT_TRUE(settle(failed(lease, 1'000)));
  EXPECT_EQ(claim(1'000).at(0).failures, 105U) << "all of them count";
}

TEST_P(ExecutionLifeConformance, BytesComeBackAsTheyWere) {
  NewExecution execution = sample_execution(1);
  const std::string large = '"' + std::string(6U << 20U, 'x') + '"';
  execution.input = std::make_shared<const std::string>(large);
  submit({execution});
  const auto claimed = claim(1'000);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_TRUE(*claimed[0].input == large);
  Settlement settlement = failed(claimed[0].lease, 1'000);
  settlement.attempt->message = std::string("caf\xe9 \0 \"quotes\"\n", 16);
  ASSERT_TRUE(settle(settlement));
  Settlement last = done(claim(1'000).at(0).lease, large);
  last.result.logs.chunks = {{model::LogStream::kOut, std::string("\0\xff\xfe o5:\n", 8)},
                             {model::LogStream::kErr, ""},
                             {model::LogStream::kErr, std::string(300'000, '\x80')}};
  ASSERT_TRUE(settle(last));
  reopen();
  const auto found = find(execution.id);
  EXPECT_TRUE(found.result == last.result);
  EXPECT_THAT(found.attempts, ElementsAre(*settlement.attempt));

  Settlement gone = dead(running(2));
  gone.result.error = {std::string("\0\xff", 2), std::string("a\0b\xfe", 4), "\n\xe9"};
  ASSERT_TRUE(settle(gone));
  EXPECT_EQ(find(execution_id(2)).result, gone.result);
}

TEST_P(ExecutionLifeConformance, AnInputOfAnySizeIsThereUntilItIsDone) {
  const std::vector<std::size_t> sizes = {0, 1, 1'024, 1'025, 100'000};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    NewExecution execution = sample_execution(static_cast<int>(i));
    execution.input = std::make_shared<const std::string>(sizes[i], static_cast<char>('a' + i));
    submit({execution});
  }
  const auto expect_all = [&](const std::vector<Claimed>& claimed) {
    ASSERT_EQ(claimed.size(), sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      EXPECT_EQ(*claimed[i].input, std::string(sizes[i], static_cast<char>('a' + i)));
      EXPECT_EQ(find(claimed[i].lease.id).input_bytes, sizes[i]);
    }
  };
  std::vector<Claimed> claimed = claim(1'000);
  expect_all(claimed);
  for (const Claimed& each : claimed) {
    EXPECT_TRUE(settle(failed(each.lease, 2'000)));
  }
  claimed = claim(2'000);
  expect_all(claimed);
  for (const Claimed& each : claimed) {
    EXPECT_TRUE(settle(dead(each.lease)));
    EXPECT_TRUE(store().redrive(each.lease.id, 3'000).ok());
  }
  reopen();
  claimed = claim(3'000);
  expect_all(claimed);
  for (const Claimed& each : claimed) {
    EXPECT_TRUE(settle(done(each.lease)));
    EXPECT_EQ(find(each.lease.id).state, ExecutionState::kDone);
  }
  EXPECT_EQ(store().remove_ended(INT64_MAX, 0, 100).value(), sizes.size());
}

TEST_P(ExecutionLifeConformance, AKeyMakesOneExecution) {
  NewExecution first = sample_execution(1);
  first.idempotency_key = "key";
  submit({first});
  NewExecution again = first;
  again.id = execution_id(2);
  NewExecution other_input = sample_execution(3);
  other_input.idempotency_key = "key";
  NewExecution other_version = again;
  other_version.id = execution_id(4);
  other_version.version = 2;
  NewExecution other_function = sample_execution(5, "g");
  other_function.idempotency_key = "key";
  const auto submitted =
      write({{again, other_input, other_version, other_function, sample_execution(6)}, {}}).submitted;
  ASSERT_EQ(submitted.size(), 5U);
  EXPECT_EQ(*submitted[0], (Submitted{first.id, false}));
  EXPECT_EQ(code_of(submitted[1]), "already_exists");
  EXPECT_THAT(submitted[1].error().message, HasSubstr("key"));
  EXPECT_EQ(code_of(submitted[2]), "already_exists");
  EXPECT_EQ(*submitted[3], (Submitted{other_function.id, true}));
  EXPECT_EQ(*submitted[4], (Submitted{execution_id(6), true}));
  EXPECT_THAT(listed(), ElementsAre(execution_id(6), execution_id(5), execution_id(1)));
}

TEST_P(ExecutionLifeConformance, AKeyHoldsWithinABatchAndAfterTheEnd) {
  NewExecution first = sample_execution(1);
  first.idempotency_key = "key";
  NewExecution again = first;
  again.id = execution_id(2);
  NewExecution other_input = sample_execution(3);
  other_input.idempotency_key = "key";
  const auto submitted = write({{first, again, other_input}, {}}).submitted;
  EXPECT_EQ(*submitted.at(0), (Submitted{first.id, true}));
  EXPECT_EQ(*submitted.at(1), (Submitted{first.id, false}));
  EXPECT_EQ(code_of(submitted.at(2)), "already_exists");
  ASSERT_TRUE(settle(done(claim(1'000).at(0).lease)));
  reopen();
  EXPECT_EQ(*write({{again}, {}}).submitted.at(0), (Submitted{first.id, false}));
  EXPECT_EQ(code_of(write({{other_input}, {}}).submitted.at(0)), "already_exists");
  EXPECT_EQ(*store().remove_ended(1'000'000, 0, 10), 1U);
  EXPECT_EQ(*write({{other_input}, {}}).submitted.at(0), (Submitted{other_input.id, true}))
      << "the key is free again";
}

TEST_P(ExecutionLifeConformance, AnIdIsGivenOnce) {
  submit({sample_execution(1)});
  const auto submitted = write({{sample_execution(1), sample_execution(2)}, {}}).submitted;
  EXPECT_EQ(code_of(submitted.at(0)), "already_exists");
  EXPECT_EQ(code_of(submitted.at(1)), "ok");
  EXPECT_EQ(store().backlog()->at(0).executions, 2U);
}

TEST_P(ExecutionLifeConformance, APendingOneIsCancelled) {
  submit({sample_execution(1)});
  const auto cancelled = store().cancel(execution_id(1), 7'000);
  ASSERT_EQ(code_of(cancelled), "ok");
  EXPECT_EQ(cancelled->state, ExecutionState::kCancelled);
  EXPECT_EQ(cancelled->ended_ms, 7'000);
  EXPECT_EQ(cancelled->due_ms, 0);
  EXPECT_EQ(find(execution_id(1)), *cancelled);
  EXPECT_THAT(claim(1'000'000), IsEmpty());
  EXPECT_EQ(code_of(store().cancel(execution_id(1), 7'000)), "busy");
}

TEST_P(ExecutionLifeConformance, WhatARunningOneReturnsAfterItWasCancelledIsThrownAway) {
  const Lease lease = running(1);
  ASSERT_EQ(code_of(store().cancel(execution_id(1), 7'000)), "ok");
  EXPECT_FALSE(settle(done(lease)));
  EXPECT_EQ(store().extend(std::vector{lease}, 90'000)->size(), 1U);
  EXPECT_EQ(find(execution_id(1)).state, ExecutionState::kCancelled);
  EXPECT_EQ(find(execution_id(1)).result, model::ExecutionResult());
  EXPECT_THAT(claim(1'000'000), IsEmpty());
}

TEST_P(ExecutionLifeConformance, WhatHasEndedOrIsUnknownIsNotCancelled) {
  ASSERT_TRUE(settle(done(running(1))));
  ASSERT_TRUE(settle(dead(running(2))));
  EXPECT_EQ(code_of(store().cancel(execution_id(1), 7'000)), "busy");
  EXPECT_THAT(store().cancel(execution_id(1), 7'000).error().message, HasSubstr("done"));
  EXPECT_EQ(code_of(store().cancel(execution_id(2), 7'000)), "busy");
  EXPECT_EQ(code_of(store().cancel("nothing", 7'000)), "not_found");
  EXPECT_EQ(code_of(store().find("nothing")), "not_found");
  EXPECT_THAT(store().find("nothing").error().message, HasSubstr("nothing"));
}

TEST_P(ExecutionLifeConformance, ADeadOneIsRedrivenWithAllItsRetries) {
  const Settlement settlement = dead(running(1));
  ASSERT_TRUE(settle(settlement));
  const auto redriven = store().redrive(execution_id(1), 8'000);
  ASSERT_EQ(code_of(redriven), "ok");
  EXPECT_EQ(redriven->state, ExecutionState::kPending);
  EXPECT_EQ(redriven->due_ms, 8'000);
  EXPECT_EQ(redriven->submitted_ms, 1'000);
  EXPECT_EQ(redriven->ended_ms, 0);
  EXPECT_EQ(redriven->result, model::ExecutionResult());
  EXPECT_THAT(redriven->attempts, ElementsAre(*settlement.attempt));
  reopen();
  EXPECT_EQ(find(execution_id(1)), *redriven);
  EXPECT_THAT(claim(7'999), IsEmpty());
  const auto claimed = claim(8'000);
  ASSERT_THAT(ids(claimed), ElementsAre(execution_id(1)));
  EXPECT_EQ(claimed[0].failures, 0U);
  EXPECT_EQ(claimed[0].accepted_ms, 8'000);
  EXPECT_EQ(claimed[0].lease.number, 2U);
  EXPECT_EQ(*claimed[0].input, "{\"number\":1}");
}

TEST_P(ExecutionLifeConformance, ACancelledOneIsRedrivenAndItsOldLeaseIsWorthNothing) {
  const Lease lease = running(1);
  ASSERT_EQ(code_of(store().cancel(execution_id(1), 7'000)), "ok");
  ASSERT_EQ(code_of(store().redrive(execution_id(1), 8'000)), "ok");
  EXPECT_FALSE(settle(done(lease)));
  const auto claimed = claim(8'000);
  ASSERT_THAT(ids(claimed), ElementsAre(execution_id(1)));
  EXPECT_FALSE(settle(done(lease)));
  EXPECT_TRUE(settle(done(claimed[0].lease)));
}

TEST_P(ExecutionLifeConformance, OnlyWhatIsDeadOrCancelledIsRedriven) {
  EXPECT_EQ(code_of(store().redrive("nothing", 8'000)), "not_found");
  submit({sample_execution(1)});
  EXPECT_EQ(code_of(store().redrive(execution_id(1), 8'000)), "busy");
  const Lease lease = claim(1'000).at(0).lease;
  EXPECT_EQ(code_of(store().redrive(execution_id(1), 8'000)), "busy");
  ASSERT_TRUE(settle(done(lease)));
  EXPECT_EQ(code_of(store().redrive(execution_id(1), 8'000)), "busy");
  EXPECT_EQ(find(execution_id(1)).state, ExecutionState::kDone);
}

TEST_P(ExecutionLifeConformance, TheOldestDeadOnesAreRedrivenFirst) {
  for (const int number : {1, 2, 3, 4, 5}) {
    submit({sample_execution(number, number % 2 == 0 ? "g" : "f")});
    ASSERT_TRUE(settle(dead(claim(1'000).at(0).lease)));
  }
  submit({sample_execution(6)});
  EXPECT_EQ(executions_in(*store().redrive_dead("f", 8'000, 2)), 2U);
  EXPECT_THAT(listed(filter(ExecutionState::kDead)),
              ElementsAre(execution_id(5), execution_id(4), execution_id(2)));
  EXPECT_EQ(executions_in(*store().redrive_dead("", 9'000, 2)), 2U);
  EXPECT_THAT(listed(filter(ExecutionState::kDead)), ElementsAre(execution_id(5)));
  EXPECT_EQ(executions_in(*store().redrive_dead("", 9'000, 2)), 1U);
  EXPECT_EQ(executions_in(*store().redrive_dead("", 9'000, 2)), 0U);
  EXPECT_EQ(claim(9'000).size(), 6U);
}

INSTANTIATE_TEST_SUITE_P(Backends, ExecutionLifeConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
