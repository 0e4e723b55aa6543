// What each answer of the store changes. What is checked by it beyond that is in lease_book_checks.cc.
#include "tests/simulation/lease_book.h"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::simulation {

using base::ErrorCode;
using model::ExecutionState;

Account* LeaseBook::mine(std::string_view id) {
  const auto found = accounts_.find(id);
  return found == accounts_.end() ? nullptr : &found->second;
}

const Account* LeaseBook::find(std::string_view id) const {
  const auto found = accounts_.find(id);
  return found == accounts_.end() ? nullptr : &found->second;
}

std::size_t LeaseBook::open() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      accounts_, [](const auto& each) { return !model::has_ended(each.second.state); }));
}

std::vector<model::ExecutionId> LeaseBook::made_of(const std::string& input) const {
  const auto found = by_input_.find(input);
  return found == by_input_.end() ? std::vector<model::ExecutionId>() : found->second;
}

void LeaseBook::tell(Account& account, std::string what) const {
  account.story.push_back(fmt::format("{} ms: {}", parts_.trace.now_ms(), std::move(what)));
}

void LeaseBook::wrong(std::string_view id, const std::string& what) {
  std::string text = fmt::format("{}: {}", id, what);
  if (const Account* account = find(id)) {
    text += fmt::format(" (input {})", account->input);
    for (const std::string& each : account->story) {
      text += "\n              " + each;
    }
  }
  parts_.trace.violation(text);
}

// ---- submissions and settlements

void LeaseBook::wrote(ProcessId process, const Writes& writes, const Written& written) {
  for (std::size_t i = 0; i < writes.submissions.size(); ++i) {
    submitted(process, writes.submissions[i], written.submitted[i]);
  }
  for (std::size_t i = 0; i < writes.settlements.size(); ++i) {
    settled(process, writes.settlements[i], written.settled[i]);
  }
}

void LeaseBook::submitted(ProcessId process, const store::NewExecution& execution,
                          const base::Result<store::Submitted>& result) {
  if (!result) {
    return;  // told so; the clients look at what they are told
  }
  if (!result->fresh) {
    repeated(execution, result->id);
    return;
  }
  ++counts_.accepted;
  if (accounts_.contains(execution.id) || removed_.contains(execution.id)) {
    wrong(execution.id, "is accepted as new, and was there");
  }
  Account& account = accounts_[execution.id];
  account.function_id = execution.function_id;
  account.version = execution.version;
  account.input = *execution.input;
  account.key = execution.idempotency_key;
  account.submitted_ms = execution.submitted_ms;
  account.accepted_ms = execution.submitted_ms;
  account.due_ms = execution.submitted_ms;
  by_input_[account.input].push_back(execution.id);
  tell(account, fmt::format("accepted by {}", process));
  if (execution.lease_until_ms != 0) {
    grant(process, account, 1, execution.lease_until_ms);
  }
}

void LeaseBook::repeated(const store::NewExecution& execution, const model::ExecutionId& id) {
  ++counts_.repeated;
  const Account* known = find(id);
  if (known == nullptr || execution.idempotency_key.empty() || known->key != execution.idempotency_key ||
      known->function_id != execution.function_id || known->version != execution.version ||
      known->input != *execution.input) {
    wrong(id, "is said to be the same as another submission, and is not");
  }
}

void LeaseBook::settled(ProcessId process, const store::Settlement& settlement, bool accepted) {
  Account* account = mine(settlement.lease.id);
  const bool current = account != nullptr && account->state == ExecutionState::kRunning &&
                       account->lease == settlement.lease.number;
  if (accepted != current) {
    wrong(settlement.lease.id,
          fmt::format("lease {} of process {} {}", settlement.lease.number, process,
                      accepted ? "settles it, and is not the current one" : "is current, and is refused"));
  }
  counts_.settled_too_late += accepted ? 0 : 1;
  if (!accepted || account == nullptr) {
    return;
  }
  check_result(process, settlement, *account);
  tell(*account,
       fmt::format("settled by {} under lease {}: {} {}", process, settlement.lease.number,
                   to_string(settlement.state), settlement.attempt ? settlement.attempt->code : ""));
  account->failures += settlement.attempt && settlement.attempt->counts ? 1 : 0;
  account->attempts += settlement.attempt ? 1 : 0;
  account->output = settlement.result.output;
  account->error_code = settlement.result.error_code;
  if (model::has_ended(settlement.state)) {
    end(*account, settlement.state, settlement.ended_ms);
    return;
  }
  ++counts_.retries;
  account->state = ExecutionState::kPending;
  account->due_ms = settlement.due_ms;
}

void LeaseBook::end(Account& account, ExecutionState state, std::int64_t now_ms) {
  account.state = state;
  account.ended_ms = now_ms;
  counts_.done += state == ExecutionState::kDone ? 1 : 0;
  counts_.dead += state == ExecutionState::kDead ? 1 : 0;
  counts_.cancelled += state == ExecutionState::kCancelled ? 1 : 0;
}

// ---- leases

void LeaseBook::grant(ProcessId process, Account& account, std::uint32_t lease, std::int64_t until_ms) {
  account.state = ExecutionState::kRunning;
  account.lease = lease;
  account.lease_until_ms = until_ms;
  account.holder = process;
  account.granted = parts_.loop.now();
  account.grants[lease] = process;
  tell(account, fmt::format("lease {} is that of process {}", lease, process));
}

void LeaseBook::claimed(ProcessId process, const store::ClaimRequest& request,
                        const std::vector<store::Claimed>& claimed) {
  for (const store::Claimed& each : claimed) {
    ++counts_.claims;
    Account* account = mine(each.lease.id);
    if (account == nullptr) {
      wrong(each.lease.id, "is claimed, and not there");
      continue;
    }
    check_claim(process, request, each, *account);
    if (account->state == ExecutionState::kRunning) {
      ++counts_.leases_lost;
      ++account->attempts;
    }
    grant(process, *account, each.lease.number, request.lease_until_ms);
  }
}

void LeaseBook::extended(ProcessId process, std::span<const store::Lease> leases, std::int64_t until_ms,
                         const std::vector<store::Lease>& lost) {
  for (const store::Lease& lease : leases) {
    const bool is_lost = std::ranges::any_of(
        lost, [&](const store::Lease& each) { return each.id == lease.id && each.number == lease.number; });
    Account* account = mine(lease.id);
    const bool current =
        account != nullptr && account->state == ExecutionState::kRunning && account->lease == lease.number;
    if (is_lost == current || (current && account->holder != process)) {
      wrong(lease.id, fmt::format("lease {} of process {} is {}extended", lease.number, process,
                                  is_lost ? "current, and not " : "not its own, and "));
    }
    if (current) {
      account->lease_until_ms = until_ms;
    }
  }
}

void LeaseBook::released_all(std::int64_t now_ms, std::size_t count) {
  std::size_t running = 0;
  for (auto& [id, account] : accounts_) {
    if (account.state == ExecutionState::kRunning) {
      ++running;
      ++account.attempts;
      account.state = ExecutionState::kPending;
      account.due_ms = now_ms;
      tell(account, "its lease is released");
    }
  }
  counts_.leases_lost += running;
  if (running != count) {
    parts_.trace.violation(fmt::format("{} leases are released, of {}", count, running));
  }
}

void LeaseBook::brought_forward(std::int64_t latest_ms, std::int64_t now_ms) {
  for (auto& [id, account] : accounts_) {
    if (account.state == ExecutionState::kPending && account.due_ms > latest_ms) {
      account.due_ms = now_ms;
      tell(account, "it is due now, as the time of day has gone back");
    }
  }
}

// ---- what clients ask for

void LeaseBook::cancelled(std::string_view id, std::int64_t now_ms,
                          const base::Result<model::AsyncExecution>& result) {
  Account* account = mine(id);
  if (!result) {
    const bool true_answer = result.error().code == ErrorCode::kNotFound
                                 ? account == nullptr
                                 : account != nullptr && model::has_ended(account->state);
    if (!true_answer) {
      wrong(id, "is not cancelled: " + result.error().message);
    }
    return;
  }
  if (account == nullptr || model::has_ended(account->state)) {
    wrong(id, "is cancelled, and had ended");
    return;
  }
  tell(*account, "cancelled");
  end(*account, ExecutionState::kCancelled, now_ms);
  compare(*result, *account);
}

void LeaseBook::redriven(std::string_view id, std::int64_t now_ms,
                         const base::Result<model::AsyncExecution>& result) {
  Account* account = mine(id);
  const bool may = account != nullptr &&
                   (account->state == ExecutionState::kDead || account->state == ExecutionState::kCancelled);
  if (result.ok() != may) {
    wrong(id, result ? "is redriven, and may not be" : "is not redriven: " + result.error().message);
    return;
  }
  if (may) {
    reopen(*account, now_ms);
    compare(*result, *account);
  }
}

void LeaseBook::reopen(Account& account, std::int64_t now_ms) {
  ++counts_.redriven;
  ++account.redrives;
  account.state = ExecutionState::kPending;
  account.due_ms = now_ms;
  account.accepted_ms = now_ms;
  account.failures = 0;
  account.output.clear();
  account.error_code.clear();
  tell(account, "redriven");
}

// No run has more dead ones than are redriven at once.
void LeaseBook::redrove_dead(const model::FunctionId& function, std::int64_t now_ms,
                             const std::vector<store::Backlog>& result) {
  std::map<model::FunctionId, std::uint64_t> dead;
  for (auto& [id, account] : accounts_) {
    if (account.state == ExecutionState::kDead && (function.empty() || account.function_id == function)) {
      ++dead[account.function_id];
      reopen(account, now_ms);
    }
  }
  std::map<model::FunctionId, std::uint64_t> told;
  for (const store::Backlog& each : result) {
    told[each.function_id] += each.executions;
  }
  if (told != dead) {
    parts_.trace.violation("not all dead executions are redriven, or others are");
  }
}

void LeaseBook::removed(std::int64_t before_ms, std::size_t most_kept, std::size_t count,
                        const std::vector<model::AsyncExecution>& left) {
  std::set<std::string_view> ids;
  for (const model::AsyncExecution& each : left) {
    ids.insert(each.id);
  }
  const auto ended = static_cast<std::size_t>(
      std::ranges::count_if(accounts_, [](const auto& each) { return model::has_ended(each.second.state); }));
  std::size_t gone = 0;
  for (auto next = accounts_.begin(); next != accounts_.end();) {
    const auto& [id, account] = *next;
    if (ids.contains(id)) {
      ++next;
      continue;
    }
    ++gone;
    if (!model::has_ended(account.state) || (account.ended_ms >= before_ms && ended <= most_kept)) {
      wrong(id, "is removed, and is wanted still");
    }
    removed_.insert(id);
    next = accounts_.erase(next);
  }
  counts_.removed += gone;
  if (gone != count) {
    parts_.trace.violation(fmt::format("{} executions are removed, and {} are said to be", gone, count));
  }
}

}  // namespace hearth::simulation
