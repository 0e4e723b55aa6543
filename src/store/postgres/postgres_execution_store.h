// Asynchronous executions in PostgreSQL, for any number of servers. Thread-safe: each operation has a
// connection of its own.
//
// No operation waits for long on another's rows: what is claimed, redriven or removed passes over rows that
// somebody else has in hand, and what has to wait takes rows in the order of their ids, so that no two wait
// for each other.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "store/execution_store.h"
#include "store/postgres/pool.h"

namespace hearth::store::postgres {

class PostgresExecutionStore final : public ExecutionStore {
 public:
  // `pool` outlives the store; its database has been migrated.
  explicit PostgresExecutionStore(Pool& pool) : pool_(pool) {}
  PostgresExecutionStore(const PostgresExecutionStore&) = delete;
  PostgresExecutionStore& operator=(const PostgresExecutionStore&) = delete;

  base::Result<Written> write(const Writes& writes) override;
  base::Result<std::vector<Claimed>> claim(const ClaimRequest& request) override;
  base::Result<std::vector<Lease>> extend(std::span<const Lease> leases, std::int64_t until_ms) override;
  base::Result<std::optional<std::int64_t>> next_due(model::ExecutionKind kind) override;
  base::Result<model::AsyncExecution> find(std::string_view id) override;
  base::Result<std::vector<model::AsyncExecution>> list(const ExecutionFilter& filter) override;
  base::Result<model::AsyncExecution> cancel(std::string_view id, std::int64_t now_ms) override;
  base::Result<model::AsyncExecution> redrive(std::string_view id, std::int64_t now_ms) override;
  base::Result<std::vector<Backlog>> redrive_dead(const model::FunctionId& function_id, std::int64_t now_ms,
                                                  std::size_t limit) override;
  // Of all servers together.
  base::Result<std::vector<Backlog>> backlog() override;
  // Of all servers: not for one that may have others beside it.
  base::Result<std::size_t> release_all(std::int64_t now_ms) override;
  base::Result<void> bring_forward(std::int64_t latest_ms, std::int64_t now_ms) override;
  // One server at a time; none are removed while another is at it.
  base::Result<std::size_t> remove_ended(std::int64_t before_ms, std::size_t most_kept,
                                         std::size_t limit) override;

 private:
  Pool& pool_;
};

}  // namespace hearth::store::postgres
