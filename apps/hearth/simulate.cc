#include "apps/hearth/simulate.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <fstream>
#include <memory>
#include <ostream>

#include "apps/hearth/flag_kinds.h"
#include "apps/hearth/simulate_trace.h"
#include "base/text_units.h"
#include "cli/exit_code.h"
#include "sim/report.h"
#include "sim/simulation.h"

namespace hearth {
namespace {

using std::chrono::microseconds;

constexpr const char* kDetails =
    R"(Runs the dispatcher and the worker that serve, many of each, on a virtual clock: no call is executed. Between them
are simulated messaging servers, links and instances. The same flags and seed give the same report. It goes to
stdout, progress to stderr; Ctrl-C ends it early and still reports. docs/scale.md says what each figure means and what the model leaves out.

Examples:
  hearth simulate                                                  1,000 workers, 100,000 functions
  hearth simulate --workers 20 --functions 500 --rate 50 --duration 1m --day 1m
  hearth simulate --messaging-servers 3 --rate 5000 --seed 2 --json run.json
  hearth simulate --trace DIR                                      a recorded load, with each keep-alive policy
)";

struct SimulateOptions {
  sim::Settings settings;
  TraceOptions trace;
  std::string json;
  std::string report;
};

// A signal handler can reach nothing else.
std::atomic<bool> stop_requested{false};

// Ctrl-C ends the simulation with a report of what there is; the second one ends the process.
void stop_on_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
}

// Also refuses what is no number: it lies within any bounds.
template <typename Number>
void add_number(CLI::App& group, const std::string& flag, Number& value, std::pair<Number, Number> bounds,
                const std::string& help) {
  group
      .add_option_function<Number>(
          flag,
          [&value, flag, bounds](const Number& number) {
            if (!(number >= bounds.first && number <= bounds.second)) {
              throw CLI::ValidationError(flag, fmt::format("it is {} to {}", bounds.first, bounds.second));
            }
            value = number;
          },
          help)
      ->type_name("N")
      ->default_str(fmt::format("{}", value));
}

constexpr DurationBounds kSeconds{std::chrono::seconds(1), std::chrono::hours(24 * 7)};

void add_platform_flags(CLI::App& command, sim::Settings& settings) {
  auto& group = *command.add_option_group("Platform");
  add_number(group, "--workers", settings.workers, {1, 100'000}, "Workers");
  add_number(group, "--gateways", settings.gateways, {1, 1'000},
             "Gateways, each with a dispatcher of its own; a call comes to any of them");
  add_number(group, "--memory", settings.memory_mb, {1'024, 1U << 24U},
             "Memory of a worker for instances, in MB");
  add_number(group, "--cores", settings.cores, {1, 1'024}, "Cores of a worker");
  add_duration(group, "--keep-alive", settings.keep_alive, "An idle instance is removed after it", kSeconds);
  add_duration(group, "--worker-timeout", settings.loss.worker_timeout,
               "A worker that is silent for so long is known to be lost", kSeconds);
}

void add_load_flags(CLI::App& command, sim::Settings& settings) {
  auto& group = *command.add_option_group("Load");
  sim::LoadSettings& load = settings.load;
  add_number(group, "--functions", load.functions, {1, 10'000'000}, "Functions");
  add_number(group, "--zipf", load.zipf, {0.0, 3.0},
             "Popularity: the k-th function is called 1/k^N as often as the first; 0: all alike");
  add_number(group, "--rate", load.rate, {0.1, 1e6},
             "Calls a second of the whole platform, the mean of a day");
  add_number(group, "--swing", load.swing, {0.0, 1.0},
             "How far the rate rises above its mean, and falls below it, within a day; 0.5: by half");
  add_duration(group, "--run-mean", load.run_mean, "How long a handler runs, the mean of all calls",
               {std::chrono::milliseconds(1), std::chrono::seconds(20)});
  add_duration(group, "--day", load.day, "Length of a day: 24h, or less to see a whole one", kSeconds);
  add_duration(
      group, "--warm-up", settings.warm_up,
      "Virtual time before anything is measured, in which the functions that are called about once a "
      "keep-alive get their first instance",
      kSeconds);
  add_duration(group, "--duration", settings.duration, "Virtual time that is measured", kSeconds);
  group.add_option("--seed", settings.seed, "Of all that is left to chance")
      ->type_name("N")
      ->capture_default_str();
}

void add_messaging_flags(CLI::App& command, sim::Settings& settings) {
  auto& group = *command.add_option_group("Messages");
  sim::MessagingSettings& messaging = settings.messaging;
  add_number(group, "--messaging-servers", messaging.servers, {1, 64}, "Messaging servers");
  add_number(group, "--messaging-rate", messaging.rate, {100.0, 1e9},
             "Commands a second that one of them executes when its lists are short");
  add_duration(group, "--round-trip", messaging.round_trip,
               "Of a message and its answer, between any two hosts",
               {microseconds(0), std::chrono::seconds(1)});
  add_duration(group, "--announce-again", messaging.announce_again,
               "How often every worker announces all that is idle once more; 0: never",
               {microseconds(0), kSeconds.most});
  group
      .add_option_function<std::string>(
          "--announced-to",
          [&messaging](const std::string& text) {
            messaging.announced_to =
                text == "gateways" ? sim::AnnouncedTo::kGateways : sim::AnnouncedTo::kEverybody;
          },
          "Who hears of each announcement: gateways alone, as it is, or everybody")
      ->check(CLI::IsMember({"everybody", "gateways"}))
      ->default_str("gateways");
}

void add_loss_flags(CLI::App& command, sim::Settings& settings) {
  auto& group = *command.add_option_group("Loss");
  add_number(group, "--lose", settings.loss.share, {0.0, 0.9},
             "Share of the workers that is lost at once; 0: none");
  group
      .add_option_function<std::string>(
          "--lose-at",
          [&settings](const std::string& text) {
            const auto parsed = base::parse_duration(text);
            if (!parsed) {
              throw CLI::ValidationError("--lose-at", parsed.error().message);
            }
            settings.loss.at = *parsed;
          },
          "When, from the start of what is measured (default: after 3/5 of --duration)")
      ->type_name("DURATION");
}

// On a terminal one line that is written over, elsewhere a line every few seconds.
class ProgressLine {
 public:
  explicit ProgressLine(cli::Terminal& terminal) : terminal_(terminal) {}

  void show(const sim::Progress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) {
      return;
    }
    next_ = now + (terminal_.err_is_terminal ? std::chrono::milliseconds(200) : std::chrono::seconds(5));
    terminal_.err << (terminal_.err_is_terminal ? "\r\x1b[K" : "")
                  << fmt::format("simulated {} of {} s, {} calls", progress.second, progress.seconds,
                                 progress.calls)
                  << (terminal_.err_is_terminal ? "" : "\n") << std::flush;
  }
  void clear() {
    if (terminal_.err_is_terminal) {
      terminal_.err << "\r\x1b[K" << std::flush;
    }
  }

 private:
  cli::Terminal& terminal_;
  std::chrono::steady_clock::time_point next_{};
};

// Opened before the simulation, so that a wrong path costs nobody minutes.
bool open_output(const std::string& path, std::ofstream& file, std::ostream& err) {
  if (path.empty()) {
    return true;
  }
  file.open(path, std::ios::binary | std::ios::trunc);
  if (!file) {
    err << "hearth: " << path << " cannot be written\n";
  }
  return file.is_open();
}

bool write_output(const std::string& path, std::ofstream& file, const std::string& text, std::ostream& err) {
  if (path.empty()) {
    return true;
  }
  file << text << std::flush;
  if (!file) {
    err << "hearth: " << path << " could not be written\n";
  }
  return static_cast<bool>(file);
}

// What goes to stdout and into files.
struct Texts {
  std::string text;
  std::string json;
};

base::Result<Texts> run_simulation(const SimulateOptions& options, const CLI::App& command,
                                   const std::function<bool(const sim::Progress&)>& on_progress) {
  if (options.trace.folder.empty()) {
    const sim::Report report = sim::simulate(options.settings, on_progress);
    return Texts{sim::to_text(report), sim::to_json(report)};
  }
  const auto report = run_trace(options.trace, options.settings, command, on_progress);
  return report ? base::Result<Texts>({sim::to_text(*report), sim::to_json(*report)}) : report.error();
}

int simulate(const SimulateOptions& options, const CLI::App& command, cli::Terminal& terminal) {
  const sim::Settings& settings = options.settings;
  if (settings.loss.at && *settings.loss.at >= settings.duration) {
    terminal.err << fmt::format("hearth: --lose-at {} is not within --duration {}\n",
                                base::format_duration(*settings.loss.at),
                                base::format_duration(settings.duration));
    return cli::kUsage;
  }
  std::ofstream json;
  std::ofstream report_file;
  if (!open_output(options.json, json, terminal.err) ||
      !open_output(options.report, report_file, terminal.err)) {
    return cli::kUsage;
  }
  stop_on_interrupt();
  ProgressLine line(terminal);
  const auto texts = run_simulation(options, command, [&line](const sim::Progress& progress) {
    line.show(progress);
    return !stop_requested;
  });
  line.clear();
  if (!texts) {
    terminal.err << "hearth: " << texts.error().message << '\n';
    return cli::kUsage;
  }
  terminal.out << texts->text << std::flush;
  const bool written = write_output(options.json, json, texts->json, terminal.err) &&
                       write_output(options.report, report_file, texts->text, terminal.err);
  return written ? cli::kOk : cli::kUsage;
}

}  // namespace

cli::Command simulate_command() {
  cli::Command command;
  command.name = "simulate";
  command.summary = "Simulate a platform of many workers on a virtual clock";
  command.details = kDetails;
  const auto options = std::make_shared<SimulateOptions>();
  command.add_options = [options](CLI::App& app) {
    add_platform_flags(app, options->settings);
    add_load_flags(app, options->settings);
    add_messaging_flags(app, options->settings);
    add_loss_flags(app, options->settings);
    auto& group = *app.add_option_group("Output");
    group.add_option("--json", options->json, "Write everything to this file, second by second too")
        ->type_name("FILE");
    group.add_option("--report", options->report, "Write what goes to stdout to this file, too")
        ->type_name("FILE");
    add_trace_flags(app, options->trace, options->settings);
  };
  command.run = [options](cli::Context& context) {
    return simulate(*options, *context.app.get_subcommand("simulate"), context.terminal);
  };
  command.speaks_to_server = false;
  return command;
}

}  // namespace hearth
