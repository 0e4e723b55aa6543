#include "tests/simulation/broken_stores.h"

#include <utility>

namespace hearth::simulation {
namespace {

constexpr std::uint64_t kForgotten = 50;
constexpr std::int64_t kHasteMs = 2'000;
constexpr std::int64_t kShortenedMs = 60'000;
constexpr std::int64_t kNeverMs = 3'155'760'000'000;

}  // namespace

base::Result<store::ExecutionStore::Written> EarlyStore::write(const Writes& writes) {
  if (++writes_ % kForgotten != 0 || !writes.settlements.empty()) {
    return store_.write(writes);
  }
  Written written;
  for (const store::NewExecution& each : writes.submissions) {
    written.submitted.emplace_back(store::Submitted{each.id, true});
  }
  return written;
}

base::Result<store::ExecutionStore::Written> LeaseBlindStore::write(const Writes& writes) {
  Writes blind = writes;
  for (const store::NewExecution& each : writes.submissions) {
    current_[each.id] = each.lease_until_ms != 0 ? 1 : 0;
  }
  for (store::Settlement& each : blind.settlements) {
    each.lease.number = current_[each.lease.id];
  }
  return store_.write(blind);
}

base::Result<std::vector<store::Claimed>> LeaseBlindStore::claim(const store::ClaimRequest& request) {
  auto claimed = store_.claim(request);
  for (const store::Claimed& each : *claimed) {
    current_[each.lease.id] = each.lease.number;
  }
  return claimed;
}

base::Result<std::vector<store::Lease>> ShortLeaseStore::extend(std::span<const store::Lease> leases,
                                                                std::int64_t until_ms) {
  return store_.extend(leases, until_ms - kShortenedMs);
}

base::Result<model::AsyncExecution> UncancellingStore::cancel(std::string_view id, std::int64_t now_ms) {
  auto found = store_.find(id);
  if (!found || model::has_ended(found->state)) {
    return store_.cancel(id, now_ms);
  }
  found->state = model::ExecutionState::kCancelled;
  found->due_ms = 0;
  found->ended_ms = now_ms;
  return found;
}

base::Result<std::vector<store::Claimed>> HastyStore::claim(const store::ClaimRequest& request) {
  store::ClaimRequest hasty = request;
  hasty.now_ms += kHasteMs;
  return store_.claim(hasty);
}

base::Result<store::ExecutionStore::Written> ForgetfulStore::write(const Writes& writes) {
  Writes forgetful = writes;
  for (store::Settlement& each : forgetful.settlements) {
    each.due_ms += each.state == model::ExecutionState::kPending ? kNeverMs : 0;
  }
  return store_.write(forgetful);
}

base::Result<store::ExecutionStore::Written> MixingStore::write(const Writes& writes) {
  Writes mixed = writes;
  for (store::Settlement& each : mixed.settlements) {
    if (each.state == model::ExecutionState::kDone) {
      std::swap(each.result.output, output_before_);
    }
  }
  return store_.write(mixed);
}

base::Result<store::ExecutionStore::Written> KeylessStore::write(const Writes& writes) {
  Writes keyless = writes;
  for (store::NewExecution& each : keyless.submissions) {
    each.idempotency_key.clear();
  }
  return store_.write(keyless);
}

}  // namespace hearth::simulation
