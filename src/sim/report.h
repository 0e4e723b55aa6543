// What a simulation found. Values; as text for people and as JSON for programs.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/latency_histogram.h"
#include "sim/messaging_server.h"
#include "sim/recovery.h"
#include "sim/series.h"
#include "sim/settings.h"

namespace hearth::sim {

// How much of one resource is used: 1 is all of it.
struct Use {
  std::string resource;
  double mean = 0;
  double busiest = 0;  // the mean of the ten seconds in which it was highest
};

struct Report {
  Settings settings;

  // Calls that ended within what was measured.
  std::uint64_t calls = 0;
  std::uint64_t cold = 0;
  std::uint64_t failed = 0;    // with their worker
  std::uint64_t rejected = 0;  // 503
  std::uint64_t refused = 0;   // met at least one allocation that was no more
  double run_mean_ms = 0;

  // The platform's own part of a call: all but the handler's run.
  Percentiles own_part;
  Percentiles own_part_warm;
  Percentiles own_part_cold;

  std::vector<ServerCounts> servers;
  std::uint64_t deliveries_to_workers = 0;
  std::uint64_t takes_too_late = 0;

  // Shares of the memory of all workers that live.
  double memory_mean = 0;  // of instances, idle or not
  double memory_peak = 0;
  double busy_memory_mean = 0;  // of those that start or execute
  double busy_memory_peak = 0;
  Spread busy_memory_spread;  // over workers, mean of all seconds
  double fullest_worker =
      0;               // what starts or executes on it, of its memory, in the ten seconds when that is most
  Spread call_spread;  // over workers, of all calls that they executed

  std::uint64_t instances_started = 0;
  std::uint64_t instances_expired = 0;
  std::uint64_t instances_evicted = 0;
  std::uint64_t code_fetches = 0;

  std::uint32_t workers_lost = 0;
  std::uint64_t lost_at_s = 0;
  Recovery recovery;

  std::vector<Use> uses;  // the highest first
  bool ledgers_exact = false;
  std::uint64_t events = 0;
  std::vector<Second> seconds;

  std::uint64_t commands(Command command) const;
  std::uint64_t commands() const;
  double a_call(std::uint64_t count) const;  // per call
};

std::string to_text(const Report& report);
std::string to_json(const Report& report);

}  // namespace hearth::sim
