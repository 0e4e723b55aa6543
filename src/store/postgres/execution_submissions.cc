#include "store/postgres/execution_submissions.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "store/execution_rules.h"
#include "store/postgres/array_parameter.h"
#include "store/postgres/pieces.h"

namespace hearth::store::postgres {
namespace {

// Rows go in by their keys, also where there are several pieces: two batches with the same keys wait for each
// other in one order. Within a piece the numbers are in the order of the batch. What is passed over has the
// id or the key of another.
constexpr Statement kAccept{
    "execution_accept",
    "WITH given AS MATERIALIZED (SELECT nextval('executions_seq_seq') AS seq, g.* FROM "
    "unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::text[], $6::bytea[], $7::bigint[], "
    "$8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::bigint[]) WITH "
    "ORDINALITY AS g(id, "
    "function_id, version, key, digest, input, submitted_ms, lease_until_ms, kind, parent_id, parent_state, "
    "depth, schedule, slot_ms, number)), "
    "accepted AS (INSERT INTO executions (seq, id, function_id, version, state, idempotency_key, "
    "input_digest, input_bytes, submitted_ms, accepted_ms, due_ms, lease, lease_until_ms, started_ms, "
    "kind, parent_id, parent_state, depth, schedule, slot_ms) "
    "OVERRIDING SYSTEM VALUE SELECT seq, id, function_id, version, (lease_until_ms <> 0)::int, "
    "NULLIF(key, ''), NULLIF(digest, ''), length(input), submitted_ms, submitted_ms, "
    "CASE WHEN lease_until_ms = 0 THEN submitted_ms ELSE 0 END, (lease_until_ms <> 0)::int, lease_until_ms, "
    "CASE WHEN lease_until_ms = 0 THEN 0 ELSE submitted_ms END, kind, parent_id, parent_state, depth, "
    "schedule, slot_ms "
    "FROM given ORDER BY function_id, key, number ON CONFLICT DO NOTHING RETURNING seq), "
    "inputs AS (INSERT INTO execution_inputs (seq, input) SELECT seq, input FROM given "
    "WHERE seq = ANY (ARRAY(SELECT seq FROM accepted))) "
    "SELECT number FROM given WHERE seq = ANY (ARRAY(SELECT seq FROM accepted))"};
constexpr Statement kFindTaken{
    "execution_find_taken",
    "SELECT g.number, k.id, k.version, k.input_digest, (SELECT COUNT(*) FROM executions i WHERE i.id = g.id) "
    "FROM unnest($1::text[], $2::text[], $3::bytea[]) WITH ORDINALITY AS g(id, function_id, key, number) "
    "LEFT JOIN LATERAL (SELECT e.id, e.version, e.input_digest FROM executions e WHERE e.function_id = "
    "g.function_id AND e.idempotency_key = g.key LIMIT 1) k ON true"};

// How often a key may be removed just when somebody looks who has it.
constexpr int kTries = 5;

struct Submission {
  const NewExecution* execution = nullptr;
  std::string digest;  // only where there is a key to compare it for
  std::optional<base::Result<Submitted>> outcome;
};
using Some = std::vector<Submission*>;

std::vector<Submission> to_submissions(const std::vector<NewExecution>& executions) {
  std::vector<Submission> submissions;
  submissions.reserve(executions.size());
  for (const NewExecution& execution : executions) {
    submissions.push_back({&execution, digest_to_compare(execution), {}});
  }
  return submissions;
}

Some without_outcome(std::vector<Submission>& submissions) {
  Some some;
  for (Submission& submission : submissions) {
    if (!submission.outcome) {
      some.push_back(&submission);
    }
  }
  return some;
}

Submission& numbered(std::span<Submission* const> some, const Rows& rows, int row) {
  return *some[static_cast<std::size_t>(rows.number(row, 0)) - 1];
}

base::Result<void> accept(Transaction& transaction, std::span<Submission* const> some) {
  auto ids = ArrayParameter::of_texts();
  auto functions = ArrayParameter::of_texts();
  auto versions = ArrayParameter::of_numbers();
  auto keys = ArrayParameter::of_bytes();
  auto digests = ArrayParameter::of_texts();
  auto inputs = ArrayParameter::of_bytes();
  auto submitted = ArrayParameter::of_numbers();
  auto lease_ends = ArrayParameter::of_numbers();
  auto kinds = ArrayParameter::of_numbers();
  auto parents = ArrayParameter::of_texts();
  auto parent_states = ArrayParameter::of_numbers();
  auto depths = ArrayParameter::of_numbers();
  auto schedules = ArrayParameter::of_texts();
  auto slots = ArrayParameter::of_numbers();
  for (const Submission* submission : some) {
    const NewExecution& execution = *submission->execution;
    ids.add(execution.id);
    functions.add(execution.function_id);
    versions.add(std::int64_t{execution.version});
    keys.add(execution.idempotency_key);
    digests.add(submission->digest);
    inputs.add(*execution.input);
    submitted.add(execution.submitted_ms);
    lease_ends.add(execution.lease_until_ms);
    kinds.add(static_cast<std::int64_t>(execution.kind));
    parents.add(execution.parent_id);
    parent_states.add(static_cast<std::int64_t>(execution.parent_state));
    depths.add(std::int64_t{execution.depth});
    schedules.add(execution.schedule);
    slots.add(execution.slot_ms);
  }
  const auto rows = transaction.run(
      kAccept, {ids.parameter(), functions.parameter(), versions.parameter(), keys.parameter(),
                digests.parameter(), inputs.parameter(), submitted.parameter(), lease_ends.parameter(),
                kinds.parameter(), parents.parameter(), parent_states.parameter(), depths.parameter(),
                schedules.parameter(), slots.parameter()});
  if (!rows) {
    return rows.error();
  }
  for (int row = 0; row < rows->count(); ++row) {
    Submission& accepted = numbered(some, *rows, row);
    accepted.outcome = Submitted{accepted.execution->id, true};
  }
  return {};
}

// No outcome: whoever was in the way is gone.
void compare(Submission& submission, const Rows& rows, int row) {
  const NewExecution& execution = *submission.execution;
  const std::string holder = rows.text(row, 1);
  if (!holder.empty()) {
    const bool same =
        rows.number(row, 2) == std::int64_t{execution.version} && rows.text(row, 3) == submission.digest;
    submission.outcome = same ? base::Result<Submitted>(Submitted{holder, false}) : key_is_taken(execution);
  } else if (rows.number(row, 4) != 0) {
    submission.outcome = id_is_taken(execution);
  }
}

// A statement of its own: it sees what those have committed whom accept() has waited for.
base::Result<void> find_taken(Transaction& transaction, std::span<Submission* const> some) {
  auto ids = ArrayParameter::of_texts();
  auto functions = ArrayParameter::of_texts();
  auto keys = ArrayParameter::of_bytes();
  for (const Submission* submission : some) {
    ids.add(submission->execution->id);
    functions.add(submission->execution->function_id);
    keys.add(submission->execution->idempotency_key);
  }
  const auto rows = transaction.run(kFindTaken, {ids.parameter(), functions.parameter(), keys.parameter()});
  if (!rows) {
    return rows.error();
  }
  for (int row = 0; row < rows->count(); ++row) {
    compare(numbered(some, *rows, row), *rows, row);
  }
  return {};
}

// Those without one first.
std::pair<std::string_view, std::string_view> key_of(const Submission* submission) {
  const NewExecution& execution = *submission->execution;
  return execution.idempotency_key.empty() ? std::pair<std::string_view, std::string_view>()
                                           : std::pair<std::string_view, std::string_view>(
                                                 execution.function_id, execution.idempotency_key);
}

base::Result<void> try_once(Transaction& transaction, std::vector<Submission>& submissions) {
  const auto bytes_of = [](const Submission* submission) { return submission->execution->input->size(); };
  Some given = without_outcome(submissions);
  if (in_pieces<Submission*>(given, bytes_of).size() > 1) {
    std::ranges::stable_sort(given, {}, key_of);
  }
  for (const auto piece : in_pieces<Submission*>(given, bytes_of)) {
    if (auto accepted = accept(transaction, piece); !accepted) {
      return accepted;
    }
  }
  const Some taken = without_outcome(submissions);
  for (const auto piece : in_pieces<Submission*>(taken, [](const Submission*) { return std::size_t{0}; })) {
    if (auto found = find_taken(transaction, piece); !found) {
      return found;
    }
  }
  return {};
}

}  // namespace

base::Result<std::vector<base::Result<Submitted>>> submit(Transaction& transaction,
                                                          const std::vector<NewExecution>& executions) {
  auto submissions = to_submissions(executions);
  for (int tries = 0; tries < kTries && !without_outcome(submissions).empty(); ++tries) {
    if (auto tried = try_once(transaction, submissions); !tried) {
      return tried.error();
    }
  }
  std::vector<base::Result<Submitted>> outcomes;
  outcomes.reserve(submissions.size());
  for (Submission& submission : submissions) {
    if (!submission.outcome) {
      return base::Error{base::ErrorCode::kBusy, "an idempotency key is removed and used again by others"};
    }
    outcomes.push_back(std::move(*submission.outcome));
  }
  return outcomes;
}

base::Result<void> accept_all(Transaction& transaction, const std::vector<NewExecution>& executions) {
  if (executions.empty()) {
    return {};
  }
  const auto submitted = submit(transaction, executions);
  if (!submitted) {
    return submitted.error();
  }
  for (const auto& each : *submitted) {
    if (!each) {
      return each.error();
    }
  }
  return {};
}

}  // namespace hearth::store::postgres
