#include "store/postgres/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "store/postgres/postgres_execution_store.h"
#include "store/postgres/testing/postgres_server.h"

namespace hearth::store::postgres {
namespace {

using testing::HasSubstr;

constexpr std::array kTwo = {Migration{1, "a", "CREATE TABLE a (n int)"},
                             Migration{2, "b", "CREATE TABLE b (n int)"}};

class PostgresMigrations : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    pool_ = std::make_unique<Pool>(PoolOptions{PostgresServer::shared().make_database(), 8, {}});
  }

  std::int64_t number(const std::string& sql) {
    const auto rows = (*pool_->borrow())->run_text(sql);
    return rows ? rows->number(0, 0) : -1;
  }

  std::unique_ptr<Pool> pool_;
};

TEST_F(PostgresMigrations, AreTakenOnceAndInTheirOrder) {
  ASSERT_TRUE(migrate(*pool_, std::span(kTwo).first(1)).ok());
  EXPECT_EQ(number("SELECT count(*) FROM a"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM b"), -1);
  ASSERT_TRUE(migrate(*pool_, kTwo).ok());
  ASSERT_TRUE(migrate(*pool_, kTwo).ok());
  EXPECT_EQ(number("SELECT count(*) FROM b"), 0);
  EXPECT_EQ(number("SELECT max(version) FROM schema_migrations"), 2);
}

TEST_F(PostgresMigrations, ExecutionsOfAReleaseWithoutKindsAreCalls) {
  ASSERT_TRUE(migrate(*pool_, migrations().first(5)).ok());
  ASSERT_TRUE(
      (*pool_->borrow())
          ->run_text("INSERT INTO executions (id, function_id, version, state, input_bytes, submitted_ms, "
                     "accepted_ms, due_ms, lease, lease_until_ms, started_ms) "
                     "VALUES ('e1', 'f', 0, 0, 2, 1000, 1000, 1000, 0, 0, 0), "
                     "('e2', 'f', 0, 1, 2, 1000, 1000, 0, 1, 1500, 1000); "
                     "INSERT INTO execution_inputs SELECT seq, '{}' FROM executions")
          .ok());
  ASSERT_TRUE(migrate(*pool_, migrations()).ok());
  PostgresExecutionStore store(*pool_);
  ClaimRequest request{2'000, 9'000, 10, 10, UINT64_MAX, {}, {}};
  request.kind = model::ExecutionKind::kWebhook;
  EXPECT_THAT(*store.claim(request), testing::IsEmpty());
  request.kind = model::ExecutionKind::kCall;
  EXPECT_EQ(store.claim(request)->size(), 2U);
  EXPECT_EQ(store.find("e1")->parent_id, "");
}

TEST_F(PostgresMigrations, OneOfFourServersThatStartAtOnceTakesThem) {
  std::array<std::string, 4> errors;
  std::vector<std::thread> servers;
  servers.reserve(errors.size());
  for (std::string& error : errors) {
    servers.emplace_back([this, &error] {
      if (const auto done = migrate(*pool_, migrations()); !done) {
        error = done.error().message;
      }
    });
  }
  for (auto& server : servers) {
    server.join();
  }
  EXPECT_THAT(errors, testing::Each(""));
}

TEST_F(PostgresMigrations, ADatabaseOfANewerHearthIsLeftAlone) {
  ASSERT_TRUE(migrate(*pool_, kTwo).ok());
  const auto older = migrate(*pool_, std::span(kTwo).first(1));
  ASSERT_FALSE(older.ok());
  EXPECT_EQ(older.error().code, base::ErrorCode::kUnsupported);
  EXPECT_THAT(older.error().message, HasSubstr("a newer hearth has written it"));
}

TEST_F(PostgresMigrations, AStepThatFailsLeavesTheDatabaseAsItWas) {
  constexpr std::array kBad = {kTwo[0],
                               Migration{2, "worse", "CREATE TABLE c (n int); SELECT nothing FROM nowhere"}};
  const auto failed = migrate(*pool_, kBad);
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, testing::AllOf(HasSubstr("migration 2 (worse)"), HasSubstr("nowhere")));
  EXPECT_EQ(number("SELECT count(*) FROM a"), -1);
  EXPECT_EQ(number("SELECT count(*) FROM c"), -1);
  EXPECT_TRUE(migrate(*pool_, kTwo).ok());
}

}  // namespace
}  // namespace hearth::store::postgres
