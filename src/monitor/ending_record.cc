#include "monitor/ending_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "gateway/answer.h"

namespace hearth::monitor {
namespace {

using model::ExecutionState;

enum class Extent { kWhole, kWithoutInput, kLeast };

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

void append_text(std::string& out, std::string_view name, std::string_view text) {
  out += out.back() == '{' ? "\"" : ",\"";
  out += name;
  out += "\":";
  gateway::append_json_string(out, text);
}

void append_error(std::string& out, const model::ExecutionResult& result, Extent extent) {
  const bool least = extent == Extent::kLeast;
  out += R"(,"error":{)";
  append_text(out, "code", result.error_code);
  append_text(out, "message",
              std::string_view(result.error.message)
                  .substr(0, least ? model::kAttemptMessageBytes : std::string_view::npos));
  if (!result.error.type.empty() && !least) {
    append_text(out, "type", result.error.type);
  }
  if (!result.error.stack.empty() && !least) {
    append_text(out, "stack", result.error.stack);
  }
  out += '}';
}

std::string record(const Ending& ending, Extent extent) {
  std::string out = "{";
  append_text(out, "executionId", ending.id);
  append_text(out, "functionId", ending.function.id);
  append_text(out, "functionName", ending.function.name);
  fmt::format_to(std::back_inserter(out), R"(,"version":{})",
                 ending.version == 0 ? "null" : std::to_string(ending.version));
  append_text(out, "state", to_string(ending.state));
  fmt::format_to(std::back_inserter(out), R"(,"attempts":{})", ending.attempts);
  append_text(out, "submittedAt", gateway::rfc3339(ending.submitted_ms));
  append_text(out, "endedAt", gateway::rfc3339(ending.ended_ms));
  if (extent == Extent::kWhole) {
    out += R"(,"input":)";
    out += is_blank(ending.input) ? "null" : ending.input;
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
