// A bounded number of connections to one PostgreSQL, lent to threads that may block.
//
// Thread-safe. A connection that broke is replaced when it is next needed. While the server cannot be
// reached a growing pause lies between the tries, and who asks within it is refused at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/postgres/connection.h"

namespace hearth::store::postgres {

struct PoolOptions {
  std::string url;
  std::size_t connections = 8;  // --store-connections, 1 to 100
  Timeouts timeouts;
};

class Pool;

// A connection of the pool's, back in it at the end.
class [[nodiscard]] Loan {
 public:
  Loan(Pool& pool, std::unique_ptr<Connection> connection)
      : pool_(&pool), connection_(std::move(connection)) {}
  Loan(Loan&&) = default;
  Loan& operator=(Loan&&) = delete;
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  ~Loan();

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }
  bool holds() const { return connection_ != nullptr; }  // not moved from

 private:
  Pool* pool_;
  std::unique_ptr<Connection> connection_;  // null once moved from
};

class Pool {
 public:
  explicit Pool(PoolOptions options) : options_(std::move(options)) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Waits at most the statement time-out for one to come back. kExhausted: none did. kUnavailable: the server
  // does not answer.
  base::Result<Loan> borrow();

  const PoolOptions& options() const { return options_; }

 private:
  friend class Loan;
  using Clock = std::chrono::steady_clock;

  base::Result<Loan> connect();
  void give_back(std::unique_ptr<Connection> connection);

  const PoolOptions options_;
  std::mutex mutex_;
  std::condition_variable came_back_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_, like all below
  std::size_t lent_ = 0;
  std::chrono::milliseconds pause_{0};  // after the last try that failed
  Clock::time_point next_try_{};
  Clock::time_point last_connected_{};
  std::string last_failure_;
};

}  // namespace hearth::store::postgres
