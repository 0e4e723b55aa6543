// The checker's own account of every execution, kept from what the store was asked for and what it answered:
// who has which lease until when, what is due, how each attempt has ended. Every answer is compared with it.
//
// Told of each operation in the order in which it took effect, whether or not its answer arrives. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/execution_store.h"
#include "tests/simulation/runs.h"
#include "tests/simulation/settings.h"

namespace hearth::simulation {

struct BookParts {
  const sim::SimLoop& loop;
  const Settings& settings;
  Trace& trace;
  const Runs& runs;
  // Whether a process has been without a fault for so long, and hosts' clocks agree.
  std::function<bool(ProcessId, base::Duration)> was_well;
  // Whether this function, or this version of it, was ever not there; 0: the function.
  std::function<bool(const model::FunctionId&, std::uint32_t)> was_deleted;
};

// One execution.
struct Account {
  model::FunctionId function_id;
  std::uint32_t version = 0;
  std::string input;
  std::string key;
  model::ExecutionState state = model::ExecutionState::kPending;
  std::int64_t submitted_ms = 0;
  std::int64_t accepted_ms = 0;
  std::int64_t due_ms = 0;
  std::int64_t ended_ms = 0;
  std::uint32_t lease = 0;
  std::int64_t lease_until_ms = 0;
  ProcessId holder = 0;
  base::TimePoint granted{};  // the lease
  std::uint32_t failures = 0;
  std::uint32_t redrives = 0;
  std::uint32_t attempts = 0;  // that did not end well, or were lost
  std::string output;
  std::string error_code;
  std::map<std::uint32_t, ProcessId> grants;  // lease by lease
  std::vector<std::string> story;             // for whoever reads a violation
};

struct BookCounts {
  std::uint64_t accepted = 0;
  std::uint64_t repeated = 0;
  std::uint64_t removed = 0;
  std::uint64_t claims = 0;
  std::uint64_t leases_lost = 0;       // that ran out
  std::uint64_t settled_too_late = 0;  // refused: not the current lease
  std::uint64_t done = 0;
  std::uint64_t dead = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t redriven = 0;
  std::uint64_t retries = 0;
};

class LeaseBook {
 public:
  explicit LeaseBook(BookParts parts) : parts_(std::move(parts)) {}

  using Writes = store::ExecutionStore::Writes;
  using Written = store::ExecutionStore::Written;

  void wrote(ProcessId process, const Writes& writes, const Written& written);
  void claimed(ProcessId process, const store::ClaimRequest& request,
               const std::vector<store::Claimed>& claimed);
  void extended(ProcessId process, std::span<const store::Lease> leases, std::int64_t until_ms,
                const std::vector<store::Lease>& lost);
  void found(std::string_view id, const base::Result<model::AsyncExecution>& found);
  void cancelled(std::string_view id, std::int64_t now_ms, const base::Result<model::AsyncExecution>& result);
  void redriven(std::string_view id, std::int64_t now_ms, const base::Result<model::AsyncExecution>& result);
  void redrove_dead(const model::FunctionId& function, std::int64_t now_ms,
                    const std::vector<store::Backlog>& result);
  void released_all(std::int64_t now_ms, std::size_t count);
  void brought_forward(std::int64_t latest_ms, std::int64_t now_ms);
  // `left`: everything that is there after it.
  void removed(std::int64_t before_ms, std::size_t most_kept, std::size_t count,
               const std::vector<model::AsyncExecution>& left);
  // An instance begins.
  void began(std::uint64_t run);

  // Everything that the store holds: accepted == pending + running + done + dead + cancelled, and each as it
  // stands here.
  void compare(const std::vector<model::AsyncExecution>& dump, const std::vector<store::Backlog>& backlog);

  // Null: it was never accepted, or is removed.
  const Account* find(std::string_view id) const;
  bool was_removed(const model::ExecutionId& id) const { return removed_.contains(id); }
  std::size_t open() const;  // have not ended
  // The ids that were ever accepted for this input.
  std::vector<model::ExecutionId> made_of(const std::string& input) const;
  const BookCounts& counts() const { return counts_; }
  std::string state_of_open() const;

 private:
  void submitted(ProcessId process, const store::NewExecution& execution,
                 const base::Result<store::Submitted>& result);
  void repeated(const store::NewExecution& execution, const model::ExecutionId& id);
  void settled(ProcessId process, const store::Settlement& settlement, bool accepted);
  void check_result(ProcessId process, const store::Settlement& settlement, const Account& account);
  void check_returned(ProcessId process, const store::Settlement& settlement, const Account& account);
  void check_failure(ProcessId process, const store::Settlement& settlement, const Account& account);
  void check_retry(const store::Settlement& settlement, const Account& account);
  void check_death(const store::Settlement& settlement, const Account& account);
  void check_claim(ProcessId process, const store::ClaimRequest& request, const store::Claimed& claimed,
                   const Account& account);
  void check_lost(const model::ExecutionId& id, const Account& account);
  void grant(ProcessId process, Account& account, std::uint32_t lease, std::int64_t until_ms);
  void end(Account& account, model::ExecutionState state, std::int64_t now_ms);
  void reopen(Account& account, std::int64_t now_ms);
  void compare(const model::AsyncExecution& stored, const Account& account);
  Account* mine(std::string_view id);
  void tell(Account& account, std::string what) const;
  void wrong(std::string_view id, const std::string& what);

  const BookParts parts_;
  std::map<model::ExecutionId, Account, std::less<>> accounts_;
  std::set<model::ExecutionId> removed_;
  std::unordered_map<std::string, std::vector<model::ExecutionId>> by_input_;
  BookCounts counts_;
};

}  // namespace hearth::simulation
