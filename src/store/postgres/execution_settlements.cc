#include "store/postgres/execution_settlements.h"

#include <algorithm>

#include "store/execution_rules.h"
#include "store/execution_text.h"
#include "store/postgres/array_parameter.h"
#include "store/postgres/execution_rows.h"
#include "store/postgres/execution_submissions.h"
#include "store/postgres/pieces.h"

namespace hearth::store::postgres {
namespace {

using model::ExecutionState;

constexpr Statement kSettle{
    "execution_settle",
    "WITH settled AS (UPDATE executions e SET state = g.state, due_ms = g.due_ms, lease_until_ms = 0, "
    "failures = e.failures + g.counts, "
    "started_ms = CASE WHEN g.started_ms = 0 THEN e.started_ms ELSE g.started_ms END, "
    "ended_ms = g.ended_ms, "
    "executed_version = CASE WHEN g.executed_version = 0 THEN e.executed_version ELSE g.executed_version END, "
    "attempts = " HEARTH_WITH_ATTEMPT("g.attempt")
    ", error_code = g.error_code, output = g.output, error_type = g.error_type, "
    "error_message = g.error_message, error_stack = g.error_stack, logs = g.logs, "
    "logs_truncated = g.logs_truncated "
    "FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], "
    "$7::bigint[], $8::bigint[], $9::bytea[], $10::text[], $11::bytea[], $12::bytea[], $13::bytea[], "
    "$14::bytea[], $15::bytea[], $16::bigint[]) WITH ORDINALITY AS g(id, lease, state, due_ms, counts, "
    "started_ms, ended_ms, executed_version, attempt, error_code, output, error_type, error_message, "
    "error_stack, logs, logs_truncated, number) "
    "WHERE e.id = ANY ($1) AND e.id = g.id AND e.lease = g.lease AND e.state + 0 = 1 "
    "RETURNING g.number, e.seq, e.state), "
    "removed AS (DELETE FROM execution_inputs WHERE seq = ANY (ARRAY(SELECT seq FROM settled WHERE state = 2))) "
    "SELECT number FROM settled"};
static_assert(static_cast<int>(ExecutionState::kRunning) == 1 &&
              static_cast<int>(ExecutionState::kDone) == 2);

// The columns of kSettle, in its order.
class Columns {
 public:
  void add(const Settlement& settlement) {
    const bool ended = has_ended(settlement.state);
    const model::ExecutionResult nothing;
    const model::ExecutionResult& result = ended ? settlement.result : nothing;
    ids_.add(settlement.lease.id);
    leases_.add(std::int64_t{settlement.lease.number});
    states_.add(static_cast<std::int64_t>(settlement.state));
    due_.add(ended ? 0 : settlement.due_ms);
    counts_.add(std::int64_t{settlement.attempt && settlement.attempt->counts});
    started_.add(settlement.started_ms);
    ended_.add(ended ? settlement.ended_ms : 0);
    versions_.add(std::int64_t{settlement.executed_version});
    attempts_.add(settlement.attempt ? attempt_to_bytes(*settlement.attempt) : std::string());
    codes_.add(result.error_code);
    outputs_.add(result.output);
    types_.add(result.error.type);
    messages_.add(result.error.message);
    stacks_.add(result.error.stack);
    logs_.add(logs_to_bytes(result.logs.chunks));
    truncated_.add(std::int64_t{result.logs.truncated});
  }

  std::vector<Parameter> parameters() const {
    std::vector<Parameter> parameters;
    for (const ArrayParameter* column :
         {&ids_, &leases_, &states_, &due_, &counts_, &started_, &ended_, &versions_, &attempts_, &codes_,
          &outputs_, &types_, &messages_, &stacks_, &logs_, &truncated_}) {
      parameters.push_back(column->parameter());
    }
    return parameters;
  }

 private:
  ArrayParameter ids_ = ArrayParameter::of_texts();
  ArrayParameter leases_ = ArrayParameter::of_numbers();
  ArrayParameter states_ = ArrayParameter::of_numbers();
  ArrayParameter due_ = ArrayParameter::of_numbers();
  ArrayParameter counts_ = ArrayParameter::of_numbers();
  ArrayParameter started_ = ArrayParameter::of_numbers();
  ArrayParameter ended_ = ArrayParameter::of_numbers();
  ArrayParameter versions_ = ArrayParameter::of_numbers();
  ArrayParameter attempts_ = ArrayParameter::of_bytes();
  ArrayParameter codes_ = ArrayParameter::of_texts();
  ArrayParameter outputs_ = ArrayParameter::of_bytes();
  ArrayParameter types_ = ArrayParameter::of_bytes();
  ArrayParameter messages_ = ArrayParameter::of_bytes();
  ArrayParameter stacks_ = ArrayParameter::of_bytes();
  ArrayParameter logs_ = ArrayParameter::of_bytes();
  ArrayParameter truncated_ = ArrayParameter::of_numbers();
};

std::size_t bytes_of(const Settlement& settlement) {
  std::size_t bytes = settlement.result.output.size() + settlement.result.error.type.size() +
                      settlement.result.error.message.size() + settlement.result.error.stack.size();
  for (const model::LogChunk& chunk : settlement.result.logs.chunks) {
    bytes += chunk.text.size();
  }
  return bytes + (settlement.attempt ? settlement.attempt->message.size() : 0);
}

// By id, as extend() takes them. Of those of the same lease the first: it is current no more after that.
std::vector<const Settlement*> in_order(const std::vector<Settlement>& settlements) {
  std::vector<const Settlement*> sorted;
  sorted.reserve(settlements.size());
  std::ranges::transform(settlements, std::back_inserter(sorted),
                         [](const Settlement& each) { return &each; });
  const auto key = [](const Settlement* each) {
    return std::pair(std::string_view(each->lease.id), each->lease.number);
  };
  std::ranges::stable_sort(sorted, {}, key);
  const auto again = std::ranges::unique(sorted, {}, key);
  sorted.erase(again.begin(), again.end());
  return sorted;
}

// One that is not accepted undoes all: nothing that a settlement brings with it is lost unseen.
base::Result<void> follow_up(Transaction& transaction, const std::vector<Settlement>& settlements,
                             const std::vector<bool>& settled) {
  std::vector<NewExecution> executions;
  for (std::size_t i = 0; i < settlements.size(); ++i) {
    if (settled[i]) {
      executions.insert(executions.end(), settlements[i].follow_ups.begin(), settlements[i].follow_ups.end());
    }
  }
  return accept_all(transaction, executions);
}

}  // namespace

base::Result<std::vector<bool>> settle(Transaction& transaction, const std::vector<Settlement>& settlements) {
  for (const Settlement& settlement : settlements) {
    if (auto may = may_settle(settlement); !may) {
      return may.error();
    }
  }
  std::vector<bool> settled(settlements.size());
  const auto sorted = in_order(settlements);
  for (const auto piece :
       in_pieces<const Settlement*>(sorted, [](const Settlement* each) { return bytes_of(*each); })) {
    Columns columns;
    for (const Settlement* settlement : piece) {
      columns.add(*settlement);
    }
    const auto rows = transaction.run(kSettle, columns.parameters());
    if (!rows) {
      return rows.error();
    }
    for (int row = 0; row < rows->count(); ++row) {
      const Settlement* one = piece[static_cast<std::size_t>(rows->number(row, 0)) - 1];
      settled[static_cast<std::size_t>(one - settlements.data())] = true;
    }
  }
  if (auto followed = follow_up(transaction, settlements, settled); !followed) {
    return followed.error();
  }
  return settled;
}

}  // namespace hearth::store::postgres
