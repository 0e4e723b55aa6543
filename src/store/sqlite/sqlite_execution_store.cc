#include "store/sqlite/sqlite_execution_store.h"

namespace hearth::store::sqlite {
namespace {

// Where a partial index is to be used, the query repeats the index's condition, and names the index so that
// it fails to prepare rather than read the whole table.
constexpr const char* kFindKey =
    "SELECT id, version, input_digest FROM executions INDEXED BY executions_by_key "
    "WHERE function_id = ? AND idempotency_key = ?";
constexpr const char* kInsert =
    "INSERT INTO executions (id, function_id, version, state, idempotency_key, input_digest, input_bytes, "
    "submitted_ms, accepted_ms, due_ms, lease, lease_until_ms, started_ms, kind, parent_id, parent_state, "
    "depth, schedule, slot_ms, input) VALUES (?, ?, ?, ?, ?, ?, ?, ?8, ?8, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr const char* kInsertInput = "INSERT INTO execution_inputs (seq, input) VALUES (?, ?)";
constexpr const char* kFindLease =
    "SELECT seq, function_id, input_bytes, failures, started_ms, executed_version, attempts, input IS NULL "
    "FROM executions WHERE id = ? AND lease = ? AND state = 1";
// Who is done is not executed again, and needs no input.
constexpr const char* kSettle =
    "UPDATE executions SET state = ?2, due_ms = ?3, lease_until_ms = 0, failures = ?4, started_ms = ?5, "
    "ended_ms = ?6, executed_version = ?7, attempts = ?8, error_code = ?9, output = ?10, error_type = ?11, "
    "error_message = ?12, error_stack = ?13, logs = ?14, logs_truncated = ?15, "
    "input = iif(?2 = 2, NULL, input) WHERE seq = ?1";
constexpr const char* kRemoveInput = "DELETE FROM execution_inputs WHERE seq = ?";

// In the order that read_candidate() takes them apart.
#define HEARTH_CANDIDATE_COLUMNS                                                              \
  "e.seq, e.id, e.function_id, e.version, e.lease, e.accepted_ms, e.failures, e.started_ms, " \
  "e.attempts, e.input, e.submitted_ms, e.kind, e.parent_id, e.parent_state, e.depth "
constexpr const char* kExpired = "SELECT " HEARTH_CANDIDATE_COLUMNS
                                 "FROM executions e INDEXED BY executions_running "
                                 "WHERE e.state = 1 AND e.kind = ? AND e.lease_until_ms <= ? "
                                 "ORDER BY e.lease_until_ms";
constexpr const char* kDueOfFunction =
    "SELECT " HEARTH_CANDIDATE_COLUMNS
    "FROM executions e INDEXED BY executions_pending "
    "WHERE e.state = 0 AND e.kind = ? AND e.function_id = ? AND e.due_ms <= ? ORDER BY e.due_ms, e.seq "
    "LIMIT ?";
#undef HEARTH_CANDIDATE_COLUMNS
constexpr const char* kFindInput = "SELECT input FROM execution_inputs WHERE seq = ?";
constexpr const char* kNextFunction =
    "SELECT function_id, due_ms FROM executions INDEXED BY executions_pending "
    "WHERE state = 0 AND kind = ? AND function_id > ? ORDER BY function_id, due_ms LIMIT 1";
constexpr const char* kTake =
    "UPDATE executions SET state = 1, lease = lease + 1, lease_until_ms = ?2, started_ms = ?3, due_ms = 0, "
    "attempts = ?4 WHERE seq = ?1";
constexpr const char* kExtend =
    "UPDATE executions SET lease_until_ms = ?3 WHERE id = ?1 AND lease = ?2 AND state = 1";
constexpr const char* kNextLeaseEnd =
    "SELECT lease_until_ms FROM executions INDEXED BY executions_running WHERE state = 1 AND kind = ? "
    "ORDER BY lease_until_ms LIMIT 1";
constexpr const char* kRunning =
    "SELECT seq, lease, started_ms, attempts FROM executions INDEXED BY executions_running WHERE state = 1 "
    "LIMIT ?";
constexpr const char* kRelease =
    "UPDATE executions SET state = 0, lease_until_ms = 0, due_ms = ?2, attempts = ?3 WHERE seq = ?1";
constexpr const char* kBringForward = "UPDATE executions SET due_ms = ?2 WHERE state = 0 AND due_ms > ?1";

// In the order that read_listed() takes them apart.
#define HEARTH_LISTED_COLUMNS                                                                       \
  "id, function_id, version, executed_version, state, submitted_ms, due_ms, started_ms, ended_ms, " \
  "attempts, error_code, input_bytes, kind, parent_id, depth, schedule, slot_ms "
constexpr const char* kFind =
    "SELECT " HEARTH_LISTED_COLUMNS
    ", output, error_type, error_message, error_stack, logs, logs_truncated FROM executions WHERE id = ?";
constexpr const char* kFindListed = "SELECT " HEARTH_LISTED_COLUMNS "FROM executions WHERE seq = ?";
#undef HEARTH_LISTED_COLUMNS
// What was accepted before it has a lower number. It may have been removed meanwhile.
constexpr const char* kSeqBefore =
    "SELECT seq + (id <> ?1) FROM executions WHERE id <= ?1 ORDER BY id DESC LIMIT 1";
constexpr const char* kListAll = "SELECT seq FROM executions WHERE seq < ? ORDER BY seq DESC LIMIT ?";
// Of the newest rows, those that are pending: of a long backlog they are enough, and nothing is sorted.
constexpr const char* kListNewestPending =
    "SELECT seq FROM (SELECT seq, state, function_id FROM executions WHERE seq < ?1 ORDER BY seq DESC LIMIT "
    "?2) "
    "WHERE state = 0 AND (?3 = '' OR function_id = ?3) ORDER BY seq DESC LIMIT ?4";
constexpr const char* kListPending =
    "SELECT seq FROM executions INDEXED BY executions_pending WHERE state = 0 AND seq < ? "
    "ORDER BY seq DESC LIMIT ?";
constexpr const char* kListPendingOfFunction =
    "SELECT seq FROM executions INDEXED BY executions_pending "
    "WHERE state = 0 AND seq < ? AND kind = ? AND function_id = ? ORDER BY seq DESC LIMIT ?";
constexpr const char* kListState =
    "SELECT seq FROM executions INDEXED BY executions_by_state "
    "WHERE state >= 2 AND seq < ? AND state = ? ORDER BY seq DESC LIMIT ?";
constexpr const char* kListFunction =
    "SELECT seq FROM executions INDEXED BY executions_by_function "
    "WHERE state >= 2 AND seq < ? AND state = ? AND function_id = ? ORDER BY seq DESC LIMIT ?";
constexpr const char* kListRunning =
    "SELECT seq FROM executions INDEXED BY executions_running "
    "WHERE state = 1 AND seq < ?1 AND (?2 = '' OR function_id = ?2) ORDER BY seq DESC LIMIT ?3";

// In the order that read_row() takes them apart.
#define HEARTH_ROW_COLUMNS "SELECT seq, state, function_id, input_bytes FROM executions "
constexpr const char* kFindRow = HEARTH_ROW_COLUMNS "WHERE id = ?";
constexpr const char* kDead =
    HEARTH_ROW_COLUMNS "INDEXED BY executions_by_state WHERE state >= 2 AND state = 3 ORDER BY seq LIMIT ?";
constexpr const char* kDeadOfFunction = HEARTH_ROW_COLUMNS
    "INDEXED BY executions_by_function WHERE state >= 2 AND state = 3 AND function_id = ? ORDER BY seq LIMIT "
    "?";
#undef HEARTH_ROW_COLUMNS
constexpr const char* kCancel =
    "UPDATE executions SET state = 4, due_ms = 0, lease_until_ms = 0, ended_ms = ?2 WHERE seq = ?1";
constexpr const char* kRedrive =
    "UPDATE executions SET state = 0, due_ms = ?2, accepted_ms = ?2, failures = 0, ended_ms = 0, error_code "
    "= '', "
    "output = '', error_type = '', error_message = '', error_stack = '', logs = x'', logs_truncated = 0 "
    "WHERE seq = ?1";
constexpr const char* kOldestEnded =
    "SELECT seq, ended_ms FROM executions INDEXED BY executions_ended WHERE state >= 2 "
    "ORDER BY ended_ms LIMIT ?";
constexpr const char* kRemove = "DELETE FROM executions WHERE seq = ?";

constexpr const char* kCountPending =
    "SELECT function_id, COUNT(*), SUM(input_bytes) FROM executions INDEXED BY executions_pending "
    "WHERE state = 0 GROUP BY kind, function_id";
constexpr const char* kCountRunning =
    "SELECT function_id, 1, input_bytes FROM executions INDEXED BY executions_running WHERE state = 1";
constexpr const char* kCountEnded =
    "SELECT COUNT(*) FROM executions INDEXED BY executions_ended WHERE state >= 2";

}  // namespace

base::Result<std::unique_ptr<SqliteExecutionStore>> SqliteExecutionStore::open(Database& database) {
  Session session(database);
  auto statements = prepare(session.connection());
  if (!statements) {
    return statements.error();
  }
  std::unique_ptr<SqliteExecutionStore> store(new SqliteExecutionStore(database, std::move(*statements)));
  if (auto counted = store->count(session.connection()); !counted) {
    return counted.error();
  }
  return store;
}

base::Result<SqliteExecutionStore::Statements> SqliteExecutionStore::prepare(Connection& connection) {
  Statements statements;
  const std::pair<Statement*, const char*> wanted[] = {
      {&statements.find_key, kFindKey},
      {&statements.insert, kInsert},
      {&statements.insert_input, kInsertInput},
      {&statements.find_lease, kFindLease},
      {&statements.settle, kSettle},
      {&statements.remove_input, kRemoveInput},
      {&statements.expired, kExpired},
      {&statements.due_of_function, kDueOfFunction},
      {&statements.find_input, kFindInput},
      {&statements.next_function, kNextFunction},
      {&statements.take, kTake},
      {&statements.extend, kExtend},
      {&statements.next_lease_end, kNextLeaseEnd},
      {&statements.running, kRunning},
      {&statements.release, kRelease},
      {&statements.bring_forward, kBringForward},
      {&statements.find, kFind},
      {&statements.find_listed, kFindListed},
      {&statements.seq_before, kSeqBefore},
      {&statements.list_all, kListAll},
      {&statements.list_state, kListState},
      {&statements.list_function, kListFunction},
      {&statements.list_running, kListRunning},
      {&statements.list_newest_pending, kListNewestPending},
      {&statements.list_pending, kListPending},
      {&statements.list_pending_of_function, kListPendingOfFunction},
      {&statements.find_row, kFindRow},
      {&statements.dead, kDead},
      {&statements.dead_of_function, kDeadOfFunction},
      {&statements.cancel, kCancel},
      {&statements.redrive, kRedrive},
      {&statements.oldest_ended, kOldestEnded},
      {&statements.remove, kRemove},
      {&statements.count_pending, kCountPending},
      {&statements.count_running, kCountRunning},
      {&statements.count_ended, kCountEnded},
  };
  if (auto prepared = connection.prepare(wanted); !prepared) {
    return prepared.error();
  }
  return statements;
}

base::Result<void> SqliteExecutionStore::count(Connection& connection) {
  for (const Statement* statement : {&statements_.count_pending, &statements_.count_running}) {
    Query query(connection, *statement);
    for (;;) {
      auto row = query.next("count the executions that have not ended");
      if (!row) {
        return row.error();
      }
      if (!*row) {
        break;
      }
      counts_.open(query.text(0), query.number(1), query.number(2));
    }
  }
  Query query(connection, statements_.count_ended);
  auto row = query.next("count the executions that have ended");
  if (!row) {
    return row.error();
  }
  counts_.add_ended(query.number(0));
  return {};
}

base::Result<std::vector<Backlog>> SqliteExecutionStore::backlog() {
  const Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  return counts_.backlog();
}

}  // namespace hearth::store::sqlite
