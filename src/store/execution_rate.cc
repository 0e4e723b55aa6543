#include "store/execution_rate.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace hearth::store {
namespace {

constexpr unsigned kBatch = 64;
constexpr unsigned kExecutions = kBatch * 1'000;
constexpr unsigned kFunctions = 10;
constexpr int kTurns = 4;

template <typename T>
T taken(base::Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(*result);
}

class Rate {
 public:
  explicit Rate(const char* what) : what_(what) {}
  ~Rate() {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
    std::printf("%-28s %8.0f/s\n", what_, kExecutions / taken.count());
  }

 private:
  const char* const what_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

NewExecution execution_of(unsigned number) {
  std::array<char, 40> id{};
  std::snprintf(id.data(), id.size(), "%08x-0000-7000-8000-000000000000", number);
  std::array<char, 40> function{};
  std::snprintf(function.data(), function.size(), "%08x-0000-4000-8000-000000000000", number % kFunctions);
  static const auto input = std::make_shared<const std::string>('"' + std::string(200, 'i') + '"');
  NewExecution execution;
  execution.id = id.data();
  execution.function_id = function.data();
  execution.input = input;
  execution.submitted_ms = number;
  return execution;
}

Settlement done(const Lease& lease) {
  Settlement settlement;
  settlement.lease = lease;
  settlement.started_ms = 1;
  settlement.ended_ms = 1 + lease.number;
  settlement.executed_version = 1;
  settlement.result.output = '"' + std::string(200, 'o') + '"';
  return settlement;
}

void submit(ExecutionStore& store, unsigned first, std::int64_t lease_until_ms) {
  for (unsigned number = first; number < first + kExecutions;) {
    ExecutionStore::Writes writes;
    for (unsigned i = 0; i < kBatch; ++i) {
      writes.submissions.push_back(execution_of(number++));
      writes.submissions.back().lease_until_ms = lease_until_ms;
    }
    taken(store.write(writes));
  }
}

void settle(ExecutionStore& store, unsigned first) {
  for (unsigned number = first; number < first + kExecutions;) {
    ExecutionStore::Writes writes;
    for (unsigned i = 0; i < kBatch; ++i) {
      writes.settlements.push_back(done({execution_of(number++).id, 1}));
    }
    taken(store.write(writes));
  }
}

// As a busy server does: each commit accepts a batch and settles the one before.
void submit_and_settle(ExecutionStore& store, unsigned first) {
  ExecutionStore::Writes writes;
  for (unsigned number = first; number < first + kExecutions;) {
    writes.settlements.clear();
    for (const NewExecution& execution : writes.submissions) {
      writes.settlements.push_back(done({execution.id, 1}));
    }
    writes.submissions.clear();
    for (unsigned i = 0; i < kBatch; ++i) {
      writes.submissions.push_back(execution_of(number++));
      writes.submissions.back().lease_until_ms = 1;
    }
    taken(store.write(writes));
  }
}

void claim(ExecutionStore& store) {
  ClaimRequest request;
  request.now_ms = request.lease_until_ms = std::int64_t{1} << 40U;
  request.now_ms -= 1;
  request.most = kBatch;
  request.most_of_a_function = kBatch / 2;
  for (;;) {
    const auto claimed = taken(store.claim(request));
    if (claimed.empty()) {
      return;
    }
    request.after = claimed.back().function_id;
  }
}

void measure(ExecutionStore& store, unsigned first) {
  {
    const Rate rate("accepted, pending");
    submit(store, first, 0);
  }
  {
    const Rate rate("claimed");
    claim(store);
  }
  {
    const Rate rate("settled");
    settle(store, first);
  }
  {
    const Rate rate("accepted, running");
    submit(store, first + kExecutions, 1);
  }
  {
    const Rate rate("settled");
    settle(store, first + kExecutions);
  }
  {
    const Rate rate("accepted and settled at once");
    submit_and_settle(store, first + 2 * kExecutions);
  }
}

}  // namespace

void print_execution_rates(ExecutionStore& store) {
  for (unsigned turn = 0; turn < kTurns; ++turn) {
    std::printf("with %u before:\n", turn * 3 * kExecutions);
    measure(store, turn * 3 * kExecutions);
  }
}

}  // namespace hearth::store
