#include "store/postgres/postgres_change_feed.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "store/postgres/function_rows.h"

namespace hearth::store::postgres {
namespace {

constexpr Statement kBounds{"feed_bounds",
                            "SELECT COALESCE(MIN(sequence), 0), COALESCE(MAX(sequence), 0) FROM changes"};
// The last change of each function alone: what it is now says all that those before it did.
constexpr Statement kChanged{
    "feed_changed",
    "SELECT MAX(sequence) AS last, function_id FROM changes WHERE sequence > $1 GROUP BY function_id "
    "ORDER BY last LIMIT 1000"};
constexpr Statement kFind{"feed_find", HEARTH_SELECT_FUNCTION "WHERE f.id = $1"};

base::UniqueFd make_eventfd() {
  base::UniqueFd made(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!made.valid()) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  return made;
}

}  // namespace

PostgresChangeFeed::PostgresChangeFeed(PoolOptions options)
    : options_(std::move(options)), interrupted_(make_eventfd()) {}

void PostgresChangeFeed::interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(interrupted_.get(), &one, sizeof one);
}

base::Result<void> PostgresChangeFeed::connect() {
  if (connection_ && !connection_->broken()) {
    return {};
  }
  auto connection = Connection::connect(options_.url, options_.timeouts);
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
  return static_cast<std::uint64_t>(bounds->number(0, 1));
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
