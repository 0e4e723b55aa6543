// hearth show NAME: one function with its settings.
#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

void print_function(Context& context, const FunctionInfo& function) {
  const auto line = [&](std::string_view label, const std::string& value) {
    if (!value.empty()) {
      std::string padded(label);
      padded.resize(14, ' ');
      context.terminal.out << padded << printable(value) << '\n';
    }
  };
  line("name", function.name);
  line("id", function.id);
  line("display name", function.display_name);
  line("state", function.state);
  line("version", std::to_string(function.version));
  line("runtime", function.runtime);
  line("handler", function.handler);
  line("memory", std::to_string(function.memory_mb) + " MB");
  line("time-out", human_setting(function.timeout_ms));
  line("concurrency", std::to_string(function.concurrency) + " at once in an instance");
  line("code", human_bytes(function.code_bytes) + "  sha256 " + function.code_sha256);
  line("created", with_age(function.created_at, context.now_ms()));
  line("updated", with_age(function.updated_at, context.now_ms()));
  for (const auto& [name, value] : function.environment) {
    line("environment", name + "=" + value);
  }
}

int run_show(Context& context, const std::string& name) {
  Reply reply;
  if (const auto code = ask(context, {http::Method::kGet, function_path(name), ""}, reply)) {
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
  print_function(context, *function);
  return kOk;
}

}  // namespace

Command show_command() {
  auto name = std::make_shared<std::string>();
  Command command;
  command.name = "show";
  command.summary = "Show one function and its settings";
  command.details = "Examples:\n  hearth show hello\n  hearth show hello --json | jq .codeSha256\n";
  command.add_options = [name](CLI::App& app) {
    app.add_option("NAME", *name, "The function's name or id")->required();
  };
  command.run = [name](Context& context) { return run_show(context, *name); };
  return command;
}

}  // namespace hearth::cli
