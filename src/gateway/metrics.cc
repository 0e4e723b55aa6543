#include "gateway/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>

namespace hearth::gateway {
namespace {

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

template <typename Value>
void single(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            Value value) {
  head(out, name, type, help);
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

}  // namespace

PlatformStatus operator+(PlatformStatus a, const PlatformStatus& b) {
  a.memory_total_mb += b.memory_total_mb;
  a.memory_free_mb += b.memory_free_mb;
  a.memory_promised_mb += b.memory_promised_mb;
  for (const auto& [state, count] : b.instances) {
    a.instances[state] += count;
  }
  for (const auto& [state, mb] : b.reserved_mb) {
    a.reserved_mb[state] += mb;
  }
  a.instances_started += b.instances_started;
  a.instances_prestarted += b.instances_prestarted;
  a.instances_prewarmed += b.instances_prewarmed;
  a.instances_expired += b.instances_expired;
  a.instances_evicted += b.instances_evicted;
  a.provisioned.wanted += b.provisioned.wanted;
  a.provisioned.ready += b.provisioned.ready;
  a.compile_caches_given += b.compile_caches_given;
  a.compile_caches_kept += b.compile_caches_kept;
  a.calls_waiting += b.calls_waiting;
  a.calls_running += b.calls_running;
  a.connections += b.connections;
  a.messages += b.messages;
  a.lease = std::max(a.lease, b.lease);
  a.executions = a.executions ? a.executions : b.executions;
  return a;
}

Metrics::Histogram& Metrics::Histogram::operator+=(const Histogram& other) {
  std::transform(counts.begin(), counts.end(), other.counts.begin(), counts.begin(), std::plus<>());
  sum_us += other.sum_us;
  return *this;
}

Metrics& Metrics::operator+=(const Metrics& other) {
  for (const auto& [kind, count] : other.outcomes_) {
    outcomes_[kind] += count;
  }
  for (const auto& [code, count] : other.rejections_) {
    rejections_[code] += count;
  }
  warm_ += other.warm_;
  cold_ += other.cold_;
  return *this;
}

void Metrics::count_outcome(model::OutcomeKind kind, bool cold, std::int64_t total_us) {
  ++outcomes_[kind];
  Histogram& histogram = cold ? cold_ : warm_;
  const auto* bound = std::lower_bound(kBucketsUs.begin(), kBucketsUs.end(), total_us);
  ++histogram.counts[static_cast<std::size_t>(bound - kBucketsUs.begin())];
  histogram.sum_us += static_cast<std::uint64_t>(total_us);
}

void Metrics::count_rejection(model::ApiErrorCode code) { ++rejections_[code]; }

void Metrics::write(std::string& out, std::string_view start, const Histogram& histogram) {
  constexpr std::string_view kName = "hearth_invocation_duration_seconds";
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < kBucketsUs.size(); ++i) {
    below += histogram.counts[i];
    fmt::format_to(std::back_inserter(out), "{}_bucket{{start=\"{}\",le=\"{}\"}} {}\n", kName, start,
                   static_cast<double>(kBucketsUs[i]) / 1e6, below);
  }
  below += histogram.counts.back();
  fmt::format_to(std::back_inserter(out), "{0}_bucket{{start=\"{1}\",le=\"+Inf\"}} {2}\n", kName, start,
                 below);
  fmt::format_to(std::back_inserter(out), "{}_sum{{start=\"{}\"}} {}\n", kName, start,
                 static_cast<double>(histogram.sum_us) / 1e6);
  fmt::format_to(std::back_inserter(out), "{}_count{{start=\"{}\"}} {}\n", kName, start, below);
}

void Metrics::write(std::string& out, const ExecutionsStatus& status) {
  single(out, "hearth_executions_accepted_total", "counter", "Asynchronous executions accepted.",
         status.accepted);
  single(out, "hearth_executions_repeated_total", "counter",
         "Submissions that were the same execution as one before, by their Idempotency-Key.",
         status.repeated);
  head(out, "hearth_executions_ended_total", "counter", "Asynchronous executions that ended for good.");
  for (const auto& [state, count] : {std::pair("done", status.done), std::pair("dead", status.dead),
                                     std::pair("cancelled", status.cancelled)}) {
    fmt::format_to(std::back_inserter(out), "hearth_executions_ended_total{{state=\"{}\"}} {}\n", state,
                   count);
  }
  single(out, "hearth_execution_attempts_total", "counter", "Attempts begun.", status.attempts);
  single(out, "hearth_execution_retries_total", "counter", "Attempts that another will follow.",
         status.retries);
  single(out, "hearth_execution_leases_lost_total", "counter",
         "Attempts that were not settled, as their lease had run out or their execution was cancelled.",
         status.leases_lost);
  single(out, "hearth_schedule_slots_executed_total", "counter",
         "Slots of schedules that an execution was submitted for.", status.slots_executed);
  single(out, "hearth_schedule_slots_missed_total", "counter", "Slots of schedules that were not executed.",
         status.slots_missed);
  single(out, "hearth_schedule_slots_hindered_total", "counter",
         "Looks at a slot that could not be executed then, and stayed due.", status.slots_hindered);
  single(out, "hearth_executions_executing", "gauge", "Asynchronous executions that are executed.",
         status.executing);
  single(out, "hearth_executions_backlog", "gauge", "Asynchronous executions that have not ended.",
         status.backlog);
  single(out, "hearth_executions_backlog_bytes", "gauge", "Bytes of their inputs.", status.backlog_bytes);
  write(out, status.webhooks);
}

void Metrics::write(std::string& out, const WebhooksStatus& status) {
  head(out, "hearth_webhooks_ended_total", "counter", "Messages to webhooks that ended for good.");
  for (const auto& [state, count] : {std::pair("done", status.done), std::pair("dead", status.dead)}) {
    fmt::format_to(std::back_inserter(out), "hearth_webhooks_ended_total{{state=\"{}\"}} {}\n", state, count);
  }
  single(out, "hearth_webhook_attempts_total", "counter", "Messages sent to webhooks, or tried to.",
         status.attempts);
  single(out, "hearth_webhook_retries_total", "counter", "Attempts that another will follow.",
         status.retries);
  single(out, "hearth_webhooks_sending", "gauge", "Messages that wait for their webhook's answer.",
         status.sending);
}

std::string Metrics::text(const PlatformStatus& status, std::size_t functions,
                          std::int64_t uptime_seconds) const {
  std::string out;
  const auto add = std::back_inserter(out);
  head(out, "hearth_build_info", "gauge", "The version that runs; always 1.");
  fmt::format_to(add, "hearth_build_info{{version=\"{}\"}} 1\n", HEARTH_VERSION);
  single(out, "hearth_uptime_seconds", "gauge", "Seconds since the server listens.", uptime_seconds);
  single(out, "hearth_functions", "gauge", "Functions there are.", functions);
  single(out, "hearth_version_lease_valid", "gauge",
         "1 while nobody can have acknowledged newer code than this server knows.",
         status.lease == LeaseState::kOver ? 0 : 1);

  head(out, "hearth_invocations_total", "counter", "Invocations that were executed, by their outcome.");
  for (const auto& [kind, count] : outcomes_) {
    fmt::format_to(add, "hearth_invocations_total{{outcome=\"{}\"}} {}\n", to_string(kind), count);
  }
  head(out, "hearth_rejections_total", "counter",
       "Requests answered with an error before execution, by its code.");
  for (const auto& [code, count] : rejections_) {
    fmt::format_to(add, "hearth_rejections_total{{code=\"{}\"}} {}\n", to_string(code), count);
  }
  head(out, "hearth_invocation_duration_seconds", "histogram", "Arrival to answer, by cold or warm start.");
  write(out, "warm", warm_);
  write(out, "cold", cold_);

  head(out, "hearth_instances", "gauge", "Reservations by state; cold ones hold memory and no container.");
  for (const auto& [state, count] : status.instances) {
    fmt::format_to(add, "hearth_instances{{state=\"{}\"}} {}\n", state, count);
  }
  head(out, "hearth_memory_bytes", "gauge",
       "The worker's memory: free, and charged to reservations by state. The sum is its total.");
  fmt::format_to(add, "hearth_memory_bytes{{state=\"free\"}} {}\n",
                 std::uint64_t{status.memory_free_mb} << 20U);
  for (const auto& [state, mb] : status.reserved_mb) {
    fmt::format_to(add, "hearth_memory_bytes{{state=\"{}\"}} {}\n", state, std::uint64_t{mb} << 20U);
  }
  single(out, "hearth_memory_total_bytes", "gauge", "The worker's memory.",
         std::uint64_t{status.memory_total_mb} << 20U);
  single(
      out, "hearth_memory_promised_bytes", "gauge",
      "What reservations were promised; more than they are charged where idle ones use less (--overcommit).",
      std::uint64_t{status.memory_promised_mb} << 20U);
  single(out, "hearth_instances_started_total", "counter", "Instances started.", status.instances_started);
  single(out, "hearth_instances_prestarted_total", "counter",
         "Instances started, of these, for which a booted runtime was waiting.", status.instances_prestarted);
  single(out, "hearth_instances_prewarmed_total", "counter",
         "Instances started before a call that was expected (--keep-alive-policy adaptive).",
         status.instances_prewarmed);
  single(out, "hearth_instances_expired_total", "counter", "Instances removed after their keep-alive.",
         status.instances_expired);
  single(out, "hearth_instances_evicted_total", "counter",
         "Idle instances removed for another function's call.", status.instances_evicted);
  single(out, "hearth_provisioned_wanted", "gauge",
         "Instances to be kept started (provisionedConcurrency), by all workers that are told here.",
         status.provisioned.wanted);
  single(out, "hearth_provisioned_ready", "gauge", "Instances, of these, that are loaded, at work or not.",
         status.provisioned.ready);
  single(out, "hearth_compile_cache_given_total", "counter",
         "Instances started with what an earlier one of their version had compiled.",
         status.compile_caches_given);
  single(out, "hearth_compile_cache_kept_total", "counter",
         "Instances of which what they had compiled was taken for later ones.", status.compile_caches_kept);
  single(out, "hearth_calls_waiting", "gauge", "Calls that wait for capacity.", status.calls_waiting);
  single(out, "hearth_calls_running", "gauge", "Calls with an instance.", status.calls_running);
  single(out, "hearth_connections", "gauge", "Open HTTP connections.", status.connections);
  single(out, "hearth_loop_messages_total", "counter",
         "What event loops were sent by other threads: nothing on the way of a warm call.", status.messages);
  if (status.executions) {
    write(out, *status.executions);
  }
  return out;
}

}  // namespace hearth::gateway
