// Looks at a simulated platform once a second of what is measured: how its memory, processors and messaging
// are used, and how evenly. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/platform.h"
#include "sim/report.h"
#include "sim/series.h"

namespace hearth::sim {

class Sampler {
 public:
  // Measures from now on. Both outlive it.
  Sampler(const Settings& settings, const Platform& platform);

  // A second has passed.
  void sample();

  // Fills in what it has seen.
  void report(Report& report) const;

 private:
  // What the platform has counted up to one moment.
  struct Counted {
    std::vector<GatewayCounts> gateways;
    std::vector<ServerCounts> servers;
    std::vector<InstanceCounts> hosts;
    std::uint64_t worker_messages = 0;
    std::uint64_t deliveries_to_workers = 0;
    std::uint64_t takes_too_late = 0;
    std::uint64_t expired = 0;
    std::uint64_t evicted = 0;
  };

  Counted count() const;
  void count_lives(Counted& counted) const;
  void sample_hosts(const Counted& now);
  void sample_gateways(const Counted& now);
  void sample_servers(const Counted& now);
  void report_uses(Report& report) const;

  const Settings settings_;
  const Platform& platform_;
  Counted start_;
  Counted last_;
  std::vector<Series> gateway_use_;
  std::vector<Series> server_use_;
  Series worker_loop_use_;
  Series core_use_;
  Series memory_;
  Series busy_memory_;
  Series busiest_worker_;
  Series spread_max_;
  Series spread_variation_;
  Series spread_by_chance_;
};

}  // namespace hearth::sim
