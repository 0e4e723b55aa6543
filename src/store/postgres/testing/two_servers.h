// Two servers on one database of PostgreSQL, each with a pool and an execution store of its own. Tests only.
#pragma once

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "store/execution_conformance.h"
#include "store/postgres/testing/postgres_server.h"
#include "store/postgres/testing/store_under_test.h"

namespace hearth::store::postgres {

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

  ExecutionStore& here() { return store_->executions(); }
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
  void submit(int executions) { submit(1, executions); }
  void submit(int first, int executions, std::int64_t lease_until_ms = 0) {
    ExecutionStore::Writes writes;
    for (int number = first; number < first + executions; ++number) {
      writes.submissions.push_back(sample_execution(number, std::to_string(number % 10)));
      writes.submissions.back().lease_until_ms = lease_until_ms;
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
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    int waiting = -1;
    while (waiting != statements && std::chrono::steady_clock::now() < deadline) {
      const auto rows = (*other_pool_->borrow())
                            ->run_text(
                                "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                "current_database() AND wait_event_type = 'Lock'");
      waiting = rows ? static_cast<int>(rows->number(0, 0)) : -1;
    }
    EXPECT_EQ(waiting, statements);
  }

  std::unique_ptr<PostgresUnderTest> store_;
  std::unique_ptr<Pool> other_pool_;
  std::unique_ptr<PostgresExecutionStore> other_;
};

}  // namespace hearth::store::postgres
