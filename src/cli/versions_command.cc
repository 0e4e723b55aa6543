// hearth versions NAME: the versions of a function, newest first.
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

struct VersionsOptions {
  std::string name;
  std::uint32_t before = 0;
};

void print_table(Context& context, const VersionPage& page) {
  Table table({"VERSION", "", "RUNTIME", "HANDLER", "MEMORY", "TIME-OUT", "CODE", "SHA256", "MADE"});
  for (const auto& version : page.versions) {
    table.add({std::to_string(version.number), version.current ? "current" : "", version.runtime,
               version.handler, std::to_string(version.memory_mb) + " MB", human_setting(version.timeout_ms),
               human_bytes(version.code_bytes), version.code_sha256.substr(0, 12),
               age_or_dash(version.created_at, context.now_ms())});
  }
  table.print(context.terminal.out);
}

int run_versions(Context& context, const VersionsOptions& options) {
  const std::string query = options.before == 0 ? "" : fmt::format("?before={}", options.before);
  Reply reply;
  if (const auto code =
          ask(context, {http::Method::kGet, function_path(options.name, "/versions" + query), ""}, reply)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto page = parse_versions(reply.body);
  if (!page) {
    return report_unreadable(context, page.error());
  }
  print_table(context, *page);
  if (page->before != 0) {
    context.terminal.err << fmt::format("older ones: hearth versions {} --before {}\n", options.name,
                                        page->before);
  }
  return kOk;
}

}  // namespace

Command versions_command() {
  auto options = std::make_shared<VersionsOptions>();
  Command command;
  command.name = "versions";
  command.summary = "List the versions of a function";
  command.details =
      R"(Each deploy makes one. A past one can be called (hearth invoke NAME --function-version N), and made
current again (hearth rollback NAME --to N).

Examples:
  hearth versions hello
  hearth versions hello --json | jq '.versions[].codeSha256'
)";
  command.add_options = [options](CLI::App& app) {
    app.add_option("NAME", options->name, "The function's name or id")->required();
    app.add_option("--before", options->before, "Only versions before this one; 100 are listed at once")
        ->type_name("N");
  };
  command.run = [options](Context& context) { return run_versions(context, *options); };
  return command;
}

}  // namespace hearth::cli
