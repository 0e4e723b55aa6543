#include <boost/json.hpp>

#include "sim/report.h"

namespace hearth::sim {
namespace {

namespace json = boost::json;

json::object settings_json(const Settings& settings) {
  const LoadSettings& load = settings.load;
  const MessagingSettings& messaging = settings.messaging;
  return {{"workers", settings.workers},
          {"gateways", settings.gateways},
          {"memory_mb", settings.memory_mb},
          {"cores", settings.cores},
          {"keep_alive_us", settings.keep_alive.count()},
          {"functions", load.functions},
          {"zipf", load.zipf},
          {"rate", load.rate},
          {"swing", load.swing},
          {"day_us", load.day.count()},
          {"run_mean_us", load.run_mean.count()},
          {"messaging_servers", messaging.servers},
          {"messaging_rate", messaging.rate},
          {"round_trip_us", messaging.round_trip.count()},
          {"announce_again_us", messaging.announce_again.count()},
          {"announced_to", messaging.announced_to == AnnouncedTo::kEverybody ? "everybody" : "gateways"},
          {"lose", settings.loss.share},
          {"worker_timeout_us", settings.loss.worker_timeout.count()},
          {"warm_up_us", settings.warm_up.count()},
          {"duration_us", settings.duration.count()},
          {"seed", settings.seed}};
}

json::object percentiles_json(const Percentiles& percentiles) {
  return {{"calls", percentiles.calls},
          {"p50_us", percentiles.p50_us},
          {"p90_us", percentiles.p90_us},
          {"p99_us", percentiles.p99_us},
          {"p999_us", percentiles.p999_us}};
}

json::object spread_json(const Spread& spread) {
  return {{"max_to_mean", spread.max_to_mean},
          {"variation", spread.variation},
          {"variation_by_chance", spread.by_chance}};
}

json::object messages_json(const Report& report) {
  json::object commands;
  for (const Command command : kCommands) {
    commands[to_string(command)] = report.commands(command);
  }
  json::array servers;
  for (const ServerCounts& server : report.servers) {
    servers.push_back(json::object{{"command_us", server.command_us},
                                   {"entry_us", server.entry_us},
                                   {"delivery_us", server.delivery_us}});
  }
  return {{"commands", commands},
          {"commands_a_call", report.a_call(report.commands())},
          {"deliveries_to_workers", report.deliveries_to_workers},
          {"takes_too_late", report.takes_too_late},
          {"servers", servers}};
}

json::object memory_json(const Report& report) {
  return {{"instances_mean", report.memory_mean},
          {"instances_peak", report.memory_peak},
          {"busy_mean", report.busy_memory_mean},
          {"busy_peak", report.busy_memory_peak},
          {"fullest_worker", report.fullest_worker},
          {"busy_spread", spread_json(report.busy_memory_spread)},
          {"call_spread", spread_json(report.call_spread)}};
}

json::value seconds_json(const std::optional<std::size_t>& seconds) {
  return seconds ? json::value(*seconds) : json::value(nullptr);
}

json::object recovery_json(const Report& report) {
  return {{"workers_lost", report.workers_lost},
          {"lost_at_s", report.lost_at_s},
          {"failed_s", seconds_json(report.recovery.failed_s)},
          {"cold_s", seconds_json(report.recovery.cold_s)},
          {"refused_s", seconds_json(report.recovery.refused_s)},
          {"all_s", seconds_json(report.recovery.all_s())}};
}

json::array uses_json(const Report& report) {
  json::array uses;
  for (const Use& use : report.uses) {
    uses.push_back(json::object{{"resource", use.resource}, {"mean", use.mean}, {"busiest", use.busiest}});
  }
  return uses;
}

json::array timeline_json(const Report& report) {
  json::array timeline;
  for (const Second& second : report.seconds) {
    timeline.push_back(json::object{{"calls", second.calls},
                                    {"cold", second.cold},
                                    {"failed", second.failed},
                                    {"rejected", second.rejected},
                                    {"refused", second.refused}});
  }
  return timeline;
}

}  // namespace

std::string to_json(const Report& report) {
  const json::object whole = {{"settings", settings_json(report.settings)},
                              {"calls", report.calls},
                              {"cold", report.cold},
                              {"failed", report.failed},
                              {"rejected", report.rejected},
                              {"refused", report.refused},
                              {"run_mean_ms", report.run_mean_ms},
                              {"own_part", percentiles_json(report.own_part)},
                              {"own_part_warm", percentiles_json(report.own_part_warm)},
                              {"own_part_cold", percentiles_json(report.own_part_cold)},
                              {"messages", messages_json(report)},
                              {"memory", memory_json(report)},
                              {"instances_started", report.instances_started},
                              {"instances_expired", report.instances_expired},
                              {"instances_evicted", report.instances_evicted},
                              {"code_fetches", report.code_fetches},
                              {"recovery", recovery_json(report)},
                              {"uses", uses_json(report)},
                              {"ledgers_exact", report.ledgers_exact},
                              {"events", report.events},
                              {"seconds", timeline_json(report)}};
  return json::serialize(whole) + "\n";
}

}  // namespace hearth::sim
