#include <boost/json.hpp>

#include "sim/trace_report.h"

namespace hearth::sim {
namespace {

namespace json = boost::json;

json::object settings_json(const TraceReport& report) {
  const Settings& settings = report.settings.platform;
  return {{"workers", settings.workers},
          {"gateways", settings.gateways},
          {"memory_mb", settings.memory_mb},
          {"cores", settings.cores},
          {"keep_alive_us", settings.keep_alive.count()},
          {"keep_alive_longest_us", settings.keep_alive_longest.count()},
          {"round_trip_us", settings.messaging.round_trip.count()},
          {"arrivals", to_string(report.settings.arrivals)},
          {"seed", settings.seed}};
}

json::object policy_json(const TraceReport& report, const PolicyReport& policy) {
  return {{"policy", to_string(policy.policy)},
          {"overcommit", policy.overcommit},
          {"calls", policy.calls},
          {"cold", policy.cold},
          {"cold_again", report.cold_again(policy)},
          {"rejected", policy.rejected},
          {"instances_started", policy.started},
          {"instances_prewarmed", policy.prewarmed},
          {"instances_evicted", policy.evicted},
          {"instances_killed", policy.killed},
          {"unanswered", policy.unanswered},
          {"warm_functions", policy.warm_functions},
          {"warm_functions_most", policy.warm_functions_most},
          {"warm_minutes", policy.warm_minutes},
          {"warm_minutes_a_function", report.warm_minutes_a_function(policy)},
          {"memory_gb_hours", policy.memory_gb_hours},
          {"own_part", json::object{{"p50_us", policy.own_part.p50_us},
                                    {"p90_us", policy.own_part.p90_us},
                                    {"p99_us", policy.own_part.p99_us},
                                    {"p999_us", policy.own_part.p999_us}}},
          {"ledgers_exact", policy.ledgers_exact}};
}

}  // namespace

const char* to_string(Arrivals arrivals) {
  switch (arrivals) {
    case Arrivals::kTimers:
      return "timers";
    case Arrivals::kUniform:
      return "uniform";
    case Arrivals::kOnce:
      return "once";
  }
  return "unknown";
}

std::string to_json(const TraceReport& report) {
  json::array policies;
  for (const PolicyReport& policy : report.policies) {
    policies.push_back(policy_json(report, policy));
  }
  const json::object whole = {{"settings", settings_json(report)},
                              {"minutes", report.minutes},
                              {"functions", report.functions},
                              {"functions_called", report.functions_called},
                              {"without_runs", report.without_runs},
                              {"without_memory", report.without_memory},
                              {"policies", policies}};
  return json::serialize(whole) + "\n";
}

}  // namespace hearth::sim
