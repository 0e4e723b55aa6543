// What one run of the measuring tool found, as pure values: the tests fill it, the reports draw it, and
// result_json.h writes it down and reads it again, so that a run can be resumed and two can be laid over
// one another. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hearth::bench {

// From an HDR histogram, in microseconds; all 0 when there were no calls.
struct LatencySummary {
  std::uint64_t count = 0;
  double mean_us = 0;
  double min_us = 0;
  double p50_us = 0;
  double p90_us = 0;
  double p99_us = 0;
  double p999_us = 0;
  double max_us = 0;

  bool operator==(const LatencySummary&) const = default;
};

// How the instance that answered was started; unknown where the platform does not say.
enum class Start { kUnknown, kWarm, kCold };

// One call, in the shape of the paper's own tool and a little more.
struct CallRecord {
  std::string target;
  std::uint32_t repeat = 0;
  double x = 0;                       // of the sample that it belongs to
  std::int64_t request_start_ms = 0;  // Unix time; the intended one when calls are sent at a rate
  double request_duration_ms = 0;
  double function_duration_ms = 0;   // as the function's own platform measured it; 0: not known
  double execution_overhead_ms = 0;  // the difference of the two
  std::string instance_id;           // empty: not known
  int status = 0;                    // of HTTP; 0: no answer
  Start start = Start::kUnknown;
  std::string body;  // of the answer, cut

  bool operator==(const CallRecord&) const = default;
};

// One measured stretch of one target: one level, interval, size … of one repeat.
struct Sample {
  std::string target;        // "hearth", "node"
  std::uint32_t repeat = 0;  // counts from 0
  double x = 0;              // what the test varies: callers, ms since the previous call, bytes …
  std::string label;         // x in words, where it is no number
  std::uint64_t calls = 0;   // answered well
  std::uint64_t errors = 0;
  std::map<std::string, std::uint64_t> errors_by_reason;  // "503 no_capacity", "connection closed"
  std::uint64_t cold = 0;                                 // of `calls`, where it is known
  double seconds = 0;
  double per_second = 0;
  double megabytes_per_second = 0;  // bodies in and out together
  LatencySummary latency;
  double server_cpu_us_per_call = 0;  // of the platform's own processes, instances not counted; 0: not known
  double client_cpu = 0;              // of one core
  bool client_limited = false;        // the client itself may have been the limit
  bool cut = false;                   // Ctrl-C ended it early; --resume measures it again
  double server_cpu = 0;              // of one core, the same processes; 0: not known
  std::map<std::string, double> figures;  // what a test finds beyond these, by name

  bool operator==(const Sample&) const = default;
};

// What the figures were taken on.
struct Machine {
  std::string cpu;
  std::uint32_t cores = 0;
  std::uint64_t memory_mb = 0;
  std::string kernel;
  std::string cgroups;  // "v2", "v1/v2 hybrid"
  std::string node;     // its version
  double load_at_start = 0;

  bool operator==(const Machine&) const = default;
};

struct RunResult {
  std::string test;        // "concurrency", "backoff", … , "compare"
  std::string x_name;      // "concurrent calls"
  std::string x_unit;      // "", "ms", "bytes"
  std::string started_at;  // RFC 3339
  std::string hearth_version;
  std::string command;  // as it was given
  Machine machine;
  std::map<std::string, std::string> settings;
  std::vector<Sample> samples;    // in the order in which they were taken
  std::vector<CallRecord> calls;  // up to a bound
  std::uint64_t calls_left_out = 0;

  bool operator==(const RunResult&) const = default;
};

}  // namespace hearth::bench
