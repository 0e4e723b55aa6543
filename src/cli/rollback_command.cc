// hearth rollback NAME: a past version's code and settings become current again, as a new version.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

struct RollbackOptions {
  std::string name;
  std::uint32_t to = 0;
};

int run_rollback(Context& context, const RollbackOptions& options) {
  const std::string body = options.to == 0 ? "{}" : fmt::format(R"({{"version":{}}})", options.to);
  Reply reply;
  if (const auto code =
          ask(context, {http::Method::kPost, function_path(options.name, "/rollback"), body}, reply)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto function = parse_function(reply.body);
  if (!function) {
    return report_unreadable(context, function.error());
  }
  const std::uint64_t to = options.to == 0 ? function->version - 2 : options.to;
  context.terminal.out << fmt::format(
      "rolled {} back: version {} has the code and the settings of version {}\n",
      printable(function->label()), function->version, to);
  return kOk;
}

}  // namespace

Command rollback_command() {
  auto options = std::make_shared<RollbackOptions>();
  Command command;
  command.name = "rollback";
  command.summary = "Make a past version of a function current again";
  command.details =
      R"(A new version is made that has the code and the settings of the past one. When the command returns no
call runs the version that was current; calls that it has begun finish.

Examples:
  hearth rollback hello
  hearth versions hello
  hearth rollback hello --to 3
)";
  command.add_options = [options](CLI::App& app) {
    app.add_option("NAME", options->name, "The function's name or id")->required();
    app.add_option("--to", options->to, "The past version (default: the one before the current one)")
        ->type_name("N")
        ->check(CLI::Range(1U, 4'294'967'295U));
  };
  command.run = [options](Context& context) { return run_rollback(context, *options); };
  return command;
}

}  // namespace hearth::cli
