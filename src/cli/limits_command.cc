// hearth limits NAME: how many of a function's calls run at once, and how many instances are kept started.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

struct LimitsOptions {
  std::string name;
  std::string maximum;  // a number, or "none"
  std::optional<std::uint64_t> reserved;
  std::optional<std::uint64_t> provisioned;
  bool reset = false;

  bool changes() const { return !maximum.empty() || reserved || provisioned; }
};

std::string check_maximum(const std::string& text) {
  return text == "none" || (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos)
             ? ""
             : "a number of calls, or 'none'";
}

std::string path_of(const LimitsOptions& options) { return function_path(options.name, "/limits"); }

// What was given over what the function has.
std::string settings(const LimitsOptions& options, const LimitsInfo& before) {
  const std::string none = "null";
  const std::string kept = before.maximum ? std::to_string(*before.maximum) : none;
  const std::string given = options.maximum == "none" ? none : options.maximum;
  return fmt::format(R"({{"maxConcurrency":{},"reservedConcurrency":{},"provisionedConcurrency":{}}})",
                     options.maximum.empty() ? kept : given, options.reserved.value_or(before.reserved),
                     options.provisioned.value_or(before.provisioned));
}

int print_limits(Context& context, const Reply& reply) {
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto limits = parse_limits(reply.body);
  if (!limits) {
    return report_unreadable(context, limits.error());
  }
  Table table({"MAXIMUM", "RESERVED", "PROVISIONED", "READY"});
  table.add({limits->maximum ? std::to_string(*limits->maximum) : "-", std::to_string(limits->reserved),
             std::to_string(limits->provisioned), std::to_string(limits->ready)});
  table.print(context.terminal.out);
  return kOk;
}

int run_limits(Context& context, const LimitsOptions& options) {
  Reply reply;
  const auto method = options.reset ? http::Method::kDelete : http::Method::kGet;
  if (const auto code = ask(context, {method, path_of(options), ""}, reply)) {
    return code;
  }
  if (!options.changes()) {
    return print_limits(context, reply);
  }
  const auto before = parse_limits(reply.body);
  if (!before) {
    return report_unreadable(context, before.error());
  }
  if (const auto code =
          ask(context, {http::Method::kPut, path_of(options), settings(options, *before)}, reply)) {
    return code;
  }
  return print_limits(context, reply);
}

void add_options(CLI::App& app, LimitsOptions& options) {
  app.add_option("NAME", options.name, "The function's name or id")->required()->check(check_not_empty);
  auto* const maximum =
      app.add_option(
             "--max-concurrency", options.maximum,
             "At most so many calls at once; 0: it takes no calls; none: as many as there is room for")
          ->type_name("N|none")
          ->check(check_maximum);
  auto* const reserved = app.add_option("--reserved-concurrency", options.reserved,
                                        "Keep the memory for so many calls at once from other functions")
                             ->type_name("N")
                             ->check(CLI::NonNegativeNumber);
  auto* const provisioned = app.add_option("--provisioned-concurrency", options.provisioned,
                                           "Keep so many instances of the current version started")
                                ->type_name("N");
  app.add_flag("--reset", options.reset, "Take all of them away")
      ->excludes(maximum)
      ->excludes(reserved)
      ->excludes(provisioned);
}

}  // namespace

Command limits_command() {
  auto options = std::make_shared<LimitsOptions>();
  Command command;
  command.name = "limits";
  command.summary = "Bound, reserve and keep ready what a function's calls need";
  command.details =
      R"(They are the function's, of all its versions together, and hold from the moment the command returns. What is
not named stays as it is. A call beyond a limit is answered 429 (exit code as for every refusal); asynchronous ones wait.

Examples:
  hearth limits hello
  hearth limits hello --max-concurrency 10
  hearth limits hello --reserved-concurrency 4 --provisioned-concurrency 2
  hearth limits hello --max-concurrency none
  hearth limits hello --reset
)";
  command.add_options = [options](CLI::App& app) { add_options(app, *options); };
  command.run = [options](Context& context) { return run_limits(context, *options); };
  return command;
}

}  // namespace hearth::cli
