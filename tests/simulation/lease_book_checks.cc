// Whether what a server settles, claims and executes is what it may.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "model/api_error.h"
#include "tests/simulation/lease_book.h"

namespace hearth::simulation {

using model::ApiErrorCode;
using model::ExecutionState;
using model::OutcomeKind;

namespace {

constexpr std::size_t kStoriesTold = 3;

bool is_platforms(OutcomeKind kind) {
  return kind == OutcomeKind::kStartFailed || kind == OutcomeKind::kWorkerLost;
}

// Of calls that nobody has executed.
bool is_refusal(std::string_view code) {
  return code == to_string(ApiErrorCode::kNoCapacity) || code == to_string(ApiErrorCode::kQueueFull) ||
         code == to_string(ApiErrorCode::kStoreUnavailable);
}

}  // namespace

// ---- settlements

void LeaseBook::check_result(ProcessId process, const store::Settlement& settlement, const Account& account) {
  if (const auto granted = account.grants.find(settlement.lease.number);
      granted == account.grants.end() || granted->second != process) {
    wrong(settlement.lease.id, fmt::format("is settled by process {}, which does not hold it", process));
  }
  if (settlement.state == ExecutionState::kDone) {
    check_returned(process, settlement, account);
  } else if (settlement.attempt) {
    check_failure(process, settlement, account);
  }
  if (settlement.state == ExecutionState::kPending) {
    check_retry(settlement, account);
  } else if (settlement.state == ExecutionState::kDead) {
    check_death(settlement, account);
  }
}

// An answer that this process got for this execution, of a run under this lease, to its own input.
void LeaseBook::check_returned(ProcessId process, const store::Settlement& settlement,
                               const Account& account) {
  const auto& got = parts_.runs.deliveries(process, settlement.lease.id);
  const auto found = std::ranges::find_if(got, [&](const Delivery& each) {
    return each.kind == OutcomeKind::kReturned && each.output == settlement.result.output;
  });
  if (found == got.end() || found->run == 0) {
    wrong(settlement.lease.id, "is done with an answer that nobody gave: " + settlement.result.output);
    return;
  }
  const Run& run = parts_.runs.run(found->run);
  if (run.began < account.granted) {
    wrong(settlement.lease.id, "is done with an answer from before its lease");
  }
  if (run.input != account.input) {
    wrong(settlement.lease.id, "is done with the answer to another input: " + run.input);
  }
  if (run.version != settlement.executed_version ||
      (account.version != 0 && account.version != run.version)) {
    wrong(settlement.lease.id, fmt::format("was executed on version {}, and is settled as of {}", run.version,
                                           settlement.executed_version));
  }
}

void LeaseBook::check_failure(ProcessId process, const store::Settlement& settlement,
                              const Account& account) {
  const model::FailedAttempt& attempt = *settlement.attempt;
  if (attempt.number != settlement.lease.number) {
    wrong(settlement.lease.id,
          fmt::format("attempt {} under lease {}", attempt.number, settlement.lease.number));
  }
  const auto& got = parts_.runs.deliveries(process, settlement.lease.id);
  const bool failed = std::ranges::any_of(got, [&](const Delivery& each) {
    return each.kind != OutcomeKind::kReturned && each.when >= account.granted &&
           to_string(model::api_error(each.kind)) == attempt.code &&
           (!attempt.counts || !is_platforms(each.kind));
  });
  const bool refused = is_refusal(attempt.code) && !attempt.counts && settlement.executed_version == 0;
  if (!failed && !refused) {
    wrong(settlement.lease.id, "failed for a reason that there was not: " + attempt.code);
  }
}

// Not before the delay of what has failed, halved by the jitter at most.
void LeaseBook::check_retry(const store::Settlement& settlement, const Account& account) {
  const monitor::RetryOptions& retry = parts_.settings.runner.retry;
  if (!settlement.attempt) {
    return;  // given back
  }
  double least_ms = static_cast<double>(retry.delay.count()) / 2;
  if (settlement.attempt->counts) {
    if (account.failures + 1 > retry.retries) {
      wrong(settlement.lease.id, fmt::format("is tried again after {} failures", account.failures + 1));
    }
    least_ms *= std::pow(2, account.failures);
  }
  if (static_cast<double>(settlement.due_ms - settlement.ended_ms) < std::floor(least_ms)) {
    wrong(settlement.lease.id,
          fmt::format("is due after {} ms, before {} ms", settlement.due_ms - settlement.ended_ms, least_ms));
  }
}

void LeaseBook::check_death(const store::Settlement& settlement, const Account& account) {
  const monitor::RetryOptions& retry = parts_.settings.runner.retry;
  if (!settlement.attempt) {
    if (settlement.result.error_code != to_string(ApiErrorCode::kNotFound) ||
        !parts_.was_deleted(account.function_id, account.version)) {
      wrong(settlement.lease.id, "is dead without a reason: " + settlement.result.error_code);
    }
    return;
  }
  const bool retries_used = settlement.attempt->counts && account.failures + 1 > retry.retries;
  const double most_ms = settlement.attempt->counts
                             ? 1.5 * static_cast<double>(retry.delay.count()) * std::pow(2, account.failures)
                             : 1.5 * static_cast<double>(monitor::kLongestPlatformDelay.count());
  const bool too_old = static_cast<double>(settlement.ended_ms - account.accepted_ms) + most_ms >
                       static_cast<double>(retry.max_age.count());
  if (!retries_used && !too_old) {
    wrong(settlement.lease.id, "is dead before its retries or its age are used up");
  }
  if (settlement.result.error_code != settlement.attempt->code) {
    wrong(settlement.lease.id,
          "is dead for another reason than its attempt: " + settlement.result.error_code);
  }
}

// ---- claims and runs

void LeaseBook::check_claim(ProcessId process, const store::ClaimRequest& request,
                            const store::Claimed& claimed, const Account& account) {
  const model::ExecutionId& id = claimed.lease.id;
  const bool runs = account.state == ExecutionState::kRunning;
  if (model::has_ended(account.state)) {
    wrong(id, fmt::format("is claimed by {}, and has ended", process));
  }
  if (!runs && account.due_ms > request.now_ms) {
    wrong(id,
          fmt::format("is claimed by {}, {} ms before it is due", process, account.due_ms - request.now_ms));
  }
  if (runs && account.lease_until_ms > request.now_ms) {
    wrong(id, fmt::format("is claimed by {}, and lease {} goes on for {} ms", process, account.lease,
                          account.lease_until_ms - request.now_ms));
  }
  if (runs) {
    check_lost(id, account);
  }
  if (claimed.lease.number != account.lease + 1 || account.grants.contains(claimed.lease.number)) {
    wrong(id, fmt::format("lease {} follows lease {}", claimed.lease.number, account.lease));
  }
  if (*claimed.input != account.input || claimed.function_id != account.function_id ||
      claimed.version != account.version) {
    wrong(id, "is claimed with another's input, function or version");
  }
  if (claimed.failures != account.failures || claimed.accepted_ms != account.accepted_ms) {
    wrong(id, fmt::format("is claimed with {} failures, and has {}", claimed.failures, account.failures));
  }
}

// A holder that is well extends its lease three times in it.
void LeaseBook::check_lost(const model::ExecutionId& id, const Account& account) {
  if (parts_.was_well(account.holder, 2 * parts_.settings.runner.lease)) {
    wrong(id,
          fmt::format("the lease of process {} has run out, and nothing was wrong with it", account.holder));
  }
}

void LeaseBook::began(std::uint64_t number) {
  const Run& run = parts_.runs.run(number);
  const SentCall& call = parts_.runs.call(run.call);
  Account* account = mine(call.execution);
  if (account == nullptr) {
    if (!removed_.contains(call.execution)) {
      wrong(call.execution, "is executed, and was not asked for: " + run.input);
    }
    return;
  }
  tell(*account, fmt::format("run {} begins for process {}", number, call.process));
  if (run.input != account->input) {
    wrong(call.execution, "is executed with another's input: " + run.input);
  }
  if (account->version != 0 && run.version != account->version) {
    wrong(call.execution, fmt::format("is executed on version {}", run.version));
  }
  const bool has_held =
      std::ranges::any_of(account->grants, [&](const auto& each) { return each.second == call.process; });
  if (!has_held || parts_.runs.of(call.execution) > account->grants.size()) {
    wrong(call.execution, fmt::format("is executed {} times under {} leases", parts_.runs.of(call.execution),
                                      account->grants.size()));
  }
}

// ---- reads

void LeaseBook::compare(const model::AsyncExecution& stored, const Account& account) {
  const bool pending = account.state == ExecutionState::kPending;
  const bool ended = model::has_ended(account.state);
  const std::size_t attempts = std::min<std::size_t>(account.attempts, model::kAttemptsKept);
  if (stored.state != account.state || stored.function_id != account.function_id ||
      stored.version != account.version || stored.submitted_ms != account.submitted_ms ||
      stored.input_bytes != account.input.size() || stored.due_ms != (pending ? account.due_ms : 0) ||
      stored.ended_ms != (ended ? account.ended_ms : 0) || stored.attempts.size() != attempts ||
      stored.result.error_code != (account.state == ExecutionState::kDead ? account.error_code : "")) {
    wrong(stored.id,
          fmt::format("is stored as {}, {} attempts, due {}, ended {}; it should be {}, {}, {}, {}",
                      to_string(stored.state), stored.attempts.size(), stored.due_ms, stored.ended_ms,
                      to_string(account.state), attempts, account.due_ms, account.ended_ms));
  }
}

void LeaseBook::found(std::string_view id, const base::Result<model::AsyncExecution>& found) {
  const Account* account = find(id);
  if (found.ok() != (account != nullptr)) {
    wrong(id, found ? "is found, and was never accepted" : "is not found: " + found.error().message);
    return;
  }
  if (account != nullptr) {
    compare(*found, *account);
    if (account->state == ExecutionState::kDone && found->result.output != account->output) {
      wrong(id, "is done with another output than it was settled with: " + found->result.output);
    }
  }
}

void LeaseBook::compare(const std::vector<model::AsyncExecution>& dump,
                        const std::vector<store::Backlog>& backlog) {
  std::map<ExecutionState, std::uint64_t> in_state;
  std::map<model::FunctionId, std::uint64_t> open_here;
  for (const model::AsyncExecution& each : dump) {
    ++in_state[each.state];
    open_here[each.function_id] += model::has_ended(each.state) ? 0 : 1;
    const Account* account = find(each.id);
    account != nullptr ? compare(each, *account) : wrong(each.id, "is stored, and was never accepted");
  }
  std::uint64_t sum = counts_.removed;
  for (const auto& [state, count] : in_state) {
    sum += count;
  }
  if (sum != counts_.accepted || dump.size() != accounts_.size()) {
    parts_.trace.violation(
        fmt::format("accepted {} != pending {} + running {} + done {} + dead {} + cancelled {} + removed {}",
                    counts_.accepted, in_state[ExecutionState::kPending], in_state[ExecutionState::kRunning],
                    in_state[ExecutionState::kDone], in_state[ExecutionState::kDead],
                    in_state[ExecutionState::kCancelled], counts_.removed));
  }
  for (const store::Backlog& each : backlog) {
    open_here[each.function_id] -= each.executions;
  }
  if (std::ranges::any_of(open_here, [](const auto& each) { return each.second != 0; })) {
    parts_.trace.violation("the store counts another backlog than it has");
  }
}

std::string LeaseBook::state_of_open() const {
  std::string text;
  std::size_t told = 0;
  for (const auto& [id, account] : accounts_) {
    if (!model::has_ended(account.state) && told++ < kStoriesTold) {
      text += "\n          " + id;
      for (const std::string& each : account.story) {
        text += "\n              " + each;
      }
    }
  }
  return text;
}

}  // namespace hearth::simulation
