// Leases: who takes them, extends them, loses them.
#include <algorithm>

#include "store/execution_text.h"
#include "store/sqlite/sqlite_execution_store.h"

namespace hearth::store::sqlite {
namespace {

constexpr std::size_t kReleasedAtOnce = 1'000;

}  // namespace

std::size_t SqliteExecutionStore::Claiming::room_of(const model::FunctionId& function_id) const {
  if (std::ranges::find(request.skipped, function_id) != request.skipped.end()) {
    return 0;
  }
  const auto known = of_function.find(function_id);
  const std::size_t claimed = known == of_function.end() ? 0 : known->second;
  return std::min(room(), request.most_of_a_function - std::min(request.most_of_a_function, claimed));
}

base::Result<std::vector<Claimed>> SqliteExecutionStore::claim(const ClaimRequest& request) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  Connection& connection = transaction.connection();
  Claiming claiming{request, {}, {}, 0};
  if (auto chosen = choose_expired(connection, claiming); !chosen) {
    return chosen.error();
  }
  if (auto chosen = choose_pending(connection, claiming); !chosen) {
    return chosen.error();
  }
  std::vector<Claimed> claimed;
  claimed.reserve(claiming.candidates.size());
  for (Candidate& candidate : claiming.candidates) {
    if (auto taken = take(connection, candidate, request); !taken) {
      return taken.error();
    }
    ++candidate.claimed.lease.number;
    claimed.push_back(std::move(candidate.claimed));
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  return claimed;
}

void SqliteExecutionStore::Claiming::add(Candidate candidate) {
  ++of_function[candidate.claimed.function_id];
  input_bytes += candidate.claimed.input->size();
  candidates.push_back(std::move(candidate));
}

// With its input, wherever that stands. One that has none cannot be executed.
base::Result<void> SqliteExecutionStore::add(Connection& connection, Candidate candidate,
                                             Claiming& claiming) {
  if (!candidate.claimed.input) {
    Query query(connection, statements_.find_input);
    auto row = query.bind(candidate.seq).next("read the execution's input");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return {};
    }
    candidate.claimed.input = std::make_shared<const std::string>(query.text(0));
  }
  claiming.add(std::move(candidate));
  return {};
}

// In the order of the columns of a candidate.
SqliteExecutionStore::Candidate SqliteExecutionStore::read_candidate(const Query& row) {
  Candidate candidate;
  candidate.seq = row.number(0);
  candidate.claimed.lease = {row.text(1), static_cast<std::uint32_t>(row.number(4))};
  candidate.claimed.function_id = row.text(2);
  candidate.claimed.version = static_cast<std::uint32_t>(row.number(3));
  candidate.claimed.accepted_ms = row.number(5);
  candidate.claimed.failures = static_cast<std::uint32_t>(row.number(6));
  candidate.attempts = row.text(8);
  if (!row.is_null(9)) {
    candidate.claimed.input = std::make_shared<const std::string>(row.text(9));
  }
  candidate.claimed.submitted_ms = row.number(10);
  candidate.claimed.kind = static_cast<model::ExecutionKind>(row.number(11));
  candidate.claimed.parent_id = row.text(12);
  candidate.claimed.parent_state = static_cast<model::ExecutionState>(row.number(13));
  candidate.claimed.depth = static_cast<std::uint32_t>(row.number(14));
  return candidate;
}

// Passes over those of functions that have enough: no more than are running.
base::Result<void> SqliteExecutionStore::choose_expired(Connection& connection, Claiming& claiming) {
  const std::int64_t now_ms = claiming.request.now_ms;
  Query query(connection, statements_.expired);
  query.bind(static_cast<std::int64_t>(claiming.request.kind)).bind(now_ms);
  while (claiming.room() > 0) {
    auto row = query.next("look for leases that have run out");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      break;
    }
    if (claiming.room_of(query.text(2)) == 0) {
      continue;
    }
    Candidate candidate = read_candidate(query);
    auto attempts = with_attempt(candidate.attempts, lost_attempt(query.number(4), query.number(7), now_ms));
    if (!attempts) {
      return attempts.error();
    }
    candidate.attempts = std::move(*attempts);
    if (auto added = add(connection, std::move(candidate), claiming); !added) {
      return added;
    }
  }
  return {};
}

// One seek for each function that has pending ones, until there are enough.
base::Result<void> SqliteExecutionStore::choose_pending(Connection& connection, Claiming& claiming) {
  const ClaimRequest& request = claiming.request;
  bool wrapped = request.after.empty();
  model::FunctionId after = request.after;
  while (claiming.room() > 0) {
    auto next = next_function(connection, request.kind, after);
    if (!next) {
      return next.error();
    }
    const bool passed = wrapped && *next && !request.after.empty() && (*next)->function_id > request.after;
    if (passed || (!*next && wrapped)) {
      break;
    }
    if (!*next) {
      wrapped = true;
      after.clear();
      continue;
    }
    if ((*next)->due_ms <= request.now_ms) {
      if (auto chosen = choose_of_function(connection, (*next)->function_id, claiming); !chosen) {
        return chosen;
      }
    }
    after = std::move((*next)->function_id);
  }
  return {};
}

base::Result<void> SqliteExecutionStore::choose_of_function(Connection& connection,
                                                            const model::FunctionId& function_id,
                                                            Claiming& claiming) {
  const std::size_t room = claiming.room_of(function_id);
  if (room == 0) {
    return {};
  }
  Query query(connection, statements_.due_of_function);
  query.bind(static_cast<std::int64_t>(claiming.request.kind))
      .bind(function_id)
      .bind(claiming.request.now_ms)
      .bind(static_cast<std::int64_t>(room));
  for (;;) {
    auto row = query.next("look for executions that are due");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return {};
    }
    if (auto added = add(connection, read_candidate(query), claiming); !added) {
      return added;
    }
    if (claiming.room() == 0) {
      return {};
    }
  }
}

base::Result<std::optional<SqliteExecutionStore::FirstDue>> SqliteExecutionStore::next_function(
    Connection& connection, model::ExecutionKind kind, std::string_view after) {
  Query query(connection, statements_.next_function);
  auto row = query.bind(static_cast<std::int64_t>(kind)).bind(after).next("look for pending executions");
  if (!row) {
    return row.error();
  }
  return *row ? std::optional(FirstDue{query.text(0), query.number(1)}) : std::nullopt;
}

base::Result<void> SqliteExecutionStore::take(Connection& connection, const Candidate& candidate,
                                              const ClaimRequest& request) {
  Query query(connection, statements_.take);
  query.bind(candidate.seq).bind(request.lease_until_ms).bind(request.now_ms).bind(candidate.attempts);
  return query.finish("take a lease");
}

base::Result<std::vector<Lease>> SqliteExecutionStore::extend(std::span<const Lease> leases,
                                                              std::int64_t until_ms) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  std::vector<Lease> stale;
  for (const Lease& lease : leases) {
    Query query(transaction.connection(), statements_.extend);
    query.bind(lease.id).bind(std::int64_t{lease.number}).bind(until_ms);
    if (auto done = query.finish("extend a lease"); !done) {
      return done.error();
    }
    if (transaction.connection().changed_rows() == 0) {
      stale.push_back(lease);
    }
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  return stale;
}

base::Result<std::optional<std::int64_t>> SqliteExecutionStore::next_due(model::ExecutionKind kind) {
  Session session(database_);
  if (auto usable = database_.usable(); !usable) {
    return usable.error();
  }
  std::optional<std::int64_t> earliest;
  {
    Query query(session.connection(), statements_.next_lease_end);
    query.bind(static_cast<std::int64_t>(kind));
    auto row = query.next("look for the next end of a lease");
    if (!row) {
      return row.error();
    }
    if (*row) {
      earliest = query.number(0);
    }
  }
  model::FunctionId after;
  for (;;) {
    auto next = next_function(session.connection(), kind, after);
    if (!next) {
      return next.error();
    }
    if (!*next) {
      return earliest;
    }
    earliest = std::min(earliest.value_or((*next)->due_ms), (*next)->due_ms);
    after = std::move((*next)->function_id);
  }
}

base::Result<std::size_t> SqliteExecutionStore::release_all(std::int64_t now_ms) {
  for (std::size_t all = 0;;) {
    auto released = release_some(now_ms);
    if (!released) {
      return released;
    }
    all += *released;
    if (*released < kReleasedAtOnce) {
      return all;
    }
  }
}

base::Result<void> SqliteExecutionStore::bring_forward(std::int64_t latest_ms, std::int64_t now_ms) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun;
  }
  {
    Query query(transaction.connection(), statements_.bring_forward);
    query.bind(latest_ms).bind(now_ms);
    if (auto done = query.finish("bring executions forward"); !done) {
      return done;
    }
  }
  return transaction.commit();
}

base::Result<std::size_t> SqliteExecutionStore::release_some(std::int64_t now_ms) {
  Transaction transaction(database_);
  if (auto begun = transaction.begin(); !begun) {
    return begun.error();
  }
  auto held = running(transaction.connection(), kReleasedAtOnce);
  if (!held) {
    return held.error();
  }
  for (const Running& row : *held) {
    auto attempts = with_attempt(row.attempts, lost_attempt(row.lease, row.started_ms, now_ms));
    if (!attempts) {
      return attempts.error();
    }
    Query query(transaction.connection(), statements_.release);
    query.bind(row.seq).bind(now_ms).bind(*attempts);
    if (auto done = query.finish("release a lease"); !done) {
      return done.error();
    }
  }
  if (auto committed = transaction.commit(); !committed) {
    return committed.error();
  }
  return held->size();
}

base::Result<std::vector<SqliteExecutionStore::Running>> SqliteExecutionStore::running(Connection& connection,
                                                                                       std::size_t most) {
  std::vector<Running> found;
  Query query(connection, statements_.running);
  query.bind(static_cast<std::int64_t>(most));
  for (;;) {
    auto row = query.next("look for leases");
    if (!row) {
      return row.error();
    }
    if (!*row) {
      return found;
    }
    found.push_back({query.number(0), query.number(1), query.number(2), query.text(3)});
  }
}

}  // namespace hearth::store::sqlite
