#include "store/sqlite/migrations.h"

#include <array>
#include <string>

namespace hearth::store::sqlite {
namespace {

constexpr std::array kMigrations = {
    Migration{1, "functions and versions", R"sql(
CREATE TABLE functions (
  id             TEXT PRIMARY KEY,
  name           TEXT UNIQUE,      -- NULL: none was given
  display_name   TEXT NOT NULL,
  current_number INTEGER NOT NULL,
  created_ms     INTEGER NOT NULL,
  updated_ms     INTEGER NOT NULL,
  FOREIGN KEY (id, current_number) REFERENCES versions (function_id, number) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE TABLE versions (
  id          TEXT PRIMARY KEY,
  function_id TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL,
  runtime     TEXT NOT NULL,
  handler     TEXT NOT NULL,
  memory_mb   INTEGER NOT NULL,
  timeout_ms  INTEGER NOT NULL,
  concurrency INTEGER NOT NULL,
  environment TEXT NOT NULL,       -- a JSON object of strings
  code_digest TEXT NOT NULL,
  code_bytes  INTEGER NOT NULL,
  UNIQUE (function_id, number)
) STRICT;
CREATE INDEX versions_by_code ON versions (code_digest);
CREATE INDEX functions_by_creation ON functions (created_ms, id);
)sql"},
    Migration{2, "when a version was made", R"sql(
ALTER TABLE versions ADD COLUMN created_ms INTEGER NOT NULL DEFAULT 0;  -- 0: not noted
UPDATE versions SET created_ms = f.updated_ms FROM functions f WHERE f.id = function_id AND f.current_number = number;
)sql"},
    Migration{3, "asynchronous executions", R"sql(
CREATE TABLE executions (
  seq              INTEGER PRIMARY KEY,            -- in the order in which they were accepted
  id               TEXT NOT NULL UNIQUE,
  function_id      TEXT NOT NULL,                  -- may have been removed
  version          INTEGER NOT NULL,               -- 0: the one that is current when it is executed
  state            INTEGER NOT NULL,               -- model::ExecutionState
  idempotency_key  TEXT,
  input_digest     TEXT,                           -- SHA-256; only where there is a key
  input_bytes      INTEGER NOT NULL,
  submitted_ms     INTEGER NOT NULL,
  accepted_ms      INTEGER NOT NULL,               -- submitted, or redriven
  due_ms           INTEGER NOT NULL,               -- 0 unless it is pending
  lease            INTEGER NOT NULL,               -- the number of the last one
  lease_until_ms   INTEGER NOT NULL,               -- 0 unless it is running
  failures         INTEGER NOT NULL DEFAULT 0,
  started_ms       INTEGER NOT NULL,
  ended_ms         INTEGER NOT NULL DEFAULT 0,
  executed_version INTEGER NOT NULL DEFAULT 0,
  attempts         TEXT NOT NULL DEFAULT '[]',     -- a JSON array
  error_code       TEXT NOT NULL DEFAULT '',
  output           TEXT NOT NULL DEFAULT '',
  error_type       TEXT NOT NULL DEFAULT '',
  error_message    TEXT NOT NULL DEFAULT '',
  error_stack      TEXT NOT NULL DEFAULT '',
  logs             BLOB NOT NULL DEFAULT x'',      -- as execution_text.h writes them
  logs_truncated   INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Apart, so that a change of the execution does not write it again; gone when the execution is done.
CREATE TABLE execution_inputs (seq INTEGER PRIMARY KEY, input TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX executions_by_key ON executions (function_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
-- State and bytes stand in an index for those who need no more: they need not look into the table.
CREATE INDEX executions_pending ON executions (function_id, due_ms, seq, state, input_bytes) WHERE state = 0;
CREATE INDEX executions_running ON executions (lease_until_ms) WHERE state = 1;
CREATE INDEX executions_ended ON executions (ended_ms, state) WHERE state >= 2;
-- For lists, in the order of seq. Those that are running are few and are found by their lease.
CREATE INDEX executions_by_state ON executions (state) WHERE state <> 1;
CREATE INDEX executions_by_function ON executions (function_id, state) WHERE state <> 1;
)sql"},
    Migration{4, "aliases", R"sql(
ALTER TABLE functions ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;  -- counts its changes
CREATE TABLE aliases (
  function_id      TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
  name             TEXT NOT NULL,
  version          INTEGER NOT NULL,
  canary_version   INTEGER,        -- NULL: the version takes all calls
  canary_per_mille INTEGER,
  updated_ms       INTEGER NOT NULL,
  PRIMARY KEY (function_id, name),
  FOREIGN KEY (function_id, version) REFERENCES versions (function_id, number) DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (function_id, canary_version) REFERENCES versions (function_id, number)
    DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
)sql"},
    Migration{5, "limits of functions, and what becomes of their executions", R"sql(
ALTER TABLE functions ADD COLUMN concurrency TEXT NOT NULL DEFAULT '{}';  -- both as policy_text.h writes them
ALTER TABLE functions ADD COLUMN async TEXT NOT NULL DEFAULT '{}';
)sql"},
    Migration{6, "executions that tell of others", R"sql(
ALTER TABLE executions ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;          -- model::ExecutionKind
ALTER TABLE executions ADD COLUMN parent_id TEXT NOT NULL DEFAULT '';       -- whose end it tells of
ALTER TABLE executions ADD COLUMN parent_state INTEGER NOT NULL DEFAULT 2;  -- how that has ended
ALTER TABLE executions ADD COLUMN depth INTEGER NOT NULL DEFAULT 0;
-- Each kind is claimed by itself.
DROP INDEX executions_pending;
DROP INDEX executions_running;
CREATE INDEX executions_pending ON executions (kind, function_id, due_ms, seq, state, input_bytes) WHERE state = 0;
CREATE INDEX executions_running ON executions (kind, lease_until_ms) WHERE state = 1;
)sql"},
    Migration{7, "schedules", R"sql(
CREATE TABLE schedules (
  function_id       TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
  name              TEXT NOT NULL,
  setting_id        TEXT NOT NULL,     -- another one with every change by a user
  cron              TEXT NOT NULL,     -- '': it has a rate
  time_zone         TEXT NOT NULL,
  every_s           INTEGER NOT NULL,  -- 0: it has a cron expression
  input             TEXT NOT NULL,
  version           INTEGER NOT NULL,  -- 0: the one that is current when it is executed
  alias             TEXT NOT NULL,
  enabled           INTEGER NOT NULL,
  missed            INTEGER NOT NULL,  -- model::MissedSlots
  created_ms        INTEGER NOT NULL,
  updated_ms        INTEGER NOT NULL,
  anchor_ms         INTEGER NOT NULL,
  next_ms           INTEGER NOT NULL,  -- 0: it has no slot
  last_slot_ms      INTEGER NOT NULL,
  last_execution_id TEXT NOT NULL,
  missed_slots      INTEGER NOT NULL,
  PRIMARY KEY (function_id, name)
) STRICT;
CREATE INDEX schedules_due ON schedules (next_ms, function_id, name) WHERE next_ms > 0;
ALTER TABLE executions ADD COLUMN schedule TEXT NOT NULL DEFAULT '';  -- the name of the one that it is a slot's of
ALTER TABLE executions ADD COLUMN slot_ms INTEGER NOT NULL DEFAULT 0;
)sql"},
    Migration{8, "small inputs in the row, and lists of what has ended", R"sql(
ALTER TABLE executions ADD COLUMN input TEXT;  -- NULL: it stands apart, or is not needed any more
-- Of those that have ended alone: what is pending is written by every submission, and leaves soon.
DROP INDEX executions_by_state;
DROP INDEX executions_by_function;
CREATE INDEX executions_by_state ON executions (state) WHERE state >= 2;
CREATE INDEX executions_by_function ON executions (function_id, state) WHERE state >= 2;
)sql"},
};

constexpr const char* kMakeRecord =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms INTEGER NOT NULL) STRICT";

base::Result<int> seen_version(Connection& connection) {
  auto statement = connection.prepare("SELECT COALESCE(MAX(version), 0) FROM schema_migrations");
  if (!statement) {
    return statement.error();
  }
  Query query(connection, *statement);
  auto row = query.next("read the schema version");
  if (!row) {
    return row.error();
  }
  return static_cast<int>(query.number(0));
}

base::Result<void> record(Connection& connection, const Migration& step) {
  auto statement = connection.prepare("INSERT INTO schema_migrations VALUES (?, ?, unixepoch() * 1000)");
  if (!statement) {
    return statement.error();
  }
  return Query(connection, *statement)
      .bind(std::int64_t{step.version})
      .bind(step.name)
      .finish("record a migration");
}

base::Result<void> change(Connection& connection, const Migration& step) {
  if (auto done = connection.run(step.sql); !done) {
    return done;
  }
  if (auto done = record(connection, step); !done) {
    return done;
  }
  return connection.run("COMMIT");
}

base::Result<void> take(Connection& connection, const Migration& step) {
  if (auto begun = connection.run("BEGIN IMMEDIATE"); !begun) {
    return begun;
  }
  auto done = change(connection, step);
  if (done) {
    return done;
  }
  if (connection.in_transaction()) {
    (void)connection.run("ROLLBACK");  // the error that led here is the one to report
  }
  return base::Error{done.error().code, "database migration " + std::to_string(step.version) + " (" +
                                            step.name + "): " + done.error().message};
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

base::Result<void> migrate(Connection& connection, std::span<const Migration> steps) {
  if (auto made = connection.run(kMakeRecord); !made) {
    return made;
  }
  const auto seen = seen_version(connection);
  if (!seen) {
    return seen.error();
  }
  const int known = steps.empty() ? 0 : steps.back().version;
  if (*seen > known) {
    return base::Error{base::ErrorCode::kUnsupported,
                       "the database has schema version " + std::to_string(*seen) +
                           ", this hearth knows versions up to " + std::to_string(known) +
                           ": a newer hearth has written it; use that one"};
  }
  for (const Migration& step : steps) {
    if (step.version <= *seen) {
      continue;
    }
    if (auto taken = take(connection, step); !taken) {
      return taken;
    }
  }
  return {};
}

}  // namespace hearth::store::sqlite
