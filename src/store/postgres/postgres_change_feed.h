// The change feed of PostgreSQL: LISTEN, with a look at the table of changes behind it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "store/change_feed.h"
#include "store/postgres/connection.h"
#include "store/postgres/direct_way.h"
#include "store/postgres/follower_watch.h"
#include "store/postgres/pool.h"

namespace hearth::store::postgres {

class PostgresChangeFeed final : public ChangeFeed {
 public:
  // Has a connection of its own, made when it is first needed and again when it was lost; `pool`, which
  // outlives it, is for await_followers(). Its database has been migrated. `follower`: a GUID, of this
  // server.
  PostgresChangeFeed(Pool& pool, std::string follower);
  PostgresChangeFeed(const PostgresChangeFeed&) = delete;
  PostgresChangeFeed& operator=(const PostgresChangeFeed&) = delete;

  base::Result<std::uint64_t> position() override;
  base::Result<std::vector<FunctionChange>> next(std::uint64_t after,
                                                 std::chrono::milliseconds timeout) override;
  base::Result<std::uint64_t> confirm(std::uint64_t position) override;
  void leave() override;
  bool refuses_everybody() override;
  base::Result<void> await_followers() override;
  void interrupt() override;

 private:
  base::Result<void> connect();
  base::Result<void> prepare(Connection& connection);
  base::Result<std::vector<FunctionChange>> read(std::uint64_t after);
  base::Result<bool> all_use(Connection& connection, std::int64_t newest);
  base::Result<std::vector<FollowerRow>> look_at_followers(Connection& connection);
  base::Result<void> pass_over(Connection& connection, const std::vector<FollowerRow>& silent) const;

  Pool& pool_;
  const std::string follower_;
  const base::UniqueFd interrupted_;  // eventfd(2); never read, so that it stays readable
  std::unique_ptr<Connection> connection_;
  std::optional<DirectWay> way_;  // of the last connection there was
  bool way_known_ = false;
  std::mutex watch_mutex_;
  FollowerWatch watch_;  // guarded by watch_mutex_
};

}  // namespace hearth::store::postgres
