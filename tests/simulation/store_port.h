// The store as one simulated server process has it: what is asked may not reach it, or be done while the
// answer is lost. The book is told of everything that is done. On the loop that all share, at the moment at
// which the work takes effect.
#pragma once

#include <functional>

#include "sim/dice.h"
#include "store/execution_store.h"
#include "tests/simulation/lease_book.h"

namespace hearth::simulation {

// Of all processes.
struct StoreFaults {
  bool down = false;
  double refused = 0;
  double unknown = 0;
};

class StorePort final : public store::ExecutionStore {
 public:
  // All outlive it.
  StorePort(ProcessId process, ExecutionStore& store, LeaseBook& book, const StoreFaults& faults,
            sim::Dice dice)
      : process_(process), store_(store), book_(book), faults_(faults), dice_(dice) {}

  base::Result<Written> write(const Writes& writes) override;
  base::Result<std::vector<store::Claimed>> claim(const store::ClaimRequest& request) override;
  base::Result<std::vector<store::Lease>> extend(std::span<const store::Lease> leases,
                                                 std::int64_t until_ms) override;
  base::Result<std::optional<std::int64_t>> next_due(model::ExecutionKind kind) override;
  base::Result<model::AsyncExecution> find(std::string_view id) override;
  base::Result<std::vector<model::AsyncExecution>> list(const store::ExecutionFilter& filter) override;
  base::Result<model::AsyncExecution> cancel(std::string_view id, std::int64_t now_ms) override;
  base::Result<model::AsyncExecution> redrive(std::string_view id, std::int64_t now_ms) override;
  base::Result<std::vector<store::Backlog>> redrive_dead(const model::FunctionId& function_id,
                                                         std::int64_t now_ms, std::size_t limit) override;
  base::Result<std::vector<store::Backlog>> backlog() override;
  base::Result<std::size_t> release_all(std::int64_t now_ms) override;
  base::Result<void> bring_forward(std::int64_t latest_ms, std::int64_t now_ms) override;
  base::Result<std::size_t> remove_ended(std::int64_t before_ms, std::size_t most_kept,
                                         std::size_t limit) override;

 private:
  // Not, or done, and answered or not; `note` is called when it was done.
  template <typename Value>
  base::Result<Value> ask(const std::function<base::Result<Value>()>& work,
                          const std::function<void(const base::Result<Value>&)>& note);

  const ProcessId process_;
  ExecutionStore& store_;
  LeaseBook& book_;
  const StoreFaults& faults_;
  sim::Dice dice_;
};

// All that a store holds.
std::vector<model::AsyncExecution> everything_in(store::ExecutionStore& store);

}  // namespace hearth::simulation
