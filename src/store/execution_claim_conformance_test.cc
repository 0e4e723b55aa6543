// What every execution store promises of leases, whatever it is built on.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "store/execution_conformance.h"

namespace hearth::store {
namespace {

using model::ExecutionState;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class ExecutionClaimConformance : public ExecutionConformance {
 protected:
  static ClaimRequest request_at(std::int64_t now_ms, std::size_t most = 1'000,
                                 std::size_t most_of_a_function = 1'000) {
    ClaimRequest request;
    request.now_ms = now_ms;
    request.lease_until_ms = now_ms + 10'000;
    request.most = most;
    request.most_of_a_function = most_of_a_function;
    return request;
  }
  // `each` of every function in turn.
  void submit_of(const std::vector<std::string>& functions, int each) {
    for (int i = 0; i < each; ++i) {
      for (const std::string& function : functions) {
        submit({sample_execution(++last_number_, function)});
      }
    }
  }
  // The functions of what was claimed, as "aabb".
  static std::string functions_of(const std::vector<Claimed>& claimed) {
    std::string functions;
    for (const Claimed& one : claimed) {
      functions += one.function_id;
    }
    return functions;
  }

 private:
  int last_number_ = 0;
};

TEST_P(ExecutionClaimConformance, NothingIsClaimedTwice) {
  submit_of({"a"}, 3);
  EXPECT_THAT(claim(request_at(1'000, 2)), SizeIs(2));
  EXPECT_THAT(claim(request_at(1'000, 2)), SizeIs(1));
  EXPECT_THAT(claim(request_at(1'000, 2)), IsEmpty());
  EXPECT_THAT(claim(request_at(999'999, 0)), IsEmpty());
}

TEST_P(ExecutionClaimConformance, TheLongestDueOfAFunctionComesFirst) {
  submit({sample_execution(1), sample_execution(2), sample_execution(3)});
  const auto claimed = claim(1'000);
  ASSERT_THAT(claimed, SizeIs(3));
  ASSERT_TRUE(settle(failed(claimed[0].lease, 7'000)));
  ASSERT_TRUE(settle(failed(claimed[1].lease, 6'000)));
  ASSERT_TRUE(settle(failed(claimed[2].lease, 7'000)));
  EXPECT_EQ(store().next_due(model::ExecutionKind::kCall).value(), 6'000);
  EXPECT_THAT(ids(claim(7'000)), ElementsAre(execution_id(2), execution_id(1), execution_id(3)));
}

TEST_P(ExecutionClaimConformance, TurnsAreFair) {
  submit_of({"a"}, 20);
  submit_of({"b", "c", "d"}, 4);
  EXPECT_EQ(functions_of(claim(request_at(1'000, 5, 2))), "aabbc");
  ClaimRequest request = request_at(1'000, 5, 2);
  request.after = "c";
  EXPECT_EQ(functions_of(claim(request)), "ddaab");
  request.after = "b";
  EXPECT_EQ(functions_of(claim(request)), "ccdda");
  request.after = "a";
  EXPECT_EQ(functions_of(claim(request)), "bcaa") << "each function once";
  EXPECT_EQ(functions_of(claim(request)), "aa");
  request.after = "aa";  // gone since
  EXPECT_EQ(functions_of(claim(request)), "aa");
  request.after = "z";
  EXPECT_EQ(functions_of(claim(request)), "aa");
}

TEST_P(ExecutionClaimConformance, FunctionsThatHaveEnoughAreSkipped) {
  submit_of({"a", "b", "c"}, 2);
  ClaimRequest request = request_at(1'000);
  request.skipped = {"c", "a"};
  EXPECT_EQ(functions_of(claim(request)), "bb");
  EXPECT_THAT(claim(request), IsEmpty());
  request.skipped = {"c"};
  EXPECT_EQ(functions_of(claim(request)), "aa");
}

TEST_P(ExecutionClaimConformance, ALeaseThatRanOutIsClaimedFirstAndTheAttemptIsNoted) {
  submit({sample_execution(1, "b")});
  ASSERT_THAT(claim(request_at(1'000)), SizeIs(1));
  submit({sample_execution(2, "a")});
  ASSERT_THAT(claim(request_at(2'000)), SizeIs(1));
  submit({sample_execution(3, "a")});
  EXPECT_EQ(store().next_due(model::ExecutionKind::kCall).value(), 1'000) << "the pending one";
  EXPECT_THAT(ids(claim(request_at(10'999, 1, 1))), ElementsAre(execution_id(3)));
  EXPECT_EQ(store().next_due(model::ExecutionKind::kCall).value(), 11'000);

  submit({sample_execution(4, "a")});
  const auto claimed = claim(request_at(11'500));
  ASSERT_THAT(ids(claimed), ElementsAre(execution_id(1), execution_id(4)));
  EXPECT_EQ(claimed[0].lease.number, 2U);
  EXPECT_EQ(claimed[0].failures, 0U);
  EXPECT_EQ(*claimed[0].input, "{\"number\":1}");
  const auto found = find(execution_id(1));
  EXPECT_EQ(found.state, ExecutionState::kRunning);
  EXPECT_EQ(found.started_ms, 11'500);
  ASSERT_THAT(found.attempts, SizeIs(1));
  model::FailedAttempt expected{1, 1'000, 11'500, "worker_lost", found.attempts[0].message, false};
  EXPECT_EQ(found.attempts[0], expected);
  EXPECT_NE(found.attempts[0].message, "");
  EXPECT_THAT(find(execution_id(4)).attempts, IsEmpty());
  EXPECT_THAT(ids(claim(request_at(12'000))), ElementsAre(execution_id(2))) << "its lease began later";
}

TEST_P(ExecutionClaimConformance, LeasesThatRanOutCountToTheBounds) {
  submit_of({"a", "b"}, 3);
  ASSERT_THAT(claim(request_at(1'000, 1'000, 2)), SizeIs(4));
  EXPECT_THAT(ids(claim(request_at(11'000, 1'000, 2))),
              UnorderedElementsAre(execution_id(1), execution_id(2), execution_id(3), execution_id(4)))
      << "and no pending ones beside them";
  ClaimRequest request = request_at(21'000, 1'000, 3);
  request.skipped = {"a"};
  EXPECT_EQ(functions_of(claim(request)), "bbb");
  EXPECT_EQ(functions_of(claim(request_at(21'000, 2))), "aa");
}

TEST_P(ExecutionClaimConformance, WhoSleptThroughItsLeaseIsNotListenedTo) {
  const Lease first = running(1, 1'000);
  const auto claimed = claim(11'000);
  ASSERT_THAT(ids(claimed), ElementsAre(execution_id(1)));
  EXPECT_FALSE(settle(done(first, "\"late\"")));
  EXPECT_FALSE(settle(dead(first)));
  EXPECT_FALSE(settle(failed(first, 1)));
  EXPECT_FALSE(settle(done({execution_id(1), 3})));
  EXPECT_FALSE(settle(done({"nothing", 1})));
  EXPECT_EQ(find(execution_id(1)).state, ExecutionState::kRunning);
  EXPECT_TRUE(settle(done(claimed[0].lease, "\"in time\"")));
  EXPECT_EQ(find(execution_id(1)).result.output, "\"in time\"");
}

TEST_P(ExecutionClaimConformance, ALeaseThatRanOutSettlesUntilItIsClaimed) {
  const Lease lease = running(1, 1'000);
  EXPECT_EQ(store().next_due(model::ExecutionKind::kCall).value(), 11'000);
  EXPECT_TRUE(settle(done(lease))) << "nobody else executes it";
}

TEST_P(ExecutionClaimConformance, SettlementsOfABatchStandForThemselves) {
  submit({sample_execution(1), sample_execution(2), sample_execution(3)});
  const auto claimed = claim(1'000);
  ASSERT_THAT(claimed, SizeIs(3));
  EXPECT_THAT(write({{sample_execution(4)},
                     {done(claimed[0].lease), done({execution_id(2), 9}), done(claimed[0].lease),
                      dead(claimed[2].lease)}})
                  .settled,
              ElementsAre(true, false, false, true));
  EXPECT_EQ(find(execution_id(2)).state, ExecutionState::kRunning);
  EXPECT_EQ(find(execution_id(3)).state, ExecutionState::kDead);
  EXPECT_EQ(find(execution_id(4)).state, ExecutionState::kPending);
}

TEST_P(ExecutionClaimConformance, ALeaseIsExtendedUnlessItIsStale) {
  submit({sample_execution(1), sample_execution(2), sample_execution(3)});
  const auto claimed = claim(1'000);
  ASSERT_THAT(claimed, SizeIs(3));
  ASSERT_TRUE(settle(done(claimed[1].lease)));
  const std::vector<Lease> leases = {
      claimed[0].lease, claimed[1].lease, {execution_id(3), 7}, {"nothing", 1}};
  const auto stale = store().extend(leases, 50'000);
  ASSERT_TRUE(stale.ok());
  ASSERT_THAT(*stale, SizeIs(3));
  EXPECT_EQ((*stale)[0].id, execution_id(2));
  EXPECT_EQ((*stale)[1].id, execution_id(3));
  EXPECT_EQ((*stale)[1].number, 7U);
  EXPECT_EQ((*stale)[2].id, "nothing");
  EXPECT_THAT(store().extend({}, 50'000).value(), IsEmpty());
  EXPECT_THAT(ids(claim(49'999)), ElementsAre(execution_id(3)));
  reopen();
  EXPECT_THAT(ids(claim(50'000)), ElementsAre(execution_id(1)));
}

TEST_P(ExecutionClaimConformance, AfterAStopWhatWasRunningIsDueAtOnce) {
  submit({sample_execution(1), sample_execution(2), sample_execution(3)});
  const auto claimed = claim(1'000);
  ASSERT_THAT(claimed, SizeIs(3));
  ASSERT_TRUE(settle(done(claimed[2].lease)));
  submit({sample_execution(4)});
  reopen();
  EXPECT_EQ(*store().release_all(5'000), 2U);
  EXPECT_EQ(*store().release_all(5'000), 0U);
  const auto found = find(execution_id(1));
  EXPECT_EQ(found.state, ExecutionState::kPending);
  EXPECT_EQ(found.due_ms, 5'000);
  ASSERT_THAT(found.attempts, SizeIs(1));
  EXPECT_EQ(found.attempts[0],
            (model::FailedAttempt{1, 1'000, 5'000, "worker_lost", found.attempts[0].message, false}));
  EXPECT_FALSE(settle(done(claimed[0].lease)));
  const auto again = claim(5'000);
  ASSERT_THAT(ids(again), ElementsAre(execution_id(4), execution_id(1), execution_id(2)));
  EXPECT_EQ(again[1].lease.number, 2U);
  EXPECT_EQ(again[1].failures, 0U);
}

TEST_P(ExecutionClaimConformance, WhatIsDueTooLateIsBroughtForward) {
  submit({sample_execution(1), sample_execution(2), sample_execution(3)});
  const auto claimed = claim(1'000);
  ASSERT_THAT(claimed, SizeIs(3));
  ASSERT_TRUE(settle(failed(claimed[0].lease, 9'000)));
  ASSERT_TRUE(settle(failed(claimed[1].lease, 7'000)));
  ASSERT_TRUE(store().bring_forward(8'000, 2'000).ok());
  EXPECT_EQ(find(execution_id(1)).due_ms, 2'000);
  EXPECT_EQ(find(execution_id(2)).due_ms, 7'000);
  EXPECT_EQ(find(execution_id(3)).state, ExecutionState::kRunning);
  EXPECT_THAT(ids(claim(2'000)), ElementsAre(execution_id(1)));
}

TEST_P(ExecutionClaimConformance, ManyAreReleasedAfterAStop) {
  std::vector<NewExecution> executions;
  for (int number = 1; number <= 2'500; ++number) {
    executions.push_back(sample_execution(number));
    executions.back().lease_until_ms = 9'000;
  }
  submit(executions);
  EXPECT_EQ(*store().release_all(5'000), 2'500U);
  EXPECT_THAT(listed(filter(ExecutionState::kRunning)), IsEmpty());
}

TEST_P(ExecutionClaimConformance, FourThreadsNeverShareAnExecution) {
  constexpr std::size_t kExecutions = 400;
  submit_of({"a", "b", "c", "d"}, static_cast<int>(kExecutions / 4));
  std::mutex mutex;
  std::map<std::string, int> claims;
  std::atomic<std::size_t> settled = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (;;) {
        const auto claimed = store().claim(request_at(1'000, 7, 3));
        if (!claimed.ok() || claimed->empty()) {
          return;
        }
        ExecutionStore::Writes writes;
        for (const Claimed& one : *claimed) {
          writes.settlements.push_back(done(one.lease));
          const std::lock_guard lock(mutex);
          ++claims[one.lease.id];
        }
        const auto written = store().write(writes);
        settled += written.ok() ? static_cast<std::size_t>(std::ranges::count(written->settled, true)) : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(claims.size(), kExecutions);
  EXPECT_THAT(claims, testing::Each(testing::Pair(testing::_, 1)));
  EXPECT_EQ(settled, kExecutions);
  EXPECT_THAT(store().backlog().value(), IsEmpty());
}

TEST_P(ExecutionClaimConformance, TheBytesOfTheInputsHaveABound) {
  const std::uint64_t bytes = sample_execution(1).input->size();
  submit({sample_execution(1), sample_execution(2, "g"), sample_execution(3)});
  ClaimRequest request{1'000, 2'000, 10, 10, bytes + 1, "", {}};
  EXPECT_EQ(claim(request).size(), 2U) << "the one that reaches it is the last";
  request.most_input_bytes = 0;
  EXPECT_THAT(claim(request), IsEmpty());
  request.most_input_bytes = UINT64_MAX;
  EXPECT_EQ(claim(request).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Backends, ExecutionClaimConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
