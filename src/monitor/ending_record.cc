#include "monitor/ending_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/words.h"
#include "gateway/answer.h"

namespace hearth::monitor {
namespace {

using model::ExecutionState;

enum class Extent { kWhole, kWithoutInput, kLeast };

void append_error(std::string& out, const model::ExecutionResult& result, Extent extent) {
  const bool least = extent == Extent::kLeast;
  out += R"(,"error":{)";
  gateway::append_json_field(out, "code", result.error_code);
  gateway::append_json_field(out, "message",
                             std::string_view(result.error.message)
                                 .substr(0, least ? model::kAttemptMessageBytes : std::string_view::npos));
  if (!result.error.type.empty() && !least) {
    gateway::append_json_field(out, "type", result.error.type);
  }
  if (!result.error.stack.empty() && !least) {
    gateway::append_json_field(out, "stack", result.error.stack);
  }
  out += '}';
}

std::string record(const Ending& ending, Extent extent) {
  std::string out = "{";
  gateway::append_json_field(out, "executionId", ending.id);
  gateway::append_json_field(out, "functionId", ending.function.id);
  gateway::append_json_field(out, "functionName", ending.function.name);
  fmt::format_to(std::back_inserter(out), R"(,"version":{})",
                 ending.version == 0 ? "null" : std::to_string(ending.version));
  gateway::append_json_field(out, "state", to_string(ending.state));
  fmt::format_to(std::back_inserter(out), R"(,"attempts":{})", ending.attempts);
  gateway::append_json_field(out, "submittedAt", gateway::rfc3339(ending.submitted_ms));
  gateway::append_json_field(out, "endedAt", gateway::rfc3339(ending.ended_ms));
  if (extent == Extent::kWhole) {
    out += R"(,"input":)";
    out += base::is_blank(ending.input) ? "null" : ending.input;
  } else {
    out += R"(,"truncated":true)";
  }
  if (ending.state == ExecutionState::kDead) {
    append_error(out, ending.result, extent);
  } else if (extent != Extent::kLeast) {
    out += R"(,"output":)";
    out += ending.result.output;
  }
  out += '}';
  return out;
}

}  // namespace

std::string ending_record(const Ending& ending, std::size_t most_bytes) {
  // What would be too long by these alone is not put together.
  const std::size_t most_input = ending.state == ExecutionState::kDone
                                     ? most_bytes - std::min(most_bytes, ending.result.output.size())
                                     : most_bytes;
  for (const Extent extent : {Extent::kWhole, Extent::kWithoutInput}) {
    if (extent == Extent::kWhole && ending.input.size() > most_input) {
      continue;
    }
    if (std::string made = record(ending, extent); made.size() <= most_bytes) {
      return made;
    }
  }
  return record(ending, Extent::kLeast);
}

}  // namespace hearth::monitor
