// What the execution store in PostgreSQL promises to several servers, beyond the conformance suites.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "store/execution_conformance.h"
#include "store/postgres/testing/postgres_server.h"
#include "store/postgres/testing/store_under_test.h"

namespace hearth::store::postgres {
namespace {

using base::ErrorCode;
using model::ExecutionState;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Two servers on one database, each with a pool of its own.
class PostgresExecutions : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    store_ = std::make_unique<PostgresUnderTest>();
    other_pool_ = std::make_unique<Pool>(PoolOptions{store_->url(), 8, {}});
    other_ = std::make_unique<PostgresExecutionStore>(*other_pool_);
  }

  ExecutionStore& here() { return *store_->executions(); }
  ExecutionStore& there() { return *other_; }

  static ClaimRequest request_at(std::int64_t now_ms, std::size_t most = 100) {
    ClaimRequest request;
    request.now_ms = now_ms;
    request.lease_until_ms = now_ms + 10'000;
    request.most = most;
    request.most_of_a_function = most;
    return request;
  }
  static std::vector<Claimed> claim(ExecutionStore& store, const ClaimRequest& request) {
    auto claimed = store.claim(request);
    EXPECT_TRUE(claimed.ok()) << claimed.error().message;
    return claimed ? std::move(*claimed) : std::vector<Claimed>();
  }
  static ExecutionStore::Written write(ExecutionStore& store, const ExecutionStore::Writes& writes) {
    auto written = store.write(writes);
    EXPECT_TRUE(written.ok()) << written.error().message;
    return written ? std::move(*written) : ExecutionStore::Written();
  }
  // Of functions "0" to "9" in turn.
  void submit(int executions) {
    ExecutionStore::Writes writes;
    for (int number = 1; number <= executions; ++number) {
      writes.submissions.push_back(sample_execution(number, std::to_string(number % 10)));
    }
    write(here(), writes);
  }
  Transaction transaction() {
    auto begun = Transaction::begin(store_->parts().pool);
    if (!begun) {
      throw std::runtime_error(begun.error().message);
    }
    return std::move(*begun);
  }
  // Waits until so many statements wait for a lock.
  void await_waiting(int statements) {
    for (int waiting = -1; waiting != statements;) {
      const auto rows = (*other_pool_->borrow())
                            ->run_text(
                                "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                "current_database() AND wait_event_type = 'Lock'");
      waiting = rows ? static_cast<int>(rows->number(0, 0)) : -1;
    }
  }

  std::unique_ptr<PostgresUnderTest> store_;
  std::unique_ptr<Pool> other_pool_;
  std::unique_ptr<PostgresExecutionStore> other_;
};

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
        if (claimed.empty() && store.backlog()->empty()) {
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
    const std::jthread first([&] { claimed[0] = claim(here(), request_at(20'000)); });
    const std::jthread second([&] { claimed[1] = claim(there(), request_at(20'000)); });
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

NewExecution with_key(int number, const std::string& key) {
  NewExecution execution = sample_execution(number);
  execution.input = std::make_shared<const std::string>("{}");
  execution.idempotency_key = key;
  return execution;
}

// The first holds the key in a transaction that is not committed; the second waits for it.
TEST_F(PostgresExecutions, AKeyThatIsSubmittedTwiceAtOnceMakesOneExecution) {
  for (const bool committed : {true, false}) {
    const std::string key = committed ? "committed" : "taken back";
    const int number = committed ? 1 : 3;
    std::vector<base::Result<Submitted>> submitted;
    {
      auto first = transaction();
      ASSERT_TRUE(first
                      .run_text("INSERT INTO executions (id, function_id, version, state, idempotency_key, "
                                "input_digest, input_bytes, submitted_ms, accepted_ms, due_ms, lease, "
                                "lease_until_ms, started_ms) VALUES ('" +
                                execution_id(number) + "', 'f', 0, 0, '" + key +
                                "', encode(sha256('{}'), 'hex'), 2, 1000, 1000, 1000, 0, 0, 0)")
                      .ok());
      const std::jthread second([&, number] {
        submitted =
            write(there(), {{with_key(number + 1, key), sample_execution(100 + number)}, {}}).submitted;
      });
      await_waiting(1);
      if (committed) {
        ASSERT_TRUE(first.commit().ok());
      } else {
        ASSERT_TRUE(first.run_text("ROLLBACK").ok());
      }
    }
    ASSERT_THAT(submitted, SizeIs(2));
    EXPECT_EQ(*submitted[0], committed ? (Submitted{execution_id(number), false})
                                       : (Submitted{execution_id(number + 1), true}));
    EXPECT_EQ(*submitted[1], (Submitted{execution_id(100 + number), true}));
  }
}

TEST_F(PostgresExecutions, ManyKeysInAnyOrderOnTwoServersMakeOneExecutionEach) {
  constexpr int kRounds = 50;
  constexpr int kKeys = 20;
  std::mutex mutex;
  std::map<std::string, std::set<std::string>> of_key;
  const auto submit_all = [&](ExecutionStore& store, int first_number, bool backwards) {
    for (int round = 0; round < kRounds; ++round) {
      ExecutionStore::Writes writes;
      for (int i = 0; i < kKeys; ++i) {
        const int key = round * kKeys + (backwards ? kKeys - 1 - i : i);
        writes.submissions.push_back(with_key(first_number + key, std::to_string(key)));
      }
      const auto submitted = write(store, writes).submitted;
      const std::lock_guard lock(mutex);
      for (std::size_t i = 0; i < submitted.size(); ++i) {
        of_key[writes.submissions[i].idempotency_key].insert(submitted[i]->id);
      }
    }
  };
  {
    const std::jthread first([&] { submit_all(here(), 10'000, false); });
    const std::jthread second([&] { submit_all(there(), 20'000, true); });
  }
  EXPECT_THAT(of_key, SizeIs(kRounds * kKeys));
  EXPECT_THAT(of_key, testing::Each(testing::Pair(testing::_, SizeIs(1))));
  EXPECT_EQ(executions_in(*here().backlog()), std::uint64_t{kRounds * kKeys});
}

TEST_F(PostgresExecutions, AnyBytesAreAKey) {
  NewExecution execution = sample_execution(1);
  execution.idempotency_key = "caf\xe9 \xff";
  EXPECT_TRUE(write(here(), {{execution}, {}}).submitted.at(0)->fresh);
  execution.id = execution_id(2);
  EXPECT_EQ(*write(there(), {{execution}, {}}).submitted.at(0), (Submitted{execution_id(1), false}));
}

TEST_F(PostgresExecutions, NoExecutionHasAnIdThatIsNoText) {
  for (const std::string& id : {std::string("caf\xe9"), std::string("a\0b", 3)}) {
    EXPECT_EQ(here().find(id).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(here().cancel(id, 1).error().code, ErrorCode::kNotFound);
    EXPECT_THAT(here().list({{}, "", id, 10}).value(), IsEmpty());
  }
}

TEST_F(PostgresExecutions, InputsOfManyMegabytesComeInPieces) {
  ExecutionStore::Writes writes;
  for (int number = 1; number <= 20; ++number) {
    writes.submissions.push_back(sample_execution(number));
    writes.submissions.back().input =
        std::make_shared<const std::string>(1'500'000, static_cast<char>('a' + number));
  }
  write(here(), writes);
  const auto claimed = claim(there(), request_at(1'000));
  ASSERT_THAT(claimed, SizeIs(20));
  for (std::size_t i = 0; i < claimed.size(); ++i) {
    EXPECT_EQ(claimed[i].lease.id, writes.submissions[i].id);
    EXPECT_TRUE(*claimed[i].input == *writes.submissions[i].input);
  }
}

TEST_F(PostgresExecutions, OneServerRemovesAtATime) {
  submit(10);
  ExecutionStore::Writes writes;
  for (const Claimed& one : claim(here(), request_at(1'000))) {
    writes.settlements.push_back(done(one.lease));
  }
  write(here(), writes);
  auto removing = transaction();
  ASSERT_TRUE(removing.run_text("SELECT pg_advisory_xact_lock(7135002180043523)").ok());
  EXPECT_EQ(there().remove_ended(0, 4, 100).value(), 0U);
  ASSERT_TRUE(removing.commit().ok());
  EXPECT_EQ(there().remove_ended(0, 4, 100).value(), 6U);
}

// As the statistics are when a backlog has just begun to grow.
TEST_F(PostgresExecutions, ABacklogThatTheStatisticsDoNotKnowIsNotReadAsAWhole) {
  constexpr int kExecutions = 5'000;
  Pool pool({store_->url(), 1, {}});
  PostgresExecutionStore store(pool);
  const auto entries_read = [&pool] {
    auto connection = pool.borrow();
    EXPECT_TRUE((*connection)->run_text("SELECT pg_stat_force_next_flush()").ok());
    const auto rows =
        (*connection)
            ->run_text(
                "SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) + "
                "(SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE 'execution%')");
    return rows.ok() ? rows->number(0, 0) : -1;
  };
  ASSERT_TRUE((*pool.borrow())->run_text("ANALYZE executions, execution_inputs").ok());
  submit(kExecutions);
  const std::int64_t before = entries_read();
  for (int i = 0; i < 20; ++i) {  // the server plans anew for the first few
    ASSERT_TRUE(store.next_due().ok());
    const auto claimed = claim(store, request_at(1'000, 4));
    ASSERT_THAT(claimed, SizeIs(4));
    ASSERT_TRUE(store.extend(std::vector{claimed[0].lease}, 90'000)->empty());
    EXPECT_THAT(write(store, {{sample_execution(kExecutions + 1 + i)}, {done(claimed[0].lease)}}).settled,
                ElementsAre(true));
    ASSERT_TRUE(store.cancel(claimed[1].lease.id, 5'000).ok());
    ASSERT_TRUE(store.redrive(claimed[1].lease.id, 500'000).ok());
  }
  EXPECT_LT((entries_read() - before) / 20, 200) << "a round";
}

TEST_F(PostgresExecutions, WithoutAServerNothingIsWrittenOrClaimed) {
  Pool pool({store_->url(), 2, {milliseconds(200), milliseconds(200)}});
  PostgresExecutionStore store(pool);
  ASSERT_TRUE(store.write({{sample_execution(1)}, {}}).ok());
  PostgresServer::shared().pause();
  const auto written = store.write({{sample_execution(2)}, {}});
  const auto claimed = store.claim(request_at(1'000));
  const auto found = store.find(execution_id(1));
  const auto due = store.next_due();
  PostgresServer::shared().go_on();
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(claimed.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(due.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace hearth::store::postgres
