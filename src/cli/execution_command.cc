// hearth execution ID: one execution, its attempts, and what it came to.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "base/json_text.h"
#include "cli/ask_execution.h"
#include "cli/call_result.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/log_text.h"

namespace hearth::cli {
namespace {

// "2027-01-15T08:00:05Z  (in 5 s)"
std::string due(const std::string& time, std::int64_t now_ms) {
  const auto due_ms = parse_time(time);
  if (!due_ms || *due_ms <= now_ms) {
    return time;
  }
  return time + "  (in " + human_seconds(static_cast<std::uint64_t>(*due_ms - now_ms + 999) / 1000) + ")";
}

void print_fields(Context& context, const ExecutionInfo& execution) {
  const auto line = [&](std::string_view label, const std::string& value) {
    if (!value.empty()) {
      context.terminal.out << fmt::format("{:<11}{}\n", label, printable(value));
    }
  };
  line("id", execution.id);
  line("function", execution.function_id);
  line("kind", execution.kind == "call" ? "" : execution.kind);
  line("tells of", execution.parent_id);
  line("version", execution.version == 0 ? "" : std::to_string(execution.version));
  line("state", execution.state);
  line("submitted", with_age(execution.submitted_at, context.now_ms()));
  line("due", due(execution.due_at, context.now_ms()));
  line("started", with_age(execution.started_at, context.now_ms()));
  line("ended", with_age(execution.ended_at, context.now_ms()));
  line("error", execution.error.code);
}

std::string duration(const AttemptInfo& attempt) {
  const auto started_ms = parse_time(attempt.started_at);
  const auto ended_ms = parse_time(attempt.ended_at);
  return started_ms && ended_ms ? human_milliseconds(static_cast<double>(*ended_ms - *started_ms)) : "-";
}

void print_attempts(Context& context, const ExecutionInfo& execution) {
  if (execution.attempts.empty()) {
    return;
  }
  Table table({"FAILED", "STARTED", "TOOK", "COUNTS", "ERROR", "MESSAGE"});
  for (const auto& attempt : execution.attempts) {
    table.add({std::to_string(attempt.number), age_or_dash(attempt.started_at, context.now_ms()),
               duration(attempt), attempt.counts ? "yes" : "no", attempt.code, attempt.message});
  }
  context.terminal.out << '\n';
  table.print(context.terminal.out);
}

void print_logs(Context& context, const ExecutionInfo& execution) {
  if (execution.logs.empty() && !execution.logs_truncated) {
    return;
  }
  LogEntry entry;
  entry.lines = execution.logs;
  entry.truncated = execution.logs_truncated;
  context.terminal.out << "\nlogs\n";
  print_log_lines(context.terminal.out, entry);
}

void print_end(Context& context, const ExecutionInfo& execution, std::string_view body) {
  if (execution.state == "dead") {
    context.terminal.out << "\nerror\n";
    print_error_text(context.terminal.out, execution.error);
  } else if (execution.state == "done") {
    context.terminal.out << "\noutput\n";
    print_json(context, base::json_member(body, "output").value_or("null"));
  }
}

int run_execution(Context& context, const std::string& id, bool output_only) {
  Reply reply;
  ExecutionInfo execution;
  if (const auto code =
          ask_execution(context, {http::Method::kGet, execution_path(id), ""}, reply, execution)) {
    return code;
  }
  if (output_only) {
    return print_execution_result(context, reply, execution, execution.function_id);
  }
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  print_fields(context, execution);
  print_attempts(context, execution);
  print_logs(context, execution);
  print_end(context, execution, reply.body);
  return kOk;
}

}  // namespace

Command execution_command() {
  auto id = std::make_shared<std::string>();
  auto output_only = std::make_shared<bool>(false);
  Command command;
  command.name = "execution";
  command.summary = "Show one execution: its state, attempts, logs and output";
  command.details =
      R"(With --output it ends as the invocation would have, and with 4 while the execution has not ended. An
attempt that does not count to the retries is one that the platform failed.

Examples:
  hearth execution 0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e8f
  hearth execution 0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e8f --output | jq .total
)";
  command.add_options = [id, output_only](CLI::App& app) {
    app.add_option("ID", *id, "The execution's id")->required()->check(check_not_empty);
    app.add_flag("--output", *output_only, "Print what the function returned alone");
  };
  command.run = [id, output_only](Context& context) { return run_execution(context, *id, *output_only); };
  return command;
}

}  // namespace hearth::cli
