// hearth delete NAME…: removes functions and their instances.
#include <CLI/CLI.hpp>
#include <istream>
#include <memory>
#include <ostream>

#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

struct DeleteOptions {
  std::vector<std::string> names;
  bool yes = false;
};

bool confirmed(Context& context, const std::vector<std::string>& names) {
  auto& err = context.terminal.err;
  err << "Delete";
  for (const auto& name : names) {
    err << ' ' << printable(name);
  }
  err << " and what runs of it? [y/N] " << std::flush;
  std::string answer;
  std::getline(context.terminal.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// Every name is tried; the first failure decides the exit code.
int run_delete(Context& context, const DeleteOptions& options) {
  if (!options.yes && !context.terminal.in_is_terminal) {
    return report_usage(context,
                        "delete asks before it deletes, and there is no terminal to ask at: add --yes");
  }
  if (!options.yes && !confirmed(context, options.names)) {
    context.terminal.err << "Nothing was deleted.\n";
    return kUsage;
  }
  int result = kOk;
  for (const auto& name : options.names) {
    Reply reply;
    const auto code = ask(context, {http::Method::kDelete, function_path(name), ""}, reply);
    if (code == kUnreachable) {
      return code;
    }
    if (code == kOk && !context.json) {
      context.terminal.out << "deleted " << printable(name) << '\n';
    }
    result = result == kOk ? static_cast<int>(code) : result;
  }
  return result;
}

}  // namespace

Command delete_command() {
  auto options = std::make_shared<DeleteOptions>();
  Command command;
  command.name = "delete";
  command.summary = "Delete functions and their instances";
  command.details = "Examples:\n  hearth delete hello\n  hearth delete --yes $(hearth list --quiet)\n";
  command.add_options = [options](CLI::App& app) {
    app.add_option("NAME", options->names, "Names or ids")->required();
    app.add_flag("-y,--yes", options->yes, "Do not ask");
  };
  command.run = [options](Context& context) { return run_delete(context, *options); };
  return command;
}

}  // namespace hearth::cli
