#include "membership/fleet_metrics.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string_view>

namespace hearth::membership {
namespace {

void gauge(std::string& out, std::string_view name, std::string_view help, std::uint64_t value) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} gauge\n{0} {2}\n", name, help, value);
}

}  // namespace

std::string fleet_metrics(const Capacity& capacity) {
  std::string out;
  gauge(out, "hearth_workers", "Workers of the platform that take calls.", capacity.workers);
  gauge(out, "hearth_workers_draining", "Workers that are about to leave.", capacity.workers_draining);
  gauge(out, "hearth_workers_needed", "Workers that the load of the last --load-window needs.",
        capacity.workers_needed);
  gauge(out, "hearth_cold_allocations", "Allocations of memory that is given to no function, of all workers.",
        capacity.cold_allocations);
  gauge(out, "hearth_workers_memory_total_bytes", "What all workers may promise.",
        capacity.memory_total_mb << 20U);
  gauge(out, "hearth_workers_memory_free_bytes", "Of it, what is given to no function.",
        capacity.memory_free_mb << 20U);
  gauge(out, "hearth_workers_memory_busy_bytes", "Of it, that of instances at work.",
        capacity.memory_busy_mb << 20U);
  gauge(out, "hearth_workers_instances_idle", "Warm instances of all workers that wait for a call.",
        capacity.instances_idle);
  gauge(out, "hearth_gateways_calls_waiting", "Calls that wait for capacity, of all gateways.",
        capacity.calls_waiting);
  gauge(out, "hearth_gateways_calls_running", "Calls with an instance, of all gateways.",
        capacity.calls_running);
  gauge(out, "hearth_memory_waited_bytes",
        "Memory of callers that wait for it, or were refused for want of it.",
        capacity.memory_waited_mb << 20U);
  return out;
}

}  // namespace hearth::membership
