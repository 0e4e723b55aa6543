// ExecutionStore on hearth.db. Any thread that may block; one operation at a time holds the database.
//
// Only one process has the database open, so what is counted in memory is what is in it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/execution_store.h"
#include "store/sqlite/database.h"
#include "store/sqlite/execution_counts.h"

namespace hearth::store::sqlite {

class SqliteExecutionStore final : public ExecutionStore {
 public:
  // `database` outlives the store.
  static base::Result<std::unique_ptr<SqliteExecutionStore>> open(Database& database);
  SqliteExecutionStore(const SqliteExecutionStore&) = delete;
  SqliteExecutionStore& operator=(const SqliteExecutionStore&) = delete;

  base::Result<Written> write(const Writes& writes) override;
  base::Result<std::vector<Claimed>> claim(const ClaimRequest& request) override;
  base::Result<std::vector<Lease>> extend(std::span<const Lease> leases, std::int64_t until_ms) override;
  base::Result<std::optional<std::int64_t>> next_due(model::ExecutionKind kind) override;
  base::Result<model::AsyncExecution> find(std::string_view id) override;
  base::Result<std::vector<model::AsyncExecution>> list(const ExecutionFilter& filter) override;
  base::Result<model::AsyncExecution> cancel(std::string_view id, std::int64_t now_ms) override;
  base::Result<model::AsyncExecution> redrive(std::string_view id, std::int64_t now_ms) override;
  base::Result<std::vector<Backlog>> redrive_dead(const model::FunctionId& function_id, std::int64_t now_ms,
                                                  std::size_t limit) override;
  base::Result<std::vector<Backlog>> backlog() override;
  base::Result<std::size_t> release_all(std::int64_t now_ms) override;
  base::Result<void> bring_forward(std::int64_t latest_ms, std::int64_t now_ms) override;
  base::Result<std::size_t> remove_ended(std::int64_t before_ms, std::size_t most_kept,
                                         std::size_t limit) override;

  // For a store beside it in the same database, within a transaction of that: an execution, without a key.
  // Once the transaction is durable, and before it is over, `change` is given to accepted().
  base::Result<void> accept(Transaction& transaction, const NewExecution& execution, ExecutionCounts& change);
  void accepted(const ExecutionCounts& change) { counts_.add(change); }

 private:
  using Seq = std::int64_t;  // the number of an execution's row

  struct Statements {
    Statement find_key;
    Statement insert;
    Statement insert_input;
    Statement find_lease;
    Statement settle;
    Statement remove_input;
    Statement expired;
    Statement due_of_function;
    Statement find_input;
    Statement next_function;
    Statement take;
    Statement extend;
    Statement next_lease_end;
    Statement find;
    Statement find_listed;
    Statement seq_before;
    Statement list_all;
    Statement list_state;
    Statement list_function;
    Statement list_running;
    Statement list_newest_pending;
    Statement list_pending;
    Statement list_pending_of_function;
    Statement find_row;
    Statement cancel;
    Statement redrive;
    Statement dead;
    Statement dead_of_function;
    Statement running;
    Statement release;
    Statement bring_forward;
    Statement oldest_ended;
    Statement remove;
    Statement count_pending;
    Statement count_running;
    Statement count_ended;
  };
  // A row that may be executed.
  struct Candidate {
    Seq seq = 0;
    Claimed claimed;  // its lease: the one before
    std::string attempts;
  };
  // One claim() on its way.
  struct Claiming {
    const ClaimRequest& request;
    std::map<model::FunctionId, std::size_t> of_function;
    std::vector<Candidate> candidates;
    std::uint64_t input_bytes = 0;  // of all of them

    std::size_t room() const {
      return input_bytes < request.most_input_bytes ? request.most - candidates.size() : 0;
    }
    void add(Candidate candidate);
    std::size_t room_of(const model::FunctionId& function_id) const;
  };
  // The first one due of a function, as the index has it.
  struct FirstDue {
    model::FunctionId function_id;
    std::int64_t due_ms = 0;
  };
  // A row whose lease is released.
  struct Running {
    Seq seq = 0;
    std::int64_t lease = 0;
    std::int64_t started_ms = 0;
    std::string attempts;
  };
  // A row that is cancelled or redriven.
  struct Row {
    Seq seq = 0;
    model::ExecutionState state = model::ExecutionState::kPending;
    model::FunctionId function_id;
    std::int64_t input_bytes = 0;
  };
  // The row of a lease that is settled.
  struct Held {
    Row row;
    std::int64_t failures = 0;
    std::int64_t started_ms = 0;
    std::int64_t executed_version = 0;
    std::string attempts;
    bool input_apart = false;
  };

  SqliteExecutionStore(Database& database, Statements statements)
      : database_(database), statements_(std::move(statements)) {}
  static base::Result<Statements> prepare(Connection& connection);
  base::Result<void> count(Connection& connection);

  // Writes.
  base::Result<Submitted> submit(Connection& connection, const NewExecution& execution,
                                 std::string_view digest, ExecutionCounts& change);
  base::Result<std::optional<Submitted>> find_key(Connection& connection, const NewExecution& execution,
                                                  std::string_view digest);
  base::Result<void> insert(Connection& connection, const NewExecution& execution, std::string_view digest,
                            bool input_apart);
  base::Result<bool> settle(Connection& connection, const Settlement& settlement, ExecutionCounts& change);
  base::Result<void> follow_up(Connection& connection, const Settlement& settlement, ExecutionCounts& change);
  base::Result<std::optional<Held>> find_lease(Connection& connection, const Lease& lease);
  base::Result<void> settle_row(Connection& connection, const Held& held, const Settlement& settlement);

  // Claims.
  static Candidate read_candidate(const Query& row);
  base::Result<void> choose_expired(Connection& connection, Claiming& claiming);
  base::Result<void> choose_pending(Connection& connection, Claiming& claiming);
  base::Result<void> choose_of_function(Connection& connection, const model::FunctionId& function_id,
                                        Claiming& claiming);
  base::Result<std::optional<FirstDue>> next_function(Connection& connection, model::ExecutionKind kind,
                                                      std::string_view after);
  base::Result<void> add(Connection& connection, Candidate candidate, Claiming& claiming);
  base::Result<void> take(Connection& connection, const Candidate& candidate, const ClaimRequest& request);
  base::Result<std::size_t> release_some(std::int64_t now_ms);
  base::Result<std::vector<Running>> running(Connection& connection, std::size_t most);

  // Reads.
  base::Result<std::vector<Seq>> listed(Connection& connection, const ExecutionFilter& filter);
  base::Result<Seq> seq_before(Connection& connection, std::string_view id);
  base::Result<void> list_pending(Connection& connection, const ExecutionFilter& filter, Seq before,
                                  std::vector<Seq>& found);
  base::Result<void> list_state(Connection& connection, const ExecutionFilter& filter,
                                model::ExecutionState state, Seq before, std::vector<Seq>& found);
  base::Result<model::AsyncExecution> find(Connection& connection, std::string_view id);

  // Changes.
  static Row read_row(const Query& row);
  base::Result<Row> find_row(Connection& connection, std::string_view id);
  base::Result<model::AsyncExecution> commit_and_find(Transaction& transaction, std::string_view id,
                                                      const ExecutionCounts& change);
  base::Result<void> redrive_row(Connection& connection, const Row& row, std::int64_t now_ms,
                                 ExecutionCounts& change);
  base::Result<std::vector<Row>> dead(Connection& connection, const model::FunctionId& function_id,
                                      std::size_t limit);
  base::Result<std::vector<Seq>> oldest_ended(Connection& connection, std::int64_t before_ms,
                                              std::size_t beyond, std::size_t limit);
  base::Result<void> remove_row(Connection& connection, const Statement& statement, Seq seq);

  Database& database_;
  const Statements statements_;  // used while the database is held
  ExecutionCounts counts_;       // the same
};

}  // namespace hearth::store::sqlite
