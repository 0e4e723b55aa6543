// The runner over a real store: what is executed, when, and what becomes of it.
#include "monitor/execution_runner.h"

#include "monitor/execution_runner_test_support.h"

namespace hearth::monitor {
namespace {

using model::ExecutionState;
using std::chrono::milliseconds;
using testing::IsEmpty;

TEST_F(RunnerTest, WhatIsSubmittedIsExecutedAtOnceAndSettled) {
  start();
  warm(1);
  EXPECT_TRUE(submit(1));
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(std::string(std::string_view(link_.running[0].request.request_id)), store::execution_id(1));
  EXPECT_EQ(find(1).state, ExecutionState::kRunning);
  finish();
  EXPECT_EQ(find(1).state, ExecutionState::kDone);
  EXPECT_EQ(find(1).result.output, "1");
  EXPECT_EQ(find(1).executed_version, 1U);
  EXPECT_THAT(ended_, testing::ElementsAre(ExecutionState::kDone));
  EXPECT_EQ(runner_->executing(), 0U);
}

TEST_F(RunnerTest, WhatWasPendingIsFoundAtTheStart) {
  pending(1, 1);
  warm(1);
  start();
  ASSERT_EQ(link_.running.size(), 1U);
  finish();
  EXPECT_EQ(find(1).state, ExecutionState::kDone);
}

TEST_F(RunnerTest, NeverMoreAtOnceThanTheLimitAndOfAFunctionHalf) {
  pending(1, 10);
  pending(11, 20, "g");
  warm(10);
  warm(10, "g");
  start();
  std::map<std::string, int> begun;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(run_until(
        [&] { return link_.running.size() == std::min<std::size_t>(4, 20U - static_cast<std::size_t>(i)); }));
    std::map<std::string, int> at_once;
    for (const auto& each : link_.running) {
      ++at_once[each.request.version->function_id];
    }
    EXPECT_LE(at_once["f"], 2);
    EXPECT_LE(at_once["g"], 2);
    finish();
  }
  EXPECT_EQ(ended_.size(), 20U);
  EXPECT_EQ(runner_->counts().attempts, 20U);
}

TEST_F(RunnerTest, WhatFailsIsDueLaterAndThenTriedAgain) {
  start();
  warm(1);
  submit(1);
  finish(model::OutcomeKind::kThrew);
  const auto failed = find(1);
  EXPECT_EQ(failed.state, ExecutionState::kPending);
  ASSERT_EQ(failed.attempts.size(), 1U);
  EXPECT_EQ(failed.attempts[0].code, "function_error");
  EXPECT_TRUE(failed.attempts[0].counts);
  EXPECT_GE(failed.due_ms, now_ms_ + 50);
  EXPECT_LE(failed.due_ms, now_ms_ + 150);
  EXPECT_THAT(link_.running, IsEmpty()) << "not before it is due";
  now_ms_ += 150;
  warm(1);  // the first may have been given back meanwhile
  ASSERT_TRUE(run_until([&] { return link_.running.size() == 1; }));
  finish();
  EXPECT_EQ(find(1).state, ExecutionState::kDone);
}

TEST_F(RunnerTest, ItsRetriesUsedUpItIsDead) {
  options_.retry.retries = 0;
  start();
  warm(1);
  submit(1);
  finish(model::OutcomeKind::kOutOfMemory);
  EXPECT_EQ(find(1).state, ExecutionState::kDead);
  EXPECT_EQ(find(1).result.error_code, "out_of_memory");
  EXPECT_FALSE(find(1).result.error.message.empty());
  EXPECT_THAT(ended_, testing::ElementsAre(ExecutionState::kDead));
}

TEST_F(RunnerTest, OfALongMessageTheAttemptHasTheBeginningAndTheResultAll) {
  options_.retry.retries = 0;
  start();
  warm(1);
  submit(1);
  const std::string message(100'000, 'x');
  finish(model::OutcomeKind::kThrew, message);
  EXPECT_EQ(find(1).attempts.at(0).message, message.substr(0, model::kAttemptMessageBytes));
  EXPECT_EQ(find(1).result.error.message, message);
}

TEST_F(RunnerTest, WhatThePlatformFailsCountsToNothing) {
  options_.retry.retries = 0;
  start();
  warm(1);
  submit(1);
  finish(model::OutcomeKind::kWorkerLost);
  EXPECT_EQ(find(1).state, ExecutionState::kPending);
  EXPECT_FALSE(find(1).attempts.at(0).counts);
}

TEST_F(RunnerTest, ItWaitsForCapacity) {
  start();
  submit(1);
  EXPECT_THAT(link_.running, IsEmpty());
  EXPECT_EQ(find(1).state, ExecutionState::kRunning) << "held";
  warm(1);
  ASSERT_TRUE(run_until([&] { return link_.running.size() == 1; }));
  finish();
  EXPECT_THAT(find(1).attempts, IsEmpty());
}

TEST_F(RunnerTest, NothingIsExecutedWhileItMayBeOlder) {
  may_execute_ = false;
  start();
  warm(1);
  submit(1);
  EXPECT_THAT(link_.running, IsEmpty());
  may_execute_ = true;
  EXPECT_TRUE(run_until([&] { return link_.running.size() == 1; }));
}

TEST_F(RunnerTest, OnASharedStoreAFunctionThatAnotherHasJustMadeIsWaitedFor) {
  options_.shared = true;
  const auto function = functions_.extract("f").mapped();
  made_elsewhere_ = "f";
  start();
  warm(1);
  submit(1);
  EXPECT_EQ(find(1).state, ExecutionState::kRunning);
  functions_["f"] = function;
  EXPECT_TRUE(run_until([&] { return link_.running.size() == 1; }));
}

TEST_F(RunnerTest, OnASharedStoreWhatOthersLeaveIsFound) {
  options_.shared = true;
  start();
  warm(1);
  settle();
  pending(1, 1);
  EXPECT_TRUE(run_until([&] { return link_.running.size() == 1; }));
}

TEST_F(RunnerTest, OfADeletedFunctionItIsDeadAndSaysSo) {
  functions_.erase("f");
  pending(1, 1);
  start();
  EXPECT_EQ(find(1).state, ExecutionState::kDead);
  EXPECT_EQ(find(1).result.error_code, "not_found");
}

TEST_F(RunnerTest, OnASharedStoreADeletedFunctionsBacklogKeepsNobodyWaiting) {
  options_.shared = true;
  functions_.erase("f");
  pending(1, 20);
  start();
  for (int i = 1; i <= 20; ++i) {
    EXPECT_TRUE(run_until([&] { return find(i).result.error_code == "not_found"; })) << i;
  }
}

TEST_F(RunnerTest, ALeaseIsExtendedForAsLongAsTheWorkerExecutes) {
  options_.lease = milliseconds(90);
  start();
  warm(1);
  submit(1);
  for (int i = 0; i < 5; ++i) {
    now_ms_ += 60;
    settle();
    EXPECT_THAT(*store().claim({now_ms_, now_ms_ + 90, 10, 10, UINT64_MAX, "", {}}), IsEmpty());
  }
  finish();
  EXPECT_EQ(find(1).state, ExecutionState::kDone);
}

TEST_F(RunnerTest, WhoLostItsLeaseSettlesNothing) {
  start();
  warm(1);
  submit(1);
  const auto stolen = store().claim({now_ms_ + 60'000, now_ms_ + 90'000, 10, 10, UINT64_MAX, "", {}});
  ASSERT_EQ(stolen->size(), 1U);
  finish();
  EXPECT_EQ(find(1).state, ExecutionState::kRunning) << "it is another's";
  EXPECT_EQ(runner_->counts().leases_lost, 1U);
  EXPECT_EQ(runner_->executing(), 0U);
  EXPECT_THAT(ended_, IsEmpty());
}

TEST_F(RunnerTest, WhileOthersAreDueNothingIsTakenAheadOfThem) {
  start();
  warm(2);
  submit(1);
  submit(2);
  EXPECT_FALSE(submit(3)) << "the function has its half";
  EXPECT_FALSE(submit(4));
  finish();
  ASSERT_TRUE(run_until([&] { return link_.running.size() == 2; }));
  EXPECT_EQ(std::string(std::string_view(link_.running[1].request.request_id)), store::execution_id(3));
}

TEST_F(RunnerTest, MoreAndMoreOfAFunctionAreBegun) {
  options_.concurrency = 40;
  pending(1, 30);
  warm(30);
  start();
  EXPECT_LE(link_.running.size(), 5U) << "two, and one more every 50 ms";
  ASSERT_TRUE(run_until([&] { return link_.running.size() == 20; })) << "though none ends: its half";
}

TEST_F(RunnerTest, WhileOthersWaitForAnswersOneIsBegunAfterTheOther) {
  has_callers_ = true;
  pending(1, 4);
  warm(4);
  start();
  EXPECT_EQ(link_.running.size(), 2U) << "which wait rather than compute: the function's half";
  finish();
  finish();
  EXPECT_EQ(link_.running.size(), 2U);
}

TEST_F(RunnerTest, ADrainLetsWhatRunsFinishAndTakesNothingMore) {
  start();
  warm(1);
  submit(1);
  bool drained = false;
  runner_->drain([&] { drained = true; });
  EXPECT_FALSE(submit(2));
  EXPECT_FALSE(drained);
  finish();
  EXPECT_TRUE(drained);
  EXPECT_EQ(find(1).state, ExecutionState::kDone);
  EXPECT_EQ(find(2).state, ExecutionState::kPending);
}

TEST_F(RunnerTest, WhatAStopCutsOffCountsToNothing) {
  options_.retry.retries = 0;
  start();
  warm(1);
  submit(1);
  runner_->drain([] {});
  finish(model::OutcomeKind::kExited);
  EXPECT_EQ(find(1).state, ExecutionState::kPending);
}

TEST_F(RunnerTest, ASubmissionThatWasThereBeforeIsNotExecutedAgain) {
  start();
  warm(2);
  auto execution = store::sample_execution(1);
  execution.idempotency_key = "k";
  ASSERT_TRUE(store().write({{execution}, {}}).ok());
  runner_->wake();
  settle();
  ASSERT_EQ(link_.running.size(), 1U);
  execution.id = store::execution_id(2);
  ASSERT_TRUE(runner_->take(execution));
  journal_->submit(execution, [&](const base::Result<store::Submitted>& result) {
    EXPECT_EQ(result->id, store::execution_id(1));
    runner_->taken(execution, result->fresh);
  });
  settle();
  EXPECT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(runner_->executing(), 1U);
}

}  // namespace
}  // namespace hearth::monitor
