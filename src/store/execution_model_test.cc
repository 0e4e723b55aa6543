// A random sequence of operations against a model in memory: no execution is ever lost, doubled or
// miscounted.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <random>

#include "store/execution_conformance.h"

namespace hearth::store {
namespace {

using model::ExecutionState;

constexpr int kSteps = 1'000;
constexpr std::array kFunctions = {"a", "b", "c"};
constexpr std::array kKinds = {model::ExecutionKind::kCall, model::ExecutionKind::kWebhook};
constexpr std::array kStates = {ExecutionState::kPending, ExecutionState::kRunning, ExecutionState::kDone,
                                ExecutionState::kDead, ExecutionState::kCancelled};

struct Expected {
  std::string function_id;
  ExecutionState state = ExecutionState::kPending;
  std::uint64_t input_bytes = 0;
  std::int64_t due_ms = 0;
  std::int64_t lease_until_ms = 0;
  std::int64_t ended_ms = 0;
  std::uint32_t lease = 0;
  std::uint32_t failures = 0;
  model::ExecutionKind kind = model::ExecutionKind::kCall;
};

class ExecutionModelConformance : public ExecutionConformance {
 protected:
  std::size_t roll(std::size_t sides) { return dice_() % sides; }
  std::string any_function() { return kFunctions.at(roll(kFunctions.size())); }
  // Any execution, mostly one that is there.
  std::string any_id() { return execution_id(1 + static_cast<int>(roll(accepted_ + 1))); }
  bool claimable(const Expected& one) const {
    return (one.state == ExecutionState::kPending && one.due_ms <= now_ms_) ||
           (one.state == ExecutionState::kRunning && one.lease_until_ms <= now_ms_);
  }

  model::ExecutionKind any_kind() { return kKinds.at(roll(kKinds.size())); }
  NewExecution new_execution();
  void expect_pending(const NewExecution& execution);

  void submit_some();
  void settle_some();
  void claim_some();
  void extend_one();
  void cancel_one();
  void redrive_one();
  void redrive_dead_ones();
  void remove_some();
  void restart();
  void step();
  void expect_the_same();

  std::mt19937 dice_;
  std::map<std::string, Expected> all_;
  std::size_t accepted_ = 0;
  std::size_t removed_ = 0;
  std::int64_t now_ms_ = 1'000;
};

NewExecution ExecutionModelConformance::new_execution() {
  NewExecution execution = sample_execution(static_cast<int>(++accepted_), any_function());
  execution.submitted_ms = now_ms_;
  execution.kind = any_kind();
  return execution;
}

void ExecutionModelConformance::expect_pending(const NewExecution& execution) {
  Expected& expected = all_[execution.id];
  expected.function_id = execution.function_id;
  expected.input_bytes = execution.input->size();
  expected.due_ms = now_ms_;
  expected.kind = execution.kind;
}

void ExecutionModelConformance::submit_some() {
  ExecutionStore::Writes writes;
  for (std::size_t count = 1 + roll(4); count > 0; --count) {
    NewExecution execution = new_execution();
    expect_pending(execution);
    if (roll(3) == 0) {
      execution.lease_until_ms = now_ms_ + 50;
      Expected& expected = all_[execution.id];
      expected.state = ExecutionState::kRunning;
      expected.due_ms = 0;
      expected.lease_until_ms = execution.lease_until_ms;
      expected.lease = 1;
    }
    writes.submissions.push_back(std::move(execution));
  }
  for (const auto& submitted : write(std::move(writes)).submitted) {
    EXPECT_TRUE(submitted.ok() && submitted->fresh);
  }
}

void ExecutionModelConformance::settle_some() {
  ExecutionStore::Writes writes;
  std::vector<bool> expected;
  for (std::size_t count = 1 + roll(8); count > 0; --count) {
    const std::string id = any_id();
    const auto known = all_.find(id);
    const Lease lease{id, known == all_.end() ? 1 : known->second.lease - (roll(8) == 0 ? 1U : 0U)};
    const std::size_t kind = roll(3);
    writes.settlements.push_back(kind == 0   ? done(lease)
                                 : kind == 1 ? dead(lease)
                                             : failed(lease, now_ms_ + 30));
    writes.settlements.back().ended_ms = now_ms_;
    const bool current = known != all_.end() && known->second.state == ExecutionState::kRunning &&
                         known->second.lease == lease.number;
    expected.push_back(current);
    if (roll(2) == 0) {
      writes.settlements.back().follow_ups = {new_execution()};
      if (current) {
        expect_pending(writes.settlements.back().follow_ups[0]);
      } else {
        --accepted_;  // the next has its id
      }
    }
    if (current) {
      Expected& one = known->second;
      one.state = writes.settlements.back().state;
      one.failures += kind == 0 ? 0 : 1;
      one.due_ms = kind == 2 ? now_ms_ + 30 : 0;
      one.ended_ms = kind == 2 ? 0 : now_ms_;
    }
  }
  EXPECT_EQ(write(std::move(writes)).settled, expected);
}

void ExecutionModelConformance::claim_some() {
  ClaimRequest request;
  request.now_ms = now_ms_;
  request.lease_until_ms = now_ms_ + 20 + static_cast<std::int64_t>(roll(100));
  request.most = roll(12);
  request.most_of_a_function = 1 + roll(6);
  request.kind = any_kind();
  request.after = roll(2) == 0 ? any_function() : "";
  if (roll(3) == 0) {
    request.skipped = {any_function()};
  }
  const auto claimed = claim(request);
  EXPECT_LE(claimed.size(), request.most);
  std::map<std::string, std::size_t> of_function;
  bool pending_seen = false;
  for (const Claimed& one : claimed) {
    Expected& expected = all_[one.lease.id];
    EXPECT_TRUE(claimable(expected)) << one.lease.id;
    EXPECT_EQ(one.lease.number, ++expected.lease);
    EXPECT_EQ(one.function_id, expected.function_id);
    EXPECT_EQ(one.kind, request.kind);
    EXPECT_EQ(one.failures, expected.failures);
    EXPECT_EQ(one.input->size(), expected.input_bytes);
    EXPECT_EQ(std::ranges::count(request.skipped, one.function_id), 0);
    EXPECT_LE(++of_function[one.function_id], request.most_of_a_function);
    pending_seen = pending_seen || expected.state == ExecutionState::kPending;
    EXPECT_TRUE(!pending_seen || expected.state == ExecutionState::kPending)
        << "leases that ran out come first";
    expected.state = ExecutionState::kRunning;
    expected.lease_until_ms = request.lease_until_ms;
  }
  for (const auto& [id, one] : all_) {  // whatever is left is left for a reason
    EXPECT_TRUE(claimed.size() == request.most || !claimable(one) || one.kind != request.kind ||
                of_function[one.function_id] == request.most_of_a_function ||
                std::ranges::count(request.skipped, one.function_id) == 1)
        << id;
  }
}

void ExecutionModelConformance::extend_one() {
  const std::string id = any_id();
  const auto known = all_.find(id);
  const bool running = known != all_.end() && known->second.state == ExecutionState::kRunning;
  const std::vector<Lease> leases = {{id, running ? known->second.lease : 1}};
  const auto stale = store().extend(leases, now_ms_ + 60);
  ASSERT_TRUE(stale.ok());
  EXPECT_EQ(stale->empty(), running);
  if (running) {
    known->second.lease_until_ms = now_ms_ + 60;
  }
}

void ExecutionModelConformance::cancel_one() {
  const std::string id = any_id();
  const auto known = all_.find(id);
  const bool there = known != all_.end();
  const bool possible = there && !has_ended(known->second.state);
  EXPECT_EQ(code_of(store().cancel(id, now_ms_)), possible ? "ok" : there ? "busy" : "not_found");
  if (possible) {
    known->second.state = ExecutionState::kCancelled;
    known->second.ended_ms = now_ms_;
  }
}

void ExecutionModelConformance::redrive_one() {
  const std::string id = any_id();
  const auto known = all_.find(id);
  const bool there = known != all_.end();
  const bool possible = there && (known->second.state == ExecutionState::kDead ||
                                  known->second.state == ExecutionState::kCancelled);
  EXPECT_EQ(code_of(store().redrive(id, now_ms_)), possible ? "ok" : there ? "busy" : "not_found");
  if (possible) {
    known->second.state = ExecutionState::kPending;
    known->second.due_ms = now_ms_;
    known->second.failures = 0;
  }
}

void ExecutionModelConformance::redrive_dead_ones() {
  const std::string function = roll(2) == 0 ? any_function() : "";
  const std::size_t limit = roll(6);
  std::size_t expected = 0;
  for (auto& [id, one] : all_) {  // ids are in the order of acceptance
    if (expected < limit && one.state == ExecutionState::kDead &&
        (function.empty() || function == one.function_id)) {
      ++expected;
      one.state = ExecutionState::kPending;
      one.due_ms = now_ms_;
      one.failures = 0;
    }
  }
  EXPECT_EQ(executions_in(store().redrive_dead(function, now_ms_, limit).value()), expected);
}

void ExecutionModelConformance::remove_some() {
  const std::int64_t before_ms = now_ms_ - 2'000;
  const std::size_t most_kept = 200;
  const std::size_t limit = roll(6);
  std::multimap<std::int64_t, std::string> ended;
  for (const auto& [id, one] : all_) {
    if (has_ended(one.state)) {
      ended.emplace(one.ended_ms, id);
    }
  }
  std::size_t expected = 0;
  const std::size_t beyond = ended.size() - std::min(ended.size(), most_kept);
  for (const auto& [ended_ms, id] : ended) {
    expected += expected < limit && (ended_ms < before_ms || expected < beyond) ? 1 : 0;
  }
  EXPECT_EQ(store().remove_ended(before_ms, most_kept, limit).value(), expected);
  removed_ += expected;
  for (auto entry = all_.begin(); entry != all_.end();) {  // of those that ended together it may be any
    const bool gone = has_ended(entry->second.state) && !store().find(entry->first).ok();
    entry = gone ? all_.erase(entry) : std::next(entry);
  }
}

void ExecutionModelConformance::restart() {
  reopen();
  std::size_t expected = 0;
  for (auto& [id, one] : all_) {
    if (one.state == ExecutionState::kRunning) {
      ++expected;
      one.state = ExecutionState::kPending;
      one.due_ms = now_ms_;
    }
  }
  EXPECT_EQ(store().release_all(now_ms_).value(), expected);
}

void ExecutionModelConformance::step() {
  now_ms_ += static_cast<std::int64_t>(roll(20));
  const std::size_t kind = roll(100);
  if (kind < 30) {
    submit_some();
  } else if (kind < 55) {
    claim_some();
  } else if (kind < 80) {
    settle_some();
  } else if (kind < 85) {
    extend_one();
  } else if (kind < 90) {
    cancel_one();
  } else if (kind < 94) {
    redrive_one();
  } else if (kind < 96) {
    redrive_dead_ones();
  } else if (kind < 99) {
    remove_some();
  } else {
    restart();
  }
}

void ExecutionModelConformance::expect_the_same() {
  std::map<std::string, Backlog> backlog;
  std::map<ExecutionState, std::vector<std::string>> of_state;
  std::map<model::ExecutionKind, std::int64_t> next_due;
  for (const auto& [id, one] : all_) {
    of_state[one.state].insert(of_state[one.state].begin(), id);
    if (!has_ended(one.state)) {
      Backlog& of_function = backlog[one.function_id];
      of_function.function_id = one.function_id;
      ++of_function.executions;
      of_function.input_bytes += one.input_bytes;
      const auto at = one.state == ExecutionState::kPending ? one.due_ms : one.lease_until_ms;
      const auto earliest = next_due.emplace(one.kind, at).first;
      earliest->second = std::min(earliest->second, at);
    }
  }
  std::size_t there = 0;
  for (const ExecutionState state : kStates) {
    const auto found = listed(filter(state, "", "", 100'000));
    EXPECT_EQ(found, of_state[state]) << to_string(state);
    there += found.size();
  }
  EXPECT_EQ(accepted_, there + removed_);
  std::vector<Backlog> expected;
  for (const auto& [function, of_function] : backlog) {
    expected.push_back(of_function);
  }
  EXPECT_EQ(store().backlog().value(), expected);
  for (const auto kind : kKinds) {
    const auto earliest = next_due.find(kind);
    EXPECT_EQ(store().next_due(kind).value(),
              earliest == next_due.end() ? std::nullopt : std::optional(earliest->second));
  }
}

TEST_P(ExecutionModelConformance, NoExecutionIsLostOrDoubled) {
  const unsigned seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  dice_.seed(seed);
  for (int i = 0; i < kSteps && !HasFailure(); ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", step " + std::to_string(i));
    step();
    if (i % 10 == 0) {
      expect_the_same();
    }
  }
  std::printf("%zu accepted, %zu removed\n", accepted_, removed_);
}

INSTANTIATE_TEST_SUITE_P(Backends, ExecutionModelConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
