// What is told of an execution that has ended: to a function as its input, to a webhook as a body. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/async_execution.h"

namespace hearth::monitor {

struct Ending {
  const model::ExecutionId& id;
  const model::Function& function;
  std::uint32_t version = 0;                                   // 0: none was executed
  model::ExecutionState state = model::ExecutionState::kDone;  // kDone, kDead
  std::uint32_t attempts = 0;                                  // that returned, or that the function failed
  std::int64_t submitted_ms = 0;
  std::int64_t ended_ms = 0;
  std::string_view input;  // JSON text, or blank
  const model::ExecutionResult& result;
};

// A JSON object, as docs/executions.md has it. One of more bytes than `most_bytes` is without the input, and
// if that is not enough without the output, or with the beginning of the error's message alone; then it says
// that it is truncated.
std::string ending_record(const Ending& ending, std::size_t most_bytes);

}  // namespace hearth::monitor
