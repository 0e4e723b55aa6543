// hearth bench idle: what a server costs while nobody calls it.
#include <fmt/format.h>

#include <thread>

#include "bench/load/thread_clock.h"
#include "bench/run/subcommand.h"
#include "bench/target/process_cpu.h"

namespace hearth::bench {
namespace {

constexpr const char* kDetails =
    R"(Calls the function for a while, stops, and from 1 ms after the last call on measures the CPU of the server's own
processes, second by second. A server that the tool did not start is named by --server-pid.

Example:
  sudo hearth bench idle --target hearth:serve --target node --quiet 10s
)";

constexpr std::chrono::milliseconds kAfterLastCall{1};
constexpr std::chrono::milliseconds kSlice{1000};

// Adds a sample for each second without calls; their mean, in a share of a core.
double measure_quiet(Session& session, OpenTarget& target, const std::vector<pid_t>& processes) {
  std::this_thread::sleep_for(kAfterLastCall);
  const std::int64_t begin_ns = monotonic_ns();
  const std::uint64_t begin_cpu_ns = cpu_ns(processes);
  std::int64_t slice_ns = begin_ns;
  std::uint64_t slice_cpu_ns = begin_cpu_ns;
  for (std::chrono::milliseconds at{0}; at < session.options().quiet;) {
    const auto length = std::min(kSlice, session.options().quiet - at);
    at += length;
    if (!session.wait(length, target.spec.name + ": no calls")) {
      break;
    }
    const std::int64_t now_ns = monotonic_ns();
    const std::uint64_t now_cpu_ns = cpu_ns(processes);
    Sample sample;
    sample.seconds = static_cast<double>(now_ns - slice_ns) / 1e9;
    sample.server_cpu =
        static_cast<double>(now_cpu_ns - slice_cpu_ns) / static_cast<double>(now_ns - slice_ns);
    session.add(target.spec.name, {0, static_cast<double>(at.count()) / 1000.0}, sample);
    slice_ns = now_ns;
    slice_cpu_ns = now_cpu_ns;
  }
  return slice_ns == begin_ns
             ? 0
             : static_cast<double>(slice_cpu_ns - begin_cpu_ns) / static_cast<double>(slice_ns - begin_ns);
}

base::Result<void> run(Session& session) {
  const Options& options = session.options();
  if (auto opened = session.open_targets(session.wish(), true); !opened) {
    return opened;
  }
  for (OpenTarget& target : session.targets()) {
    const auto processes = target.target->server_pids();
    if (processes.empty()) {
      return base::Error{
          base::ErrorCode::kInvalidArgument,
          fmt::format("{}: whose CPU? Name its process by --server-pid, or have it started (serve)",
                      target.spec.name)};
    }
    if (auto measured = session.measure(target, {0, 0, "under load"}, session.stretch_of(options.callers));
        !measured) {
      return measured;
    }
    if (session.stopped()) {
      return {};
    }
    const double cpu = measure_quiet(session, target, processes);
    session.summary() += fmt::format("{}: {:.3f} % of a core while nobody calls ({:.0f} us a second)\n",
                                     target.spec.name, cpu * 100, cpu * 1e6);
  }
  return {};
}

void add_options(CLI::App& app, Options& options) {
  options.step = std::chrono::seconds(3);
  options.callers = 15;
  add_duration(app, "--step", options.step, "Length of the load before");
  add_duration(app, "--quiet", options.quiet, "How long nobody calls");
  app.add_option("--callers", options.callers, "Calls in flight in the load before")
      ->type_name("N")
      ->check(CLI::Range(1U, kHighestLevel))
      ->capture_default_str();
  add_target_options(app, options);
  add_load_options(app, options);
  add_output_options(app, options);
}

}  // namespace

Subcommand idle_subcommand() {
  return {
      "idle", "CPU of a server while nobody calls it", kDetails, "seconds without calls", "s", add_options,
      run};
}

}  // namespace hearth::bench
