// hearth async NAME: what becomes of a function's asynchronous executions: shown, and changed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "base/text_units.h"
#include "base/words.h"
#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

constexpr std::string_view kDefault = "default";
constexpr std::string_view kNone = "none";
constexpr std::string_view kFunction = "function:";

// As they were typed; empty: not given.
struct AsyncOptions {
  std::string name;
  std::string retries;
  std::string max_age;
  std::string max_backlog;
  std::string on_success;
  std::string on_failure;
  std::string secret_file;
  bool reset = false;

  bool changes() const {
    return !(retries + max_age + max_backlog + on_success + on_failure + secret_file).empty();
  }
};

// A number without a unit has seconds.
std::optional<std::uint64_t> seconds(const std::string& text) {
  if (const auto number = base::number_of<std::uint64_t>(text)) {
    return number;
  }
  const auto duration = base::parse_duration(text);
  if (!duration || duration->count() % 1'000'000 != 0 || duration->count() < 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(duration->count() / 1'000'000);
}

std::string check_number(const std::string& text) {
  return text == kDefault || base::number_of<std::uint64_t>(text) ? "" : "a whole number, or default";
}

std::string check_seconds(const std::string& text) {
  return text == kDefault || seconds(text) ? "" : "seconds, a time such as 2h, or default";
}

std::string check_destination(const std::string& text) {
  const bool shaped = text == kNone || text.starts_with("http://") || text.starts_with("https://") ||
                      (text.starts_with(kFunction) && text.size() > kFunction.size());
  return shaped ? "" : "function:NAME, a URL (http or https), or none";
}

std::optional<DestinationInfo> to_destination(const std::string& text) {
  if (text == kNone) {
    return std::nullopt;
  }
  DestinationInfo info;
  (text.starts_with(kFunction) ? info.function : info.url) =
      text.starts_with(kFunction) ? text.substr(kFunction.size()) : text;
  return info;
}

base::Result<std::string> read_secret(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return base::Error{base::ErrorCode::kNotFound,
                       fmt::format("--webhook-secret-file: the file '{}' cannot be read", path)};
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.pop_back();
  }
  if (text.empty()) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("--webhook-secret-file: the file '{}' is empty", path)};
  }
  return text;
}

// For the webhooks that the command line names, or for those that there are when it names none.
base::Result<void> give_secret(const AsyncOptions& options, AsyncInfo& info) {
  const auto secret = read_secret(options.secret_file);
  if (!secret) {
    return secret.error();
  }
  const bool all = options.on_success.empty() && options.on_failure.empty();
  bool given = false;
  const auto give = [&](std::optional<DestinationInfo>& destination, bool wanted) {
    if (wanted && destination && !destination->url.empty()) {
      destination->secret = *secret;
      given = true;
    }
  };
  give(info.on_success, all || !options.on_success.empty());
  give(info.on_failure, all || !options.on_failure.empty());
  return given ? base::Result<void>()
               : base::Error{base::ErrorCode::kInvalidArgument,
                             "--webhook-secret-file: there is no webhook to sign for"};
}

base::Result<void> merge(const AsyncOptions& options, AsyncInfo& info) {
  if (!options.retries.empty()) {
    info.retries = base::number_of<std::uint64_t>(options.retries);
  }
  if (!options.max_age.empty()) {
    info.max_age_s = seconds(options.max_age);
  }
  if (!options.max_backlog.empty()) {
    info.max_backlog = base::number_of<std::uint64_t>(options.max_backlog);
  }
  if (!options.on_success.empty()) {
    info.on_success = to_destination(options.on_success);
  }
  if (!options.on_failure.empty()) {
    info.on_failure = to_destination(options.on_failure);
  }
  return options.secret_file.empty() ? base::Result<void>() : give_secret(options, info);
}

std::string shown(const std::optional<DestinationInfo>& destination) {
  if (!destination) {
    return "-";
  }
  return destination->url.empty() ? "function " + destination->function
                                  : destination->url + (destination->is_signed ? "  (signed)" : "");
}

std::string shown(const std::optional<std::uint64_t>& number, const char* flag) {
  return number ? std::to_string(*number) : fmt::format("the server's ({})", flag);
}

// "2 h": in the largest unit that is exact.
std::string age(std::uint64_t seconds) {
  if (seconds % 3'600 == 0) {
    return fmt::format("{} h", seconds / 3'600);
  }
  return seconds % 60 == 0 ? fmt::format("{} min", seconds / 60) : fmt::format("{} s", seconds);
}

void print(Context& context, const AsyncInfo& info) {
  const auto line = [&](std::string_view label, const std::string& value) {
    context.terminal.out << fmt::format("{:<13}{}\n", label, printable(value));
  };
  line("retries", shown(info.retries, "--async-retries"));
  line("max age", info.max_age_s ? age(*info.max_age_s) : shown(info.max_age_s, "--async-max-age"));
  line("max backlog", shown(info.max_backlog, "--async-function-backlog"));
  line("on success", shown(info.on_success));
  line("on failure", shown(info.on_failure));
}

// What the answer says, as it is.
int show(Context& context, const Reply& reply) {
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto info = parse_async(reply.body);
  if (!info) {
    return report_unreadable(context, info.error());
  }
  print(context, *info);
  return kOk;
}

int run_async(Context& context, const AsyncOptions& options) {
  const std::string path = function_path(options.name, "/async");
  Reply reply;
  if (options.reset) {
    const auto code = ask(context, {http::Method::kDelete, path, ""}, reply);
    return code != kOk ? code : show(context, reply);
  }
  if (const auto code = ask(context, {http::Method::kGet, path, ""}, reply)) {
    return code;
  }
  if (!options.changes()) {
    return show(context, reply);
  }
  auto info = parse_async(reply.body);
  if (!info) {
    return report_unreadable(context, info.error());
  }
  if (const auto merged = merge(options, *info); !merged) {
    return report_usage(context, merged.error().message);
  }
  if (const auto code = ask(context, {http::Method::kPut, path, async_body(*info)}, reply)) {
    return code;
  }
  return show(context, reply);
}

void add_options(CLI::App& app, AsyncOptions& options) {
  app.add_option("NAME", options.name, "The function's name or id")->required()->check(check_not_empty);
  auto* const reset = app.add_flag("--reset", options.reset, "Back to the server's, without destinations");
  const auto add = [&](const char* flag, std::string& value, const char* type, const char* help,
                       std::string (*check)(const std::string&)) {
    app.add_option(flag, value, help)->type_name(type)->check(check)->excludes(reset);
  };
  add("--retries", options.retries, "N", "How often an attempt that the function failed is tried again",
      check_number);
  add("--max-age", options.max_age, "TIME", "Older ones are not tried again: seconds, or 2h", check_seconds);
  add("--max-backlog", options.max_backlog, "N", "Most that have not ended", check_number);
  add("--on-success", options.on_success, "DESTINATION",
      "Is told of each that is done: function:NAME, a URL, or none", check_destination);
  add("--on-failure", options.on_failure, "DESTINATION",
      "Is told of each that is dead: function:NAME, a URL, or none", check_destination);
  add("--webhook-secret-file", options.secret_file, "FILE",
      "Holds what messages to the webhooks are signed with", check_not_empty);
}

}  // namespace

Command async_command() {
  auto options = std::make_shared<AsyncOptions>();
  Command command;
  command.name = "async";
  command.summary = "Retries, limits and destinations of a function's asynchronous executions";
  command.details =
      R"(Without options it shows them. What an option does not name stays as it is; default gives a number back to
the server. A webhook of the same URL keeps its secret.

Examples:
  hearth async hello
  hearth async hello --retries 5 --max-age 2h --on-success function:next
  hearth async hello --on-failure https://example.org/hook --webhook-secret-file secret.txt
  hearth async hello --reset
)";
  command.add_options = [options](CLI::App& app) { add_options(app, *options); };
  command.run = [options](Context& context) { return run_async(context, *options); };
  return command;
}

}  // namespace hearth::cli
