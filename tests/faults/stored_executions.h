// What a server says of all its asynchronous executions, as ExecutionHistory holds it against what was asked.
// Their function answers with the text that it was given. Any thread.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "store/testing/execution_history.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {

// How a server, of one or of several, is asked: GET of that target.
using Get = std::function<Reply(const std::string&)>;

// The answers of some of those that `history` knows, and of all the others.
std::vector<store::StoredExecution> stored_executions(const Get& get, const store::ExecutionHistory& history);
inline std::vector<store::StoredExecution> stored_executions(const HearthServer& server,
                                                             const store::ExecutionHistory& history) {
  return stored_executions([&server](const std::string& target) { return server.get(target); }, history);
}

struct ExecutionsSeen {
  std::size_t stored = 0;
  std::size_t again = 0;  // attempts beside the last of each
};

// Waits until all have ended, and expects each to be done, with the answer to its own input, settled by
// whoever had its lease, none lost, none made up, and every other attempt failed for one of these reasons.
ExecutionsSeen expect_all_done(const Get& get, const store::ExecutionHistory& history,
                               const std::set<std::string>& reasons,
                               std::chrono::seconds bound = std::chrono::seconds(60));

}  // namespace hearth::test
