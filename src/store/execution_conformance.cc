#include "store/execution_conformance.h"

#include <array>
#include <cstdio>

namespace hearth::store {

std::string execution_id(int number) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%08x-0000-7000-8000-000000000000", static_cast<unsigned>(number));
  return text.data();
}

NewExecution sample_execution(int number, std::string function_id) {
  NewExecution execution;
  execution.id = execution_id(number);
  execution.function_id = std::move(function_id);
  execution.input = std::make_shared<const std::string>("{\"number\":" + std::to_string(number) + "}");
  execution.submitted_ms = 1'000;
  return execution;
}

std::uint64_t executions_in(const std::vector<Backlog>& found) {
  std::uint64_t sum = 0;
  for (const Backlog& each : found) {
    sum += each.executions;
  }
  return sum;
}

Settlement done(const Lease& lease, std::string output) {
  Settlement settlement;
  settlement.lease = lease;
  settlement.state = model::ExecutionState::kDone;
  settlement.started_ms = 2'000;
  settlement.ended_ms = 2'500;
  settlement.executed_version = 3;
  settlement.result.output = std::move(output);
  settlement.result.logs.chunks = {{model::LogStream::kOut, "hello\n"}, {model::LogStream::kErr, "oh\n"}};
  return settlement;
}

Settlement failed(const Lease& lease, std::int64_t due_ms) {
  Settlement settlement;
  settlement.lease = lease;
  settlement.state = model::ExecutionState::kPending;
  settlement.due_ms = due_ms;
  settlement.started_ms = 2'000;
  settlement.ended_ms = 2'500;
  settlement.executed_version = 3;
  settlement.attempt = model::FailedAttempt{lease.number, 2'000, 2'500, "function_error", "no luck", true};
  return settlement;
}

Settlement dead(const Lease& lease) {
  Settlement settlement = failed(lease, 0);
  settlement.state = model::ExecutionState::kDead;
  settlement.result.error_code = "function_error";
  settlement.result.error = {"TypeError", "no luck", "at index.js:1"};
  settlement.result.logs.chunks = {{model::LogStream::kErr, "no luck\n"}};
  settlement.result.logs.truncated = true;
  return settlement;
}

ExecutionStore::Written ExecutionConformance::write(ExecutionStore::Writes writes) {
  auto written = store().write(writes);
  EXPECT_EQ(code_of(written), "ok") << (written.ok() ? "" : written.error().message);
  return written.ok() ? std::move(*written) : ExecutionStore::Written();
}

void ExecutionConformance::submit(std::vector<NewExecution> executions) {
  for (const auto& submitted : write({std::move(executions), {}}).submitted) {
    EXPECT_EQ(code_of(submitted), "ok");
    EXPECT_TRUE(submitted.ok() && submitted->fresh);
  }
}

bool ExecutionConformance::settle(Settlement settlement) {
  return write({{}, {std::move(settlement)}}).settled.at(0);
}

std::vector<Claimed> ExecutionConformance::claim(std::int64_t now_ms) {
  ClaimRequest request;
  request.now_ms = now_ms;
  request.lease_until_ms = now_ms + 10'000;
  request.most = 1'000;
  request.most_of_a_function = 1'000;
  return claim(request);
}

std::vector<Claimed> ExecutionConformance::claim(const ClaimRequest& request) {
  auto claimed = store().claim(request);
  EXPECT_EQ(code_of(claimed), "ok") << (claimed.ok() ? "" : claimed.error().message);
  return claimed.ok() ? std::move(*claimed) : std::vector<Claimed>();
}

Lease ExecutionConformance::running(int number, std::int64_t now_ms) {
  submit({sample_execution(number)});
  const auto claimed = claim(now_ms);
  EXPECT_EQ(ids(claimed), std::vector{execution_id(number)});
  return claimed.at(0).lease;
}

model::AsyncExecution ExecutionConformance::find(std::string_view id) {
  auto found = store().find(id);
  EXPECT_EQ(code_of(found), "ok") << (found.ok() ? "" : found.error().message);
  return found.ok() ? std::move(*found) : model::AsyncExecution();
}

std::vector<std::string> ExecutionConformance::listed(const ExecutionFilter& filter) {
  const auto executions = store().list(filter);
  EXPECT_EQ(code_of(executions), "ok") << (executions.ok() ? "" : executions.error().message);
  std::vector<std::string> found;
  for (const auto& execution : executions.ok() ? *executions : std::vector<model::AsyncExecution>()) {
    found.push_back(execution.id);
  }
  return found;
}

std::vector<std::string> ExecutionConformance::ids(const std::vector<Claimed>& claimed) {
  std::vector<std::string> found;
  found.reserve(claimed.size());
  for (const Claimed& one : claimed) {
    found.push_back(one.lease.id);
  }
  return found;
}

}  // namespace hearth::store
