// Schedules in PostgreSQL, for any number of servers. Thread-safe: each operation has a connection of its
// own.
//
// Of all servers that decide of one slot at the same time the first has the row, and the others pass over it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "store/postgres/pool.h"
#include "store/schedule_store.h"

namespace hearth::store::postgres {

class PostgresScheduleStore final : public ScheduleStore {
 public:
  // `pool` outlives the store; its database has been migrated.
  explicit PostgresScheduleStore(Pool& pool) : pool_(pool) {}
  PostgresScheduleStore(const PostgresScheduleStore&) = delete;
  PostgresScheduleStore& operator=(const PostgresScheduleStore&) = delete;

  base::Result<void> set(const model::Schedule& schedule, const model::Schedule* before) override;
  base::Result<void> remove(std::string_view function_id, std::string_view name) override;
  base::Result<model::Schedule> find(std::string_view function_id, std::string_view name) override;
  base::Result<std::vector<model::Schedule>> list(const ScheduleFilter& filter) override;
  base::Result<std::vector<model::Schedule>> due(std::int64_t now_ms, const DuePosition& after,
                                                 std::size_t limit) override;
  base::Result<std::optional<std::int64_t>> next_due(std::int64_t after_ms) override;
  base::Result<std::vector<bool>> advance(std::span<const ScheduleStep> steps) override;

 private:
  Pool& pool_;
};

}  // namespace hearth::store::postgres
