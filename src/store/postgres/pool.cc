#include "store/postgres/pool.h"

#include <algorithm>
#include <utility>

namespace hearth::store::postgres {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{
    100};  // a store that is back is found before its code is asked for

}  // namespace

Loan::~Loan() {
  if (connection_) {
    pool_->give_back(std::move(connection_));
  }
}

base::Result<Loan> Pool::borrow() {
  std::unique_lock lock(mutex_);
  const auto may_go_on = [this] { return lent_ < options_.connections; };
  if (!came_back_.wait_for(lock, options_.timeouts.statement, may_go_on)) {
    return base::Error{base::ErrorCode::kExhausted,
                       "all connections to the store are in use (--store-connections)"};
  }
  ++lent_;
  std::vector<std::unique_ptr<Connection>> closed;  // their ends need no lock
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->closed_meanwhile()) {
      return Loan(*this, std::move(connection));
    }
    closed.push_back(std::move(connection));
  }
  if (Clock::now() < next_try_) {
    --lent_;
    came_back_.notify_one();
    return base::Error{base::ErrorCode::kUnavailable, last_failure_};
  }
  lock.unlock();
  return connect();
}

base::Result<Loan> Pool::connect() {
  const auto began = Clock::now();
  auto connection = Connection::connect(options_.url, options_.timeouts);
  const std::lock_guard lock(mutex_);
  if (connection) {
    last_connected_ = Clock::now();
    pause_ = std::chrono::milliseconds(0);
    next_try_ = {};
    return Loan(*this, std::move(*connection));
  }
  if (last_connected_ < began) {  // else the store has come back meanwhile, and nobody waits for it
    pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
    next_try_ = Clock::now() + pause_;
  }
  last_failure_ = connection.error().message;
  --lent_;
  came_back_.notify_one();
  return connection.error();
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  if (!connection->broken()) {
    idle_.push_back(std::move(connection));
  }
  --lent_;
  came_back_.notify_one();
}

}  // namespace hearth::store::postgres
