// Executions as rows: the columns to select, and how they are read. And how a transaction on them begins.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/async_execution.h"
#include "store/execution_store.h"
#include "store/postgres/connection.h"

namespace hearth::store::postgres {

// Of `executions e`. The attempts come as the text that execution_text.h reads.
#define HEARTH_LISTED_COLUMNS                                                                         \
  "e.id, e.function_id, e.version, e.executed_version, e.state, e.submitted_ms, e.due_ms, "           \
  "e.started_ms, e.ended_ms, '['::bytea || COALESCE((SELECT string_agg(a.attempt, ',' ORDER BY a.n) " \
  "FROM unnest(e.attempts) WITH ORDINALITY AS a(attempt, n)), '') || ']'::bytea, e.error_code, "      \
  "e.input_bytes, e.kind, e.parent_id, e.depth, e.schedule, e.slot_ms "
#define HEARTH_EXECUTION_COLUMNS \
  HEARTH_LISTED_COLUMNS          \
  ", e.output, e.error_type, e.error_message, e.error_stack, e.logs, e.logs_truncated "

// The attempts with one more, a bytea, unless that is empty; without the oldest of more than are kept.
#define HEARTH_WITH_ATTEMPT(attempt)                                        \
  "CASE WHEN " attempt " = '' THEN e.attempts ELSE (e.attempts || " attempt \
  ")[greatest(1, cardinality(e.attempts) - 98):] END "
static_assert(model::kAttemptsKept == 100);
std::string attempt_to_bytes(const model::FailedAttempt& attempt);

// kCorrupt.
base::Result<model::AsyncExecution> read_listed(const Rows& rows, int row);
base::Result<model::AsyncExecution> read_execution(const Rows& rows, int row);

// The function, how many, the bytes of their inputs.
std::vector<Backlog> read_backlog(const Rows& rows);

// One that no execution can have is not asked for: the database refuses what is not UTF-8.
bool may_be_id(std::string_view id);

// Every statement reads a range of an index, whatever the tables were thought to be when it was planned: a
// backlog grows faster than the database's statistics of it. Beside what is said here that needs statements
// which leave no choice: rows are found by "= ANY (the ids)" or by a lateral "LIMIT 1", never by a join
// alone, and by an id with "state + 0", so that no index of all that are in a state is read instead.
inline constexpr const char* kBeginOnIndexes =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = "
    "off; "
    "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_sort = off; "
    "SET LOCAL enable_incremental_sort = off; SET LOCAL jit = off";

}  // namespace hearth::store::postgres
