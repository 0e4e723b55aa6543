#include "tests/faults/stored_executions.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>

#include "cli/format.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

constexpr std::size_t kLookAtOneIn = 20;

// Null: 0.
std::int64_t unix_ms(const json::value& time) {
  return time.is_null() ? 0 : cli::parse_time(std::string_view(time.as_string())).value();
}

model::ExecutionState state_named(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(model::kLastExecutionState); ++i) {
    if (to_string(static_cast<model::ExecutionState>(i)) == name) {
      return static_cast<model::ExecutionState>(i);
    }
  }
  ADD_FAILURE() << "no state is called " << name;
  return model::kLastExecutionState;
}

model::AsyncExecution execution_from(const json::object& from) {
  model::AsyncExecution execution;
  execution.id = from.at("id").as_string();
  execution.state = state_named(from.at("state").as_string());
  execution.started_ms = unix_ms(from.at("startedAt"));
  execution.ended_ms = unix_ms(from.at("endedAt"));
  for (const json::value& attempt : from.at("attempts").as_array()) {
    execution.attempts.push_back(
        {attempt.at("number").to_number<std::uint32_t>(), unix_ms(attempt.at("startedAt")),
         unix_ms(attempt.at("endedAt")), std::string(attempt.at("code").as_string()),
         std::string(attempt.at("message").as_string()), attempt.at("counts").as_bool()});
  }
  if (const json::value* const error = from.if_contains("error")) {
    execution.result.error_code = error->at("code").as_string();
  }
  return execution;
}

bool none_is(const Get& get, const std::string& state) {
  const Reply reply = get("/executions?limit=1&state=" + state);
  return reply.status == 200 && reply.json().at("executions").as_array().empty();
}

}  // namespace

std::vector<store::StoredExecution> stored_executions(const Get& get,
                                                      const store::ExecutionHistory& history) {
  std::vector<store::StoredExecution> stored;
  std::string before;
  do {
    const Reply reply = get("/executions?limit=1000" + before);
    EXPECT_EQ(reply.status, 200) << reply.body;
    const json::value page = reply.json();
    for (const json::value& each : page.at("executions").as_array()) {
      stored.push_back({execution_from(each.as_object()), std::nullopt});
    }
    const json::value* const next = page.as_object().if_contains("before");
    before = next == nullptr ? "" : "&before=" + std::string(next->as_string());
  } while (!before.empty());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    auto& [execution, word] = stored[i];
    if (i % kLookAtOneIn == 0 || !history.known().contains(execution.id)) {
      const json::value whole = get("/executions/" + execution.id).json();
      const json::value* const output = whole.as_object().if_contains("output");
      word = output != nullptr && output->is_string() ? std::string(output->as_string()) : "no answer";
    }
  }
  return stored;
}

ExecutionsSeen expect_all_done(const Get& get, const store::ExecutionHistory& history,
                               const std::set<std::string>& reasons, std::chrono::seconds bound) {
  EXPECT_TRUE(eventually([&] { return none_is(get, "pending") && none_is(get, "running"); }, bound));
  const auto stored = stored_executions(get, history);
  ExecutionsSeen seen;
  seen.stored = stored.size();
  for (const auto& [execution, word] : stored) {
    EXPECT_EQ(execution.state, model::ExecutionState::kDone) << execution.id << execution.result.error_code;
    for (const auto& attempt : execution.attempts) {
      ++seen.again;
      EXPECT_TRUE(reasons.contains(attempt.code))
          << execution.id << ": " << attempt.code << ", " << attempt.message;
    }
  }
  for (const std::string& violation : history.violations(stored)) {
    ADD_FAILURE() << violation;
  }
  std::cout << history.known().size() << " accepted, " << seen.stored << " stored, " << seen.again
            << " executed again" << std::endl;
  return seen;
}

}  // namespace hearth::test
