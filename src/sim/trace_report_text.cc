#include <fmt/format.h>

#include <functional>

#include "base/text_units.h"
#include "sim/trace_report.h"

namespace hearth::sim {
namespace {

const char* arrivals_text(Arrivals arrivals) {
  switch (arrivals) {
    case Arrivals::kTimers:
      return "those of timers evenly, at the same place of every minute, those of others at any time";
    case Arrivals::kUniform:
      return "at any time of their minute";
    case Arrivals::kOnce:
      return "one of each minute that has any, at the function's own second, and none takes any time";
  }
  return "";
}

std::string settings_text(const TraceReport& report) {
  const Settings& settings = report.settings.platform;
  std::string text = fmt::format(
      "{} functions over {} minutes, {} of them called\n"
      "calls: {}; seed {}\n"
      "{} worker{} of {} MB, {} gateway{}; keep-alive {}, of the adaptive policy at most {}\n",
      report.functions, report.minutes, report.functions_called, arrivals_text(report.settings.arrivals),
      settings.seed, settings.workers, settings.workers == 1 ? "" : "s", settings.memory_mb,
      settings.gateways, settings.gateways == 1 ? "" : "s", base::format_duration(settings.keep_alive),
      base::format_duration(settings.keep_alive_longest));
  if (report.without_runs > 0 && report.settings.arrivals != Arrivals::kOnce) {
    text += fmt::format("{} functions have no run times in the trace: their calls take {}\n",
                        report.without_runs, base::format_duration(kUnknownRun));
  }
  if (report.without_memory > 0) {
    text += fmt::format("{} functions have no memory in the trace: they have {} MB\n", report.without_memory,
                        kUnknownMemoryMb);
  }
  return text + "\n";
}

// A line of the table: of each policy, and of the last to the first.
std::string line(const TraceReport& report, const char* what, int digits,
                 const std::function<double(const PolicyReport&)>& value) {
  std::string text = fmt::format("{:<38}", what);
  for (const PolicyReport& policy : report.policies) {
    text += fmt::format("{:>14.{}f}", value(policy), digits);
  }
  const double first = report.policies.empty() ? 0 : value(report.policies.front());
  if (report.policies.size() > 1 && first > 0) {
    text += fmt::format("{:>10.3f}", value(report.policies.back()) / first);
  }
  return text + "\n";
}

std::string line(const TraceReport& report, const char* what, std::uint64_t PolicyReport::*member) {
  return line(report, what, 0,
              [member](const PolicyReport& policy) { return static_cast<double>(policy.*member); });
}

std::string head(const TraceReport& report) {
  std::string text = fmt::format("{:<38}", "");
  for (const PolicyReport& policy : report.policies) {
    text += fmt::format("{:>14}", policy.overcommit > 1
                                      ? fmt::format("{} x {}", to_string(policy.policy), policy.overcommit)
                                      : to_string(policy.policy));
  }
  return text + (report.policies.size() > 1 ? "     ratio\n" : "\n");
}

}  // namespace

const char* to_string(worker::KeepAliveKind policy) {
  return policy == worker::KeepAliveKind::kFixed ? "fixed" : "adaptive";
}

std::string to_text(const TraceReport& report) {
  std::string text = settings_text(report) + head(report) + line(report, "calls", &PolicyReport::calls) +
                     line(report, "cold starts", &PolicyReport::cold);
  text += line(report, "  first calls of functions left out", 0,
               [&](const PolicyReport& policy) { return static_cast<double>(report.cold_again(policy)); });
  text += line(report, "instances started", &PolicyReport::started) +
          line(report, "  before a call that was expected", &PolicyReport::prewarmed) +
          line(report, "instances evicted", &PolicyReport::evicted) +
          line(report, "instances killed while they ran", &PolicyReport::killed) +
          line(report, "calls answered 503, no room", &PolicyReport::rejected);
  text += line(report, "functions kept warm, on average", 1,
               [](const PolicyReport& policy) { return policy.warm_functions; });
  text += line(report, "functions kept warm, at most", 0,
               [](const PolicyReport& policy) { return static_cast<double>(policy.warm_functions_most); });
  text += line(report, "warm minutes of a function", 1,
               [&](const PolicyReport& policy) { return report.warm_minutes_a_function(policy); });
  text += line(report, "memory of instances, GB x hours", 1,
               [](const PolicyReport& policy) { return policy.memory_gb_hours; });
  text += line(report, "own part of a call, p50, ms", 2,
               [](const PolicyReport& policy) { return policy.own_part.p50_us / 1e3; });
  text += line(report, "own part of a call, p99, ms", 2,
               [](const PolicyReport& policy) { return policy.own_part.p99_us / 1e3; });
  text += line(report, "own part of a call, p99.9, ms", 2,
               [](const PolicyReport& policy) { return policy.own_part.p999_us / 1e3; });
  for (const PolicyReport& policy : report.policies) {
    text += policy.unanswered == 0 ? "" : "Calls were left without an answer: this is a bug.\n";
    text += policy.ledgers_exact ? "" : "A worker's memory does not add up: this is a bug.\n";
  }
  return text;
}

}  // namespace hearth::sim
