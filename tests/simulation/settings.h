// What one simulated run is like: how large the platform is, how long faults last, and which there are. All
// of it is drawn from the seed. Values.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "gateway/backlog.h"
#include "monitor/execution_retention.h"
#include "monitor/execution_runner.h"
#include "store/execution_store.h"

namespace hearth::simulation {

// Each: on average once in so long; 0: never. The longest times that clocks are off by are bounded by the
// lease, as the documentation asks for.
struct FaultRates {
  std::chrono::milliseconds kill{0};
  std::chrono::milliseconds stop{0};  // SIGSTOP, for up to three leases
  std::chrono::milliseconds drain{0};
  std::chrono::milliseconds store_down{0};
  std::chrono::milliseconds slow_disk{0};
  std::chrono::milliseconds clock{0};
  std::chrono::milliseconds messaging{0};  // it forgets everything
  std::chrono::milliseconds worker_kill{0};
  std::chrono::milliseconds worker_stop{0};
  std::chrono::milliseconds change{0};  // a deploy or a deletion
  std::chrono::milliseconds stale{0};   // a server may not know the newest code
  std::chrono::milliseconds callers{0};
  double unknown = 0;  // of what the store is asked: done, but the answer is lost
  double refused = 0;  // not done
  double cut = 0;      // of the calls: the way to the worker is lost in the middle
};

struct Settings {
  std::uint64_t seed = 1;
  std::uint32_t servers = 3;
  std::uint32_t workers = 3;
  std::uint32_t worker_memory_mb = 2'048;
  // One server with a store of its own: whoever starts releases every lease.
  bool embedded = false;
  std::uint32_t functions = 5;
  std::chrono::milliseconds submit_every{40};
  std::chrono::milliseconds duration{30'000};
  std::int64_t clock_off_ms = 500;      // at most, of any host
  std::int64_t clock_jump_ms = 60'000;  // at most
  monitor::RunnerOptions runner;
  monitor::RetentionOptions retention;
  gateway::BacklogLimits backlog;
  FaultRates faults;

  static Settings drawn(std::uint64_t seed);
};

}  // namespace hearth::simulation
