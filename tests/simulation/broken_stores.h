// Stores that break one promise each, for the checker to find. Everything else is the store's that they stand
// before. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "store/execution_store.h"

namespace hearth::simulation {

// Hands everything on.
class StoreBefore : public store::ExecutionStore {
 public:
  // `store` outlives it.
  explicit StoreBefore(ExecutionStore& store) : store_(store) {}

  base::Result<Written> write(const Writes& writes) override { return store_.write(writes); }
  base::Result<std::vector<store::Claimed>> claim(const store::ClaimRequest& request) override {
    return store_.claim(request);
  }
  base::Result<std::vector<store::Lease>> extend(std::span<const store::Lease> leases,
                                                 std::int64_t until_ms) override {
    return store_.extend(leases, until_ms);
  }
  base::Result<std::optional<std::int64_t>> next_due(model::ExecutionKind kind) override {
    return store_.next_due(kind);
  }
  base::Result<model::AsyncExecution> find(std::string_view id) override { return store_.find(id); }
  base::Result<std::vector<model::AsyncExecution>> list(const store::ExecutionFilter& filter) override {
    return store_.list(filter);
  }
  base::Result<model::AsyncExecution> cancel(std::string_view id, std::int64_t now_ms) override {
    return store_.cancel(id, now_ms);
  }
  base::Result<model::AsyncExecution> redrive(std::string_view id, std::int64_t now_ms) override {
    return store_.redrive(id, now_ms);
  }
  base::Result<std::vector<store::Backlog>> redrive_dead(const model::FunctionId& function_id,
                                                         std::int64_t now_ms, std::size_t limit) override {
    return store_.redrive_dead(function_id, now_ms, limit);
  }
  base::Result<std::vector<store::Backlog>> backlog() override { return store_.backlog(); }
  base::Result<std::size_t> release_all(std::int64_t now_ms) override { return store_.release_all(now_ms); }
  base::Result<void> bring_forward(std::int64_t latest_ms, std::int64_t now_ms) override {
    return store_.bring_forward(latest_ms, now_ms);
  }
  base::Result<std::size_t> remove_ended(std::int64_t before_ms, std::size_t most_kept,
                                         std::size_t limit) override {
    return store_.remove_ended(before_ms, most_kept, limit);
  }

 protected:
  ExecutionStore& store_;
};

// Acknowledges before it commits, and forgets one commit in fifty.
class EarlyStore final : public StoreBefore {
 public:
  using StoreBefore::StoreBefore;
  base::Result<Written> write(const Writes& writes) override;

 private:
  std::uint64_t writes_ = 0;
};

// Settles for whoever asks, whatever its lease.
class LeaseBlindStore final : public StoreBefore {
 public:
  using StoreBefore::StoreBefore;
  base::Result<Written> write(const Writes& writes) override;
  base::Result<std::vector<store::Claimed>> claim(const store::ClaimRequest& request) override;

 private:
  std::map<model::ExecutionId, std::uint32_t> current_;
};

// Has leases run out before they should.
class ShortLeaseStore final : public StoreBefore {
 public:
  using StoreBefore::StoreBefore;
  base::Result<std::vector<store::Lease>> extend(std::span<const store::Lease> leases,
                                                 std::int64_t until_ms) override;
};

// Says that an execution is cancelled, and leaves it as it is.
class UncancellingStore final : public StoreBefore {
 public:
  using StoreBefore::StoreBefore;
  base::Result<model::AsyncExecution> cancel(std::string_view id, std::int64_t now_ms) override;
};

// Claims what is due in the next two seconds.
class HastyStore final : public StoreBefore {
 public:
  using StoreBefore::StoreBefore;
  base::Result<std::vector<store::Claimed>> claim(const store::ClaimRequest& request) override;
};

// Keeps what has failed for good: it is due in a hundred years.
class ForgetfulStore final : public StoreBefore {
 public:
  using StoreBefore::StoreBefore;
  base::Result<Written> write(const Writes& writes) override;
};

// Gives the answer to another's input.
class MixingStore final : public StoreBefore {
 public:
  using StoreBefore::StoreBefore;
  base::Result<Written> write(const Writes& writes) override;

 private:
  std::string output_before_;
};

// Makes a repeated submission another execution.
class KeylessStore final : public StoreBefore {
 public:
  using StoreBefore::StoreBefore;
  base::Result<Written> write(const Writes& writes) override;
};

}  // namespace hearth::simulation
