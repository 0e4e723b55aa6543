// What a server says of all its asynchronous executions, as ExecutionHistory holds it against what was asked.
// Their function answers with the text that it was given. Any thread.
#pragma once

#include <vector>

#include "store/testing/execution_history.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {

// The answers of some of those that `history` knows, and of all the others.
std::vector<store::StoredExecution> stored_executions(HearthServer& server,
                                                      const store::ExecutionHistory& history);

}  // namespace hearth::test
