#include "tests/faults/stored_executions.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

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

}  // namespace

std::vector<store::StoredExecution> stored_executions(HearthServer& server,
                                                      const store::ExecutionHistory& history) {
  std::vector<store::StoredExecution> stored;
  std::string before;
  do {
    const Reply reply = server.get("/executions?limit=1000" + before);
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
      const json::value whole = server.get("/executions/" + execution.id).json();
      const json::value* const output = whole.as_object().if_contains("output");
      word = output != nullptr && output->is_string() ? std::string(output->as_string()) : "no answer";
    }
  }
  return stored;
}

}  // namespace hearth::test
