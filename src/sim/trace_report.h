// What a simulation of a trace found, for each keep-alive policy and overcommit. Values; as text for people
// and as JSON for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/report.h"
#include "sim/settings.h"
#include "sim/trace_load.h"

namespace hearth::sim {

struct TraceSettings {
  Settings platform;  // its load and loss have no meaning here
  Arrivals arrivals = Arrivals::kTimers;
  std::vector<worker::KeepAliveKind> policies{worker::KeepAliveKind::kFixed,
                                              worker::KeepAliveKind::kAdaptive};
  // Each policy with each of them, in this order.
  std::vector<double> overcommits{1};

  // One gateway, and one worker that has memory for everything: nobody is evicted, so that policies alone
  // make the difference.
  static TraceSettings defaults();
};

struct PolicyReport {
  worker::KeepAliveKind policy = worker::KeepAliveKind::kFixed;
  double overcommit = 1;
  std::uint64_t calls = 0;      // that ended
  std::uint64_t cold = 0;       // that were the first on an instance
  std::uint64_t rejected = 0;   // 503
  std::uint64_t started = 0;    // instances
  std::uint64_t prewarmed = 0;  // of these, before a call that was expected
  std::uint64_t evicted = 0;
  // Stopped by the worker while they started or executed, and calls that had no answer at all: of either
  // there is none.
  std::uint64_t killed = 0;
  std::uint64_t unanswered = 0;
  double warm_functions = 0;  // that had an instance which was loaded, on average
  std::uint32_t warm_functions_most = 0;
  double warm_minutes = 0;     // of all instances: idling, starting and executing
  double memory_gb_hours = 0;  // the same, by their memory
  Percentiles own_part;        // of a call: all but the handler's run
  bool ledgers_exact = false;
};

struct TraceReport {
  TraceSettings settings;
  std::uint32_t minutes = 0;  // that were simulated
  std::size_t functions = 0;
  std::size_t functions_called = 0;  // each has one first call, which no policy can spare
  std::size_t without_runs = 0;      // functions whose run times the trace does not have
  std::size_t without_memory = 0;
  std::vector<PolicyReport> policies;

  // The first calls of functions left out.
  std::uint64_t cold_again(const PolicyReport& policy) const {
    return policy.cold > functions_called ? policy.cold - functions_called : 0;
  }
  double warm_minutes_a_function(const PolicyReport& policy) const {
    return policy.warm_minutes / static_cast<double>(functions);
  }
};

const char* to_string(worker::KeepAliveKind policy);
const char* to_string(Arrivals arrivals);

std::string to_text(const TraceReport& report);
std::string to_json(const TraceReport& report);

}  // namespace hearth::sim
