// hearth executions [NAME]: what was handed over to be executed, newest first.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/ask_execution.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

struct ExecutionsOptions {
  std::string function;
  std::string state;
  std::string before;
  unsigned limit = 0;  // 0: as many as the server lists by itself
  bool quiet = false;
};

std::string query(const ExecutionsOptions& options) {
  std::string result;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      result += fmt::format("{}{}={}", result.empty() ? '?' : '&', name, percent_encoded(value));
    }
  };
  add("state", options.state);
  add("function", options.function);
  add("limit", options.limit == 0 ? "" : std::to_string(options.limit));
  add("before", options.before);
  return result;
}

// Why it is dead, or why it was not done at the last attempt.
std::string error_code(const ExecutionInfo& execution) {
  if (execution.state == "dead" && !execution.error.code.empty()) {
    return execution.error.code;
  }
  return execution.state == "done" || execution.attempts.empty() ? "-" : execution.attempts.back().code;
}

void print_table(Context& context, const ExecutionPage& page) {
  Table table({"ID", "FUNCTION", "KIND", "VERSION", "STATE", "FAILED", "SUBMITTED", "ENDED", "ERROR"});
  for (const auto& execution : page.executions) {
    table.add({execution.id, execution.function_id, execution.kind,
               execution.version == 0 ? "-" : std::to_string(execution.version), execution.state,
               std::to_string(execution.attempts.size()),
               age_or_dash(execution.submitted_at, context.now_ms()),
               age_or_dash(execution.ended_at, context.now_ms()), error_code(execution)});
  }
  table.print(context.terminal.out);
}

void print_page(Context& context, const ExecutionsOptions& options, const ExecutionPage& page) {
  if (options.quiet) {
    for (const auto& execution : page.executions) {
      context.terminal.out << printable(execution.id) << '\n';
    }
  } else if (!page.executions.empty()) {
    print_table(context, page);
  } else if (query(options).empty()) {
    context.terminal.out << "No executions yet. Hand one over: hearth invoke NAME --async\n";
  } else {
    context.terminal.out << "No such executions.\n";
  }
}

void say_how_to_go_on(Context& context, const ExecutionsOptions& options, const std::string& before) {
  std::string line = "older ones: hearth executions";
  line += options.function.empty() ? "" : " " + options.function;
  line += options.state.empty() ? "" : " --state " + options.state;
  line += options.limit == 0 ? "" : fmt::format(" --limit {}", options.limit);
  context.terminal.err << printable(line + " --before " + before) << '\n';
}

int run_executions(Context& context, const ExecutionsOptions& options) {
  Reply reply;
  if (const auto code = ask(context, {http::Method::kGet, "/executions" + query(options), ""}, reply)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto page = parse_executions(reply.body);
  if (!page) {
    return report_unreadable(context, page.error());
  }
  print_page(context, options, *page);
  if (!page->before.empty()) {
    say_how_to_go_on(context, options, page->before);
  }
  return kOk;
}

}  // namespace

Command executions_command() {
  auto options = std::make_shared<ExecutionsOptions>();
  Command command;
  command.name = "executions";
  command.summary = "List what was handed over with invoke --async";
  command.details =
      R"(KIND is webhook for a message that tells of another execution's end. FAILED counts the attempts that
failed; ERROR is why the last of them did, or why the execution is dead.

Examples:
  hearth executions
  hearth executions hello --state dead
  hearth executions --state pending --quiet | xargs -r -n 1 hearth cancel
)";
  command.add_options = [options](CLI::App& app) {
    app.add_option("NAME,--function", options->function, "Only those of this function, by name or id")
        ->type_name("NAME")
        ->check(check_not_empty);
    app.add_option("--state", options->state, "Only those in this state")
        ->type_name("STATE")
        ->check(CLI::IsMember({"pending", "running", "done", "dead", "cancelled"}));
    app.add_option("-n,--limit", options->limit, "Executions to list at once (default: 100)")
        ->type_name("N")
        ->check(CLI::Range(1U, 1000U));
    app.add_option("--before", options->before, "Only executions that are older than this one")
        ->type_name("ID")
        ->check(check_not_empty);
    app.add_flag("-q,--quiet", options->quiet, "Print the ids alone");
  };
  command.run = [options](Context& context) { return run_executions(context, *options); };
  return command;
}

}  // namespace hearth::cli
