// Functions with their current versions, and versions, as rows: the columns to select, and how they are read.
// Pure.
#pragma once

#include "base/result.h"
#include "model/function.h"
#include "store/postgres/connection.h"

namespace hearth::store::postgres {

#define HEARTH_VERSION_COLUMNS                                                                      \
  "v.id, v.function_id, v.number, v.runtime, v.handler, v.memory_mb, v.timeout_ms, v.concurrency, " \
  "v.environment, v.code_digest, v.code_bytes, v.created_ms "
// One row a function with all its aliases; the WHERE and what follows it are the user's.
#define HEARTH_SELECT_FUNCTION                                                                              \
  "SELECT f.id, f.name, f.display_name, f.created_ms, f.updated_ms, " HEARTH_VERSION_COLUMNS                \
  ", f.revision, (SELECT COALESCE(json_object_agg(a.name, json_build_array(a.version, "                     \
  "a.canary_version, a.canary_per_mille, a.updated_ms)), '{}')::text FROM aliases a WHERE a.function_id = " \
  "f.id), f.concurrency, f.async "                                                                          \
  "FROM functions f JOIN versions v ON v.function_id = f.id AND v.number = f.current_number "

// kCorrupt when what is kept as text in it is damaged.
base::Result<model::Function> read_function(const Rows& rows, int row);
base::Result<model::Version> read_version(const Rows& rows, int row);

}  // namespace hearth::store::postgres
