// hearth redrive ID, hearth redrive --dead: what has failed for good is tried again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/ask_execution.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

struct RedriveOptions {
  std::string id;
  std::string function;
  bool dead = false;
};

int redrive_one(Context& context, const std::string& id) {
  Reply reply;
  ExecutionInfo execution;
  const Request request{http::Method::kPost, execution_path(id, "/redrive"), ""};
  if (const auto code = ask_execution(context, request, reply, execution)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
  } else {
    context.terminal.out << printable(execution.id) << " is pending again\n";
  }
  return kOk;
}

int redrive_dead(Context& context, const std::string& function) {
  const std::string query = function.empty() ? "" : "?function=" + percent_encoded(function);
  Reply reply;
  if (const auto code = ask(context, {http::Method::kPost, "/executions/redrive" + query, ""}, reply)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto redriven = parse_redriven(reply.body);
  if (!redriven) {
    return report_unreadable(context, redriven.error());
  }
  context.terminal.out << fmt::format("{} {} pending again\n", *redriven,
                                      *redriven == 1 ? "execution is" : "executions are");
  return kOk;
}

int run_redrive(Context& context, const RedriveOptions& options) {
  if (options.dead) {
    return redrive_dead(context, options.function);
  }
  if (options.id.empty()) {
    return report_usage(context, "name an execution, or say --dead for all that are dead");
  }
  return redrive_one(context, options.id);
}

}  // namespace

Command redrive_command() {
  auto options = std::make_shared<RedriveOptions>();
  Command command;
  command.name = "redrive";
  command.summary = "Execute again what is dead or was cancelled";
  command.details =
      R"(It is pending again, with all its retries. 'hearth executions --state dead' shows what there is.

Examples:
  hearth redrive 0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e8f
  hearth redrive --dead --function hello
)";
  command.add_options = [options](CLI::App& app) {
    auto* const id = app.add_option("ID", options->id, "The id of one that is dead or was cancelled")
                         ->check(check_not_empty);
    auto* const dead = app.add_flag("--dead", options->dead, "All that are dead")->excludes(id);
    app.add_option("--function", options->function, "Only those of this function, by name or id")
        ->type_name("NAME")
        ->check(check_not_empty)
        ->needs(dead);
  };
  command.run = [options](Context& context) { return run_redrive(context, *options); };
  return command;
}

}  // namespace hearth::cli
