#include "store/postgres/migrations.h"

#include <array>
#include <string>

#include "store/postgres/transaction.h"

namespace hearth::store::postgres {
namespace {

// Texts compare by their bytes, so that the order of a list is the same on every server.
constexpr std::array kMigrations = {
    Migration{1, "functions, versions, changes and code", R"sql(
CREATE TABLE functions (
  id             text COLLATE "C" PRIMARY KEY,
  name           text COLLATE "C" CONSTRAINT functions_name UNIQUE,  -- NULL: none was given
  display_name   text NOT NULL,
  current_number bigint NOT NULL,
  created_ms     bigint NOT NULL,
  updated_ms     bigint NOT NULL
);
CREATE TABLE versions (
  id          text COLLATE "C" PRIMARY KEY,
  function_id text COLLATE "C" NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
  number      bigint NOT NULL,
  runtime     text NOT NULL,
  handler     text NOT NULL,
  memory_mb   bigint NOT NULL,
  timeout_ms  bigint NOT NULL,
  concurrency bigint NOT NULL,
  environment bytea NOT NULL,      -- a JSON object of strings, which may hold any bytes
  code_digest text COLLATE "C" NOT NULL,
  code_bytes  bigint NOT NULL,
  CONSTRAINT versions_number UNIQUE (function_id, number)
);
ALTER TABLE functions ADD CONSTRAINT functions_current FOREIGN KEY (id, current_number)
  REFERENCES versions (function_id, number) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX versions_by_code ON versions (code_digest);
CREATE INDEX functions_by_creation ON functions (created_ms, id);
-- The servers that follow the changes, and how far each has come.
CREATE TABLE followers (
  id         text COLLATE "C" PRIMARY KEY,
  position   bigint NOT NULL,
  renewed_at timestamptz NOT NULL
);
-- Which function changed, in the order in which the changes were committed; the oldest rows go.
CREATE TABLE changes (
  sequence    bigint PRIMARY KEY,
  function_id text COLLATE "C" NOT NULL
);
CREATE TABLE code (
  digest    text COLLATE "C" PRIMARY KEY,
  bytes     bigint NOT NULL,
  stored_at timestamptz NOT NULL   -- last: storing the same bytes again renews it
);
CREATE TABLE code_pieces (
  digest text COLLATE "C" NOT NULL REFERENCES code (digest) ON DELETE CASCADE,
  number bigint NOT NULL,
  bytes  bytea NOT NULL,
  PRIMARY KEY (digest, number)
);
ALTER TABLE code_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL;  -- a zip does not get smaller
)sql"},
    Migration{2, "when a version was made", R"sql(
ALTER TABLE versions ADD COLUMN created_ms bigint NOT NULL DEFAULT 0;  -- 0: not noted
UPDATE versions SET created_ms = f.updated_ms FROM functions f WHERE f.id = function_id AND f.current_number = number;
)sql"},
    // What a function or a caller has made is bytea: a text can hold neither NUL nor what is not UTF-8.
    Migration{3, "asynchronous executions", R"sql(
CREATE TABLE executions (
  seq              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- in the order in which they were accepted
  id               text COLLATE "C" NOT NULL UNIQUE,
  function_id      text COLLATE "C" NOT NULL,      -- may have been removed
  version          bigint NOT NULL,                -- 0: the one that is current when it is executed
  state            bigint NOT NULL,                -- model::ExecutionState
  idempotency_key  bytea,
  input_digest     text COLLATE "C",               -- SHA-256; only where there is a key
  input_bytes      bigint NOT NULL,
  submitted_ms     bigint NOT NULL,
  accepted_ms      bigint NOT NULL,                -- submitted, or redriven
  due_ms           bigint NOT NULL,                -- 0 unless it is pending
  lease            bigint NOT NULL,                -- the number of the last one
  lease_until_ms   bigint NOT NULL,                -- 0 unless it is running
  failures         bigint NOT NULL DEFAULT 0,
  started_ms       bigint NOT NULL,
  ended_ms         bigint NOT NULL DEFAULT 0,
  executed_version bigint NOT NULL DEFAULT 0,
  attempts         bytea[] NOT NULL DEFAULT '{}',  -- JSON objects, which may hold any bytes
  error_code       text NOT NULL DEFAULT '',
  output           bytea NOT NULL DEFAULT '',
  error_type       bytea NOT NULL DEFAULT '',
  error_message    bytea NOT NULL DEFAULT '',
  error_stack      bytea NOT NULL DEFAULT '',
  logs             bytea NOT NULL DEFAULT '',      -- as execution_text.h writes them
  logs_truncated   bigint NOT NULL DEFAULT 0
);
-- Apart, so that a change of the execution does not write it again; gone when the execution is done.
CREATE TABLE execution_inputs (seq bigint PRIMARY KEY, input bytea NOT NULL);
CREATE UNIQUE INDEX executions_by_key ON executions (function_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
-- The bytes stand in the index for those who count: they need not look into the table.
CREATE INDEX executions_pending ON executions (function_id, due_ms, seq) INCLUDE (input_bytes) WHERE state = 0;
CREATE INDEX executions_running ON executions (lease_until_ms, seq) WHERE state = 1;
CREATE INDEX executions_ended ON executions (ended_ms) WHERE state >= 2;
-- For lists. Those that are running are few and are found by their lease.
CREATE INDEX executions_by_state ON executions (state, seq) WHERE state <> 1;
CREATE INDEX executions_by_function ON executions (function_id, state, seq) WHERE state <> 1;
)sql"},
    Migration{4, "aliases", R"sql(
ALTER TABLE functions ADD COLUMN revision bigint NOT NULL DEFAULT 1;  -- counts its changes
CREATE TABLE aliases (
  function_id      text COLLATE "C" NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
  name             text COLLATE "C" NOT NULL,
  version          bigint NOT NULL,
  canary_version   bigint,         -- NULL: the version takes all calls
  canary_per_mille bigint,
  updated_ms       bigint NOT NULL,
  PRIMARY KEY (function_id, name),
  CONSTRAINT aliases_version FOREIGN KEY (function_id, version)
    REFERENCES versions (function_id, number) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT aliases_canary FOREIGN KEY (function_id, canary_version)
    REFERENCES versions (function_id, number) DEFERRABLE INITIALLY DEFERRED
);
)sql"},
    Migration{5, "limits of functions, and what becomes of their executions", R"sql(
ALTER TABLE functions ADD COLUMN concurrency text NOT NULL DEFAULT '{}';  -- both as policy_text.h writes them
ALTER TABLE functions ADD COLUMN async text NOT NULL DEFAULT '{}';
)sql"},
    Migration{6, "executions that tell of others", R"sql(
ALTER TABLE executions ADD COLUMN kind bigint NOT NULL DEFAULT 0;             -- model::ExecutionKind
ALTER TABLE executions ADD COLUMN parent_id text COLLATE "C" NOT NULL DEFAULT '';  -- whose end it tells of
ALTER TABLE executions ADD COLUMN parent_state bigint NOT NULL DEFAULT 2;     -- how that has ended
ALTER TABLE executions ADD COLUMN depth bigint NOT NULL DEFAULT 0;
-- Each kind is claimed by itself.
DROP INDEX executions_pending;
DROP INDEX executions_running;
CREATE INDEX executions_pending ON executions (kind, function_id, due_ms, seq) INCLUDE (input_bytes)
  WHERE state = 0;
CREATE INDEX executions_running ON executions (kind, lease_until_ms, seq) WHERE state = 1;
)sql"},
    Migration{7, "schedules", R"sql(
CREATE TABLE schedules (
  function_id       text COLLATE "C" NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
  name              text COLLATE "C" NOT NULL,
  setting_id        text COLLATE "C" NOT NULL,  -- another one with every change by a user
  cron              text NOT NULL,              -- '': it has a rate
  time_zone         text NOT NULL,
  every_s           bigint NOT NULL,            -- 0: it has a cron expression
  input             bytea NOT NULL,
  version           bigint NOT NULL,            -- 0: the one that is current when it is executed
  alias             text NOT NULL,
  enabled           bigint NOT NULL,
  missed            bigint NOT NULL,            -- model::MissedSlots
  created_ms        bigint NOT NULL,
  updated_ms        bigint NOT NULL,
  anchor_ms         bigint NOT NULL,
  next_ms           bigint NOT NULL,            -- 0: it has no slot
  last_slot_ms      bigint NOT NULL,
  last_execution_id text NOT NULL,
  missed_slots      bigint NOT NULL,
  PRIMARY KEY (function_id, name)
);
CREATE INDEX schedules_due ON schedules (next_ms, function_id, name) WHERE next_ms > 0;
ALTER TABLE executions ADD COLUMN schedule text NOT NULL DEFAULT '';  -- the name of the one that it is a slot's of
ALTER TABLE executions ADD COLUMN slot_ms bigint NOT NULL DEFAULT 0;
)sql"},
};

constexpr Statement kLock{"migration_lock", "SELECT pg_advisory_xact_lock(7135002180043521)"};
constexpr Statement kMakeRecord{
    "migration_record",
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "version bigint PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL)"};
constexpr Statement kSeen{"migration_seen", "SELECT COALESCE(MAX(version), 0) FROM schema_migrations"};
constexpr Statement kRecord{"migration_done", "INSERT INTO schema_migrations VALUES ($1, $2, now())"};

base::Result<void> take(Transaction& transaction, const Migration& step) {
  auto done = transaction.run_text(step.sql);
  if (done) {
    done = transaction.run(kRecord, {Parameter::number(step.version), Parameter::text(step.name)});
  }
  if (!done) {
    return base::Error{done.error().code, "database migration " + std::to_string(step.version) + " (" +
                                              step.name + "): " + done.error().message};
  }
  return {};
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

base::Result<void> migrate(Pool& pool, std::span<const Migration> steps) {
  auto transaction = Transaction::begin(pool);
  if (!transaction) {
    return transaction.error();
  }
  for (const Statement& statement : {kLock, kMakeRecord}) {
    if (auto done = transaction->run(statement, {}); !done) {
      return done.error();
    }
  }
  const auto seen = transaction->run(kSeen, {});
  if (!seen) {
    return seen.error();
  }
  const auto before = static_cast<int>(seen->number(0, 0));
  const int known = steps.empty() ? 0 : steps.back().version;
  if (before > known) {
    return base::Error{base::ErrorCode::kUnsupported,
                       "the database has schema version " + std::to_string(before) +
                           ", this hearth knows versions up to " + std::to_string(known) +
                           ": a newer hearth has written it; use that one"};
  }
  for (const Migration& step : steps) {
    if (step.version <= before) {
      continue;
    }
    if (auto taken = take(*transaction, step); !taken) {
      return taken;
    }
  }
  return transaction->commit();
}

}  // namespace hearth::store::postgres
