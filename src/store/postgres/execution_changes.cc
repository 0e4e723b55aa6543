// Executions cancelled, redriven and removed.
#include <algorithm>
#include <cstdint>
#include <limits>

#include "store/execution_rules.h"
#include "store/postgres/execution_rows.h"
#include "store/postgres/postgres_execution_store.h"
#include "store/postgres/transaction.h"

namespace hearth::store::postgres {
namespace {

using model::ExecutionState;

constexpr Statement kBringForward{"execution_bring_forward",
                                  "UPDATE executions SET due_ms = $2 WHERE state = 0 AND due_ms > $1"};
constexpr Statement kState{"execution_state", "SELECT state FROM executions WHERE id = $1"};
constexpr Statement kCancel{
    "execution_cancel",
    "UPDATE executions e SET state = 4, due_ms = 0, lease_until_ms = 0, ended_ms = $2 "
    "WHERE e.id = $1 AND e.state + 0 IN (0, 1) RETURNING " HEARTH_EXECUTION_COLUMNS};
#define HEARTH_REDRIVEN                                                                                  \
  "state = 0, due_ms = $1, accepted_ms = $1, failures = 0, ended_ms = 0, error_code = '', output = '', " \
  "error_type = '', error_message = '', error_stack = '', logs = '', logs_truncated = 0 "
constexpr Statement kRedrive{"execution_redrive",
                             "UPDATE executions e SET " HEARTH_REDRIVEN
                             "WHERE e.id = $2 AND e.state + 0 IN (3, 4) RETURNING " HEARTH_EXECUTION_COLUMNS};
#define HEARTH_REDRIVE_DEAD(of_function)                                                     \
  "WITH dead AS MATERIALIZED (SELECT seq FROM executions WHERE state = 3 " of_function       \
  "ORDER BY seq LIMIT $2 FOR UPDATE SKIP LOCKED), "                                          \
  "redriven AS (UPDATE executions e SET " HEARTH_REDRIVEN                                    \
  "WHERE e.seq = ANY (ARRAY(SELECT seq FROM dead)) RETURNING e.function_id, e.input_bytes) " \
  "SELECT function_id, COUNT(*), SUM(input_bytes) FROM redriven GROUP BY function_id ORDER BY function_id"
constexpr Statement kRedriveDead{"execution_redrive_dead", HEARTH_REDRIVE_DEAD("")};
constexpr Statement kRedriveDeadOfFunction{"execution_redrive_dead_of_function",
                                           HEARTH_REDRIVE_DEAD("AND function_id = $3 ")};
#undef HEARTH_REDRIVE_DEAD
#undef HEARTH_REDRIVEN

// Two that remove at once would both remove what is beyond the bound.
constexpr Statement kRemoveAlone{"execution_remove_alone",
                                 "SELECT pg_try_advisory_xact_lock(7135002180043523)::int"};
// No further than somebody wants to know.
constexpr Statement kCountEnded{
    "execution_count_ended",
    "SELECT COUNT(*) FROM (SELECT 1 FROM executions WHERE state >= 2 ORDER BY ended_ms LIMIT $1) AS counted"};
constexpr Statement kRemoveOldest{
    "execution_remove_oldest",
    "WITH old AS MATERIALIZED (SELECT seq FROM executions WHERE state >= 2 AND ended_ms < $1 "
    "ORDER BY ended_ms LIMIT $2 FOR UPDATE SKIP LOCKED), "
    "removed AS (DELETE FROM executions WHERE seq = ANY (ARRAY(SELECT seq FROM old))), "
    "inputs AS (DELETE FROM execution_inputs WHERE seq = ANY (ARRAY(SELECT seq FROM old))) "
    "SELECT COUNT(*) FROM old"};

// How often somebody else may change the execution just when it is looked at.
constexpr int kTries = 5;

// Runs a statement that changes the execution where its state allows it, and returns it. kNotFound, kBusy.
base::Result<model::AsyncExecution> change(Pool& pool, std::string_view id, const Statement& statement,
                                           const std::vector<Parameter>& parameters,
                                           base::Result<void> (*may_be_changed)(ExecutionState)) {
  if (!may_be_id(id)) {
    return no_such_execution(id);
  }
  auto transaction = Transaction::begin(pool, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  for (int tries = 0; tries < kTries; ++tries) {
    const auto changed = transaction->run(statement, parameters);
    if (!changed) {
      return changed.error();
    }
    if (changed->count() > 0) {
      const auto committed = transaction->commit();
      return committed ? read_execution(*changed, 0) : committed.error();
    }
    const auto found = transaction->run(kState, {Parameter::text(id)});
    if (!found || found->count() == 0) {
      return found ? no_such_execution(id) : found.error();
    }
    if (auto may = may_be_changed(static_cast<ExecutionState>(found->number(0, 0))); !may) {
      return may.error();
    }
  }
  return base::Error{base::ErrorCode::kBusy, "the execution is changed by others all the time"};
}

base::Result<std::size_t> remove_oldest(Transaction& transaction, std::int64_t before_ms, std::size_t limit) {
  const auto removed = transaction.run(
      kRemoveOldest, {Parameter::number(before_ms), Parameter::number(static_cast<std::int64_t>(limit))});
  if (!removed) {
    return removed.error();
  }
  return static_cast<std::size_t>(removed->number(0, 0));
}

// Of those beyond `most_kept`.
base::Result<std::size_t> remove_beyond(Transaction& transaction, std::size_t most_kept, std::size_t limit) {
  const auto enough = static_cast<std::int64_t>(std::min<std::size_t>(most_kept, INT64_MAX - limit) + limit);
  const auto counted = transaction.run(kCountEnded, {Parameter::number(enough)});
  if (!counted) {
    return counted.error();
  }
  const auto ended = static_cast<std::size_t>(counted->number(0, 0));
  const std::size_t beyond = ended - std::min(ended, most_kept);
  if (beyond == 0) {
    return std::size_t{0};
  }
  return remove_oldest(transaction, std::numeric_limits<std::int64_t>::max(), beyond);
}

}  // namespace

base::Result<model::AsyncExecution> PostgresExecutionStore::cancel(std::string_view id, std::int64_t now_ms) {
  return change(pool_, id, kCancel, {Parameter::text(id), Parameter::number(now_ms)}, &may_be_cancelled);
}

base::Result<model::AsyncExecution> PostgresExecutionStore::redrive(std::string_view id,
                                                                    std::int64_t now_ms) {
  return change(pool_, id, kRedrive, {Parameter::number(now_ms), Parameter::text(id)}, &may_be_redriven);
}

base::Result<std::vector<Backlog>> PostgresExecutionStore::redrive_dead(const model::FunctionId& function_id,
                                                                        std::int64_t now_ms,
                                                                        std::size_t limit) {
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  std::vector<Parameter> parameters = {Parameter::number(now_ms),
                                       Parameter::number(static_cast<std::int64_t>(limit))};
  if (!function_id.empty()) {
    parameters.push_back(Parameter::text(function_id));
  }
  const auto rows = transaction->run(function_id.empty() ? kRedriveDead : kRedriveDeadOfFunction, parameters);
  if (!rows) {
    return rows.error();
  }
  if (auto committed = transaction->commit(); !committed) {
    return committed.error();
  }
  return read_backlog(*rows);
}

base::Result<std::size_t> PostgresExecutionStore::remove_ended(std::int64_t before_ms, std::size_t most_kept,
                                                               std::size_t limit) {
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  const auto alone = transaction->run(kRemoveAlone, {});
  if (!alone) {
    return alone.error();
  }
  if (alone->number(0, 0) == 0) {
    return std::size_t{0};
  }
  auto removed = remove_oldest(*transaction, before_ms, limit);
  if (removed && *removed < limit) {
    const auto further = remove_beyond(*transaction, most_kept, limit - *removed);
    removed = further ? base::Result<std::size_t>(*removed + *further) : further.error();
  }
  if (!removed) {
    return removed;
  }
  if (auto committed = transaction->commit(); !committed) {
    return committed.error();
  }
  return removed;
}

base::Result<void> PostgresExecutionStore::bring_forward(std::int64_t latest_ms, std::int64_t now_ms) {
  auto transaction = Transaction::begin(pool_);
  if (!transaction) {
    return transaction.error();
  }
  if (const auto done =
          transaction->run(kBringForward, {Parameter::number(latest_ms), Parameter::number(now_ms)});
      !done) {
    return done.error();
  }
  return transaction->commit();
}

}  // namespace hearth::store::postgres
