#include "gateway/fleet_json.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "gateway/answer.h"

namespace hearth::gateway {
namespace {

void add_text(std::string& out, std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(out), "\"{}\":", name);
  append_json_string(out, value);
  out += ',';
}

void add_worker(std::string& out, const model::WorkerLoad& load) {
  fmt::format_to(std::back_inserter(out),
                 R"(,"memory":{{"totalMb":{},"freeMb":{},"busyMb":{},"busyPeakMb":{}}},"coldAllocations":{},)"
                 R"("versions":{},"instances":{{)",
                 load.memory_total_mb, load.memory_free_mb, load.memory_busy_mb, load.memory_busy_peak_mb,
                 load.cold_allocations, load.versions);
  for (const auto& [state, count] : load.instances) {
    out += out.back() == '{' ? "" : ",";
    append_json_string(out, state);
    fmt::format_to(std::back_inserter(out), ":{}", count);
  }
  out += '}';
}

void add_member(std::string& out, const model::Member& member) {
  out += out.back() == '[' ? "{" : ",{";
  add_text(out, "id", member.id);
  add_text(out, "role", to_string(member.role));
  add_text(out, "state", to_string(member.state));
  if (!member.uri.empty()) {
    add_text(out, "uri", member.uri);
  }
  add_text(out, "version", member.release);
  fmt::format_to(std::back_inserter(out), R"("startedAt":"{}")", rfc3339(member.started_ms));
  if (member.worker) {
    add_worker(out, *member.worker);
  }
  if (member.gateway) {
    fmt::format_to(
        std::back_inserter(out),
        R"(,"calls":{{"waiting":{},"running":{}}},"memoryWaitedForMb":{},"memoryWaitedForPeakMb":{})",
        member.gateway->calls_waiting, member.gateway->calls_running, member.gateway->memory_waited_mb,
        member.gateway->memory_waited_peak_mb);
  }
  out += '}';
}

template <typename Choose>
void add_members(std::string& out, std::string_view name, const std::vector<model::Member>& members,
                 Choose choose) {
  fmt::format_to(std::back_inserter(out), "{}\"{}\":[", out.back() == '{' ? "" : ",", name);
  for (const model::Member& member : members) {
    if (choose(member)) {
      add_member(out, member);
    }
  }
  out += ']';
}

}  // namespace

std::string members_json(const std::vector<model::Member>& members) {
  std::string out = "{";
  add_members(out, "workers", members, [](const auto& member) { return member.worker.has_value(); });
  add_members(out, "gateways", members,
              [](const auto& member) { return !member.worker && member.gateway.has_value(); });
  add_members(out, "monitors", members,
              [](const auto& member) { return member.role == model::MemberRole::kMonitor; });
  out += '}';
  return out;
}

std::string capacity_json(const membership::Capacity& capacity) {
  return fmt::format(
      R"({{"workers":{},"workersDraining":{},"workersNeeded":{},"memory":{{"totalMb":{},"freeMb":{},"busyMb":{},)"
      R"("waitedForMb":{}}},"coldAllocations":{},"instancesIdle":{},"calls":{{"waiting":{},"running":{}}}}})",
      capacity.workers, capacity.workers_draining, capacity.workers_needed, capacity.memory_total_mb,
      capacity.memory_free_mb, capacity.memory_busy_mb, capacity.memory_waited_mb, capacity.cold_allocations,
      capacity.instances_idle, capacity.calls_waiting, capacity.calls_running);
}

}  // namespace hearth::gateway
