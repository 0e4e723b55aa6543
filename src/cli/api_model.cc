#include "cli/api_model.h"

#include <boost/json.hpp>
#include <numeric>
#include <utility>

#include "cli/json_fields.h"

namespace hearth::cli {
namespace {

namespace json = boost::json;

constexpr int kTraceDepth = 32;  // of a step's sub-steps; deeper ones are left out

FunctionInfo to_function(const json::object& object) {
  FunctionInfo info;
  info.id = text(object, "id");
  info.name = text(object, "name");
  info.display_name = text(object, "displayName");
  info.runtime = text(object, "runtime");
  info.handler = text(object, "handler");
  info.state = text(object, "state");
  info.code_sha256 = text(object, "codeSha256");
  info.created_at = text(object, "createdAt");
  info.updated_at = text(object, "updatedAt");
  info.memory_mb = count(object, "memorySize");
  info.timeout_ms = count(object, "timeout");
  info.concurrency = count(object, "concurrency");
  info.version = count(object, "version");
  info.code_bytes = count(object, "codeSize");
  if (const auto* environment = member_object(object, "environment")) {
    for (const auto& [name, value] : *environment) {
      info.environment[std::string(name)] = text(*environment, name);
    }
  }
  return info;
}

VersionInfo to_version(const json::object& object) {
  VersionInfo info;
  info.number = count(object, "version");
  info.current = flag(object, "current");
  info.runtime = text(object, "runtime");
  info.handler = text(object, "handler");
  info.code_sha256 = text(object, "codeSha256");
  info.created_at = text(object, "createdAt");
  info.memory_mb = count(object, "memorySize");
  info.timeout_ms = count(object, "timeout");
  info.code_bytes = count(object, "codeSize");
  return info;
}

std::vector<LogLine> to_log_lines(const json::object& object, std::string_view name) {
  std::vector<LogLine> result;
  const auto* lines = member_array(object, name);
  for (std::size_t i = 0; lines != nullptr && i < lines->size(); ++i) {
    if (const auto* line = (*lines)[i].if_object()) {
      result.push_back({text(*line, "stream") == "stderr", text(*line, "text")});
    }
  }
  return result;
}

LogEntry to_log_entry(const json::object& object) {
  LogEntry entry;
  entry.sequence = count(object, "sequence");
  entry.request_id = text(object, "requestId");
  entry.time = text(object, "time");
  entry.instance = text(object, "instance");
  entry.outcome = text(object, "outcome");
  entry.duration_ms = number(object, "durationMs");
  entry.cold = flag(object, "cold");
  entry.truncated = flag(object, "truncated");
  entry.lines = to_log_lines(object, "lines");
  return entry;
}

std::map<std::string, std::uint64_t> counts(const json::object& object, std::string_view name) {
  std::map<std::string, std::uint64_t> result;
  if (const auto* each = member_object(object, name)) {
    for (const auto& [key, ignored] : *each) {
      result[std::string(key)] = count(*each, key);
    }
  }
  return result;
}

WorkerInfo to_worker(const json::object& object) {
  WorkerInfo info;
  info.id = text(object, "id");
  info.role = text(object, "role");
  info.state = text(object, "state");
  info.uri = text(object, "uri");
  info.version = text(object, "version");
  info.started_at = text(object, "startedAt");
  info.cold_allocations = count(object, "coldAllocations");
  info.versions = count(object, "versions");
  info.instances = counts(object, "instances");
  if (const auto* memory = member_object(object, "memory")) {
    info.memory_total_mb = count(*memory, "totalMb");
    info.memory_free_mb = count(*memory, "freeMb");
    info.memory_busy_mb = count(*memory, "busyMb");
  }
  return info;
}

ApiFailure to_failure(const json::object& object) {
  const auto* error = member_object(object, "error");
  if (error == nullptr) {
    return {};
  }
  return {text(*error, "code"), text(*error, "message"), text(*error, "type"), text(*error, "stack")};
}

AttemptInfo to_attempt(const json::object& object) {
  AttemptInfo info;
  info.number = count(object, "number");
  info.started_at = text(object, "startedAt");
  info.ended_at = text(object, "endedAt");
  info.code = text(object, "code");
  info.message = text(object, "message");
  info.counts = !object.contains("counts") || flag(object, "counts");
  return info;
}

ExecutionInfo to_execution(const json::object& object) {
  ExecutionInfo info;
  info.id = text(object, "id");
  info.function_id = text(object, "functionId");
  info.kind = object.contains("kind") ? text(object, "kind") : "call";
  info.parent_id = text(object, "parentId");
  info.state = text(object, "state");
  info.submitted_at = text(object, "submittedAt");
  info.due_at = text(object, "dueAt");
  info.started_at = text(object, "startedAt");
  info.ended_at = text(object, "endedAt");
  info.version = count(object, "version");
  info.error = to_failure(object);
  info.logs = to_log_lines(object, "logs");
  info.logs_truncated = flag(object, "logsTruncated");
  const auto* attempts = member_array(object, "attempts");
  for (std::size_t i = 0; attempts != nullptr && i < attempts->size(); ++i) {
    if (const auto* attempt = (*attempts)[i].if_object()) {
      info.attempts.push_back(to_attempt(*attempt));
    }
  }
  return info;
}

TimedStep to_step(const json::object& object, int depth) {
  TimedStep step{text(object, "name"), number(object, "duration"), {}};
  const auto* parts = depth > 0 ? member_array(object, "subLogs") : nullptr;
  for (std::size_t i = 0; parts != nullptr && i < parts->size(); ++i) {
    if (const auto* part = (*parts)[i].if_object()) {
      step.steps.push_back(to_step(*part, depth - 1));
    }
  }
  return step;
}

}  // namespace

base::Result<FunctionInfo> parse_function(std::string_view text) {
  const json::value value = parse(text);
  if (!value.is_object()) {
    return unreadable("a function");
  }
  return to_function(value.get_object());
}

base::Result<std::vector<FunctionInfo>> parse_functions(std::string_view text) {
  const json::value value = parse(text);
  if (!value.is_array()) {
    return unreadable("a list of functions");
  }
  std::vector<FunctionInfo> functions;
  for (const auto& item : value.get_array()) {
    if (!item.is_object()) {
      return unreadable("a list of functions");
    }
    functions.push_back(to_function(item.get_object()));
  }
  return functions;
}

base::Result<VersionPage> parse_versions(std::string_view text) {
  const json::value value = parse(text);
  const auto* const object = value.if_object();
  const auto* const versions = object != nullptr ? member_array(*object, "versions") : nullptr;
  if (versions == nullptr) {
    return unreadable("a list of versions");
  }
  VersionPage page;
  page.before = count(*object, "before");
  for (const auto& each : *versions) {
    if (const auto* const version = each.if_object()) {
      page.versions.push_back(to_version(*version));
    }
  }
  return page;
}

base::Result<LogPage> parse_logs(std::string_view text) {
  const json::value value = parse(text);
  const auto* entries = value.is_object() ? member_array(value.get_object(), "entries") : nullptr;
  if (entries == nullptr) {
    return unreadable("a page of logs");
  }
  LogPage page;
  for (const auto& item : *entries) {
    if (!item.is_object()) {
      return unreadable("a page of logs");
    }
    page.entries.push_back(to_log_entry(item.get_object()));
  }
  page.next = count(value.get_object(), "next");
  return page;
}

base::Result<Health> parse_health(std::string_view body) {
  const json::value value = parse(body);
  if (!value.is_object()) {
    return unreadable("a health report");
  }
  const auto& object = value.get_object();
  Health health;
  health.status = text(object, "status");
  health.version = text(object, "version");
  health.uptime_seconds = count(object, "uptimeSeconds");
  health.functions = count(object, "functions");
  if (const auto* memory = member_object(object, "memory")) {
    health.memory_total_mb = count(*memory, "totalMb");
    health.memory_free_mb = count(*memory, "freeMb");
  }
  health.instances = counts(object, "instances");
  return health;
}

std::uint64_t WorkerInfo::instance_count() const {
  return std::accumulate(instances.begin(), instances.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& each) { return sum + each.second; });
}

base::Result<std::vector<WorkerInfo>> parse_workers(std::string_view body) {
  const json::value value = parse(body);
  const auto* workers = value.is_object() ? member_array(value.get_object(), "workers") : nullptr;
  if (workers == nullptr) {
    return unreadable("a list of workers");
  }
  std::vector<WorkerInfo> result;
  for (const auto& item : *workers) {
    if (!item.is_object()) {
      return unreadable("a list of workers");
    }
    result.push_back(to_worker(item.get_object()));
  }
  return result;
}

base::Result<CapacityInfo> parse_capacity(std::string_view body) {
  const json::value value = parse(body);
  if (!value.is_object() || !value.get_object().contains("workers")) {
    return unreadable("a report of capacity");
  }
  const auto& object = value.get_object();
  CapacityInfo info;
  info.workers = count(object, "workers");
  info.workers_draining = count(object, "workersDraining");
  info.workers_needed = count(object, "workersNeeded");
  info.cold_allocations = count(object, "coldAllocations");
  info.instances_idle = count(object, "instancesIdle");
  if (const auto* memory = member_object(object, "memory")) {
    info.memory_total_mb = count(*memory, "totalMb");
    info.memory_free_mb = count(*memory, "freeMb");
    info.memory_busy_mb = count(*memory, "busyMb");
    info.memory_waited_mb = count(*memory, "waitedForMb");
  }
  if (const auto* calls = member_object(object, "calls")) {
    info.calls_waiting = count(*calls, "waiting");
    info.calls_running = count(*calls, "running");
  }
  return info;
}

ApiFailure parse_failure(std::string_view body) {
  const json::value value = parse(body);
  return value.is_object() ? to_failure(value.get_object()) : ApiFailure();
}

base::Result<std::string> parse_submission(std::string_view body) {
  const json::value value = parse(body);
  std::string id = value.is_object() ? text(value.get_object(), "executionId") : "";
  if (id.empty()) {
    return unreadable("an accepted execution");
  }
  return id;
}

base::Result<ExecutionInfo> parse_execution(std::string_view body) {
  const json::value value = parse(body);
  ExecutionInfo info = value.is_object() ? to_execution(value.get_object()) : ExecutionInfo();
  if (info.id.empty() || info.state.empty()) {
    return unreadable("an execution");
  }
  return info;
}

base::Result<ExecutionPage> parse_executions(std::string_view body) {
  const json::value value = parse(body);
  const auto* executions = value.is_object() ? member_array(value.get_object(), "executions") : nullptr;
  if (executions == nullptr) {
    return unreadable("a list of executions");
  }
  ExecutionPage page;
  page.before = text(value.get_object(), "before");
  for (const auto& item : *executions) {
    if (!item.is_object()) {
      return unreadable("a list of executions");
    }
    page.executions.push_back(to_execution(item.get_object()));
  }
  return page;
}

base::Result<std::uint64_t> parse_redriven(std::string_view body) {
  const json::value value = parse(body);
  if (!value.is_object() || !value.get_object().contains("redriven")) {
    return unreadable("a count of executions");
  }
  return count(value.get_object(), "redriven");
}

base::Result<TimedStep> parse_steps(std::string_view text) {
  const json::value value = parse(text);
  if (!value.is_object()) {
    return unreadable("a tree of timed steps");
  }
  return to_step(value.get_object(), kTraceDepth);
}

}  // namespace hearth::cli
