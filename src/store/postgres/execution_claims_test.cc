// What the execution store in PostgreSQL promises of leases when several servers are at them.
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "store/postgres/testing/two_servers.h"

namespace hearth::store::postgres {
namespace {

using model::ExecutionState;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(PostgresExecutions, TwoServersNeverShareAnExecution) {
  constexpr int kExecutions = 4'000;
  submit(kExecutions);
  std::mutex mutex;
  std::map<std::string, int> claims;
  std::array<int, 2> claimed_by{};
  std::vector<std::jthread> servers;
  servers.reserve(4);
  for (std::size_t thread = 0; thread < 4; ++thread) {  // two of each
    servers.emplace_back([&, thread] {
      ExecutionStore& store = thread % 2 == 0 ? here() : there();
      for (ClaimRequest request = request_at(1'000, 17);;) {
        request.most_of_a_function = 5;
        const auto claimed = claim(store, request);
        if (HasFailure() || (claimed.empty() && store.backlog()->empty())) {
          return;
        }
        ExecutionStore::Writes writes;
        for (const Claimed& one : claimed) {
          writes.settlements.push_back(done(one.lease));
          request.after = one.function_id;
        }
        EXPECT_THAT(write(store, writes).settled, testing::Each(true));
        const std::lock_guard lock(mutex);
        for (const Claimed& one : claimed) {
          ++claims[one.lease.id];
          ++claimed_by.at(thread % 2);
        }
      }
    });
  }
  servers.clear();
  EXPECT_EQ(claims.size(), std::size_t{kExecutions});
  EXPECT_THAT(claims, testing::Each(testing::Pair(testing::_, 1)));
  EXPECT_THAT(claimed_by, testing::Each(testing::Gt(kExecutions / 10))) << "neither keeps the other out";
}

TEST_F(PostgresExecutions, WhoClaimsPassesOverWhatAnotherHasInHand) {
  submit(30);
  auto claiming = transaction();
  ASSERT_TRUE(claiming.run_text("SELECT 1 FROM executions WHERE function_id IN ('1', '2') FOR UPDATE").ok());
  const auto claimed = claim(there(), request_at(1'000, 6));
  ASSERT_THAT(claimed, SizeIs(6));
  EXPECT_THAT(claimed, testing::Each(testing::Field(&Claimed::function_id, testing::AnyOf("0", "3"))));
}

TEST_F(PostgresExecutions, ExpiredLeasesAreClaimedByOne) {
  submit(100);
  EXPECT_THAT(claim(here(), request_at(1'000)), SizeIs(100));
  std::array<std::vector<Claimed>, 2> claimed;
  {
    std::vector<std::jthread> both;
    both.emplace_back([&] { claimed[0] = claim(here(), request_at(20'000)); });
    both.emplace_back([&] { claimed[1] = claim(there(), request_at(20'000)); });
  }
  std::set<std::string> ids;
  for (const auto& some : claimed) {
    for (const Claimed& one : some) {
      EXPECT_EQ(one.lease.number, 2U);
      ids.insert(one.lease.id);
    }
  }
  EXPECT_EQ(ids.size(), claimed[0].size() + claimed[1].size());
  for (const Claimed& one : claim(here(), request_at(20'000))) {  // what the two have both passed over
    ids.insert(one.lease.id);
  }
  EXPECT_THAT(ids, SizeIs(100));
}

TEST_F(PostgresExecutions, WhoseLeaseAnotherServerHasClaimedIsNotListenedTo) {
  submit(1);
  const Lease first = claim(here(), request_at(1'000)).at(0).lease;
  const Lease second = claim(there(), request_at(20'000)).at(0).lease;
  EXPECT_THAT(write(here(), {{}, {done(first, "\"late\"")}}).settled, ElementsAre(false));
  EXPECT_THAT(here().extend(std::vector{first}, 90'000).value(), SizeIs(1));
  EXPECT_THAT(there().extend(std::vector{second, second}, 90'000).value(), IsEmpty());
  EXPECT_THAT(write(there(), {{}, {done(second, "\"in time\"")}}).settled, ElementsAre(true));
  EXPECT_EQ(here().find(first.id)->result.output, "\"in time\"");
}

// The claim has the row in hand when the settlement comes, which waits, and looks again.
TEST_F(PostgresExecutions, AClaimThatComesFirstWinsOverTheSettlement) {
  submit(1);
  const Lease lease = claim(here(), request_at(1'000)).at(0).lease;
  std::vector<bool> settled;
  std::vector<Lease> stale;
  {
    auto claiming = transaction();
    ASSERT_TRUE(claiming.run_text("UPDATE executions SET lease = 2, lease_until_ms = 30000").ok());
    const std::jthread settling([&] { settled = write(there(), {{}, {done(lease)}}).settled; });
    const std::jthread extending([&] { stale = there().extend(std::vector{lease}, 90'000).value(); });
    await_waiting(2);
    ASSERT_TRUE(claiming.commit().ok());
  }
  EXPECT_THAT(settled, ElementsAre(false));
  EXPECT_THAT(stale, SizeIs(1));
  EXPECT_EQ(here().find(lease.id)->state, ExecutionState::kRunning);
  EXPECT_THAT(write(there(), {{}, {done({lease.id, 2})}}).settled, ElementsAre(true));
}

TEST_F(PostgresExecutions, OfACancelAndASettlementAtOnceOneWins) {
  constexpr int kExecutions = 200;
  submit(kExecutions);
  for (const Claimed& one : claim(here(), request_at(1'000, kExecutions))) {
    bool settled = false;
    bool cancelled = false;
    {
      const std::jthread settling([&] { settled = write(here(), {{}, {done(one.lease)}}).settled.at(0); });
      const std::jthread cancelling([&] { cancelled = there().cancel(one.lease.id, 5'000).ok(); });
    }
    EXPECT_NE(settled, cancelled);
    EXPECT_EQ(here().find(one.lease.id)->state, settled ? ExecutionState::kDone : ExecutionState::kCancelled);
  }
}

TEST_F(PostgresExecutions, WhoWaitsForLeasesHasThemInOneOrder) {
  submit(4);
  std::vector<Lease> leases;
  ExecutionStore::Writes writes;
  for (const Claimed& one : claim(here(), request_at(1'000))) {
    leases.insert(leases.begin(), one.lease);
    writes.settlements.insert(writes.settlements.begin(), done(one.lease));
  }
  {
    auto other = transaction();
    const auto lock = [&other](int number) {
      return other
          .run_text("SELECT 1 FROM executions WHERE id = '" + execution_id(number) + "' FOR UPDATE NOWAIT")
          .ok();
    };
    ASSERT_TRUE(lock(1));
    const std::jthread settling([&] { EXPECT_THAT(write(there(), writes).settled, SizeIs(4)); });
    const std::jthread extending([&] { EXPECT_TRUE(there().extend(leases, 90'000).ok()); });
    await_waiting(2);
    EXPECT_TRUE(lock(2) && lock(3) && lock(4));
    EXPECT_TRUE(other.commit().ok());
  }
}

}  // namespace
}  // namespace hearth::store::postgres
