// The database's schema as numbered steps, each recorded in the table schema_migrations. Called once
// by Database::open, before anything else uses the connection.
#pragma once

#include <span>

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace hearth::store::sqlite {

// Released steps never change: a new one is added at the end.
struct Migration {
  int version;  // 1, 2, 3 …
  const char* name;
  const char* sql;
};

std::span<const Migration> migrations();

// Takes the steps that the database has not seen, each in its own transaction. kUnsupported when the
// database has seen more than `steps` holds: a newer Hearth has written it.
base::Result<void> migrate(Connection& connection, std::span<const Migration> steps);

}  // namespace hearth::store::sqlite
