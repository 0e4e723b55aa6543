#include "cli/cli.h"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>

#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/suggestion.h"

namespace hearth::cli {
namespace {

constexpr const char* kDefaultEndpoint = "http://127.0.0.1:8080";

constexpr const char* kFooter = R"(Examples:
  hearth deploy ./my-function            zip a folder, upload it, create or replace the function
  hearth invoke my-function --data '{"name": "Ada"}'
  hearth logs my-function --follow

Exit codes:
  0  ok
  1  the function failed: it threw, ran out of time or memory, …
  2  the command line, or what it names on this machine, is wrong
  3  the server knows no such function, version, alias, schedule or execution
  4  the server cannot be reached, did not answer in time, or the execution has not ended
  5  the server refused for any other reason
)";

struct GlobalOptions {
  std::string endpoint;
  std::string api_key;
  std::string timeout;
  bool json = false;
};

std::vector<Command> all_commands(std::vector<Command> local_commands) {
  std::vector<Command> commands = std::move(local_commands);
  for (auto* make :
       {deploy_command,     invoke_command,    list_command,     show_command,     logs_command,
        executions_command, execution_command, cancel_command,   redrive_command,  versions_command,
        rollback_command,   alias_command,     schedule_command, async_command,    limits_command,
        delete_command,     status_command,    workers_command,  capacity_command, scaler_command,
        version_command,    completion_command}) {
    commands.push_back(make());
  }
  return commands;
}

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.add_option("--endpoint", options.endpoint,
                 std::string("The server's address (HEARTH_ENDPOINT; default ") + kDefaultEndpoint + ")")
      ->type_name("URL");
  app.add_option("--api-key", options.api_key, "The server's key (HEARTH_API_KEY)")->type_name("KEY");
  app.add_option("--timeout", options.timeout,
                 "How long to wait for an answer: 500ms, 30s, 2m (default: 60s)")
      ->type_name("TIME");
  app.add_flag("--json", options.json, "Print the API's JSON instead of tables");
  app.set_version_flag("--version", "hearth " HEARTH_VERSION, "Print this client's version");
}

void add_commands(CLI::App& app, const std::vector<Command>& commands) {
  for (const auto& command : commands) {
    auto* subcommand = app.add_subcommand(command.name, command.summary);
    subcommand->footer(command.details);
    subcommand->fallthrough(command.speaks_to_server);
    if (command.add_options) {
      command.add_options(*subcommand);
    }
  }
}

std::vector<std::string> names(const std::vector<Command>& commands) {
  std::vector<std::string> result = {"help"};
  for (const auto& command : commands) {
    result.push_back(command.name);
  }
  return result;
}

// The first argument that is neither an option nor a global option's value.
std::vector<std::string>::iterator find_command(std::vector<std::string>& arguments) {
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    if (at->empty() || at->front() != '-') {
      return at;
    }
    const bool takes_value = *at == "--endpoint" || *at == "--api-key" || *at == "--timeout";
    if (takes_value && std::next(at) != arguments.end()) {
      ++at;
    }
  }
  return arguments.end();
}

// "hearth help deploy" and "hearth help" are "hearth deploy --help" and "hearth --help".
void rewrite_help(std::vector<std::string>& arguments) {
  if (const auto at = find_command(arguments); at != arguments.end() && *at == "help") {
    arguments.erase(at);
    arguments.emplace_back("--help");
  }
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> result;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) {
      result.push_back("--" + name);
    }
  }
  // Option groups are apps without a name.
  for (const auto* group : app.get_subcommands([](const CLI::App* one) { return one->get_name().empty(); })) {
    const auto grouped = option_names(*group);
    result.insert(result.end(), grouped.begin(), grouped.end());
  }
  return result;
}

const CLI::App* chosen(const CLI::App& app) {
  const auto subcommands = app.get_subcommands();
  return subcommands.empty() ? nullptr : subcommands.front();
}

int report_parse_error(const CLI::App& app, const CLI::ParseError& error, Terminal& terminal) {
  if (error.get_exit_code() == 0) {  // --help, --version
    return app.exit(error, terminal.out, terminal.err);
  }
  const CLI::App* command = chosen(app);
  terminal.err << "hearth: " << error.what() << '\n';
  std::vector<std::string> known = option_names(app);
  if (command != nullptr) {
    const auto own = option_names(*command);
    known.insert(known.end(), own.begin(), own.end());
  }
  for (const auto& word : app.remaining(true)) {
    const std::string name = word.substr(0, word.find('='));
    if (const auto near = name.rfind("--", 0) == 0 ? suggest(name, known) : std::nullopt) {
      terminal.err << "  did you mean " << *near << "?\n";
    }
  }
  terminal.err << "Try: hearth " << (command == nullptr ? "" : command->get_name() + " ") << "--help\n";
  return kUsage;
}

int report_unknown_command(const std::string& word, const std::vector<std::string>& known,
                           Terminal& terminal) {
  terminal.err << "hearth: there is no command '" << printable(word) << "'\n";
  if (const auto near = suggest(word, known)) {
    terminal.err << "  did you mean 'hearth " << *near << "'?\n";
  }
  terminal.err << "Try: hearth --help\n";
  return kUsage;
}

// The command line wins over the environment, and that over the default.
base::Result<Connection> connection(const GlobalOptions& options, const Command& command,
                                    Environment& environment) {
  const auto choose = [&](const std::string& given, const char* variable, const char* fallback) {
    return !given.empty() ? given : environment.variable(variable).value_or(fallback);
  };
  Connection result{choose(options.endpoint, "HEARTH_ENDPOINT", kDefaultEndpoint),
                    choose(options.api_key, "HEARTH_API_KEY", ""), command.answer_timeout};
  if (!options.timeout.empty()) {
    const auto timeout = parse_milliseconds(options.timeout);
    if (!timeout) {
      return base::Error{timeout.error().code, "--timeout: " + timeout.error().message};
    }
    result.timeout = *timeout;
  }
  return result;
}

int run_command(const Command& command, const GlobalOptions& options, const CLI::App& app,
                Environment& environment) {
  const auto target = connection(options, command, environment);
  if (!target) {
    environment.terminal.err << "hearth: " << target.error().message << '\n';
    return kUsage;
  }
  const auto api = environment.connect(*target);
  Context context{*api,
                  environment.terminal,
                  app,
                  target->endpoint,
                  target->api_key,
                  options.json,
                  environment.now_ms,
                  environment.wait};
  return command.run(context);
}

// A pause; true when it ended because the process is to stop, which only a command sees that has blocked the
// signals: any other ends by them.
bool stopped_within(std::chrono::milliseconds pause) {
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGINT);
  ::sigaddset(&stop, SIGTERM);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(pause);
  const timespec longest{seconds.count(), (pause - seconds).count() * 1'000'000};
  return ::sigtimedwait(&stop, nullptr, &longest) > 0;
}

bool is_data(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 &&
         (S_ISFIFO(info.st_mode) || S_ISREG(info.st_mode) || S_ISSOCK(info.st_mode));
}

}  // namespace

int run_with(Environment& environment, std::vector<std::string> arguments,
             std::vector<Command> local_commands) {
  const std::vector<Command> commands = all_commands(std::move(local_commands));
  GlobalOptions options;
  CLI::App app("Hearth: upload a function, call it, see what it did.", "hearth");
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  add_global_options(app, options);
  add_commands(app, commands);

  rewrite_help(arguments);
  const auto known = names(commands);
  const auto word = find_command(arguments);
  if (word != arguments.end() && std::find(known.begin(), known.end(), *word) == known.end()) {
    return report_unknown_command(*word, known, environment.terminal);
  }
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return report_parse_error(app, error, environment.terminal);
  }
  const CLI::App* subcommand = chosen(app);
  if (subcommand == nullptr) {
    environment.terminal.err << app.help();
    return kUsage;
  }
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const Command& one) { return one.name == subcommand->get_name(); });
  return run_command(*command, options, app, environment);
}

int run(int argc, const char* const* argv, std::vector<Command> local_commands) {
  Environment environment{
      Terminal{std::cin, std::cout, std::cerr, ::isatty(STDIN_FILENO) == 1, is_data(STDIN_FILENO),
               ::isatty(STDOUT_FILENO) == 1, ::isatty(STDERR_FILENO) == 1},
      [](const Connection& connection) { return std::make_unique<HttpApi>(connection); },
      [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
      },
      [] {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
      },
      [](std::chrono::milliseconds pause) { return !stopped_within(pause); }};
  return run_with(environment, std::vector<std::string>(argv + std::min(argc, 1), argv + argc),
                  std::move(local_commands));
}

}  // namespace hearth::cli
