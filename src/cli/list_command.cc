// hearth list: every function, one a line.
#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

void print_table(Context& context, const std::vector<FunctionInfo>& functions) {
  Table table({"NAME", "RUNTIME", "MEMORY", "TIME-OUT", "VERSION", "CODE", "UPDATED", "ID"});
  for (const auto& function : functions) {
    table.add({function.name.empty() ? "-" : function.name, function.runtime,
               std::to_string(function.memory_mb) + " MB", human_setting(function.timeout_ms),
               std::to_string(function.version), human_bytes(function.code_bytes),
               human_age(function.updated_at, context.now_ms()), function.id});
  }
  table.print(context.terminal.out);
}

int run_list(Context& context, bool quiet) {
  Reply reply;
  if (const auto code = ask(context, {http::Method::kGet, "/functions", ""}, reply)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto functions = parse_functions(reply.body);
  if (!functions) {
    return report_unreadable(context, functions.error());
  }
  if (quiet) {
    for (const auto& function : *functions) {
      context.terminal.out << printable(function.label()) << '\n';
    }
  } else if (functions->empty()) {
    context.terminal.out << "No functions yet. Deploy one: hearth deploy DIR\n";
  } else {
    print_table(context, *functions);
  }
  return kOk;
}

}  // namespace

Command list_command() {
  auto quiet = std::make_shared<bool>(false);
  Command command;
  command.name = "list";
  command.summary = "List the functions";
  command.details = "Examples:\n  hearth list\n  hearth list --json | jq -r '.[].id'\n";
  command.add_options = [quiet](CLI::App& app) {
    app.add_flag("-q,--quiet", *quiet, "Print the names alone");
  };
  command.run = [quiet](Context& context) { return run_list(context, *quiet); };
  return command;
}

}  // namespace hearth::cli
