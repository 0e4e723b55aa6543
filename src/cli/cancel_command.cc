// hearth cancel ID: an execution is not wanted any more.
#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/ask_execution.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

int run_cancel(Context& context, const std::string& id) {
  Reply reply;
  ExecutionInfo execution;
  const Request request{http::Method::kDelete, execution_path(id), ""};
  if (const auto code = ask_execution(context, request, reply, execution)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
  } else {
    context.terminal.out << "cancelled " << printable(execution.id) << '\n';
  }
  return kOk;
}

}  // namespace

Command cancel_command() {
  auto id = std::make_shared<std::string>();
  Command command;
  command.name = "cancel";
  command.summary = "Cancel an execution that was handed over";
  command.details =
      R"(One that runs is not interrupted: what it returns is thrown away.

Examples:
  hearth cancel 0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e8f
  hearth executions hello --state pending --quiet | xargs -r -n 1 hearth cancel
)";
  command.add_options = [id](CLI::App& app) {
    app.add_option("ID", *id, "The execution's id")->required()->check(check_not_empty);
  };
  command.run = [id](Context& context) { return run_cancel(context, *id); };
  return command;
}

}  // namespace hearth::cli
