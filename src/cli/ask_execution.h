// Requests about one asynchronous execution, for the commands that hand one over, show, cancel and redrive
// it.
#pragma once

#include <string>
#include <string_view>

#include "cli/api.h"
#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"

namespace hearth::cli {

inline constexpr std::string_view kListExecutions = "'hearth executions' shows those that there are";

// As ask(), and the execution that the reply holds.
ExitCode ask_execution(Context& context, const Request& request, Reply& reply, ExecutionInfo& execution);

// Asks until the execution has ended. kUnreachable when it has not, as the wait was stopped.
ExitCode wait_until_ended(Context& context, const std::string& id, Reply& reply, ExecutionInfo& execution);

// What the execution that `reply` holds came to, as an invocation tells it. Returns the exit code of an
// invocation; kUnreachable for one that has not ended, kRefused for one that was cancelled.
int print_execution_result(Context& context, const Reply& reply, const ExecutionInfo& execution,
                           const std::string& function);

}  // namespace hearth::cli
