// Counters of the gateway, and their text in Prometheus' exposition format (version 0.0.4), with
// what the rest of the platform reports. Loop thread only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/provisions.h"
#include "gateway/version_lease.h"
#include "model/api_error.h"
#include "model/outcome.h"

namespace hearth::gateway {

// Messages to webhooks, since the server began; the last is as it is now.
struct WebhooksStatus {
  std::uint64_t done = 0;
  std::uint64_t dead = 0;
  std::uint64_t attempts = 0;
  std::uint64_t retries = 0;
  std::uint64_t sending = 0;
};

// Asynchronous executions, since the server began; the last three are as it is now. What is told of a call's
// end is in `webhooks`; what is accepted, cancelled or has not ended is of both kinds.
struct ExecutionsStatus {
  std::uint64_t accepted = 0;
  std::uint64_t repeated = 0;  // submissions whose key was there
  std::uint64_t done = 0;
  std::uint64_t dead = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t attempts = 0;
  std::uint64_t retries = 0;
  std::uint64_t leases_lost = 0;
  std::uint64_t slots_executed = 0;  // of schedules
  std::uint64_t slots_missed = 0;
  std::uint64_t slots_hindered = 0;
  std::uint64_t executing = 0;
  std::uint64_t backlog = 0;  // that have not ended
  std::uint64_t backlog_bytes = 0;
  WebhooksStatus webhooks;
};

// What /health and /metrics say of the parts behind the gateway; composed by main.
struct PlatformStatus {
  std::uint32_t memory_total_mb = 0;
  std::uint32_t memory_promised_mb = 0;
  std::uint32_t memory_free_mb = 0;
  std::map<std::string, std::uint32_t> instances;    // by state's name; "cold" are unassigned reservations
  std::map<std::string, std::uint32_t> reserved_mb;  // by state's name
  std::uint64_t instances_started = 0;
  std::uint64_t instances_prestarted = 0;
  std::uint64_t instances_prewarmed = 0;
  std::uint64_t instances_expired = 0;
  std::uint64_t instances_evicted = 0;
  ProvisionCount provisioned;
  std::uint64_t compile_caches_given = 0;
  std::uint64_t compile_caches_kept = 0;
  std::size_t calls_waiting = 0;
  std::size_t calls_running = 0;
  std::size_t connections = 0;
  std::uint64_t messages = 0;  // from other threads
  LeaseState lease = LeaseState::kNotNeeded;
  std::optional<ExecutionsStatus> executions{};  // of the loop that has them
};

// Of two loops together.
PlatformStatus operator+(PlatformStatus a, const PlatformStatus& b);

class Metrics {
 public:
  void count_outcome(model::OutcomeKind kind, bool cold, std::int64_t total_us);
  void count_rejection(model::ApiErrorCode code);
  // Another loop's.
  Metrics& operator+=(const Metrics& other);

  std::string text(const PlatformStatus& status, std::size_t functions, std::int64_t uptime_seconds) const;

 private:
  static constexpr std::array kBucketsUs = {250,     500,       1'000,     2'500,     5'000,
                                            10'000,  25'000,    50'000,    100'000,   250'000,
                                            500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};

  struct Histogram {
    std::array<std::uint64_t, kBucketsUs.size() + 1> counts{};  // the last: beyond all bounds
    std::uint64_t sum_us = 0;

    Histogram& operator+=(const Histogram& other);
  };

  static void write(std::string& out, std::string_view start, const Histogram& histogram);
  static void write(std::string& out, const ExecutionsStatus& status);
  static void write(std::string& out, const WebhooksStatus& status);

  std::map<model::OutcomeKind, std::uint64_t> outcomes_;
  std::map<model::ApiErrorCode, std::uint64_t> rejections_;
  Histogram warm_;
  Histogram cold_;
};

}  // namespace hearth::gateway
