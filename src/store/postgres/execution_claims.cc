// Leases: who takes them, extends them, loses them.
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "store/execution_text.h"
#include "store/postgres/array_parameter.h"
#include "store/postgres/execution_rows.h"
#include "store/postgres/pieces.h"
#include "store/postgres/postgres_execution_store.h"
#include "store/postgres/transaction.h"

namespace hearth::store::postgres {
namespace {

using Seq = std::int64_t;  // the number of an execution's row

constexpr std::size_t kReleasedAtOnce = kRowsOfAPiece;

constexpr Statement kExpired{
    "execution_expired",
    "SELECT seq, lease, started_ms, function_id, input_bytes FROM executions "
    "WHERE state = 1 AND kind = $4 AND lease_until_ms <= $1 AND function_id <> ALL ($2::text[]) "
    "ORDER BY lease_until_ms, seq LIMIT $3 FOR UPDATE SKIP LOCKED"};

// In the order that Claiming::add() takes them apart.
#define HEARTH_CLAIMED_COLUMNS                                                                 \
  "e.seq, e.id, e.function_id, e.version, e.lease, e.accepted_ms, e.failures, e.input_bytes, " \
  "e.submitted_ms, e.kind, e.parent_id, e.parent_state, e.depth "
constexpr Statement kTakeExpired{
    "execution_take_expired",
    "WITH taken AS (UPDATE executions e SET lease = e.lease + 1, lease_until_ms = $3, started_ms = $4, "
    "attempts = " HEARTH_WITH_ATTEMPT("g.attempt")
    "FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS g(seq, attempt, number) "
    "WHERE e.seq = ANY ($1) AND e.seq = g.seq RETURNING " HEARTH_CLAIMED_COLUMNS ", g.number) "
    "SELECT * FROM taken ORDER BY number"};

// Functions that come after one, in their order, each with its longest due: one seek each.
#define HEARTH_PENDING_FUNCTIONS(kind, after, until)                                                     \
  "WITH RECURSIVE pending AS ((SELECT function_id, due_ms FROM executions WHERE state = 0 "              \
  "AND kind = " kind " AND function_id > " after                                                         \
  " ORDER BY function_id, due_ms LIMIT 1) "                                                              \
  "UNION ALL SELECT next.function_id, next.due_ms FROM pending CROSS JOIN LATERAL "                      \
  "(SELECT e.function_id, e.due_ms FROM executions e WHERE e.state = 0 "                                 \
  "AND e.kind = " kind                                                                                   \
  " AND e.function_id > pending.function_id ORDER BY e.function_id, e.due_ms LIMIT 1) next WHERE " until \
  ") "
// $1 and $2: after which function, and up to which ('': to the end). Functions are sought and rows locked no
// further than the bound ($5) asks for: the lateral join goes through the functions in their order.
constexpr Statement kTakeDue{
    "execution_take_due",
    HEARTH_PENDING_FUNCTIONS("$11", "$1", "($2 = '' OR next.function_id <= $2)")
    ", due AS MATERIALIZED (SELECT f.function_id, first.seq, first.due_ms, first.input_bytes FROM "
    "(SELECT p.function_id, $6 - COALESCE((SELECT g.claimed FROM unnest($8::text[], $9::bigint[]) "
    "AS g(function_id, claimed) WHERE g.function_id = p.function_id), 0) AS room FROM pending p "
    "WHERE p.due_ms <= $3 AND ($2 = '' OR p.function_id <= $2) AND p.function_id <> ALL ($7::text[])) f "
    "CROSS JOIN LATERAL (SELECT e.seq, e.due_ms, e.input_bytes FROM executions e WHERE e.state = 0 "
    "AND e.kind = $11 AND e.function_id = f.function_id AND e.due_ms <= $3 ORDER BY e.due_ms, e.seq "
    "LIMIT f.room FOR UPDATE SKIP LOCKED) first LIMIT $5), "
    "fitting AS (SELECT seq, due_ms FROM (SELECT seq, due_ms, SUM(input_bytes) OVER "
    "(ORDER BY function_id, due_ms, seq) - input_bytes AS before FROM due) AS d WHERE before < $10), "
    "taken AS (UPDATE executions e SET state = 1, lease = e.lease + 1, lease_until_ms = $4, started_ms = $3, "
    "due_ms = 0 FROM fitting WHERE e.seq = ANY (ARRAY(SELECT seq FROM fitting)) AND e.seq = fitting.seq "
    "RETURNING " HEARTH_CLAIMED_COLUMNS ", fitting.due_ms) "
    "SELECT * FROM taken ORDER BY function_id, due_ms, seq"};
#undef HEARTH_CLAIMED_COLUMNS
constexpr Statement kInputs{
    "execution_inputs",
    "SELECT g.number, i.input FROM unnest($1::bigint[]) WITH ORDINALITY AS g(seq, number) CROSS JOIN LATERAL "
    "(SELECT input FROM execution_inputs i WHERE i.seq = g.seq LIMIT 1) i"};
constexpr Statement kExtend{"execution_extend",
                            "UPDATE executions e SET lease_until_ms = $3 "
                            "FROM unnest($1::text[], $2::bigint[]) AS g(id, lease) "
                            "WHERE e.id = ANY ($1) AND e.id = g.id AND e.lease = g.lease AND e.state + 0 = 1 "
                            "RETURNING e.id, e.lease"};
constexpr Statement kNextDue{
    "execution_next_due",
    HEARTH_PENDING_FUNCTIONS("$1", "''", "true")
    "SELECT at FROM (SELECT due_ms AS at FROM pending UNION ALL (SELECT lease_until_ms FROM executions "
    "WHERE state = 1 AND kind = $1 ORDER BY lease_until_ms LIMIT 1)) AS times ORDER BY at LIMIT 1"};
#undef HEARTH_PENDING_FUNCTIONS
constexpr Statement kRunning{"execution_running",
                             "SELECT seq, lease, started_ms FROM executions WHERE state = 1 "
                             "ORDER BY kind, lease_until_ms, seq LIMIT $1 FOR UPDATE"};
constexpr Statement kRelease{
    "execution_release",
    "UPDATE executions e SET state = 0, lease_until_ms = 0, due_ms = $3, "
    "attempts = " HEARTH_WITH_ATTEMPT(
        "g.attempt") "FROM unnest($1::bigint[], $2::bytea[]) AS g(seq, attempt) WHERE e.seq = ANY ($1) AND e.seq = g.seq"};

// Rows whose leases ran out or are released, and what is noted of their attempts.
struct Lost {
  // `row` begins with the row's number, its lease and when it was started.
  void add(const Rows& rows, int row, std::int64_t now_ms) {
    seqs.add(rows.number(row, 0));
    attempts.add(attempt_to_bytes(lost_attempt(rows.number(row, 1), rows.number(row, 2), now_ms)));
  }

  ArrayParameter seqs = ArrayParameter::of_numbers();
  ArrayParameter attempts = ArrayParameter::of_bytes();
};

// One claim on its way.
class Claiming {
 public:
  Claiming(Transaction& transaction, const ClaimRequest& request)
      : transaction_(transaction), request_(request), full_(request.skipped.begin(), request.skipped.end()) {}

  base::Result<void> take_expired();
  base::Result<void> take_due();
  base::Result<void> read_inputs();
  std::vector<Claimed> claimed() && { return std::move(claimed_); }

 private:
  struct Row {
    std::size_t index;  // in claimed_
    Seq seq;
    std::size_t input_bytes;
  };

  std::uint64_t bytes_left() const {
    return request_.most_input_bytes - std::min(request_.most_input_bytes, input_bytes_);
  }
  std::size_t room() const { return bytes_left() > 0 ? request_.most - claimed_.size() : 0; }
  Parameter full() const;
  Parameter kind() const { return Parameter::number(static_cast<std::int64_t>(request_.kind)); }
  void count(const model::FunctionId& function_id);
  void add(const Rows& rows);
  base::Result<void> take_lost(const Lost& lost);
  base::Result<void> take_due_between(const model::FunctionId& after, const model::FunctionId& until);
  base::Result<void> read_inputs(std::span<const Row> rows);

  Transaction& transaction_;
  const ClaimRequest& request_;
  std::map<model::FunctionId, std::size_t> of_function_;
  std::set<model::FunctionId> full_;  // functions that have enough
  std::vector<Claimed> claimed_;      // without their inputs until the end
  std::vector<Row> rows_;             // theirs
  std::uint64_t input_bytes_ = 0;     // of them
};

Parameter Claiming::full() const {
  auto functions = ArrayParameter::of_texts();
  for (const model::FunctionId& function_id : full_) {
    functions.add(function_id);
  }
  return functions.parameter();
}

void Claiming::count(const model::FunctionId& function_id) {
  if (++of_function_[function_id] >= request_.most_of_a_function) {
    full_.insert(function_id);
  }
}

void Claiming::add(const Rows& rows) {
  for (int row = 0; row < rows.count(); ++row) {
    Claimed one;
    one.lease = {rows.text(row, 1), static_cast<std::uint32_t>(rows.number(row, 4))};
    one.function_id = rows.text(row, 2);
    one.version = static_cast<std::uint32_t>(rows.number(row, 3));
    one.accepted_ms = rows.number(row, 5);
    one.failures = static_cast<std::uint32_t>(rows.number(row, 6));
    one.submitted_ms = rows.number(row, 8);
    one.kind = static_cast<model::ExecutionKind>(rows.number(row, 9));
    one.parent_id = rows.text(row, 10);
    one.parent_state = static_cast<model::ExecutionState>(rows.number(row, 11));
    one.depth = static_cast<std::uint32_t>(rows.number(row, 12));
    rows_.push_back({claimed_.size(), rows.number(row, 0), static_cast<std::size_t>(rows.number(row, 7))});
    input_bytes_ += rows_.back().input_bytes;
    claimed_.push_back(std::move(one));
  }
}

// As many as there is room for are locked; of functions that have enough none are taken, and further ones
// are looked for.
base::Result<void> Claiming::take_expired() {
  for (std::size_t asked = room(); asked > 0; asked = room()) {
    const auto rows =
        transaction_.run(kExpired, {Parameter::number(request_.now_ms), full(),
                                    Parameter::number(static_cast<std::int64_t>(asked)), kind()});
    if (!rows) {
      return rows.error();
    }
    Lost lost;
    bool any = false;
    std::uint64_t chosen_bytes = 0;
    for (int row = 0; row < rows->count(); ++row) {
      const model::FunctionId function_id = rows->text(row, 3);
      if (!full_.contains(function_id) && chosen_bytes < bytes_left()) {
        lost.add(*rows, row, request_.now_ms);
        count(function_id);
        chosen_bytes += static_cast<std::uint64_t>(rows->number(row, 4));
        any = true;
      }
    }
    if (auto taken = any ? take_lost(lost) : base::Result<void>(); !taken) {
      return taken;
    }
    if (static_cast<std::size_t>(rows->count()) < asked) {
      break;
    }
  }
  return {};
}

base::Result<void> Claiming::take_lost(const Lost& lost) {
  const auto taken = transaction_.run(
      kTakeExpired, {lost.seqs.parameter(), lost.attempts.parameter(),
                     Parameter::number(request_.lease_until_ms), Parameter::number(request_.now_ms)});
  if (!taken) {
    return taken.error();
  }
  add(*taken);
  return {};
}

base::Result<void> Claiming::take_due() {
  if (auto taken = take_due_between(request_.after, ""); !taken || request_.after.empty()) {
    return taken;
  }
  return take_due_between("", request_.after);
}

base::Result<void> Claiming::take_due_between(const model::FunctionId& after,
                                              const model::FunctionId& until) {
  if (room() == 0) {
    return {};
  }
  auto functions = ArrayParameter::of_texts();
  auto claimed = ArrayParameter::of_numbers();
  for (const auto& [function_id, number] : of_function_) {
    functions.add(function_id);
    claimed.add(static_cast<std::int64_t>(number));
  }
  const auto rows = transaction_.run(
      kTakeDue,
      {Parameter::text(after), Parameter::text(until), Parameter::number(request_.now_ms),
       Parameter::number(request_.lease_until_ms), Parameter::number(static_cast<std::int64_t>(room())),
       Parameter::number(static_cast<std::int64_t>(request_.most_of_a_function)), full(),
       functions.parameter(), claimed.parameter(),
       Parameter::number(static_cast<std::int64_t>(std::min<std::uint64_t>(bytes_left(), INT64_MAX))),
       kind()});
  if (!rows) {
    return rows.error();
  }
  add(*rows);
  return {};
}

base::Result<void> Claiming::read_inputs() {
  for (const auto piece : in_pieces<Row>(rows_, [](const Row& row) { return row.input_bytes; })) {
    if (auto read = read_inputs(piece); !read) {
      return read;
    }
  }
  const auto lost = std::ranges::find(claimed_, nullptr, &Claimed::input);
  if (lost != claimed_.end()) {
    return base::Error{base::ErrorCode::kCorrupt, "execution " + lost->lease.id + " has no input"};
  }
  return {};
}

base::Result<void> Claiming::read_inputs(std::span<const Row> rows) {
  auto seqs = ArrayParameter::of_numbers();
  for (const Row& row : rows) {
    seqs.add(row.seq);
  }
  const auto inputs = transaction_.run(kInputs, {seqs.parameter()});
  if (!inputs) {
    return inputs.error();
  }
  for (int row = 0; row < inputs->count(); ++row) {
    const auto number = static_cast<std::size_t>(inputs->number(row, 0)) - 1;
    claimed_[rows[number].index].input = std::make_shared<const std::string>(inputs->bytes(row, 1));
  }
  return {};
}

base::Result<std::size_t> release_some(Pool& pool, std::int64_t now_ms) {
  auto transaction = Transaction::begin(pool, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  const auto held = transaction->run(kRunning, {Parameter::number(std::int64_t{kReleasedAtOnce})});
  if (!held) {
    return held.error();
  }
  Lost lost;
  for (int row = 0; row < held->count(); ++row) {
    lost.add(*held, row, now_ms);
  }
  const auto released = transaction->run(
      kRelease, {lost.seqs.parameter(), lost.attempts.parameter(), Parameter::number(now_ms)});
  if (!released) {
    return released.error();
  }
  if (auto committed = transaction->commit(); !committed) {
    return committed.error();
  }
  return static_cast<std::size_t>(held->count());
}

}  // namespace

base::Result<std::vector<Claimed>> PostgresExecutionStore::claim(const ClaimRequest& request) {
  if (request.most == 0 || request.most_of_a_function == 0) {
    return std::vector<Claimed>();
  }
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  Claiming claiming(*transaction, request);
  auto done = claiming.take_expired();
  if (done) {
    done = claiming.take_due();
  }
  if (done) {
    done = claiming.read_inputs();
  }
  if (done) {
    done = transaction->commit();
  }
  return done ? base::Result<std::vector<Claimed>>(std::move(claiming).claimed()) : done.error();
}

base::Result<std::vector<Lease>> PostgresExecutionStore::extend(std::span<const Lease> leases,
                                                                std::int64_t until_ms) {
  std::set<std::pair<std::string_view, std::int64_t>> sorted;  // as settle() takes them
  for (const Lease& lease : leases) {
    sorted.emplace(lease.id, lease.number);
  }
  auto ids = ArrayParameter::of_texts();
  auto numbers = ArrayParameter::of_numbers();
  for (const auto& [id, number] : sorted) {
    ids.add(id);
    numbers.add(number);
  }
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  const auto rows =
      transaction->run(kExtend, {ids.parameter(), numbers.parameter(), Parameter::number(until_ms)});
  if (!rows) {
    return rows.error();
  }
  if (auto committed = transaction->commit(); !committed) {
    return committed.error();
  }
  std::set<std::pair<std::string, std::int64_t>> extended;
  for (int row = 0; row < rows->count(); ++row) {
    extended.emplace(rows->text(row, 0), rows->number(row, 1));
  }
  std::vector<Lease> stale;
  std::ranges::copy_if(leases, std::back_inserter(stale), [&](const Lease& lease) {
    return !extended.contains({lease.id, std::int64_t{lease.number}});
  });
  return stale;
}

base::Result<std::optional<std::int64_t>> PostgresExecutionStore::next_due(model::ExecutionKind kind) {
  auto transaction = Transaction::begin(pool_, kBeginOnIndexes);
  if (!transaction) {
    return transaction.error();
  }
  const auto rows = transaction->run(kNextDue, {Parameter::number(static_cast<std::int64_t>(kind))});
  if (!rows) {
    return rows.error();
  }
  return rows->count() == 0 ? std::nullopt : std::optional(rows->number(0, 0));
}

base::Result<std::size_t> PostgresExecutionStore::release_all(std::int64_t now_ms) {
  for (std::size_t all = 0;;) {
    const auto released = release_some(pool_, now_ms);
    if (!released) {
      return released.error();
    }
    all += *released;
    if (*released < kReleasedAtOnce) {
      return all;
    }
  }
}

}  // namespace hearth::store::postgres
