// Executions cancelled, redriven and removed.
#include <algorithm>

#include "store/execution_rules.h"
#include "store/sqlite/sqlite_execution_store.h"

namespace hearth::store::sqlite {

using model::ExecutionState;

// In the order of the columns of a row.
SqliteExecutionStore::Row SqliteExecutionStore::read_row(const Query& row) {
  return {row.number(0), static_cast<ExecutionState>(row.number(1)), row.text(2), row.number(3)};
}

base::Result<SqliteExecutionStore::Row> SqliteExecutionStore::find_row(Connection& connection,
                                                                       std::string_view id) {
  Query query(connection, statements_.find_row);
  auto row = query.bind(id).next("look for the execution");
  if (!row) {
    return row.error();
  }
  return *row ? read_row(query) : base::Result<Row>(no_such_execution(id));
}

base::Result<model::AsyncExecution> SqliteExecutionStore::cancel(std::string_view id, std::int64_t now_ms) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  auto row = find_row(transaction.connection(), id);
  if (!row) {
    return row.error();
  }
  if (auto may = may_be_cancelled(row->state); !may) {
    return may.error();
  }
  {
    Query query(transaction.connection(), statements_.cancel);
    if (auto done = query.bind(row->seq).bind(now_ms).finish("cancel the execution"); !done) {
      return done.error();
    }
  }
  ExecutionCounts change;
  change.end(row->function_id, row->input_bytes);
  return commit_and_find(transaction, id, change);
}

base::Result<model::AsyncExecution> SqliteExecutionStore::redrive(std::string_view id, std::int64_t now_ms) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  auto row = find_row(transaction.connection(), id);
  if (!row) {
    return row.error();
  }
  if (auto may = may_be_redriven(row->state); !may) {
    return may.error();
  }
  ExecutionCounts change;
  if (auto done = redrive_row(transaction.connection(), *row, now_ms, change); !done) {
    return done.error();
  }
  return commit_and_find(transaction, id, change);
}

// The execution as this transaction has left it.
base::Result<model::AsyncExecution> SqliteExecutionStore::commit_and_find(Transaction& transaction,
                                                                          std::string_view id,
                                                                          const ExecutionCounts& change) {
  auto execution = find(transaction.connection(), id);
  if (!execution) {
    return execution;
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  counts_.add(change);
  return execution;
}

base::Result<void> SqliteExecutionStore::redrive_row(Connection& connection, const Row& row,
                                                     std::int64_t now_ms, ExecutionCounts& change) {
  Query query(connection, statements_.redrive);
  if (auto done = query.bind(row.seq).bind(now_ms).finish("redrive the execution"); !done) {
    return done;
  }
  change.reopen(row.function_id, row.input_bytes);
  return {};
}

base::Result<std::vector<Backlog>> SqliteExecutionStore::redrive_dead(const model::FunctionId& function_id,
                                                                      std::int64_t now_ms,
                                                                      std::size_t limit) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  auto rows = dead(transaction.connection(), function_id, limit);
  if (!rows) {
    return rows.error();
  }
  ExecutionCounts change;
  for (const Row& row : *rows) {
    if (auto done = redrive_row(transaction.connection(), row, now_ms, change); !done) {
      return done.error();
    }
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  counts_.add(change);
  return change.backlog();
}

base::Result<std::vector<SqliteExecutionStore::Row>> SqliteExecutionStore::dead(
    Connection& connection, const model::FunctionId& function_id, std::size_t limit) {
  std::vector<Row> found;
  Query query(connection, function_id.empty() ? statements_.dead : statements_.dead_of_function);
  if (!function_id.empty()) {
    query.bind(function_id);
  }
  query.bind(static_cast<std::int64_t>(limit));
  for (;;) {
    auto row = query.next("look for dead executions");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return found;
    }
    found.push_back(read_row(query));
  }
}

base::Result<std::size_t> SqliteExecutionStore::remove_ended(std::int64_t before_ms, std::size_t most_kept,
                                                             std::size_t limit) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  const auto ended = static_cast<std::size_t>(counts_.ended());
  const std::size_t beyond = ended - std::min(ended, most_kept);
  auto rows = oldest_ended(transaction.connection(), before_ms, beyond, limit);
  if (!rows) {
    return rows.error();
  }
  for (const Seq seq : *rows) {
    for (const Statement* statement : {&statements_.remove, &statements_.remove_input}) {
      if (auto removed = remove_row(transaction.connection(), *statement, seq); !removed) {
        return removed.error();
      }
    }
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  ExecutionCounts change;
  change.add_ended(-static_cast<std::int64_t>(rows->size()));
  counts_.add(change);
  return rows->size();
}

// Those before the time, and at least the `beyond` oldest; `limit` at most.
base::Result<std::vector<SqliteExecutionStore::Seq>> SqliteExecutionStore::oldest_ended(
    Connection& connection, std::int64_t before_ms, std::size_t beyond, std::size_t limit) {
  std::vector<Seq> found;
  Query query(connection, statements_.oldest_ended);
  query.bind(static_cast<std::int64_t>(limit));
  for (;;) {
    auto row = query.next("look for executions that have ended");
    if (!row) {
      return row.error();
    }
    if (!*row || (query.number(1) >= before_ms && found.size() >= beyond)) {
      return found;
    }
    found.push_back(query.number(0));
  }
}

base::Result<void> SqliteExecutionStore::remove_row(Connection& connection, const Statement& statement,
                                                    Seq seq) {
  Query query(connection, statement);
  return query.bind(seq).finish("remove the execution");
}

}  // namespace hearth::store::sqlite
