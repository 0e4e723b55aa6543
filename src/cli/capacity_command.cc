// hearth capacity: what all workers have and give, and how many the load needs.
#include <fmt/format.h>

#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

void print_capacity(Context& context, const CapacityInfo& capacity) {
  constexpr std::uint64_t kMb = 1024 * 1024;
  const std::string draining =
      capacity.workers_draining == 0 ? "" : fmt::format(", {} more draining", capacity.workers_draining);
  context.terminal.out << fmt::format(
      "workers    {}{}; the load of the last minutes needs {}\n"
      "memory     {}: {} free, {} busy; callers wait for {}\n"
      "instances  {} idle, and {} cold allocations\n"
      "calls      {} running, {} waiting\n",
      capacity.workers, draining, capacity.workers_needed, human_bytes(capacity.memory_total_mb * kMb),
      human_bytes(capacity.memory_free_mb * kMb), human_bytes(capacity.memory_busy_mb * kMb),
      human_bytes(capacity.memory_waited_mb * kMb), capacity.instances_idle, capacity.cold_allocations,
      capacity.calls_running, capacity.calls_waiting);
}

int run_capacity(Context& context) {
  Reply reply;
  if (const auto code = ask(context, {http::Method::kGet, "/capacity", ""}, reply)) {
    return code;
  }
  const auto capacity = parse_capacity(reply.body);
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  if (!capacity) {
    return report_unreadable(context, capacity.error());
  }
  print_capacity(context, *capacity);
  return kOk;
}

}  // namespace

Command capacity_command() {
  Command command;
  command.name = "capacity";
  command.summary = "Show what all workers have, and how many the load needs";
  command.details = "Examples:\n  hearth capacity\n  hearth capacity --json | jq .workersNeeded\n";
  command.run = run_capacity;
  return command;
}

}  // namespace hearth::cli
