#include "store/postgres/postgres_execution_store.h"

#include <limits>

#include "store/execution_rules.h"
#include "store/postgres/array_parameter.h"
#include "store/postgres/execution_rows.h"
#include "store/postgres/execution_settlements.h"
#include "store/postgres/execution_submissions.h"

namespace hearth::store::postgres {
namespace {

using model::ExecutionState;

constexpr Statement kFind{"execution_find",
                          "SELECT " HEARTH_EXECUTION_COLUMNS "FROM executions e WHERE e.id = $1"};
// What was accepted before it has a lower number. It may have been removed meanwhile.
constexpr Statement kSeqBefore{"execution_seq_before",
                               "SELECT seq + (id <> $1)::int FROM executions WHERE id <= $1 "
                               "ORDER BY id DESC LIMIT 1"};
constexpr Statement kListAll{"execution_list_all",
                             "SELECT " HEARTH_LISTED_COLUMNS
                             "FROM executions e WHERE e.seq < $1 ORDER BY e.seq DESC LIMIT $2"};
// Each state is a range of an index; several are merged. $3 has those states that are not running, $4 says
// whether that one is wanted too.
#define HEARTH_LIST(of_function)                                                                       \
  "SELECT " HEARTH_LISTED_COLUMNS                                                                      \
  "FROM executions e WHERE e.seq = ANY (ARRAY("                                                        \
  "SELECT found.seq FROM unnest($3::bigint[]) AS wanted(state) CROSS JOIN LATERAL "                    \
  "(SELECT x.seq FROM executions x WHERE x.state <> 1 AND x.state = wanted.state AND x.seq < "         \
  "$1 " of_function                                                                                    \
  "ORDER BY x.seq DESC LIMIT $2) found "                                                               \
  "UNION ALL SELECT x.seq FROM executions x WHERE x.state = 1 AND $4 <> 0 AND x.seq < $1 " of_function \
  ")) ORDER BY e.seq DESC LIMIT $2"
constexpr Statement kListStates{"execution_list_states", HEARTH_LIST("")};
constexpr Statement kListFunction{"execution_list_function", HEARTH_LIST("AND x.function_id = $5 ")};
#undef HEARTH_LIST
constexpr Statement kBacklog{
    "execution_backlog",
    "SELECT function_id, COUNT(*), SUM(input_bytes) FROM ("
    "SELECT function_id, input_bytes FROM executions WHERE state = 0 "
    "UNION ALL SELECT function_id, input_bytes FROM executions WHERE state = 1) AS open "
    "GROUP BY function_id ORDER BY function_id"};

base::Result<std::int64_t> seq_before(Transaction& transaction, const model::ExecutionId& id) {
  if (id.empty()) {
    return std::numeric_limits<std::int64_t>::max();
  }
  const auto rows = transaction.run(kSeqBefore, {Parameter::text(id)});
  if (!rows) {
    return rows.error();
  }
  return rows->count() == 0 ? std::int64_t{0} : rows->number(0, 0);
}

base::Result<Rows> listed(Transaction& transaction, const ExecutionFilter& filter, std::int64_t before) {
  std::vector<Parameter> parameters = {Parameter::number(before),
                                       Parameter::number(static_cast<std::int64_t>(filter.limit))};
  if (!filter.state && filter.function_id.empty()) {
    return transaction.run(kListAll, parameters);
  }
  auto states = ArrayParameter::of_numbers();
  for (int i = 0; i <= static_cast<int>(model::kLastExecutionState); ++i) {
    const auto state = static_cast<ExecutionState>(i);
    if (state != ExecutionState::kRunning && filter.state.value_or(state) == state) {
      states.add(i);
    }
  }
  const bool running = filter.state.value_or(ExecutionState::kRunning) == ExecutionState::kRunning;
  parameters.push_back(states.parameter());
  parameters.push_back(Parameter::number(running ? 1 : 0));
  if (filter.function_id.empty()) {
    return transaction.run(kListStates, parameters);
  }
  parameters.push_back(Parameter::text(filter.function_id));
  return transaction.run(kListFunction, parameters);
}

}  // namespace

base::Result<ExecutionStore::Written> PostgresExecutionStore::write(const Writes& writes) {
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  auto submitted = submit(*transaction, writes.submissions);
  if (!submitted) {
    return submitted.error();
  }
  auto settled = settle(*transaction, writes.settlements);
  if (!settled) {
    return settled.error();
  }
  if (auto committed = transaction->commit(); !committed) {
    return committed.error();
  }
  return Written{std::move(*submitted), std::move(*settled)};
}

base::Result<model::AsyncExecution> PostgresExecutionStore::find(std::string_view id) {
  if (!may_be_id(id)) {
    return no_such_execution(id);
  }
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  const auto rows = transaction->run(kFind, {Parameter::text(id)});
  if (!rows) {
    return rows.error();
  }
  return rows->count() == 0 ? no_such_execution(id) : read_execution(*rows, 0);
}

base::Result<std::vector<model::AsyncExecution>> PostgresExecutionStore::list(const ExecutionFilter& filter) {
  std::vector<model::AsyncExecution> executions;
  if (!may_be_id(filter.before) || !may_be_id(filter.function_id)) {
    return executions;
  }
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  const auto before = seq_before(*transaction, filter.before);
  if (!before) {
    return before.error();
  }
  const auto rows = listed(*transaction, filter, *before);
  if (!rows) {
    return rows.error();
  }
  executions.reserve(static_cast<std::size_t>(rows->count()));
  for (int row = 0; row < rows->count(); ++row) {
    auto execution = read_listed(*rows, row);
    if (!execution) {
      return execution.error();
    }
    executions.push_back(std::move(*execution));
  }
  return executions;
}

base::Result<std::vector<Backlog>> PostgresExecutionStore::backlog() {
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  const auto rows = transaction->run(kBacklog, {});
  return rows ? base::Result<std::vector<Backlog>>(read_backlog(*rows)) : rows.error();
}

}  // namespace hearth::store::postgres
