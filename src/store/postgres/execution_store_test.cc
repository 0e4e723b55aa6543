// What the execution store in PostgreSQL promises to several servers, beyond the conformance suites.
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "store/postgres/testing/two_servers.h"

namespace hearth::store::postgres {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

NewExecution with_key(int number, const std::string& key) {
  NewExecution execution = sample_execution(number);
  execution.input = std::make_shared<const std::string>("{}");
  execution.idempotency_key = key;
  return execution;
}

// As with_key() submits it, in a transaction that goes on.
base::Result<Rows> insert_with_key(Transaction& transaction, int number, const std::string& key) {
  return transaction.run_text(
      "INSERT INTO executions (id, function_id, version, state, idempotency_key, input_digest, input_bytes, "
      "submitted_ms, accepted_ms, due_ms, lease, lease_until_ms, started_ms) VALUES ('" +
      execution_id(number) + "', 'f', 0, 0, '" + key +
      "', encode(sha256('{}'), 'hex'), 2, 1000, 1000, 1000, 0, 0, 0)");
}

// The first holds the key in a transaction that is not committed; the second waits for it.
TEST_F(PostgresExecutions, AKeyThatIsSubmittedTwiceAtOnceMakesOneExecution) {
  for (const bool committed : {true, false}) {
    const std::string key = committed ? "committed" : "taken back";
    const int number = committed ? 1 : 3;
    std::vector<base::Result<Submitted>> submitted;
    {
      auto first = transaction();
      ASSERT_TRUE(insert_with_key(first, number, key).ok());
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
    std::vector<std::jthread> both;
    both.emplace_back([&] { submit_all(here(), 10'000, false); });
    both.emplace_back([&] { submit_all(there(), 20'000, true); });
  }
  EXPECT_THAT(of_key, SizeIs(kRounds * kKeys));
  EXPECT_THAT(of_key, testing::Each(testing::Pair(testing::_, SizeIs(1))));
  EXPECT_EQ(executions_in(*here().backlog()), std::uint64_t{kRounds * kKeys});
}

// Somebody has what comes first in hand when the second is asked for too. Whoever waits has nothing yet that
// the other will want.
TEST_F(PostgresExecutions, WhoWaitsForKeysHasThemInOneOrder) {
  std::vector<base::Result<Submitted>> submitted;
  {
    auto other = transaction();
    ASSERT_TRUE(insert_with_key(other, 1, "a").ok());
    const std::jthread waiting([&] {
      submitted = write(there(), {{with_key(3, "b"), with_key(4, "a")}, {}}).submitted;
    });
    await_waiting(1);
    EXPECT_TRUE(insert_with_key(other, 2, "b").ok());
    EXPECT_TRUE(other.commit().ok());
  }
  ASSERT_THAT(submitted, SizeIs(2));
  EXPECT_EQ(*submitted[0], (Submitted{execution_id(2), false}));
  EXPECT_EQ(*submitted[1], (Submitted{execution_id(1), false}));
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

// Of indexes and of tables, by the pool's only connection and by all before.
std::int64_t entries_read(Pool& pool) {
  auto connection = pool.borrow();
  EXPECT_TRUE((*connection)->run_text("SELECT pg_stat_force_next_flush()").ok());
  const auto rows = (*connection)
                        ->run_text(
                            "SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) + "
                            "(SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE "
                            "'execution%')");
  return rows ? rows->number(0, 0) : -1;
}

// The statistics know those that have ended alone, as when a backlog has just begun to grow.
TEST_F(PostgresExecutions, ABacklogThatTheStatisticsDoNotKnowIsNotReadAsAWhole) {
  constexpr int kMany = 1'000;
  constexpr int kRounds = 20;  // the server plans anew for the first few
  submit(1, kMany);
  ExecutionStore::Writes ended;
  for (const Claimed& one : claim(here(), request_at(1'000, kMany))) {
    ended.settlements.push_back(done(one.lease));
  }
  write(here(), ended);
  Pool pool({store_->url(), 1, {}});
  PostgresExecutionStore store(pool);
  ASSERT_TRUE((*pool.borrow())->run_text("ANALYZE executions, execution_inputs").ok());
  submit(1 + kMany, kMany, /*lease_until_ms=*/900'000);
  submit(1 + 2 * kMany, 3 * kMany);
  const auto before = entries_read(pool);
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(store.next_due(model::ExecutionKind::kCall).ok());
    const auto claimed = claim(store, request_at(1'000, 4));
    ASSERT_THAT(claimed, SizeIs(4));
    ASSERT_TRUE(store.extend(std::vector{claimed[0].lease}, 90'000)->empty());
    EXPECT_THAT(write(store, {{sample_execution(9'000 + i)}, {done(claimed[0].lease)}}).settled,
                ElementsAre(true));
    ASSERT_TRUE(store.cancel(claimed[1].lease.id, 5'000).ok());
    ASSERT_TRUE(store.redrive(claimed[1].lease.id, 500'000).ok());
  }
  EXPECT_LT((entries_read(pool) - before) / kRounds, 200) << "a round";
}

// A connection keeps its plans.
TEST_F(PostgresExecutions, PlansThatWereMadeForAFewRowsAreGoodForMany) {
  constexpr int kRounds = 20;
  submit(1, 3);
  Pool pool({store_->url(), 1, {}});
  PostgresExecutionStore store(pool);
  ASSERT_TRUE((*pool.borrow())->run_text("VACUUM ANALYZE executions").ok());
  const auto round = [&store] {
    EXPECT_TRUE(store.find(execution_id(1)).ok());
    EXPECT_THAT(*store.list({model::ExecutionState::kPending, "", execution_id(3), 2}), SizeIs(2));
    EXPECT_FALSE(store.cancel("nothing", 5'000).ok());
    EXPECT_EQ(*store.remove_ended(0, 1, 10), 0U);
  };
  for (int i = 0; i < kRounds; ++i) {
    round();
  }
  submit(4, 3'000);
  const auto before = entries_read(pool);
  for (int i = 0; i < kRounds; ++i) {
    round();
  }
  EXPECT_LT((entries_read(pool) - before) / kRounds, 100) << "a round";
}

TEST_F(PostgresExecutions, BatchesOfSeveralPiecesWithTheSameKeysWaitInOneOrder) {
  constexpr int kKeys = 1'200;  // more than two pieces
  for (int number = 0; number < 4; ++number) {
    ExecutionStore::Writes forth;
    ExecutionStore::Writes back;
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = std::to_string(number) + "-" + std::to_string(i);
      forth.submissions.push_back(with_key(10'000 * (number + 1) + i, key));
      back.submissions.push_back(with_key(10'000 * (number + 5) + i, key));
    }
    std::ranges::reverse(back.submissions);
    std::vector<std::jthread> both;
    both.emplace_back([&] { EXPECT_TRUE(here().write(forth).ok()); });
    both.emplace_back([&] { EXPECT_TRUE(there().write(back).ok()); });
  }
  EXPECT_EQ(executions_in(*here().backlog()), std::uint64_t{4 * kKeys});
}

TEST_F(PostgresExecutions, WithoutAServerNothingIsWrittenOrClaimed) {
  Pool pool({store_->url(), 2, {milliseconds(200), milliseconds(200)}});
  PostgresExecutionStore store(pool);
  ASSERT_TRUE(store.write({{sample_execution(1)}, {}}).ok());
  PostgresServer::shared().pause();
  const auto written = store.write({{sample_execution(2)}, {}});
  const auto claimed = store.claim(request_at(1'000));
  const auto found = store.find(execution_id(1));
  const auto due = store.next_due(model::ExecutionKind::kCall);
  PostgresServer::shared().go_on();
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(claimed.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(due.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace hearth::store::postgres
