#include "store/sqlite/sqlite_schedule_store.h"

#include <utility>

#include "store/schedule_rules.h"

namespace hearth::store::sqlite {
namespace {

// In the order that read_row() takes them apart.
#define HEARTH_SELECT_SCHEDULE                                                                               \
  "SELECT function_id, name, cron, time_zone, every_s, input, version, alias, enabled, missed, setting_id, " \
  "created_ms, updated_ms, anchor_ms, next_ms, last_slot_ms, last_execution_id, missed_slots FROM "          \
  "schedules "
constexpr const char* kFind = HEARTH_SELECT_SCHEDULE "WHERE function_id = ? AND name = ?";
constexpr const char* kList =
    HEARTH_SELECT_SCHEDULE "WHERE (function_id, name) > (?, ?) ORDER BY function_id, name LIMIT ?";
constexpr const char* kListFunction =
    HEARTH_SELECT_SCHEDULE "WHERE function_id = ? AND name > ? ORDER BY name LIMIT ?";
// The query repeats the index's condition, and names it so that it fails to prepare rather than read the
// whole table.
constexpr const char* kDue = HEARTH_SELECT_SCHEDULE
    "INDEXED BY schedules_due WHERE next_ms > 0 AND next_ms <= ? AND (next_ms, function_id, name) > (?, ?, "
    "?) "
    "ORDER BY next_ms, function_id, name LIMIT ?";
#undef HEARTH_SELECT_SCHEDULE
constexpr const char* kNextDue =
    "SELECT next_ms FROM schedules INDEXED BY schedules_due WHERE next_ms > 0 AND next_ms > ? "
    "ORDER BY next_ms LIMIT 1";
constexpr const char* kInsert =
    "INSERT INTO schedules (function_id, name, cron, time_zone, every_s, input, version, alias, enabled, "
    "missed, "
    "setting_id, created_ms, updated_ms, anchor_ms, next_ms, last_slot_ms, last_execution_id, missed_slots) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
constexpr const char* kUpdate =
    "UPDATE schedules SET cron = ?3, time_zone = ?4, every_s = ?5, input = ?6, version = ?7, alias = ?8, "
    "enabled = ?9, missed = ?10, setting_id = ?11, created_ms = ?12, updated_ms = ?13, anchor_ms = ?14, "
    "next_ms = ?15, last_slot_ms = ?16, last_execution_id = ?17, missed_slots = ?18 "
    "WHERE function_id = ?1 AND name = ?2 AND setting_id = ?19 AND next_ms = ?20";
constexpr const char* kFunctionExists = "SELECT count(*) FROM functions WHERE id = ?";
constexpr const char* kCount = "SELECT count(*) FROM schedules WHERE function_id = ?";
constexpr const char* kRemove = "DELETE FROM schedules WHERE function_id = ? AND name = ?";
constexpr const char* kAdvance =
    "UPDATE schedules SET next_ms = ?5, missed_slots = missed_slots + ?6, "
    "last_slot_ms = CASE WHEN ?7 = 0 THEN last_slot_ms ELSE ?7 END, "
    "last_execution_id = CASE WHEN ?7 = 0 THEN last_execution_id ELSE ?8 END "
    "WHERE function_id = ?1 AND name = ?2 AND setting_id = ?3 AND next_ms = ?4";

model::Schedule read_row(const Query& row) {
  model::Schedule schedule;
  model::ScheduleSetting& setting = schedule.setting;
  setting.function_id = row.text(0);
  setting.name = row.text(1);
  setting.cron = row.text(2);
  setting.time_zone = row.text(3);
  setting.every_s = static_cast<std::uint32_t>(row.number(4));
  setting.input = row.text(5);
  setting.version = static_cast<std::uint32_t>(row.number(6));
  setting.alias = row.text(7);
  setting.enabled = row.number(8) != 0;
  setting.missed = static_cast<model::MissedSlots>(row.number(9));
  schedule.setting_id = row.text(10);
  schedule.created_ms = row.number(11);
  schedule.updated_ms = row.number(12);
  schedule.anchor_ms = row.number(13);
  schedule.next_ms = row.number(14);
  schedule.last_slot_ms = row.number(15);
  schedule.last_execution_id = row.text(16);
  schedule.missed_slots = static_cast<std::uint64_t>(row.number(17));
  return schedule;
}

base::Result<std::vector<model::Schedule>> read_all(Query& query) {
  std::vector<model::Schedule> schedules;
  for (;;) {
    auto row = query.next("list the schedules");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return schedules;
    }
    schedules.push_back(read_row(query));
  }
}

// In the order of the columns.
void bind(Query& query, const model::Schedule& schedule) {
  const model::ScheduleSetting& setting = schedule.setting;
  query.bind(setting.function_id)
      .bind(setting.name)
      .bind(setting.cron)
      .bind(setting.time_zone)
      .bind(std::int64_t{setting.every_s})
      .bind(setting.input)
      .bind(std::int64_t{setting.version})
      .bind(setting.alias)
      .bind(std::int64_t{setting.enabled})
      .bind(static_cast<std::int64_t>(setting.missed))
      .bind(schedule.setting_id)
      .bind(schedule.created_ms)
      .bind(schedule.updated_ms)
      .bind(schedule.anchor_ms)
      .bind(schedule.next_ms)
      .bind(schedule.last_slot_ms)
      .bind(schedule.last_execution_id)
      .bind(static_cast<std::int64_t>(schedule.missed_slots));
}

}  // namespace

base::Result<std::unique_ptr<SqliteScheduleStore>> SqliteScheduleStore::open(
    Database& database, SqliteExecutionStore& executions) {
  Session session(database);
  Statements statements;
  const std::pair<Statement*, const char*> wanted[] = {
      {&statements.insert, kInsert},
      {&statements.update, kUpdate},
      {&statements.function_exists, kFunctionExists},
      {&statements.count, kCount},
      {&statements.remove, kRemove},
      {&statements.find, kFind},
      {&statements.list, kList},
      {&statements.list_function, kListFunction},
      {&statements.due, kDue},
      {&statements.next_due, kNextDue},
      {&statements.advance, kAdvance},
  };
  if (auto prepared = session.connection().prepare(wanted); !prepared) {
    return prepared.error();
  }
  return std::unique_ptr<SqliteScheduleStore>(
      new SqliteScheduleStore(database, executions, std::move(statements)));
}

base::Result<void> SqliteScheduleStore::set(const model::Schedule& schedule, const model::Schedule* before) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun;
  }
  Connection& connection = transaction.connection();
  const auto functions = first_number(connection, statements_.function_exists, schedule.setting.function_id);
  if (!functions || *functions == 0) {
    return functions ? no_function_to_schedule(schedule.setting.function_id) : functions.error();
  }
  auto done = before != nullptr ? update(connection, schedule, *before) : insert(connection, schedule);
  if (!done) {
    return done;
  }
  if (connection.changed_rows() == 0) {
    return schedule_has_changed(schedule.setting.name);
  }
  const auto count = first_number(connection, statements_.count, schedule.setting.function_id);
  if (!count || *count > static_cast<std::int64_t>(model::kSchedulesPerFunction)) {
    return count ? too_many_schedules() : count.error();
  }
  return transaction.commit();
}

base::Result<void> SqliteScheduleStore::insert(Connection& connection, const model::Schedule& schedule) {
  Query query(connection, statements_.insert);
  bind(query, schedule);
  return query.finish("store the schedule");
}

base::Result<void> SqliteScheduleStore::update(Connection& connection, const model::Schedule& schedule,
                                               const model::Schedule& before) {
  Query query(connection, statements_.update);
  bind(query, schedule);
  query.bind(before.setting_id).bind(before.next_ms);
  return query.finish("change the schedule");
}

base::Result<std::int64_t> SqliteScheduleStore::first_number(Connection& connection,
                                                             const Statement& statement,
                                                             std::string_view function_id) {
  Query query(connection, statement);
  auto row = query.bind(function_id).next("look at the function's schedules");
  if (!row) {
    return row.error();
  }
  return query.number(0);
}

base::Result<void> SqliteScheduleStore::remove(std::string_view function_id, std::string_view name) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun;
  }
  {
    Query query(transaction.connection(), statements_.remove);
    if (auto done = query.bind(function_id).bind(name).finish("remove the schedule"); !done) {
      return done;
    }
  }
  return transaction.connection().changed_rows() == 0 ? no_such_schedule(name) : transaction.commit();
}

base::Result<model::Schedule> SqliteScheduleStore::find(std::string_view function_id, std::string_view name) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  Query query(session.connection(), statements_.find);
  auto row = query.bind(function_id).bind(name).next("read the schedule");
  if (!row) {
    return row.error();
  }
  return *row ? base::Result<model::Schedule>(read_row(query)) : no_such_schedule(name);
}

base::Result<std::vector<model::Schedule>> SqliteScheduleStore::list(const ScheduleFilter& filter) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  const bool of_all = filter.function_id.empty();
  Query query(session.connection(), of_all ? statements_.list : statements_.list_function);
  query.bind(of_all ? filter.after_function : filter.function_id)
      .bind(filter.after_name)
      .bind(static_cast<std::int64_t>(filter.limit));
  return read_all(query);
}

base::Result<std::vector<model::Schedule>> SqliteScheduleStore::due(std::int64_t now_ms,
                                                                    const DuePosition& after,
                                                                    std::size_t limit) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  Query query(session.connection(), statements_.due);
  query.bind(now_ms)
      .bind(after.next_ms)
      .bind(after.function_id)
      .bind(after.name)
      .bind(static_cast<std::int64_t>(limit));
  return read_all(query);
}

base::Result<std::optional<std::int64_t>> SqliteScheduleStore::next_due(std::int64_t after_ms) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  Query query(session.connection(), statements_.next_due);
  auto row = query.bind(after_ms).next("look for the next slot");
  if (!row) {
    return row.error();
  }
  return *row ? std::optional(query.number(0)) : std::nullopt;
}

base::Result<std::vector<bool>> SqliteScheduleStore::advance(std::span<const ScheduleStep> steps) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  std::vector<bool> done;
  done.reserve(steps.size());
  ExecutionCounts change;
  for (const ScheduleStep& each : steps) {
    const auto current = step(transaction.connection(), each);
    if (!current) {
      return current.error();
    }
    done.push_back(*current);
    for (std::size_t i = 0; *current && i < each.executions.size(); ++i) {
      if (auto accepted = executions_.accept(transaction, each.executions[i], change); !accepted) {
        return accepted.error();
      }
    }
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  executions_.accepted(change);
  return done;
}

base::Result<bool> SqliteScheduleStore::step(Connection& connection, const ScheduleStep& step) {
  const NewExecution none;
  const NewExecution& last = step.executions.empty() ? none : step.executions.back();
  {
    Query query(connection, statements_.advance);
    query.bind(step.function_id)
        .bind(step.name)
        .bind(step.setting_id)
        .bind(step.due_ms)
        .bind(step.next_ms)
        .bind(static_cast<std::int64_t>(step.missed))
        .bind(last.slot_ms)
        .bind(last.id);
    if (auto done = query.finish("advance the schedule"); !done) {
      return done.error();
    }
  }
  return connection.changed_rows() == 1;
}

}  // namespace hearth::store::sqlite
