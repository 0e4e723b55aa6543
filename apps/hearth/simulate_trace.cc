#include "apps/hearth/simulate_trace.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/hearth/flag_kinds.h"
#include "base/text_units.h"
#include "sim/trace_simulation.h"
#include "trace/azure_trace.h"

namespace hearth {
namespace {

// What a trace says itself, or does not have.
constexpr const char* kNotWithATrace[] = {"--functions", "--zipf",    "--rate",           "--swing",
                                          "--run-mean",  "--day",     "--warm-up",        "--duration",
                                          "--lose",      "--lose-at", "--worker-timeout", "--announce-again"};

sim::Arrivals arrivals_of(const std::string& name) {
  for (const auto arrivals : {sim::Arrivals::kUniform, sim::Arrivals::kOnce}) {
    if (name == sim::to_string(arrivals)) {
      return arrivals;
    }
  }
  return sim::Arrivals::kTimers;
}

sim::TraceSettings trace_settings(const TraceOptions& options, const sim::Settings& given,
                                  const CLI::App& command) {
  sim::TraceSettings settings = sim::TraceSettings::defaults();
  const sim::Settings defaults = settings.platform;
  sim::Settings& platform = settings.platform;
  platform = given;
  const auto keep = [&](const char* flag, auto& value, const auto& otherwise) {
    value = command.get_option(flag)->count() > 0 ? value : otherwise;
  };
  keep("--workers", platform.workers, defaults.workers);
  keep("--gateways", platform.gateways, defaults.gateways);
  keep("--memory", platform.memory_mb, defaults.memory_mb);
  keep("--messaging-servers", platform.messaging.servers, defaults.messaging.servers);
  platform.messaging.announce_again = defaults.messaging.announce_again;
  settings.arrivals = arrivals_of(options.arrivals);
  settings.overcommits = options.overcommits;
  if (!options.policies.empty()) {
    settings.policies.clear();
  }
  for (const std::string& policy : options.policies) {
    settings.policies.push_back(policy == "adaptive" ? worker::KeepAliveKind::kAdaptive
                                                     : worker::KeepAliveKind::kFixed);
  }
  return settings;
}

}  // namespace

void add_trace_flags(CLI::App& command, TraceOptions& options, sim::Settings& settings) {
  auto& group = *command.add_option_group("Trace");
  auto* const trace =
      group
          .add_option(
              "--trace", options.folder,
              "Play the calls of a trace instead: a folder with the files *invocations*.csv, "
              "*durations*.csv and *memory*.csv of the Azure Functions trace, once for each --policy. "
              "One worker with memory for all, unless --workers and --memory are given")
          ->type_name("DIR");
  group
      .add_option("--policy", options.policies,
                  "Keep-alive policy to play it with; may be given several times (default: both)")
      ->check(CLI::IsMember({"fixed", "adaptive"}))
      ->take_all()
      ->needs(trace);
  group
      .add_option(
          "--overcommit", options.overcommits,
          "How many times --memory is promised: an instance that is idle for 10 ms is charged what its "
          "function took on average; with commas between several, to play it with each")
      ->type_name("F")
      ->delimiter(',')
      ->take_all()
      ->check(CLI::Range(1.0, 64.0))
      ->capture_default_str()
      ->needs(trace);
  add_duration(group, "--keep-alive-longest", settings.keep_alive_longest,
               "Longest time that the adaptive policy keeps an idle instance");
  command.get_option("--keep-alive-longest")->needs(trace);
  group
      .add_option("--arrivals", options.arrivals,
                  "When within their minute calls come. timers: those of timers evenly, at the same place of "
                  "every minute, those of others at any time; uniform: all at any time; once: one of each "
                  "minute that has any, at the function's own second, and it takes no time")
      ->check(CLI::IsMember({"timers", "uniform", "once"}))
      ->capture_default_str()
      ->needs(trace);
  for (const char* flag : kNotWithATrace) {
    command.get_option(flag)->excludes(trace);
  }
}

base::Result<sim::TraceReport> run_trace(const TraceOptions& options, const sim::Settings& settings,
                                         const CLI::App& command,
                                         const std::function<bool(const sim::Progress&)>& on_progress) {
  const sim::TraceSettings made = trace_settings(options, settings, command);
  if (made.platform.keep_alive_longest < made.platform.keep_alive) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("--keep-alive-longest {} is shorter than --keep-alive {}",
                                   base::format_duration(made.platform.keep_alive_longest),
                                   base::format_duration(made.platform.keep_alive))};
  }
  const auto trace = trace::read_trace(options.folder);
  if (!trace) {
    return trace.error();
  }
  return sim::simulate_trace(made, *trace, on_progress);
}

}  // namespace hearth
