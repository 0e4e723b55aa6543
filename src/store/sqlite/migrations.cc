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
