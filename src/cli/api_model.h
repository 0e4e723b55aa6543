// The API's JSON as values: read with a parser by its sources alone (json_fields.h). Pure.
//
// Fields that a server leaves out keep their defaults, so that clients and servers of different
// versions get along; only JSON of the wrong shape is an error (kCorrupt).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::cli {

struct FunctionInfo {
  std::string id;
  std::string name;
  std::string display_name;
  std::string runtime;
  std::string handler;
  std::string state;
  std::string code_sha256;
  std::string created_at;  // RFC 3339
  std::string updated_at;  // RFC 3339
  std::uint64_t memory_mb = 0;
  std::uint64_t timeout_ms = 0;
  std::uint64_t concurrency = 0;
  std::uint64_t version = 0;
  std::uint64_t code_bytes = 0;
  std::map<std::string, std::string> environment;

  // What a user would type: the name, or the id of a function without one.
  const std::string& label() const { return name.empty() ? id : name; }
};

base::Result<FunctionInfo> parse_function(std::string_view json);
base::Result<std::vector<FunctionInfo>> parse_functions(std::string_view json);

struct VersionInfo {
  std::uint64_t number = 0;
  bool current = false;
  std::string runtime;
  std::string handler;
  std::string code_sha256;
  std::string created_at;  // RFC 3339; empty: not known
  std::uint64_t memory_mb = 0;
  std::uint64_t timeout_ms = 0;
  std::uint64_t code_bytes = 0;
};

struct VersionPage {
  std::vector<VersionInfo> versions;
  std::uint64_t before = 0;  // where to go on; 0: there are no more
};

base::Result<VersionPage> parse_versions(std::string_view json);

// A name for one version, or for two of which the canary takes a share of the calls.
struct AliasInfo {
  std::string name;
  std::string updated_at;  // RFC 3339
  std::uint64_t version = 0;
  std::uint64_t canary = 0;  // its version; 0: there is none
  double weight = 0;         // of the canary
};

base::Result<AliasInfo> parse_alias(std::string_view json);
base::Result<std::vector<AliasInfo>> parse_aliases(std::string_view json);

// How many of a function's calls run at once, and what is kept for them.
struct LimitsInfo {
  std::optional<std::uint64_t> maximum;
  std::uint64_t reserved = 0;
  std::uint64_t provisioned = 0;
  std::uint64_t ready = 0;  // of the provisioned ones
};

base::Result<LimitsInfo> parse_limits(std::string_view json);

// Who is told of an execution's end. One of the two.
struct DestinationInfo {
  std::string function;
  std::string url;
  bool is_signed = false;  // as the server says it
  std::string secret;      // to be given to the server, which never tells it; empty: it keeps what it has
};

// What becomes of a function's asynchronous executions. Nothing: as the server has it for all; no
// destination.
struct AsyncInfo {
  std::optional<std::uint64_t> retries;
  std::optional<std::uint64_t> max_age_s;
  std::optional<std::uint64_t> max_backlog;
  std::optional<DestinationInfo> on_success;
  std::optional<DestinationInfo> on_failure;
};

base::Result<AsyncInfo> parse_async(std::string_view json);
// The body of PUT /functions/{id}/async.
std::string async_body(const AsyncInfo& info);

// When a function is executed by itself.
struct ScheduleInfo {
  std::string name;
  std::string function_id;
  std::string cron;  // empty: it has a rate
  std::string time_zone;
  std::uint64_t every_s = 0;
  std::uint64_t version = 0;  // 0: the current one
  std::string alias;
  bool enabled = false;
  std::string missed;   // skip, once, all
  std::string next_at;  // RFC 3339; empty: there is none
  std::string last_at;  // the same
  std::string last_execution_id;
  std::uint64_t missed_slots = 0;

  std::string when() const;  // "every 5m", "0 9 * * * (Europe/Paris)"
};

struct SchedulePage {
  std::vector<ScheduleInfo> schedules;
  std::string after;  // where to go on; empty: there are no more
};

base::Result<ScheduleInfo> parse_schedule(std::string_view json);
base::Result<SchedulePage> parse_schedules(std::string_view json);

struct LogLine {
  bool is_error_stream = false;
  std::string text;
};

// What one invocation wrote.
struct LogEntry {
  std::uint64_t sequence = 0;
  std::string request_id;
  std::string time;  // RFC 3339
  std::string instance;
  std::string outcome;
  double duration_ms = 0;
  bool cold = false;
  bool truncated = false;
  std::vector<LogLine> lines;
};

struct LogPage {
  std::vector<LogEntry> entries;
  std::uint64_t next = 0;  // the cursor for what comes after
};

base::Result<LogPage> parse_logs(std::string_view json);

struct Health {
  std::string status;
  std::string version;
  std::uint64_t uptime_seconds = 0;
  std::uint64_t memory_total_mb = 0;
  std::uint64_t memory_free_mb = 0;
  std::uint64_t functions = 0;
  std::map<std::string, std::uint64_t> instances;  // by state
};

base::Result<Health> parse_health(std::string_view json);

// A process with a worker, as GET /workers tells of it.
struct WorkerInfo {
  std::string id;
  std::string role;   // worker, or serve for gateway and worker in one
  std::string state;  // serving, draining
  std::string uri;
  std::string version;
  std::string started_at;  // RFC 3339
  std::uint64_t memory_total_mb = 0;
  std::uint64_t memory_free_mb = 0;
  std::uint64_t memory_busy_mb = 0;
  std::uint64_t cold_allocations = 0;
  std::uint64_t versions = 0;                      // of functions that it has instances of
  std::map<std::string, std::uint64_t> instances;  // by state

  std::uint64_t instance_count() const;
};

base::Result<std::vector<WorkerInfo>> parse_workers(std::string_view json);

struct CapacityInfo {
  std::uint64_t workers = 0;
  std::uint64_t workers_draining = 0;
  std::uint64_t workers_needed = 0;
  std::uint64_t memory_total_mb = 0;
  std::uint64_t memory_free_mb = 0;
  std::uint64_t memory_busy_mb = 0;
  std::uint64_t memory_waited_mb = 0;
  std::uint64_t cold_allocations = 0;
  std::uint64_t instances_idle = 0;
  std::uint64_t calls_waiting = 0;
  std::uint64_t calls_running = 0;
};

// kCorrupt also for an object without "workers": what is scaled by it must not be guessed.
base::Result<CapacityInfo> parse_capacity(std::string_view json);

// {"error": {…}}; empty fields for a body that is no such thing.
struct ApiFailure {
  std::string code;
  std::string message;
  std::string type;   // of the function's own error
  std::string stack;  // of the function's own error
};

ApiFailure parse_failure(std::string_view json);

// The id that POST /functions/{id}/invoke?mode=async answers with.
base::Result<std::string> parse_submission(std::string_view json);

// An attempt of an execution that failed.
struct AttemptInfo {
  std::uint64_t number = 0;
  std::string started_at;  // RFC 3339
  std::string ended_at;    // RFC 3339
  std::string code;
  std::string message;
  bool counts = true;  // to the retries
};

// An asynchronous execution. Its output is not taken apart: json_member() has it as it is.
struct ExecutionInfo {
  std::string id;
  std::string function_id;
  std::string kind;          // call, webhook
  std::string parent_id;     // whose end it tells of; empty: of none
  std::string state;         // pending, running, done, dead, cancelled
  std::string submitted_at;  // RFC 3339, as are the others; empty: not known
  std::string due_at;
  std::string started_at;
  std::string ended_at;
  std::uint64_t version = 0;  // 0: not known yet
  std::vector<AttemptInfo> attempts;
  ApiFailure error;  // of a dead one
  std::vector<LogLine> logs;
  bool logs_truncated = false;

  bool has_ended() const { return state == "done" || state == "dead" || state == "cancelled"; }
};

// kCorrupt also for an object without an id or a state: whether it has ended must not be guessed.
base::Result<ExecutionInfo> parse_execution(std::string_view json);

struct ExecutionPage {
  std::vector<ExecutionInfo> executions;
  std::string before;  // where to go on; empty: there are no more
};

base::Result<ExecutionPage> parse_executions(std::string_view json);

// How many executions POST /executions/redrive has made pending.
base::Result<std::uint64_t> parse_redriven(std::string_view json);

// The tree of timed steps that an invocation's answer carries as "logs".
struct TimedStep {
  std::string name;
  double duration_ms = 0;
  std::vector<TimedStep> steps;
};

base::Result<TimedStep> parse_steps(std::string_view json);

}  // namespace hearth::cli
