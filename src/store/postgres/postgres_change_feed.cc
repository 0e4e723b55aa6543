#include "store/postgres/postgres_change_feed.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "store/postgres/function_rows.h"

namespace hearth::store::postgres {
namespace {

constexpr Statement kBounds{"feed_bounds",
                            "SELECT COALESCE(MIN(sequence), 0), COALESCE(MAX(sequence), 0) FROM changes"};
// The last change of each function alone: what it is now says all that those before it did.
constexpr Statement kChanged{
    "feed_changed",
    "SELECT MAX(sequence) AS last, function_id FROM changes WHERE sequence > $1 GROUP BY function_id "
    "ORDER BY last"};
constexpr Statement kFind{"feed_find", HEARTH_SELECT_FUNCTION "WHERE f.id = $1"};

constexpr Statement kConfirm{
    "feed_confirm",
    "INSERT INTO followers (id, position, renewed_at) VALUES ($1, $2, clock_timestamp()) "
    "ON CONFLICT (id) DO UPDATE SET position = $2, renewed_at = clock_timestamp()"};
constexpr Statement kLeave{"feed_leave", "DELETE FROM followers WHERE id = $1"};
constexpr Statement kFollowers{"feed_followers",
                               "SELECT id, position, extract(epoch FROM renewed_at)::text FROM followers"};
// Unless it has spoken again.
constexpr Statement kPassOver{
    "feed_pass_over", "DELETE FROM followers WHERE id = $1 AND extract(epoch FROM renewed_at)::text = $2"};
// For how many milliseconds it has served whoever connects, as far as its processes show: those of this list
// are started when it does, and end when one of it crashes. Whose they are says how many of them we see.
constexpr Statement kServesSince{
    "feed_serves_since",
    "SELECT COALESCE(floor(extract(epoch FROM clock_timestamp() - MIN(backend_start)) * 1000), 0)::bigint "
    "FROM pg_stat_activity WHERE backend_type IN "
    "('client backend', 'autovacuum launcher', 'logical replication launcher')"};
constexpr std::chrono::milliseconds kFirstLook{2};
constexpr std::chrono::milliseconds kLongestLook{50};

base::UniqueFd make_eventfd() {
  base::UniqueFd made(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!made.valid()) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  return made;
}

}  // namespace

PostgresChangeFeed::PostgresChangeFeed(Pool& pool, std::string follower)
    : pool_(pool), follower_(std::move(follower)), interrupted_(make_eventfd()) {}

void PostgresChangeFeed::interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(interrupted_.get(), &one, sizeof one);
}

// An answer that comes after the lease's end is of no use: another connection may be better.
base::Result<void> PostgresChangeFeed::connect() {
  if (connection_ && !connection_->broken()) {
    return {};
  }
  const Timeouts& timeouts = pool_.options().timeouts;
  auto connection = Connection::connect(pool_.options().url, {std::min(timeouts.connect, kFollowerLease),
                                                              std::min(timeouts.statement, kFollowerLease)});
  if (!connection) {
    return connection.error();
  }
  if (auto prepared = prepare(**connection); !prepared) {
    return prepared;
  }
  connection_ = std::move(*connection);
  return {};
}

base::Result<void> PostgresChangeFeed::prepare(Connection& connection) {
  if (auto listening = connection.run_text("LISTEN hearth_changes"); !listening) {
    return listening.error();
  }
  const auto way = find_direct_way(connection);
  if (!way) {
    return way.error();
  }
  if (!*way && (way_ || !way_known_)) {
    spdlog::warn(
        "the store is not reached directly, or has several hosts: while it refuses connections it counts as "
        "away for this server alone");
  }
  way_ = *way;
  way_known_ = true;
  return {};
}

bool PostgresChangeFeed::refuses_everybody() {
  return way_ && postgres::refuses_everybody(*way_, kRefusalWait);
}

base::Result<std::uint64_t> PostgresChangeFeed::position() {
  if (auto connected = connect(); !connected) {
    return connected.error();
  }
  const auto bounds = connection_->run(kBounds, {});
  if (!bounds) {
    return bounds.error();
  }
  return static_cast<std::uint64_t>(bounds->number(0, 1));
}

// Two statements, so that the second sees what was committed before the first was visible to others.
base::Result<std::uint64_t> PostgresChangeFeed::confirm(std::uint64_t position) {
  if (auto connected = connect(); !connected) {
    return connected.error();
  }
  auto confirmed = connection_->run(
      kConfirm, {Parameter::text(follower_), Parameter::number(static_cast<std::int64_t>(position))});
  if (confirmed) {
    confirmed = connection_->run(kBounds, {});
  }
  if (!confirmed) {
    return confirmed.error();
  }
  const auto newest = static_cast<std::uint64_t>(confirmed->number(0, 1));
  if (newest < position) {
    return base::Error{base::ErrorCode::kGone, "the store has fewer changes than were seen"};
  }
  // So that whoever waits for others knows of them already for how long they have been silent.
  const auto followers = look_at_followers(*connection_);
  return followers ? base::Result<std::uint64_t>(newest) : followers.error();
}

base::Result<std::vector<FollowerRow>> PostgresChangeFeed::look_at_followers(Connection& connection) {
  const auto found = connection.run(kFollowers, {});
  if (!found) {
    return found.error();
  }
  std::vector<FollowerRow> rows;
  for (int row = 0; row < found->count(); ++row) {
    rows.push_back({found->text(row, 0), found->number(row, 1), found->text(row, 2)});
  }
  const std::lock_guard lock(watch_mutex_);
  watch_.see(rows, std::chrono::steady_clock::now());
  return rows;
}

void PostgresChangeFeed::leave() {
  if (connection_ && !connection_->broken()) {
    // Where it fails the lease runs out.
    (void)connection_->run(kLeave, {Parameter::text(follower_)});
  }
}

base::Result<void> PostgresChangeFeed::await_followers() {
  const auto deadline = std::chrono::steady_clock::now() + 2 * kFollowerLease;
  std::int64_t newest = -1;
  for (auto look = kFirstLook;; look = std::min(2 * look, kLongestLook)) {
    {
      auto connection = pool_.borrow();
      if (!connection) {
        return connection.error();
      }
      if (newest < 0) {
        const auto bounds = (*connection)->run(kBounds, {});
        if (!bounds) {
          return bounds.error();
        }
        newest = bounds->number(0, 1);
      }
      const auto used = all_use(**connection, newest);
      if (!used || *used) {
        return used ? base::Result<void>() : used.error();
      }
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return base::Error{base::ErrorCode::kTimeout,
                         "a server that lives does not say that it uses the change"};
    }
    std::this_thread::sleep_for(look);
  }
}

// Those whose lease has run out may serve on while the store refuses everybody, and for as long after the
// last refusal as a lease lasts: it must have refused nobody for longer than that.
base::Result<bool> PostgresChangeFeed::all_use(Connection& connection, std::int64_t newest) {
  const auto followers = look_at_followers(connection);
  if (!followers) {
    return followers.error();
  }
  std::vector<FollowerRow> silent;
  {
    const std::lock_guard lock(watch_mutex_);
    for (const FollowerRow& row : *followers) {
      if (row.position >= newest) {
        continue;
      }
      if (!watch_.is_over(row.id, std::chrono::steady_clock::now())) {
        return false;
      }
      silent.push_back(row);
    }
  }
  if (connection.age() < kFollowerLease) {
    const auto serves = connection.run(kServesSince, {});
    if (!serves || serves->number(0, 0) < kFollowerLease.count()) {
      return serves ? base::Result<bool>(false) : serves.error();
    }
  }
  const auto passed = silent.empty() ? base::Result<void>() : pass_over(connection, silent);
  return passed ? base::Result<bool>(true) : passed.error();
}

// A store that shuts down, or whose first process is gone, serves us, who were connected before, and refuses
// others. If it takes a newcomer, and ours has not ended since, it has refused nobody; then those that are
// silent serve nothing, and nobody need see to them again.
base::Result<void> PostgresChangeFeed::pass_over(Connection& connection,
                                                 const std::vector<FollowerRow>& silent) const {
  const auto newcomer = Connection::connect(pool_.options().url, pool_.options().timeouts);
  if (!newcomer) {
    return newcomer.error();
  }
  for (const FollowerRow& row : silent) {
    const auto passed = connection.run(kPassOver, {Parameter::text(row.id), Parameter::text(row.renewed)});
    if (!passed) {
      return passed.error();
    }
  }
  return {};
}

base::Result<std::vector<FunctionChange>> PostgresChangeFeed::next(std::uint64_t after,
                                                                   std::chrono::milliseconds timeout) {
  if (auto connected = connect(); !connected) {
    return connected.error();
  }
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    auto changes = read(after);
    if (!changes || !changes->empty()) {
      return changes;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto notified = connection_->wait_for_notification(left, interrupted_.get());
    if (!notified) {
      return notified.error();
    }
    if (!*notified) {
      return read(after);
    }
    // It may have been for a change that was read before it came.
  }
}

base::Result<std::vector<FunctionChange>> PostgresChangeFeed::read(std::uint64_t after) {
  const auto bounds = connection_->run(kBounds, {});
  if (!bounds) {
    return bounds.error();
  }
  const auto oldest = static_cast<std::uint64_t>(bounds->number(0, 0));
  const auto newest = static_cast<std::uint64_t>(bounds->number(0, 1));
  if (after > newest || after + 1 < oldest) {
    return base::Error{base::ErrorCode::kGone, "the changes since the last look are no longer kept"};
  }
  const auto changed = connection_->run(kChanged, {Parameter::number(static_cast<std::int64_t>(after))});
  if (!changed) {
    return changed.error();
  }
  std::vector<FunctionChange> changes;
  for (int row = 0; row < changed->count(); ++row) {
    FunctionChange change{static_cast<std::uint64_t>(changed->number(row, 0)), changed->text(row, 1), {}};
    const auto found = connection_->run(kFind, {Parameter::text(change.id)});
    if (!found) {
      return found.error();
    }
    if (found->count() == 1) {
      auto function = read_function(*found, 0);
      if (!function) {
        return function.error();
      }
      change.function = std::move(*function);
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace hearth::store::postgres
