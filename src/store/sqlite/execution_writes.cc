// Submissions and settlements.
#include <algorithm>
#include <iterator>

#include "store/execution_rules.h"
#include "store/execution_text.h"
#include "store/sqlite/sqlite_execution_store.h"

namespace hearth::store::sqlite {

using model::ExecutionState;

namespace {

// Inputs of no more bytes stand in the row: one tree less to write. Larger ones would be written again with
// every change of it.
constexpr std::size_t kInputBytesInRow = 1'024;

}  // namespace

base::Result<ExecutionStore::Written> SqliteExecutionStore::write(const Writes& writes) {
  std::vector<std::string> digests;  // made before the database is held
  digests.reserve(writes.submissions.size());
  std::ranges::transform(writes.submissions, std::back_inserter(digests), digest_to_compare);
  Written written;
  written.submitted.reserve(writes.submissions.size());
  written.settled.reserve(writes.settlements.size());
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  ExecutionCounts change;
  for (std::size_t i = 0; i < writes.submissions.size(); ++i) {
    auto submitted = submit(transaction.connection(), writes.submissions[i], digests[i], change);
    if (!submitted && submitted.error().code != base::ErrorCode::kAlreadyExists) {
      return submitted.error();
    }
    written.submitted.push_back(std::move(submitted));
  }
  for (const Settlement& settlement : writes.settlements) {
    auto settled = settle(transaction.connection(), settlement, change);
    if (!settled) {
      return settled.error();
    }
    written.settled.push_back(*settled);
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  counts_.add(change);
  return written;
}

base::Result<void> SqliteExecutionStore::accept(Transaction& transaction, const NewExecution& execution,
                                                ExecutionCounts& change) {
  const auto accepted = submit(transaction.connection(), execution, digest_to_compare(execution), change);
  return accepted ? base::Result<void>() : accepted.error();
}

base::Result<Submitted> SqliteExecutionStore::submit(Connection& connection, const NewExecution& execution,
                                                     std::string_view digest, ExecutionCounts& change) {
  if (!execution.idempotency_key.empty()) {
    auto known = find_key(connection, execution, digest);
    if (!known) {
      return known.error();
    }
    if (*known) {
      return **known;
    }
  }
  const bool input_apart = execution.input->size() > kInputBytesInRow;
  if (auto inserted = insert(connection, execution, digest, input_apart); !inserted) {
    return inserted.error();
  }
  if (input_apart) {
    Query query(connection, statements_.insert_input);
    query.bind(connection.inserted_row()).bind(*execution.input);
    if (auto inserted = query.finish("store the execution's input"); !inserted) {
      return inserted.error();
    }
  }
  change.open(execution.function_id, 1, static_cast<std::int64_t>(execution.input->size()));
  return Submitted{execution.id, true};
}

base::Result<std::optional<Submitted>> SqliteExecutionStore::find_key(Connection& connection,
                                                                      const NewExecution& execution,
                                                                      std::string_view digest) {
  Query query(connection, statements_.find_key);
  auto row = query.bind(execution.function_id).bind(execution.idempotency_key).next("look for the key");
  if (!row) {
    return row.error();
  }
  if (!*row) {
    return std::optional<Submitted>();
  }
  if (query.number(1) != std::int64_t{execution.version} || query.text(2) != digest) {
    return key_is_taken(execution);
  }
  return std::optional(Submitted{query.text(0), false});
}

base::Result<void> SqliteExecutionStore::insert(Connection& connection, const NewExecution& execution,
                                                std::string_view digest, bool input_apart) {
  const bool runs = execution.lease_until_ms != 0;
  Query query(connection, statements_.insert);
  query.bind(execution.id)
      .bind(execution.function_id)
      .bind(std::int64_t{execution.version})
      .bind(static_cast<std::int64_t>(runs ? ExecutionState::kRunning : ExecutionState::kPending));
  execution.idempotency_key.empty() ? query.bind_null().bind_null()
                                    : query.bind(execution.idempotency_key).bind(digest);
  query.bind(static_cast<std::int64_t>(execution.input->size()))
      .bind(execution.submitted_ms)
      .bind(runs ? 0 : execution.submitted_ms)
      .bind(std::int64_t{runs})
      .bind(execution.lease_until_ms)
      .bind(runs ? execution.submitted_ms : 0)
      .bind(static_cast<std::int64_t>(execution.kind))
      .bind(execution.parent_id)
      .bind(static_cast<std::int64_t>(execution.parent_state))
      .bind(std::int64_t{execution.depth})
      .bind(execution.schedule)
      .bind(execution.slot_ms);
  input_apart ? query.bind_null() : query.bind(*execution.input);
  auto done = query.finish("store the execution");
  if (!done && connection.hit_unique(/*on_primary_key=*/false)) {
    return id_is_taken(execution);
  }
  return done;
}

base::Result<bool> SqliteExecutionStore::settle(Connection& connection, const Settlement& settlement,
                                                ExecutionCounts& change) {
  if (auto may = may_settle(settlement); !may) {
    return may.error();
  }
  auto held = find_lease(connection, settlement.lease);
  if (!held) {
    return held.error();
  }
  if (!*held) {
    return false;
  }
  if (settlement.attempt) {
    auto attempts = with_attempt((*held)->attempts, *settlement.attempt);
    if (!attempts) {
      return attempts.error();
    }
    (*held)->attempts = std::move(*attempts);
  }
  if (auto done = settle_row(connection, **held, settlement); !done) {
    return done.error();
  }
  const Row& row = (*held)->row;
  if (settlement.state == ExecutionState::kDone && (*held)->input_apart) {  // nobody executes it again
    if (auto removed = remove_row(connection, statements_.remove_input, row.seq); !removed) {
      return removed.error();
    }
  }
  if (has_ended(settlement.state)) {
    change.end(row.function_id, row.input_bytes);
  }
  auto followed = follow_up(connection, settlement, change);
  return followed ? base::Result<bool>(true) : followed.error();
}

// One that is not accepted undoes all: nothing that a settlement brings with it is lost unseen.
base::Result<void> SqliteExecutionStore::follow_up(Connection& connection, const Settlement& settlement,
                                                   ExecutionCounts& change) {
  for (const NewExecution& execution : settlement.follow_ups) {
    if (auto submitted = submit(connection, execution, {}, change); !submitted) {
      return submitted.error();
    }
  }
  return {};
}

base::Result<std::optional<SqliteExecutionStore::Held>> SqliteExecutionStore::find_lease(
    Connection& connection, const Lease& lease) {
  Query query(connection, statements_.find_lease);
  auto row = query.bind(lease.id).bind(std::int64_t{lease.number}).next("look for the lease");
  if (!row) {
    return row.error();
  }
  if (!*row) {
    return std::optional<Held>();
  }
  Held held;
  held.row = {query.number(0), ExecutionState::kRunning, query.text(1), query.number(2)};
  held.failures = query.number(3);
  held.started_ms = query.number(4);
  held.executed_version = query.number(5);
  held.attempts = query.text(6);
  held.input_apart = query.number(7) != 0;
  return std::optional(std::move(held));
}

base::Result<void> SqliteExecutionStore::settle_row(Connection& connection, const Held& held,
                                                    const Settlement& settlement) {
  const bool ended = has_ended(settlement.state);
  const bool counts = settlement.attempt && settlement.attempt->counts;
  const model::ExecutionResult nothing;
  const model::ExecutionResult& result = ended ? settlement.result : nothing;
  const std::string logs = logs_to_bytes(result.logs.chunks);
  Query query(connection, statements_.settle);
  query.bind(held.row.seq)
      .bind(static_cast<std::int64_t>(settlement.state))
      .bind(ended ? 0 : settlement.due_ms)
      .bind(held.failures + (counts ? 1 : 0))
      .bind(settlement.started_ms != 0 ? settlement.started_ms : held.started_ms)
      .bind(ended ? settlement.ended_ms : 0)
      .bind(settlement.executed_version != 0 ? std::int64_t{settlement.executed_version}
                                             : held.executed_version)
      .bind(held.attempts)
      .bind(result.error_code)
      .bind(result.output)
      .bind(result.error.type)
      .bind(result.error.message)
      .bind(result.error.stack)
      .bind_bytes(logs)
      .bind(std::int64_t{result.logs.truncated});
  return query.finish("settle the execution");
}

}  // namespace hearth::store::sqlite
