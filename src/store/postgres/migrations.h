// The database's schema as numbered steps, each recorded in the table schema_migrations. Several servers may
// start at once: one takes the steps, under an advisory lock, the others wait.
#pragma once

#include <span>

#include "base/result.h"
#include "store/postgres/pool.h"

namespace hearth::store::postgres {

// Released steps never change: a new one is added at the end.
struct Migration {
  int version;  // 1, 2, 3 …
  const char* name;
  const char* sql;
};

std::span<const Migration> migrations();

// Takes the steps that the database has not seen, all in one transaction. kUnsupported when the database has
// seen more than `steps` holds: a newer Hearth has written it.
base::Result<void> migrate(Pool& pool, std::span<const Migration> steps);

}  // namespace hearth::store::postgres
