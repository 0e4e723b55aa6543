// A run's result as JSON, written and read again: --json, --resume, overlay. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/result.h"

namespace hearth::bench {

std::string to_json(const RunResult& result);
// Fields that are missing keep their defaults; kCorrupt for what is no such JSON.
base::Result<RunResult> from_json(std::string_view json);

// The calls in the shape of the paper's own tool: an array of {executionOverhead, requestStart,
// requestDuration, functionDuration, instanceId, body}.
std::string calls_to_json(const std::vector<CallRecord>& calls);

std::string_view to_string(Start start);

}  // namespace hearth::bench
