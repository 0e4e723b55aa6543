// Schedules in hearth.db. Thread-safe: one operation at a time holds the database.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "store/schedule_store.h"
#include "store/sqlite/database.h"
#include "store/sqlite/sqlite_execution_store.h"

namespace hearth::store::sqlite {

class SqliteScheduleStore final : public ScheduleStore {
 public:
  // Both outlive the store, and `executions` is in `database`.
  static base::Result<std::unique_ptr<SqliteScheduleStore>> open(Database& database,
                                                                 SqliteExecutionStore& executions);
  SqliteScheduleStore(const SqliteScheduleStore&) = delete;
  SqliteScheduleStore& operator=(const SqliteScheduleStore&) = delete;

  base::Result<void> set(const model::Schedule& schedule, const model::Schedule* before) override;
  base::Result<void> remove(std::string_view function_id, std::string_view name) override;
  base::Result<model::Schedule> find(std::string_view function_id, std::string_view name) override;
  base::Result<std::vector<model::Schedule>> list(const ScheduleFilter& filter) override;
  base::Result<std::vector<model::Schedule>> due(std::int64_t now_ms, const DuePosition& after,
                                                 std::size_t limit) override;
  base::Result<std::optional<std::int64_t>> next_due(std::int64_t after_ms) override;
  base::Result<std::vector<bool>> advance(std::span<const ScheduleStep> steps) override;

 private:
  struct Statements {
    Statement insert;
    Statement update;
    Statement function_exists;
    Statement count;
    Statement remove;
    Statement find;
    Statement list;
    Statement list_function;
    Statement due;
    Statement next_due;
    Statement advance;
  };

  SqliteScheduleStore(Database& database, SqliteExecutionStore& executions, Statements statements)
      : database_(database), executions_(executions), statements_(std::move(statements)) {}
  base::Result<std::int64_t> first_number(Connection& connection, const Statement& statement,
                                          std::string_view function_id);
  base::Result<void> insert(Connection& connection, const model::Schedule& schedule);
  base::Result<void> update(Connection& connection, const model::Schedule& schedule,
                            const model::Schedule& before);
  base::Result<bool> step(Connection& connection, const ScheduleStep& step);

  Database& database_;
  SqliteExecutionStore& executions_;
  const Statements statements_;  // used while the database is held
};

}  // namespace hearth::store::sqlite
