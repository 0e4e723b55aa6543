// Asynchronous executions as JSON, and what a caller says of one that it submits. Pure.
#pragma once

#include <string>

#include "http/message.h"
#include "model/async_execution.h"

namespace hearth::gateway {

// ?mode=async, or the header "Prefer: respond-async" where the mode is not said.
bool asks_for_async(const http::RequestHead& head);

// `whole`: with output and logs, and all of the error.
std::string execution_json(const model::AsyncExecution& execution, bool whole);

}  // namespace hearth::gateway
