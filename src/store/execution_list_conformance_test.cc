// What every execution store promises of all executions together: lists, counts and what is kept.
#include "store/execution_conformance.h"

namespace hearth::store {
namespace {

using model::ExecutionState;
using testing::ElementsAre;
using testing::IsEmpty;

class ExecutionListConformance : public ExecutionConformance {
 protected:
  // Of two functions, two in each state but running, of which there is one each; accepted in the order of
  // numbers 1 to 18, the odd ones of "f".
  void one_of_each() {
    for (int number = 1; number <= 18; ++number) {
      submit({sample_execution(number, number % 2 == 1 ? "f" : "g")});
    }
    for (Claimed& claimed : claim(1'000)) {
      const int number = std::stoi(claimed.lease.id.substr(0, 8), nullptr, 16);
      if (number <= 4) {
        settle(done(claimed.lease));
      } else if (number <= 8) {
        settle(dead(claimed.lease));
      } else if (number <= 12) {
        ASSERT_TRUE(store().cancel(claimed.lease.id, 3'000).ok());
      } else if (number <= 16) {
        settle(failed(claimed.lease, 5'000));
      }
    }
  }
  static std::vector<std::string> numbered(std::initializer_list<int> numbers) {
    std::vector<std::string> found;
    for (const int number : numbers) {
      found.push_back(execution_id(number));
    }
    return found;
  }
};

TEST_P(ExecutionListConformance, AListIsNewestFirst) {
  EXPECT_THAT(listed(), IsEmpty());
  one_of_each();
  EXPECT_EQ(listed(), numbered({18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(listed(filter({}, "", "", 3)), numbered({18, 17, 16}));
  reopen();
  EXPECT_EQ(listed(filter({}, "", execution_id(4))), numbered({3, 2, 1}));
  EXPECT_THAT(listed(filter({}, "", execution_id(1))), IsEmpty());
  EXPECT_THAT(listed(filter({}, "", "0")), IsEmpty());
}

TEST_P(ExecutionListConformance, AListIsOfAState) {
  one_of_each();
  EXPECT_EQ(listed(filter(ExecutionState::kDone)), numbered({4, 3, 2, 1}));
  EXPECT_EQ(listed(filter(ExecutionState::kDead)), numbered({8, 7, 6, 5}));
  EXPECT_EQ(listed(filter(ExecutionState::kCancelled)), numbered({12, 11, 10, 9}));
  EXPECT_EQ(listed(filter(ExecutionState::kPending)), numbered({16, 15, 14, 13}));
  EXPECT_EQ(listed(filter(ExecutionState::kRunning)), numbered({18, 17}));
  EXPECT_EQ(listed(filter(ExecutionState::kRunning, "", "", 1)), numbered({18}));
  EXPECT_EQ(listed(filter(ExecutionState::kRunning, "", execution_id(18))), numbered({17}));
  EXPECT_EQ(listed(filter(ExecutionState::kDead, "", execution_id(8), 2)), numbered({7, 6}));
}

TEST_P(ExecutionListConformance, AListIsOfAFunction) {
  one_of_each();
  EXPECT_EQ(listed(filter({}, "f")), numbered({17, 15, 13, 11, 9, 7, 5, 3, 1}));
  EXPECT_EQ(listed(filter({}, "g", execution_id(18), 4)), numbered({16, 14, 12, 10}));
  EXPECT_EQ(listed(filter(ExecutionState::kDead, "f")), numbered({7, 5}));
  EXPECT_EQ(listed(filter(ExecutionState::kRunning, "g")), numbered({18}));
  EXPECT_THAT(listed(filter({}, "h")), IsEmpty());
}

// Some pending ones of two functions and both kinds, oldest first, before many that have ended; then one
// more.
TEST_P(ExecutionListConformance, WhatIsPendingIsListedHoweverManyHaveEndedSince) {
  constexpr int kOld = 6;
  constexpr int kEnded = 1'100;
  for (int number = 1; number <= kOld; ++number) {
    NewExecution execution = sample_execution(number, number % 2 == 0 ? "g" : "f");
    execution.submitted_ms = 9'000 - number;  // due in another order
    execution.kind = number > 4 ? model::ExecutionKind::kWebhook : model::ExecutionKind::kCall;
    submit({execution});
  }
  ExecutionStore::Writes writes;
  for (int number = kOld + 1; number <= kOld + kEnded; ++number) {
    writes.submissions.push_back(sample_execution(number));
    writes.submissions.back().lease_until_ms = 9'000;
    writes.settlements.push_back(done({execution_id(number), 1}));
  }
  write(writes);
  const int newest = kOld + kEnded + 1;
  submit({sample_execution(newest)});
  EXPECT_EQ(listed(filter(ExecutionState::kPending)), numbered({newest, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(listed(filter(ExecutionState::kPending, "", "", 1)), numbered({newest}));
  EXPECT_EQ(listed(filter(ExecutionState::kPending, "", "", 3)), numbered({newest, 6, 5}));
  EXPECT_EQ(listed(filter(ExecutionState::kPending, "", execution_id(5), 3)), numbered({4, 3, 2}));
  EXPECT_EQ(listed(filter(ExecutionState::kPending, "g")), numbered({6, 4, 2}));
  EXPECT_EQ(listed(filter(ExecutionState::kPending, "g", execution_id(6), 1)), numbered({4}));
  EXPECT_EQ(listed(filter(std::nullopt, "g")), numbered({6, 4, 2}));
}

TEST_P(ExecutionListConformance, AListGoesOnWhereOneWasRemovedMeanwhile) {
  one_of_each();
  ASSERT_EQ(*store().remove_ended(2'501, 1'000, 100), 8U) << "1 to 8";
  submit({sample_execution(20)});
  EXPECT_EQ(listed(filter({}, "", execution_id(11))), numbered({10, 9}));
  EXPECT_THAT(listed(filter({}, "", execution_id(8))), IsEmpty());
  EXPECT_EQ(listed(filter({}, "", execution_id(19), 1)), numbered({18}));
}

TEST_P(ExecutionListConformance, AListIsWithoutWhatIsLarge) {
  one_of_each();
  const auto executions = store().list({});
  ASSERT_TRUE(executions.ok());
  for (const model::AsyncExecution& listed : *executions) {
    model::AsyncExecution whole = find(listed.id);
    whole.result.output.clear();
    whole.result.error = {};
    whole.result.logs = {};
    EXPECT_EQ(listed, whole);
  }
}

TEST_P(ExecutionListConformance, TheBacklogIsWhatHasNotEnded) {
  const auto bytes = [](std::uint64_t executions) { return executions * 12; };  // {"number":1}
  EXPECT_THAT(*store().backlog(), IsEmpty());
  submit({sample_execution(1), sample_execution(2, "g"), sample_execution(3)});
  const Backlog of_g{"g", 1, bytes(1)};
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 2, bytes(2)}, of_g));
  const auto claimed = claim(1'000);
  ASSERT_THAT(ids(claimed), ElementsAre(execution_id(1), execution_id(3), execution_id(2)));
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 2, bytes(2)}, of_g));
  reopen();
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 2, bytes(2)}, of_g));
  ASSERT_TRUE(settle(failed(claimed[0].lease, 1'000)));
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 2, bytes(2)}, of_g));
  reopen();
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 2, bytes(2)}, of_g));
  ASSERT_TRUE(settle(done(claimed[1].lease)));
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 1, bytes(1)}, of_g));
  ASSERT_TRUE(store().cancel(execution_id(1), 3'000).ok());
  EXPECT_THAT(*store().backlog(), ElementsAre(of_g));
  ASSERT_TRUE(store().redrive(execution_id(1), 4'000).ok());
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 1, bytes(1)}, of_g));
  ASSERT_TRUE(settle(dead(claimed[2].lease)));
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 1, bytes(1)}));
  EXPECT_EQ(executions_in(*store().redrive_dead("g", 4'000, 10)), 1U);
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 1, bytes(1)}, of_g));
  EXPECT_EQ(*store().remove_ended(9'000, 0, 10), 1U);
  EXPECT_THAT(*store().backlog(), ElementsAre(Backlog{"f", 1, bytes(1)}, of_g));
}

TEST_P(ExecutionListConformance, WhatEndedLongAgoIsRemovedInSteps) {
  for (const int number : {1, 2, 3, 4, 5}) {
    Settlement settlement = done(running(number));
    settlement.ended_ms = 9'000 - number;  // the oldest by its end is the last one
    ASSERT_TRUE(settle(settlement));
  }
  submit({sample_execution(6)});
  EXPECT_EQ(*store().remove_ended(8'995, 100, 2), 0U);
  EXPECT_EQ(*store().remove_ended(8'999, 100, 2), 2U);
  EXPECT_EQ(listed(), numbered({6, 3, 2, 1}));
  EXPECT_EQ(*store().remove_ended(8'999, 100, 2), 2U);
  EXPECT_EQ(*store().remove_ended(8'999, 100, 2), 0U);
  EXPECT_EQ(listed(), numbered({6, 1}));
  EXPECT_EQ(code_of(store().find(execution_id(2))), "not_found");
  EXPECT_EQ(code_of(store().cancel(execution_id(2), 1)), "not_found");
}

TEST_P(ExecutionListConformance, TheOldestBeyondThoseThatAreKeptAreRemoved) {
  for (int number = 1; number <= 6; ++number) {
    Settlement settlement = number % 2 == 0 ? done(running(number)) : dead(running(number));
    settlement.ended_ms = 9'000 + number;
    ASSERT_TRUE(settle(settlement));
  }
  submit({sample_execution(7)});
  EXPECT_EQ(*store().remove_ended(0, 6, 10), 0U);
  EXPECT_EQ(*store().remove_ended(0, 2, 3), 3U);
  EXPECT_EQ(listed(), numbered({7, 6, 5, 4}));
  reopen();
  EXPECT_EQ(*store().remove_ended(0, 2, 3), 1U);
  EXPECT_EQ(*store().remove_ended(0, 2, 3), 0U);
  EXPECT_EQ(executions_in(*store().redrive_dead("", 10'000, 10)), 1U) << "what is redriven has not ended";
  EXPECT_EQ(*store().remove_ended(0, 1, 3), 0U);
  EXPECT_EQ(*store().remove_ended(0, 0, 3), 1U);
  EXPECT_EQ(listed(), numbered({7, 5}));
}

INSTANTIATE_TEST_SUITE_P(Backends, ExecutionListConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
