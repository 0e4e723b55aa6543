// hearth scaler: workers are started and drained as the load needs them, by commands of the user's own.
#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>
#include <utility>

#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/scaler.h"

namespace hearth::cli {
namespace {

struct Given {
  ScalerSettings settings;
  std::string interval = "5s";
  std::string up_after = "10s";
  std::string down_after = "5m";
  std::string cool_down = "1m";
  std::string command_timeout = "1m";
};

// While it lives, SIGINT and SIGTERM end Context::wait() instead of the process: a command that runs is
// waited for.
class StopSignals {
 public:
  StopSignals() {
    sigset_t stop;
    ::sigemptyset(&stop);
    ::sigaddset(&stop, SIGINT);
    ::sigaddset(&stop, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &stop, &before_);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// Empty, or what is wrong with a time.
std::string read_times(Given& given) {
  ScalerOptions& policy = given.settings.policy;
  const auto read = [](const char* flag, const std::string& text, auto& into) -> std::string {
    const auto time = parse_milliseconds(text == "0" ? "1ms" : text);
    if (!time) {
      return std::string(flag) + ": " + time.error().message;
    }
    into = text == "0" ? std::chrono::milliseconds(0) : *time;
    return {};
  };
  std::string wrong = read("--interval", given.interval, given.settings.interval);
  wrong = !wrong.empty() ? wrong : read("--up-after", given.up_after, policy.up_after);
  wrong = !wrong.empty() ? wrong : read("--down-after", given.down_after, policy.down_after);
  wrong = !wrong.empty() ? wrong : read("--cool-down", given.cool_down, policy.cool_down);
  wrong = !wrong.empty() ? wrong
                         : read("--command-timeout", given.command_timeout, given.settings.command_timeout);
  if (wrong.empty() && given.settings.interval.count() == 0) {
    wrong = "--interval is at least 1ms";
  }
  return wrong;
}

int run_scaler(Context& context, Given& given) {
  if (const std::string wrong = read_times(given); !wrong.empty()) {
    return report_usage(context, wrong);
  }
  if (given.settings.policy.min > given.settings.policy.max) {
    return report_usage(context, "--min is more than --max");
  }
  const StopSignals signals;
  Scaler scaler(context, given.settings, {run_shell, base::Clock::now});
  return scaler.run();
}

void add_options(CLI::App& app, Given& given) {
  ScalerSettings& settings = given.settings;
  const auto time = [&app](const char* flag, std::string& value, const char* help) {
    app.add_option(flag, value, help)->type_name("TIME")->capture_default_str();
  };
  const auto number = [&app](const char* flag, std::uint64_t& value, const char* help) {
    app.add_option(flag, value, help)->type_name("N")->check(CLI::Range(0U, 10'000U))->capture_default_str();
  };
  app.add_option("--up", settings.up, "Starts one worker or more")->required()->type_name("COMMAND");
  app.add_option("--down", settings.down, "Takes one worker away")->required()->type_name("COMMAND");
  number("--min", settings.policy.min, "Fewest workers");
  number("--max", settings.policy.max, "Most workers");
  number("--margin", settings.policy.margin, "Workers that are kept beyond those needed");
  time("--interval", given.interval, "How often the capacity is looked at");
  time("--up-after", given.up_after, "How long more have to be needed");
  time("--down-after", given.down_after, "How long fewer have to be needed");
  time("--cool-down", given.cool_down, "Pause after a command; each failure in a row doubles it");
  time("--command-timeout", given.command_timeout, "Longest run of a command");
  app.add_flag("--once", settings.once, "Look once, act, and end: for cron");
  app.add_flag("--dry-run", settings.dry_run, "Say what would be run, and run nothing");
}

}  // namespace

Command scaler_command() {
  auto given = std::make_shared<Given>();
  Command command;
  command.name = "scaler";
  command.summary = "Start and drain workers as the load needs them, by commands of yours";
  command.details =
      "COMMAND is run by /bin/sh with HEARTH_WORKERS (that there are), HEARTH_WORKERS_NEEDED (within --min\n"
      "and --max), HEARTH_ENDPOINT and, for --down, HEARTH_WORKER_ID and HEARTH_WORKER_URI of the least "
      "busy\n"
      "one. 'hearth capacity' shows what is looked at. SIGTERM ends it when a command that runs has ended.\n"
      "\nExample:\n"
      "  hearth scaler --max 8 --up 'systemctl start hearth-worker@$((HEARTH_WORKERS + 1))' \\\n"
      "    --down 'hearth workers drain \"$HEARTH_WORKER_ID\"'\n";
  command.add_options = [given](CLI::App& app) { add_options(app, *given); };
  command.run = [given](Context& context) { return run_scaler(context, *given); };
  return command;
}

}  // namespace hearth::cli
