#include "bench/run/bench_command.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <memory>
#include <ostream>
#include <vector>

#include "bench/load/thread_clock.h"
#include "bench/report/report.h"
#include "bench/run/machine.h"
#include "bench/run/outputs.h"
#include "bench/run/subcommand.h"
#include "cli/ask.h"
#include "cli/exit_code.h"

namespace hearth::bench {
namespace {

constexpr const char* kDetails =
    R"(Measures a Hearth server, the baselines that ship with it (bare Node, nginx, workerd) and any URL with the same
client. A table goes to stdout, progress to stderr; --json, --csv, --report and --charts write files. Ctrl-C
ends a run early and still writes what was measured. `hearth bench NAME --help` describes each.

Examples:
  sudo hearth bench concurrency --target hearth:serve --target node --report run.html
  sudo hearth bench compare hearth:serve node --callers 1
  sudo hearth bench backoff --target hearth:serve --scale 60
)";

// A signal handler can reach nothing else.
std::atomic<bool> stop_requested{false};

std::atomic<std::int64_t> stop_requested_ns{0};

// One Ctrl-C can come as two signals (sudo and timeout pass theirs on to the group, too): only one that
// comes a second later means impatience.
void on_stop_signal(int signal) {
  constexpr std::int64_t kImpatienceNs = 1'000'000'000;
  const std::int64_t now_ns = monotonic_ns();
  if (stop_requested && now_ns - stop_requested_ns > kImpatienceNs) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  } else if (!stop_requested) {
    stop_requested_ns = now_ns;
    stop_requested = true;
  }
}

// While it lives, Ctrl-C and SIGTERM ask the run to stop; the second time they end the process.
class StopSignals {
 public:
  StopSignals() {
    stop_requested = false;
    struct sigaction action {};
    action.sa_handler = on_stop_signal;
    ::sigaction(SIGINT, &action, &interrupt_);
    ::sigaction(SIGTERM, &action, &terminate_);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGTERM, &terminate_, nullptr);
  }

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

// A subcommand and what the command line sets for it.
struct Prepared {
  Subcommand subcommand;
  Options options;
};

int exit_code_of(const base::Error& error) {
  switch (error.code) {
    case base::ErrorCode::kInvalidArgument:
    case base::ErrorCode::kNotFound:
    case base::ErrorCode::kUnsupported:
      return cli::kUsage;
    case base::ErrorCode::kIo:
    case base::ErrorCode::kTimeout:
    case base::ErrorCode::kUnavailable:
      return cli::kUnreachable;
    default:
      return cli::kRefused;
  }
}

void begin_result(Session& session, const Prepared& prepared, const CLI::App& app) {
  RunResult& result = session.result();
  result.test = prepared.subcommand.name;
  result.x_name = prepared.subcommand.x_name;
  result.x_unit = prepared.subcommand.x_unit;
  result.started_at = time_text(session.context().now_ms());
  result.hearth_version = HEARTH_VERSION;
  result.command = command_text();
  result.machine = this_machine();
  result.settings = settings_of(app);
}

base::Result<void> take_up(Session& session) {
  const OutputOptions& output = session.options().output;
  if (auto checked = check_outputs(output); !checked || output.resume.empty()) {
    return checked;
  }
  const auto earlier = read_result(output.resume);
  if (!earlier) {
    return earlier.error();
  }
  return resume_from(*earlier, session.result());
}

int fail(cli::Context& context, const base::Error& error) {
  context.terminal.err << "hearth: " << error.message << std::endl;
  return exit_code_of(error);
}

int conclude(Session& session, const base::Result<void>& run) {
  cli::Context& context = session.context();
  const RunResult& result = session.result();
  session.progress().clear();
  const auto written = write_outputs(result, session.options().output);
  if (!result.samples.empty()) {
    context.terminal.out << table(result) << session.summary() << std::flush;
  }
  if (result.calls_left_out > 0) {
    session.progress().note(fmt::format("--calls kept {} calls and left {} out (--calls-max)",
                                        result.calls.size(), result.calls_left_out));
  }
  if (session.stopped()) {
    session.progress().note("stopped: what was measured until then is above and in the files");
  } else if (!run) {
    return fail(context, run.error());
  }
  if (!written) {
    return fail(context, written.error());
  }
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  for (const Sample& sample : result.samples) {
    calls += sample.calls;
    errors += sample.errors;
  }
  if (calls == 0 && errors > 0) {
    context.terminal.err << "hearth: every call failed\n";
    return cli::kRefused;
  }
  return cli::kOk;
}

// A connection is a descriptor, and the usual 1,024 are fewer than a test may hold.
void allow_all_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int run_prepared(cli::Context& context, const Prepared& prepared, const CLI::App& app) {
  allow_all_descriptors();
  const StopSignals signals;
  Session session(context, prepared.options, stop_requested);
  begin_result(session, prepared, app);
  if (const auto taken_up = take_up(session); !taken_up) {
    return fail(context, taken_up.error());
  }
  const auto run = prepared.subcommand.run(session);
  return conclude(session, run);
}

std::vector<std::shared_ptr<Prepared>> all_subcommands() {
  std::vector<std::shared_ptr<Prepared>> prepared;
  for (auto* make :
       {concurrency_subcommand, backoff_subcommand, keepalive_subcommand, coldburst_subcommand,
        payload_subcommand, codesize_subcommand, mixed_subcommand, replay_subcommand, runtimes_subcommand,
        events_subcommand, compare_subcommand, idle_subcommand, overlay_subcommand}) {
    prepared.push_back(std::make_shared<Prepared>(Prepared{make(), Options{}}));
  }
  return prepared;
}

}  // namespace

cli::Command bench_command() {
  const auto all = all_subcommands();
  cli::Command command;
  command.name = "bench";
  command.summary = "Measure this and other platforms as the paper does";
  command.details = kDetails;
  command.add_options = [all](CLI::App& app) {
    app.require_subcommand(0, 1);
    for (const auto& one : all) {
      CLI::App* const subcommand = app.add_subcommand(one->subcommand.name, one->subcommand.summary);
      subcommand->footer(one->subcommand.details);
      subcommand->fallthrough();
      one->subcommand.add(*subcommand, one->options);
    }
  };
  command.run = [all](cli::Context& context) -> int {
    const CLI::App* const bench = context.app.get_subcommand("bench");
    if (bench->get_subcommands().empty()) {
      context.terminal.err << bench->help();
      return cli::kUsage;
    }
    const CLI::App* const chosen = bench->get_subcommands().front();
    const auto one = std::ranges::find_if(
        all, [&](const auto& prepared) { return prepared->subcommand.name == chosen->get_name(); });
    return run_prepared(context, **one, *chosen);
  };
  return command;
}

}  // namespace hearth::bench
