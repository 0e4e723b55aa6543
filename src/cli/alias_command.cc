// hearth alias NAME [ALIAS]: the aliases of a function: listed, shown, pointed at versions, removed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>
#include <string>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

struct AliasOptions {
  std::string name;
  std::string alias;
  std::uint32_t to = 0;
  std::uint32_t canary = 0;
  std::string weight;  // as it was typed, so that the server gets the same digits
  bool remove = false;
};

std::string check_weight(const std::string& weight) {
  const bool shaped = weight.starts_with("0.") && weight.size() <= 5 &&
                      weight.find_first_not_of("0123456789", 2) == std::string::npos &&
                      weight.find_first_not_of("0.") != std::string::npos;
  return shaped ? "" : "a share over 0 and under 1, such as 0.1, with three decimals at most";
}

std::string describe_share(const AliasInfo& alias) {
  return alias.canary == 0 ? "-" : fmt::format("{:.4g}% to {}", alias.weight * 100, alias.canary);
}

void print_table(Context& context, const std::vector<AliasInfo>& aliases) {
  Table table({"ALIAS", "VERSION", "CANARY", "CHANGED"});
  for (const auto& alias : aliases) {
    table.add({printable(alias.name), std::to_string(alias.version), describe_share(alias),
               human_age(alias.updated_at, context.now_ms())});
  }
  table.print(context.terminal.out);
}

std::string alias_path(const AliasOptions& options) {
  return function_path(options.name, "/aliases/" + percent_encoded(options.alias));
}

int list_aliases(Context& context, const AliasOptions& options) {
  Reply reply;
  if (const auto code =
          ask(context, {http::Method::kGet, function_path(options.name, "/aliases"), ""}, reply)) {
    return code;
  }
  const auto aliases = parse_aliases(reply.body);
  if (!aliases) {
    return report_unreadable(context, aliases.error());
  }
  if (context.json) {
    print_json(context, reply.body);
  } else if (aliases->empty()) {
    context.terminal.out << "No aliases. Make one: hearth alias NAME ALIAS --to N\n";
  } else {
    print_table(context, *aliases);
  }
  return kOk;
}

// Shown, or changed: the answer is the alias.
int ask_for_alias(Context& context, const AliasOptions& options, const Request& request) {
  const std::string advice =
      fmt::format("'hearth alias {}' shows its aliases, 'hearth versions {}' its versions",
                  printable(options.name), printable(options.name));
  Reply reply;
  if (const auto code = ask(context, request, reply, advice)) {
    return code;
  }
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto alias = parse_alias(reply.body);
  if (!alias) {
    return report_unreadable(context, alias.error());
  }
  print_table(context, {*alias});
  return kOk;
}

int remove_alias(Context& context, const AliasOptions& options) {
  const std::string advice =
      fmt::format("'hearth alias {}' shows the aliases that there are", printable(options.name));
  Reply reply;
  if (const auto code = ask(context, {http::Method::kDelete, alias_path(options), ""}, reply, advice)) {
    return code;
  }
  if (!context.json) {
    context.terminal.out << fmt::format("removed the alias {}\n", printable(options.alias));
  }
  return kOk;
}

std::string settings(const AliasOptions& options) {
  const std::string canary = options.canary == 0 ? ""
                                                 : fmt::format(R"(,"canary":{{"version":{},"weight":{}}})",
                                                               options.canary, options.weight);
  return fmt::format(R"({{"version":{}{}}})", options.to, canary);
}

int run_alias(Context& context, const AliasOptions& options) {
  if (options.alias.empty()) {
    return options.to != 0 || options.remove
               ? report_usage(context, "which alias? hearth alias NAME ALIAS --to N, or --remove")
               : list_aliases(context, options);
  }
  if (options.remove) {
    return remove_alias(context, options);
  }
  if (options.to != 0) {
    return ask_for_alias(context, options, {http::Method::kPut, alias_path(options), settings(options)});
  }
  return ask_for_alias(context, options, {http::Method::kGet, alias_path(options), ""});
}

void add_options(CLI::App& app, AliasOptions& options) {
  const CLI::Range numbers(1U, 4'294'967'295U);
  app.add_option("NAME", options.name, "The function's name or id")->required()->check(check_not_empty);
  app.add_option("ALIAS", options.alias, "One of its aliases (default: all are listed)")
      ->check(check_not_empty);
  auto* const to = app.add_option("--to", options.to, "Make the alias, or point it at this version")
                       ->type_name("N")
                       ->check(numbers);
  auto* const canary =
      app.add_option("--canary", options.canary, "A second version, which takes a share of the calls")
          ->type_name("M")
          ->check(numbers)
          ->needs(to);
  auto* const weight = app.add_option("--weight", options.weight, "The canary's share, such as 0.1")
                           ->type_name("SHARE")
                           ->check(check_weight)
                           ->needs(canary);
  canary->needs(weight);
  app.add_flag("--remove", options.remove, "Remove the alias")->excludes(to);
}

}  // namespace

Command alias_command() {
  auto options = std::make_shared<AliasOptions>();
  Command command;
  command.name = "alias";
  command.summary = "Give versions of a function names, and shares of the calls";
  command.details =
      R"(A call that names the alias (hearth invoke NAME --alias ALIAS) executes the version that it stands for. When
the command returns no call that begins runs what the alias stood for before.

Examples:
  hearth alias hello
  hearth alias hello live --to 3
  hearth alias hello live --to 3 --canary 4 --weight 0.1
  hearth alias hello live --remove
)";
  command.add_options = [options](CLI::App& app) { add_options(app, *options); };
  command.run = [options](Context& context) { return run_alias(context, *options); };
  return command;
}

}  // namespace hearth::cli
