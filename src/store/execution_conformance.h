// What the suites of execution stores share. Tests only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/conformance.h"

namespace hearth::store {

// Ids in the order of their numbers, as those of executions are in the order of acceptance.
std::string execution_id(int number);

// Pending, of the function "f", submitted at 1,000 and due then; its input is {"number":N}.
NewExecution sample_execution(int number, std::string function_id = "f");

Settlement done(const Lease& lease, std::string output = "{}");
Settlement dead(const Lease& lease);
// Tried again at `due_ms`.
Settlement failed(const Lease& lease, std::int64_t due_ms);

// Of all functions.
std::uint64_t executions_in(const std::vector<Backlog>& found);

class ExecutionConformance : public testing::TestWithParam<StoreBackend> {
 protected:
  ExecutionStore& store() { return store_->executions(); }
  void reopen() { store_->reopen(); }

  // "ok", or the code of the error.
  template <typename T>
  static std::string code_of(const base::Result<T>& result) {
    return result.ok() ? "ok" : std::string(base::to_string(result.error().code));
  }

  ExecutionStore::Written write(ExecutionStore::Writes writes);
  // Expects that each is accepted as a new one.
  void submit(std::vector<NewExecution> executions);
  bool settle(Settlement settlement);
  // All that is due at `now_ms`, until ten seconds later.
  std::vector<Claimed> claim(std::int64_t now_ms);
  std::vector<Claimed> claim(const ClaimRequest& request);
  // Submits this one alone and claims it.
  Lease running(int number, std::int64_t now_ms = 1'000);
  model::AsyncExecution find(std::string_view id);
  std::vector<std::string> listed(const ExecutionFilter& filter = {});
  static ExecutionFilter filter(std::optional<model::ExecutionState> state, std::string function_id = "",
                                std::string before = "", std::size_t limit = 100) {
    return {state, std::move(function_id), std::move(before), limit};
  }
  static std::vector<std::string> ids(const std::vector<Claimed>& claimed);

 private:
  std::unique_ptr<StoreUnderTest> store_ = GetParam().make();
};

}  // namespace hearth::store
