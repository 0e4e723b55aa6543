#include "sim/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace hearth::sim {
namespace {

// What a gateway's or a worker's one loop spends, in microseconds of a processor. A call: SPECIFICATION.md,
// the server's own part. A message: parsed, looked up, written.
constexpr double kCallUs = 20;
constexpr double kMessageUs = 5;
// Of a core: what a call takes of one while it runs (most of a call is waiting), and a start.
constexpr double kCoresOfCall = 0.25;
constexpr double kCoresOfStart = 1;
constexpr double kSecondUs = 1e6;

double difference(std::uint64_t now, std::uint64_t before) { return static_cast<double>(now - before); }

ServerCounts minus(const ServerCounts& now, const ServerCounts& before) {
  ServerCounts result = now;
  for (std::size_t i = 0; i < result.commands.size(); ++i) {
    result.commands[i] -= before.commands[i];
  }
  result.command_us -= before.command_us;
  result.entry_us -= before.entry_us;
  result.delivery_us -= before.delivery_us;
  return result;
}

}  // namespace

Sampler::Sampler(const Settings& settings, const Platform& platform)
    : settings_(settings),
      platform_(platform),
      start_(count()),
      last_(start_),
      gateway_use_(settings.gateways),
      server_use_(settings.messaging.servers) {
  count_lives(start_);
}

Sampler::Counted Sampler::count() const {
  Counted counted;
  counted.gateways = platform_.gateways();
  for (const MessagingServer& server : platform_.messaging().servers()) {
    counted.servers.push_back(server.counts());
  }
  for (const Host& host : platform_.hosts()) {
    counted.hosts.push_back(host.instances->counts());
    counted.worker_messages += host.messaging->messages();
  }
  counted.deliveries_to_workers = platform_.messaging().deliveries_to_workers();
  counted.takes_too_late = platform_.messaging().takes_too_late();
  return counted;
}

// Seldom: each worker walks its reservations for it.
void Sampler::count_lives(Counted& counted) const {
  for (const Host& host : platform_.hosts()) {
    const worker::WorkerSnapshot snapshot = host.worker->snapshot();
    counted.expired += snapshot.instances_expired;
    counted.evicted += snapshot.instances_evicted;
  }
}

void Sampler::sample() {
  const Counted now = count();
  sample_hosts(now);
  sample_gateways(now);
  sample_servers(now);
  last_ = now;
}

void Sampler::sample_hosts(const Counted& now) {
  std::vector<double> busy_mb;
  double live_mb = 0;
  double squares = 0;
  double cores = 0;
  double calls = 0;
  for (std::size_t i = 0; i < now.hosts.size(); ++i) {
    if (platform_.hosts()[i].lost) {
      continue;
    }
    const InstanceCounts& host = now.hosts[i];
    busy_mb.push_back(static_cast<double>(host.busy_mb));
    live_mb += static_cast<double>(host.live_mb);
    squares += static_cast<double>(host.busy_mb_squared);
    cores += kCoresOfCall * host.executing + kCoresOfStart * host.starting;
    calls += difference(host.calls, last_.hosts[i].calls);
  }
  const auto living = static_cast<double>(busy_mb.size());
  const double total_mb = living * settings_.memory_mb;
  double sum_mb = 0;
  for (const double each : busy_mb) {
    sum_mb += each;
  }
  const Spread spread = spread_of(busy_mb);
  memory_.add(live_mb / total_mb);
  busy_memory_.add(sum_mb / total_mb);
  busiest_worker_.add(spread.max_to_mean * sum_mb / total_mb);
  spread_max_.add(spread.max_to_mean);
  spread_variation_.add(spread.variation);
  spread_by_chance_.add(sum_mb > 0 ? std::sqrt(living * squares) / sum_mb : 0);
  core_use_.add(cores / (living * settings_.cores));
  const double messages = difference(now.worker_messages, last_.worker_messages) +
                          difference(now.deliveries_to_workers, last_.deliveries_to_workers);
  worker_loop_use_.add((calls * kCallUs + messages * kMessageUs) / living / kSecondUs);
}

void Sampler::sample_gateways(const Counted& now) {
  for (std::size_t i = 0; i < now.gateways.size(); ++i) {
    const GatewayCounts& gateway = now.gateways[i];
    const GatewayCounts& before = last_.gateways[i];
    gateway_use_[i].add((difference(gateway.calls, before.calls) * kCallUs +
                         difference(gateway.messages, before.messages) * kMessageUs) /
                        kSecondUs);
  }
}

void Sampler::sample_servers(const Counted& now) {
  for (std::size_t i = 0; i < now.servers.size(); ++i) {
    server_use_[i].add((now.servers[i].busy_us() - last_.servers[i].busy_us()) / kSecondUs);
  }
}

void Sampler::report(Report& report) const {
  for (std::size_t i = 0; i < last_.servers.size(); ++i) {
    report.servers.push_back(minus(last_.servers[i], start_.servers[i]));
  }
  report.deliveries_to_workers = last_.deliveries_to_workers - start_.deliveries_to_workers;
  report.takes_too_late = last_.takes_too_late - start_.takes_too_late;
  report.memory_mean = memory_.mean();
  report.memory_peak = memory_.peak();
  report.busy_memory_mean = busy_memory_.mean();
  report.busy_memory_peak = busy_memory_.peak();
  report.busy_memory_spread = {spread_max_.mean(), spread_variation_.mean(), spread_by_chance_.mean()};
  std::vector<double> calls;
  for (std::size_t i = 0; i < last_.hosts.size(); ++i) {
    if (!platform_.hosts()[i].lost) {
      calls.push_back(difference(last_.hosts[i].calls, start_.hosts[i].calls));
    }
    report.instances_started += last_.hosts[i].starts - start_.hosts[i].starts;
    report.code_fetches += last_.hosts[i].code_fetches - start_.hosts[i].code_fetches;
  }
  report.call_spread = spread_of(calls);
  const double all_calls = std::accumulate(calls.begin(), calls.end(), 0.0);
  report.call_spread.by_chance = all_calls > 0 ? std::sqrt(static_cast<double>(calls.size()) / all_calls) : 0;
  report.fullest_worker = busiest_worker_.busiest();
  Counted end;
  count_lives(end);
  report.instances_expired = end.expired - start_.expired;
  report.instances_evicted = end.evicted - start_.evicted;
  report_uses(report);
}

void Sampler::report_uses(Report& report) const {
  const auto add = [&](const std::string& resource, const Series& series) {
    report.uses.push_back({resource, series.mean(), series.busiest()});
  };
  for (std::size_t i = 0; i < server_use_.size(); ++i) {
    add("messaging server " + std::to_string(i + 1), server_use_[i]);
  }
  const auto busiest = [](const std::vector<Series>& all) -> const Series& {
    return *std::ranges::max_element(all, {}, [](const Series& series) { return series.busiest(); });
  };
  add("the busiest gateway's loop", busiest(gateway_use_));
  add("the workers' loops", worker_loop_use_);
  add("the workers' cores", core_use_);
  add("the workers' memory, executing", busy_memory_);
  std::ranges::stable_sort(report.uses, std::greater<>(), &Use::busiest);
}

}  // namespace hearth::sim
