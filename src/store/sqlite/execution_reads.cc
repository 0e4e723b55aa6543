// Executions found and listed.
#include <algorithm>
#include <limits>

#include "store/execution_rules.h"
#include "store/execution_text.h"
#include "store/sqlite/sqlite_execution_store.h"

namespace hearth::store::sqlite {
namespace {

using model::ExecutionState;

constexpr std::int64_t kNewestLookedThrough = 1'000;

// In the order of the columns of a listed one.
base::Result<model::AsyncExecution> read_listed(const Query& row) {
  model::AsyncExecution execution;
  execution.id = row.text(0);
  execution.function_id = row.text(1);
  execution.version = static_cast<std::uint32_t>(row.number(2));
  execution.executed_version = static_cast<std::uint32_t>(row.number(3));
  execution.state = static_cast<ExecutionState>(row.number(4));
  execution.submitted_ms = row.number(5);
  execution.due_ms = row.number(6);
  execution.started_ms = row.number(7);
  execution.ended_ms = row.number(8);
  auto attempts = attempts_from_text(row.text(9));
  if (!attempts) {
    return base::Error{attempts.error().code, "execution " + execution.id + ": " + attempts.error().message};
  }
  execution.attempts = std::move(*attempts);
  execution.result.error_code = row.text(10);
  execution.input_bytes = static_cast<std::uint64_t>(row.number(11));
  execution.kind = static_cast<model::ExecutionKind>(row.number(12));
  execution.parent_id = row.text(13);
  execution.depth = static_cast<std::uint32_t>(row.number(14));
  execution.schedule = row.text(15);
  execution.slot_ms = row.number(16);
  return execution;
}

base::Result<model::AsyncExecution> read_whole(const Query& row) {
  auto execution = read_listed(row);
  if (!execution) {
    return execution;
  }
  model::ExecutionResult& result = execution->result;
  result.output = row.text(17);
  result.error.type = row.text(18);
  result.error.message = row.text(19);
  result.error.stack = row.text(20);
  auto chunks = logs_from_bytes(row.text(21));
  if (!chunks) {
    return base::Error{chunks.error().code, "execution " + execution->id + ": " + chunks.error().message};
  }
  result.logs.chunks = std::move(*chunks);
  result.logs.truncated = row.number(22) != 0;
  return execution;
}

// Appends the numbers of rows that the query finds.
base::Result<void> read_numbers(Query& query, std::vector<std::int64_t>& found) {
  for (;;) {
    auto row = query.next("list the executions");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return {};
    }
    found.push_back(query.number(0));
  }
}

}  // namespace

base::Result<model::AsyncExecution> SqliteExecutionStore::find(std::string_view id) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  return find(session.connection(), id);
}

base::Result<model::AsyncExecution> SqliteExecutionStore::find(Connection& connection, std::string_view id) {
  Query query(connection, statements_.find);
  auto row = query.bind(id).next("read the execution");
  if (!row) {
    return row.error();
  }
  return *row ? read_whole(query) : no_such_execution(id);
}

base::Result<std::vector<model::AsyncExecution>> SqliteExecutionStore::list(const ExecutionFilter& filter) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  auto rows = listed(session.connection(), filter);
  if (!rows) {
    return rows.error();
  }
  std::vector<model::AsyncExecution> executions;
  executions.reserve(rows->size());
  for (const Seq seq : *rows) {
    Query query(session.connection(), statements_.find_listed);
    auto row = query.bind(seq).next("list the executions");
    if (!row) {
      return row.error();
    }
    auto execution = read_listed(query);
    if (!execution) {
      return execution.error();
    }
    executions.push_back(std::move(*execution));
  }
  return executions;
}

// The rows that the filter lets through. Each state is a range of an index; several are merged.
base::Result<std::vector<SqliteExecutionStore::Seq>> SqliteExecutionStore::listed(
    Connection& connection, const ExecutionFilter& filter) {
  std::vector<Seq> found;
  auto before = seq_before(connection, filter.before);
  if (!before) {
    return before.error();
  }
  if (!filter.state && filter.function_id.empty()) {
    Query query(connection, statements_.list_all);
    query.bind(*before).bind(static_cast<std::int64_t>(filter.limit));
    auto done = read_numbers(query, found);
    return done ? base::Result<std::vector<Seq>>(std::move(found)) : done.error();
  }
  for (int i = 0; i <= static_cast<int>(model::kLastExecutionState); ++i) {
    const auto state = static_cast<ExecutionState>(i);
    if (filter.state.value_or(state) != state) {
      continue;
    }
    if (auto done = list_state(connection, filter, state, *before, found); !done) {
      return done.error();
    }
  }
  std::ranges::sort(found, std::greater());
  found.resize(std::min(found.size(), filter.limit));
  return found;
}

base::Result<SqliteExecutionStore::Seq> SqliteExecutionStore::seq_before(Connection& connection,
                                                                         std::string_view id) {
  if (id.empty()) {
    return std::numeric_limits<Seq>::max();
  }
  Query query(connection, statements_.seq_before);
  auto row = query.bind(id).next("list the executions");
  if (!row) {
    return row.error();
  }
  return *row ? query.number(0) : Seq{0};
}

// Pending ones stand in the order in which they are due. Where there are many, the newest rows are most of
// them; else it costs little to sort all.
base::Result<void> SqliteExecutionStore::list_pending(Connection& connection, const ExecutionFilter& filter,
                                                      Seq before, std::vector<Seq>& found) {
  const auto limit = static_cast<std::int64_t>(filter.limit);
  std::vector<Seq> newest;
  {
    Query query(connection, statements_.list_newest_pending);
    query.bind(before).bind(kNewestLookedThrough).bind(filter.function_id).bind(limit);
    if (auto done = read_numbers(query, newest); !done) {
      return done;
    }
  }
  if (newest.size() >= filter.limit) {
    found.insert(found.end(), newest.begin(), newest.end());
    return {};
  }
  if (filter.function_id.empty()) {
    Query query(connection, statements_.list_pending);
    query.bind(before).bind(limit);
    return read_numbers(query, found);
  }
  for (int kind = 0; kind <= static_cast<int>(model::kLastExecutionKind); ++kind) {
    Query query(connection, statements_.list_pending_of_function);
    query.bind(before).bind(std::int64_t{kind}).bind(filter.function_id).bind(limit);
    if (auto done = read_numbers(query, found); !done) {
      return done;
    }
  }
  return {};
}

base::Result<void> SqliteExecutionStore::list_state(Connection& connection, const ExecutionFilter& filter,
                                                    ExecutionState state, Seq before,
                                                    std::vector<Seq>& found) {
  const auto limit = static_cast<std::int64_t>(filter.limit);
  if (state == ExecutionState::kPending) {
    return list_pending(connection, filter, before, found);
  }
  if (state == ExecutionState::kRunning) {
    Query query(connection, statements_.list_running);
    query.bind(before).bind(filter.function_id).bind(limit);
    return read_numbers(query, found);
  }
  const bool of_all = filter.function_id.empty();
  Query query(connection, of_all ? statements_.list_state : statements_.list_function);
  query.bind(before).bind(static_cast<std::int64_t>(state));
  of_all ? query.bind(limit) : query.bind(filter.function_id).bind(limit);
  return read_numbers(query, found);
}

}  // namespace hearth::store::sqlite
