#include "store/postgres/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "base/unique_fd.h"
#include "store/postgres/testing/postgres_server.h"
#include "store/postgres/transaction.h"

namespace hearth::store::postgres {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;

constexpr Statement kProcess{"process", "SELECT pg_backend_pid()"};

class PostgresPool : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    url_ = PostgresServer::shared().make_database();
  }

  static std::int64_t process_of(Pool& pool) {
    auto loan = pool.borrow();
    EXPECT_TRUE(loan.ok());
    return (*loan)->run(kProcess, {})->number(0, 0);
  }

  std::string url_;
};

TEST_F(PostgresPool, LendsTheSameConnectionAgain) {
  Pool pool({url_, 2, {}});
  EXPECT_EQ(process_of(pool), process_of(pool));
}

TEST_F(PostgresPool, LendsNoMoreThanItsBoundAndSaysSo) {
  Pool pool({url_, 2, {milliseconds(5'000), milliseconds(50)}});
  const auto first = pool.borrow();
  {
    const auto second = pool.borrow();
    ASSERT_TRUE(second.ok());
    const auto third = pool.borrow();
    ASSERT_FALSE(third.ok());
    EXPECT_EQ(third.error().code, ErrorCode::kExhausted);
  }
  EXPECT_TRUE(pool.borrow().ok());
}

TEST_F(PostgresPool, WhoWaitsGetsTheOneThatComesBack) {
  Pool pool({url_, 1, {}});
  std::thread waiting;
  std::int64_t got = 0;
  {
    auto loan = pool.borrow();
    waiting = std::thread([&] { got = process_of(pool); });
    EXPECT_GT((*loan)->run(kProcess, {})->number(0, 0), 0);
  }
  waiting.join();
  EXPECT_GT(got, 0);
}

TEST_F(PostgresPool, ARestartOfTheServerIsNotSeenByTheNextStatement) {
  Pool pool({url_, 2, {}});
  process_of(pool);
  PostgresServer::shared().kill();
  const auto down = pool.borrow();
  ASSERT_FALSE(down.ok());
  EXPECT_EQ(down.error().code, ErrorCode::kUnavailable);
  PostgresServer::shared().start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  bool again = false;
  while (!again && std::chrono::steady_clock::now() < deadline) {
    const auto loan = pool.borrow();  // refused until the pause is over
    again = loan.ok() && (*loan)->run(kProcess, {}).ok();
  }
  EXPECT_TRUE(again);
}

TEST_F(PostgresPool, BetweenTheTriesToReachAServerOthersAreRefusedAtOnce) {
  // Takes connections, and never answers.
  const base::UniqueFd silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(silent.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(silent.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(::listen(silent.get(), 100), 0);
  const std::string url = "postgres://hearth@127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/x";
  Pool pool({url, 1, {milliseconds(100), milliseconds(100)}});
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i) {
    const auto refused = pool.borrow();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10))
      << "a thousand tries are 100 s";
}

TEST_F(PostgresPool, ATransactionThatIsNotCommittedLeavesNothing) {
  Pool pool({url_, 1, {}});
  ASSERT_TRUE((*pool.borrow())->run_text("CREATE TABLE t (n int)").ok());
  {
    auto transaction = Transaction::begin(pool);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(transaction->run_text("INSERT INTO t VALUES (1)").ok());
  }
  {
    auto transaction = Transaction::begin(pool);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(transaction->run_text("INSERT INTO t VALUES (2)").ok());
    ASSERT_TRUE(transaction->commit().ok());
  }
  const auto rows = (*pool.borrow())->run_text("SELECT n FROM t");
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->count(), 1);
  EXPECT_EQ(rows->number(0, 0), 2);
}

TEST_F(PostgresPool, ACommitThatIsNotAnsweredSaysThatNobodyKnows) {
  Pool pool({url_, 1, {milliseconds(5'000), milliseconds(200)}});
  auto transaction = Transaction::begin(pool);
  ASSERT_TRUE(transaction.ok());
  PostgresServer::shared().pause();
  const auto committed = transaction->commit();
  PostgresServer::shared().go_on();
  ASSERT_FALSE(committed.ok());
  EXPECT_THAT(committed.error().message, testing::HasSubstr("may or may not have been stored"));
}

}  // namespace
}  // namespace hearth::store::postgres
