#include <fmt/format.h>

#include <numeric>

#include "base/text_units.h"
#include "sim/report.h"

namespace hearth::sim {
namespace {

constexpr double kPercent = 100;

double share(std::uint64_t count, std::uint64_t of) {
  return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of);
}

std::string counted(const char* what, std::uint64_t count, std::uint64_t of) {
  return fmt::format("  {:<34}{:>12}  {:>8.3f} %\n", what, count, kPercent * share(count, of));
}

std::string settings_text(const Settings& settings) {
  const LoadSettings& load = settings.load;
  const MessagingSettings& messaging = settings.messaging;
  return fmt::format(
      "{} workers of {} MB and {} cores, {} gateways, {} messaging server{} of {:.0f} commands/s, seed {}\n"
      "{} functions, Zipf {}, {} calls/s on average, {:.0f} % up and down within a day of {}\n"
      "{} of warm-up, then {} measured; round trip {}, keep-alive {}\n\n",
      settings.workers, settings.memory_mb, settings.cores, settings.gateways, messaging.servers,
      messaging.servers == 1 ? "" : "s", messaging.rate, settings.seed, load.functions, load.zipf, load.rate,
      kPercent * load.swing, base::format_duration(load.day), base::format_duration(settings.warm_up),
      base::format_duration(settings.duration), base::format_duration(messaging.round_trip),
      base::format_duration(settings.keep_alive));
}

std::string calls_text(const Report& report) {
  std::string text = fmt::format("Calls\n  {:<34}{:>12}\n", "ended", report.calls);
  text += counted("cold", report.cold, report.calls);
  text += counted("answered 503, no room", report.rejected, report.calls);
  text += counted("failed with their worker", report.failed, report.calls);
  text += counted("met an allocation that was gone", report.refused, report.calls);
  text += fmt::format("  {:<34}{:>12.1f} ms\n\n", "a handler's run, mean", report.run_mean_ms);
  return text;
}

std::string percentiles_text(const char* what, const Percentiles& percentiles) {
  return fmt::format("  {:<10}{:>12.2f}{:>12.2f}{:>12.2f}{:>12.2f}\n", what, percentiles.p50_us / 1e3,
                     percentiles.p90_us / 1e3, percentiles.p99_us / 1e3, percentiles.p999_us / 1e3);
}

std::string latency_text(const Report& report) {
  return fmt::format("The platform's own part of a call, ms\n  {:<10}{:>12}{:>12}{:>12}{:>12}\n", "", "p50",
                     "p90", "p99", "p99.9") +
         percentiles_text("warm", report.own_part_warm) + percentiles_text("cold", report.own_part_cold) +
         percentiles_text("all", report.own_part) + "\n";
}

std::string messages_text(const Report& report) {
  std::string text = fmt::format("Messages to messaging servers\n  {:<34}{:>12}  {:>8}\n", "", "", "a call");
  for (const Command command : kCommands) {
    const std::uint64_t count = report.commands(command);
    text += fmt::format("  {:<34}{:>12}  {:>8.3f}\n", to_string(command), count, report.a_call(count));
  }
  text +=
      fmt::format("  {:<34}{:>12}  {:>8.3f}\n", "all", report.commands(), report.a_call(report.commands()));
  text += fmt::format("  {:<34}{:>12}  {:>8.3f}\n", "publications heard by workers",
                      report.deliveries_to_workers, report.a_call(report.deliveries_to_workers));
  ServerCounts all;
  for (const ServerCounts& server : report.servers) {
    all.command_us += server.command_us;
    all.entry_us += server.entry_us;
    all.delivery_us += server.delivery_us;
  }
  const double busy_us = all.busy_us() > 0 ? all.busy_us() : 1;
  text +=
      fmt::format("  a server's time: {:.1f} % commands, {:.1f} % walks along lists, {:.1f} % deliveries\n",
                  kPercent * all.command_us / busy_us, kPercent * all.entry_us / busy_us,
                  kPercent * all.delivery_us / busy_us);
  if (report.takes_too_late > 0) {
    text += fmt::format("  {} takes were not answered in time\n", report.takes_too_late);
  }
  return text + "\n";
}

std::string memory_text(const Report& report) {
  return fmt::format(
      "Memory, of what the workers have\n"
      "  instances, idle or not: {:.1f} % on average, {:.1f} % at most\n"
      "  instances that start or execute: {:.1f} % on average, {:.1f} % at most\n"
      "  instances: {} started, {} expired, {} evicted; {} fetches of code\n\n",
      kPercent * report.memory_mean, kPercent * report.memory_peak, kPercent * report.busy_memory_mean,
      kPercent * report.busy_memory_peak, report.instances_started, report.instances_expired,
      report.instances_evicted, report.code_fetches);
}

std::string spread_text(const char* what, const Spread& spread) {
  return fmt::format("  {:<34}{:>12.2f}{:>24.2f}{:>12.2f}\n", what, spread.max_to_mean, spread.variation,
                     spread.by_chance);
}

std::string imbalance_text(const Report& report) {
  return fmt::format("Imbalance between workers\n  {:<34}{:>12}{:>24}{:>12}\n", "", "most / mean",
                     "deviation / mean", "by chance") +
         spread_text("memory that starts or executes", report.busy_memory_spread) +
         spread_text("calls", report.call_spread) +
         fmt::format("  on the fullest worker {:.1f} % of its memory starts or executes\n\n",
                     kPercent * report.fullest_worker);
}

std::string seconds_text(const std::optional<std::size_t>& seconds) {
  return seconds ? fmt::format("{} s", *seconds) : "not within what was simulated";
}

std::string recovery_text(const Report& report) {
  if (report.workers_lost == 0) {
    return {};
  }
  const Recovery& recovery = report.recovery;
  return fmt::format(
      "Loss of {} workers after {} s: as before after {}\n"
      "  share of failed and rejected calls: {}\n"
      "  share of cold calls: {}\n"
      "  share of calls that meet an allocation that is gone: {}\n\n",
      report.workers_lost, report.lost_at_s, seconds_text(recovery.all_s()), seconds_text(recovery.failed_s),
      seconds_text(recovery.cold_s), seconds_text(recovery.refused_s));
}

std::string uses_text(const Report& report) {
  std::string text = fmt::format("What is used, of what there is\n  {:<40}{:>10}{:>16}{:>14}\n", "", "mean",
                                 "busiest 10 s", "full at load");
  for (const Use& use : report.uses) {
    text += fmt::format("  {:<40}{:>8.2f} %{:>14.2f} %", use.resource, kPercent * use.mean,
                        kPercent * use.busiest);
    text += use.busiest > 0 ? fmt::format("{:>12.2f} x\n", 1 / use.busiest) : std::string("\n");
  }
  if (!report.uses.empty() && report.uses.front().busiest > 0) {
    text += fmt::format("The first bottleneck: {}, at {:.2f} times this load.\n",
                        report.uses.front().resource, 1 / report.uses.front().busiest);
  }
  return text;
}

}  // namespace

std::uint64_t Report::commands(Command command) const {
  return std::accumulate(
      servers.begin(), servers.end(), std::uint64_t{0},
      [command](std::uint64_t sum, const ServerCounts& server) { return sum + server.of(command); });
}

std::uint64_t Report::commands() const {
  return std::accumulate(kCommands.begin(), kCommands.end(), std::uint64_t{0},
                         [this](std::uint64_t sum, Command command) { return sum + commands(command); });
}

double Report::a_call(std::uint64_t count) const { return share(count, calls); }

std::string to_text(const Report& report) {
  std::string text = settings_text(report.settings) + calls_text(report) + latency_text(report) +
                     messages_text(report) + memory_text(report) + imbalance_text(report) +
                     recovery_text(report) + uses_text(report);
  if (!report.ledgers_exact) {
    text += "A worker's memory does not add up: this is a bug.\n";
  }
  return text;
}

}  // namespace hearth::sim
