#include "store/postgres/postgres_change_feed.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

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
// Of servers that were killed.
constexpr Statement kForgetDead{
    "feed_forget_dead", "DELETE FROM followers WHERE renewed_at < clock_timestamp() - interval '1 minute'"};
constexpr Statement kBehind{
    "feed_behind",
    "SELECT count(*) FROM followers WHERE position < $1 AND "
    "renewed_at > clock_timestamp() - make_interval(secs => $2::double precision / 1000)"};
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

base::Result<void> PostgresChangeFeed::connect() {
  if (connection_ && !connection_->broken()) {
    return {};
  }
  auto connection = Connection::connect(pool_.options().url, pool_.options().timeouts);
  if (!connection) {
    return connection.error();
  }
  if (auto listening = (*connection)->run_text("LISTEN hearth_changes"); !listening) {
    return listening.error();
  }
  connection_ = std::move(*connection);
  return {};
}

base::Result<std::uint64_t> PostgresChangeFeed::position() {
  if (auto connected = connect(); !connected) {
    return connected.error();
  }
  const auto bounds = connection_->run(kBounds, {});
  if (!bounds) {
    return bounds.error();
  }
  if (auto forgotten = connection_->run(kForgetDead, {}); !forgotten) {
    return forgotten.error();
  }
  return static_cast<std::uint64_t>(bounds->number(0, 1));
}

base::Result<void> PostgresChangeFeed::confirm(std::uint64_t position) {
  if (auto connected = connect(); !connected) {
    return connected.error();
  }
  auto confirmed = connection_->run(
      kConfirm, {Parameter::text(follower_), Parameter::number(static_cast<std::int64_t>(position))});
  return confirmed ? base::Result<void>() : confirmed.error();
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
      const auto behind =
          (*connection)->run(kBehind, {Parameter::number(newest), Parameter::number(kFollowerLease.count())});
      if (!behind || behind->number(0, 0) == 0) {
        return behind ? base::Result<void>() : behind.error();
      }
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return base::Error{base::ErrorCode::kTimeout,
                         "a server that lives does not say that it uses the change"};
    }
    std::this_thread::sleep_for(look);
  }
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
