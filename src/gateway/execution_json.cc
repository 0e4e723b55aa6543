#include "gateway/execution_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "gateway/answer.h"
#include "gateway/route.h"
#include "http/text.h"

namespace hearth::gateway {
namespace {

using model::AsyncExecution;
using model::ExecutionState;

// RFC 7240: preferences with a comma between them, "respond-async, wait=10".
bool prefers_async(std::string_view preferences) {
  while (!preferences.empty()) {
    const std::size_t comma = std::min(preferences.find(','), preferences.size());
    std::string_view each = preferences.substr(0, comma);
    preferences.remove_prefix(std::min(comma + 1, preferences.size()));
    each = each.substr(0, each.find(';'));
    each.remove_prefix(std::min(each.find_first_not_of(" \t"), each.size()));
    each = each.substr(0, each.find_last_not_of(" \t") + 1);
    if (http::equal_ignoring_case(each, "respond-async")) {
      return true;
    }
  }
  return false;
}

void append_time(std::string& out, std::string_view name, std::int64_t unix_ms) {
  fmt::format_to(std::back_inserter(out), R"(,"{}":)", name);
  out += unix_ms == 0 ? "null" : '"' + rfc3339(unix_ms) + '"';
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
  fmt::format_to(std::back_inserter(out), R"(,"{}":)", name);
  append_json_string(out, text);
}

void append_attempts(std::string& out, const std::vector<model::FailedAttempt>& attempts) {
  out += R"(,"attempts":[)";
  for (const model::FailedAttempt& each : attempts) {
    out += out.back() == '[' ? "" : ",";
    fmt::format_to(std::back_inserter(out), R"({{"number":{})", each.number);
    append_time(out, "startedAt", each.started_ms);
    append_time(out, "endedAt", each.ended_ms);
    append_text(out, "code", each.code);
    append_text(out, "message", each.message);
    out += each.counts ? R"(,"counts":true})" : R"(,"counts":false})";
  }
  out += ']';
}

void append_error(std::string& out, const model::ExecutionResult& result, bool whole) {
  out += R"(,"error":{"code":)";
  append_json_string(out, result.error_code);
  if (whole) {
    append_text(out, "message", result.error.message);
  }
  if (!result.error.type.empty()) {
    append_text(out, "type", result.error.type);
  }
  if (!result.error.stack.empty()) {
    append_text(out, "stack", result.error.stack);
  }
  out += '}';
}

}  // namespace

bool asks_for_async(const http::RequestHead& head) {
  if (!head.query().empty()) {
    if (const auto mode = query_value(head.query(), "mode")) {
      return *mode == "async";
    }
  }
  const auto prefer = head.header("Prefer");
  return prefer && prefers_async(*prefer);
}

std::string execution_json(const AsyncExecution& execution, bool whole) {
  const std::uint32_t version =
      execution.executed_version != 0 ? execution.executed_version : execution.version;
  std::string out = R"({"id":)";
  append_json_string(out, execution.id);
  append_text(out, "functionId", execution.function_id);
  out += version == 0 ? R"(,"version":null)" : fmt::format(R"(,"version":{})", version);
  append_text(out, "kind", to_string(execution.kind));
  if (!execution.parent_id.empty()) {
    append_text(out, "parentId", execution.parent_id);
  }
  append_text(out, "state", to_string(execution.state));
  append_time(out, "submittedAt", execution.submitted_ms);
  append_time(out, "dueAt", execution.state == ExecutionState::kPending ? execution.due_ms : 0);
  append_time(out, "startedAt", execution.started_ms);
  append_time(out, "endedAt", execution.ended_ms);
  fmt::format_to(std::back_inserter(out), R"(,"inputBytes":{})", execution.input_bytes);
  if (!execution.schedule.empty()) {
    append_text(out, "schedule", execution.schedule);
    append_time(out, "slotAt", execution.slot_ms);
  }
  append_attempts(out, execution.attempts);
  if (whole && execution.state == ExecutionState::kDone) {
    out += R"(,"output":)";
    out += execution.result.output;
  }
  if (execution.state == ExecutionState::kDead) {
    append_error(out, execution.result, whole);
  }
  if (whole && model::has_ended(execution.state)) {
    const model::CapturedLogs& logs = execution.result.logs;
    out += R"(,"logs":)";
    append_log_chunks(out, logs.chunks);
    out += logs.truncated ? R"(,"logsTruncated":true)" : R"(,"logsTruncated":false)";
  }
  out += '}';
  return out;
}

}  // namespace hearth::gateway
