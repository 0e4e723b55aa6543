#include "store/postgres/postgres_schedule_store.h"

#include <utility>

#include "store/postgres/execution_rows.h"
#include "store/postgres/execution_submissions.h"
#include "store/postgres/transaction.h"
#include "store/schedule_rules.h"

namespace hearth::store::postgres {
namespace {

// In the order that read_row() takes them apart.
#define HEARTH_SELECT_SCHEDULE                                                                               \
  "SELECT function_id, name, cron, time_zone, every_s, input, version, alias, enabled, missed, setting_id, " \
  "created_ms, updated_ms, anchor_ms, next_ms, last_slot_ms, last_execution_id, missed_slots FROM "          \
  "schedules "
constexpr Statement kFind{"schedule_find", HEARTH_SELECT_SCHEDULE "WHERE function_id = $1 AND name = $2"};
constexpr Statement kList{"schedule_list", HEARTH_SELECT_SCHEDULE
                          "WHERE (function_id, name) > ($1, $2) ORDER BY function_id, name LIMIT $3"};
constexpr Statement kListFunction{"schedule_list_function", HEARTH_SELECT_SCHEDULE
                                  "WHERE function_id = $1 AND name > $2 ORDER BY name LIMIT $3"};
constexpr Statement kDue{
    "schedule_due", HEARTH_SELECT_SCHEDULE
    "WHERE next_ms > 0 AND next_ms <= $1 AND (next_ms, function_id, name) > ($2, $3, $4) "
    "ORDER BY next_ms, function_id, name LIMIT $5"};
#undef HEARTH_SELECT_SCHEDULE
constexpr Statement kNextDue{
    "schedule_next_due",
    "SELECT next_ms FROM schedules WHERE next_ms > 0 AND next_ms > $1 ORDER BY next_ms LIMIT 1"};
constexpr Statement kInsert{
    "schedule_insert",
    "INSERT INTO schedules (function_id, name, cron, time_zone, every_s, input, version, alias, enabled, "
    "missed, "
    "setting_id, created_ms, updated_ms, anchor_ms, next_ms, last_slot_ms, last_execution_id, missed_slots) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) "
    "ON CONFLICT DO NOTHING"};
constexpr Statement kUpdate{
    "schedule_update",
    "UPDATE schedules SET cron = $3, time_zone = $4, every_s = $5, input = $6, version = $7, alias = $8, "
    "enabled = $9, missed = $10, setting_id = $11, created_ms = $12, updated_ms = $13, anchor_ms = $14, "
    "next_ms = $15, last_slot_ms = $16, last_execution_id = $17, missed_slots = $18 "
    "WHERE function_id = $1 AND name = $2 AND setting_id = $19 AND next_ms = $20"};
// One at a time makes a schedule of a function: their number is exact.
constexpr Statement kLockFunction{"schedule_lock_function",
                                  "SELECT 1 FROM functions WHERE id = $1 FOR NO KEY UPDATE"};
constexpr Statement kCount{"schedule_count", "SELECT count(*) FROM schedules WHERE function_id = $1"};
constexpr Statement kRemove{"schedule_remove", "DELETE FROM schedules WHERE function_id = $1 AND name = $2"};
// Whoever has the row in hand decides of its slot; nobody waits for it.
constexpr Statement kAdvance{
    "schedule_advance",
    "WITH held AS MATERIALIZED (SELECT 1 FROM schedules WHERE function_id = $1 AND name = $2 "
    "AND "
    "setting_id = $3 AND next_ms = $4 FOR UPDATE SKIP LOCKED) "
    "UPDATE schedules s SET next_ms = $5, missed_slots = missed_slots + $6, "
    "last_slot_ms = CASE WHEN $7::bigint = 0 THEN last_slot_ms ELSE $7::bigint END, "
    "last_execution_id = CASE WHEN $7::bigint = 0 THEN last_execution_id ELSE $8 END "
    "WHERE s.function_id = $1 AND s.name = $2 AND EXISTS (SELECT 1 FROM held)"};

model::Schedule read_row(const Rows& rows, int row) {
  model::Schedule schedule;
  model::ScheduleSetting& setting = schedule.setting;
  setting.function_id = rows.text(row, 0);
  setting.name = rows.text(row, 1);
  setting.cron = rows.text(row, 2);
  setting.time_zone = rows.text(row, 3);
  setting.every_s = static_cast<std::uint32_t>(rows.number(row, 4));
  setting.input = rows.bytes(row, 5);
  setting.version = static_cast<std::uint32_t>(rows.number(row, 6));
  setting.alias = rows.text(row, 7);
  setting.enabled = rows.number(row, 8) != 0;
  setting.missed = static_cast<model::MissedSlots>(rows.number(row, 9));
  schedule.setting_id = rows.text(row, 10);
  schedule.created_ms = rows.number(row, 11);
  schedule.updated_ms = rows.number(row, 12);
  schedule.anchor_ms = rows.number(row, 13);
  schedule.next_ms = rows.number(row, 14);
  schedule.last_slot_ms = rows.number(row, 15);
  schedule.last_execution_id = rows.text(row, 16);
  schedule.missed_slots = static_cast<std::uint64_t>(rows.number(row, 17));
  return schedule;
}

std::vector<model::Schedule> read_all(const Rows& rows) {
  std::vector<model::Schedule> schedules;
  schedules.reserve(static_cast<std::size_t>(rows.count()));
  for (int row = 0; row < rows.count(); ++row) {
    schedules.push_back(read_row(rows, row));
  }
  return schedules;
}

// In the order of the columns.
std::vector<Parameter> parameters_of(const model::Schedule& schedule) {
  const model::ScheduleSetting& setting = schedule.setting;
  return {Parameter::text(setting.function_id),
          Parameter::text(setting.name),
          Parameter::text(setting.cron),
          Parameter::text(setting.time_zone),
          Parameter::number(setting.every_s),
          Parameter::bytes(setting.input),
          Parameter::number(setting.version),
          Parameter::text(setting.alias),
          Parameter::number(setting.enabled ? 1 : 0),
          Parameter::number(static_cast<std::int64_t>(setting.missed)),
          Parameter::text(schedule.setting_id),
          Parameter::number(schedule.created_ms),
          Parameter::number(schedule.updated_ms),
          Parameter::number(schedule.anchor_ms),
          Parameter::number(schedule.next_ms),
          Parameter::number(schedule.last_slot_ms),
          Parameter::text(schedule.last_execution_id),
          Parameter::number(static_cast<std::int64_t>(schedule.missed_slots))};
}

base::Result<Rows> insert_or_update(Transaction& transaction, const model::Schedule& schedule,
                                    const model::Schedule* before) {
  auto parameters = parameters_of(schedule);
  if (before == nullptr) {
    return transaction.run(kInsert, parameters);
  }
  parameters.push_back(Parameter::text(before->setting_id));
  parameters.push_back(Parameter::number(before->next_ms));
  return transaction.run(kUpdate, parameters);
}

base::Result<bool> run_step(Transaction& transaction, const ScheduleStep& step) {
  const NewExecution none;
  const NewExecution& last = step.executions.empty() ? none : step.executions.back();
  const auto rows = transaction.run(
      kAdvance, {Parameter::text(step.function_id), Parameter::text(step.name),
                 Parameter::text(step.setting_id), Parameter::number(step.due_ms),
                 Parameter::number(step.next_ms), Parameter::number(static_cast<std::int64_t>(step.missed)),
                 Parameter::number(last.slot_ms), Parameter::text(last.id)});
  return rows ? base::Result<bool>(rows->changed() == 1) : rows.error();
}

}  // namespace

base::Result<void> PostgresScheduleStore::set(const model::Schedule& schedule,
                                              const model::Schedule* before) {
  auto transaction = Transaction::begin(pool_);
  if (!transaction) {
    return transaction.error();
  }
  const auto function = transaction->run(kLockFunction, {Parameter::text(schedule.setting.function_id)});
  if (!function || function->count() == 0) {
    return function ? no_function_to_schedule(schedule.setting.function_id) : function.error();
  }
  const auto done = insert_or_update(*transaction, schedule, before);
  if (!done || done->changed() == 0) {
    return done ? schedule_has_changed(schedule.setting.name) : done.error();
  }
  const auto count = transaction->run(kCount, {Parameter::text(schedule.setting.function_id)});
  if (!count || count->number(0, 0) > static_cast<std::int64_t>(model::kSchedulesPerFunction)) {
    return count ? too_many_schedules() : count.error();
  }
  return transaction->commit();
}

base::Result<void> PostgresScheduleStore::remove(std::string_view function_id, std::string_view name) {
  if (!may_be_id(function_id) || !may_be_id(name)) {
    return no_such_schedule(name);
  }
  auto transaction = Transaction::begin(pool_);
  if (!transaction) {
    return transaction.error();
  }
  const auto removed = transaction->run(kRemove, {Parameter::text(function_id), Parameter::text(name)});
  if (!removed) {
    return removed.error();
  }
  return removed->changed() == 0 ? no_such_schedule(name) : transaction->commit();
}

base::Result<model::Schedule> PostgresScheduleStore::find(std::string_view function_id,
                                                          std::string_view name) {
  if (!may_be_id(function_id) || !may_be_id(name)) {
    return no_such_schedule(name);
  }
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  const auto rows = (*connection)->run(kFind, {Parameter::text(function_id), Parameter::text(name)});
  if (!rows) {
    return rows.error();
  }
  return rows->count() == 0 ? no_such_schedule(name) : base::Result<model::Schedule>(read_row(*rows, 0));
}

base::Result<std::vector<model::Schedule>> PostgresScheduleStore::list(const ScheduleFilter& filter) {
  if (!may_be_id(filter.function_id) || !may_be_id(filter.after_function) || !may_be_id(filter.after_name)) {
    return std::vector<model::Schedule>();
  }
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  const bool of_all = filter.function_id.empty();
  const auto rows = (*connection)
                        ->run(of_all ? kList : kListFunction,
                              {Parameter::text(of_all ? filter.after_function : filter.function_id),
                               Parameter::text(filter.after_name),
                               Parameter::number(static_cast<std::int64_t>(filter.limit))});
  return rows ? base::Result<std::vector<model::Schedule>>(read_all(*rows)) : rows.error();
}

base::Result<std::vector<model::Schedule>> PostgresScheduleStore::due(std::int64_t now_ms,
                                                                      const DuePosition& after,
                                                                      std::size_t limit) {
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  const auto rows = (*connection)
                        ->run(kDue, {Parameter::number(now_ms), Parameter::number(after.next_ms),
                                     Parameter::text(after.function_id), Parameter::text(after.name),
                                     Parameter::number(static_cast<std::int64_t>(limit))});
  return rows ? base::Result<std::vector<model::Schedule>>(read_all(*rows)) : rows.error();
}

base::Result<std::optional<std::int64_t>> PostgresScheduleStore::next_due(std::int64_t after_ms) {
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  const auto rows = (*connection)->run(kNextDue, {Parameter::number(after_ms)});
  if (!rows) {
    return rows.error();
  }
  return rows->count() == 0 ? std::nullopt : std::optional(rows->number(0, 0));
}

base::Result<std::vector<bool>> PostgresScheduleStore::advance(std::span<const ScheduleStep> steps) {
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  std::vector<bool> done;
  done.reserve(steps.size());
  std::vector<NewExecution> executions;
  for (const ScheduleStep& each : steps) {
    const auto current = run_step(*transaction, each);
    if (!current) {
      return current.error();
    }
    done.push_back(*current);
    if (*current) {
      executions.insert(executions.end(), each.executions.begin(), each.executions.end());
    }
  }
  if (auto accepted = accept_all(*transaction, executions); !accepted) {
    return accepted.error();
  }
  if (auto committed = transaction->commit(); !committed) {
    return committed.error();
  }
  return done;
}

}  // namespace hearth::store::postgres
