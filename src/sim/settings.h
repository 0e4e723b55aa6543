// What is simulated: the platform's size, its load, and what a message costs. Values; the defaults are those
// of `hearth simulate`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "worker/keep_alive.h"

namespace hearth::sim {

// Who hears that something was announced: dispatchers, as it is, or every process, to see what that would
// cost.
enum class AnnouncedTo { kEverybody, kGateways };

struct LoadSettings {
  std::uint32_t functions = 100'000;
  double zipf = 1.1;
  double rate = 1'000;  // calls a second of the platform, the mean of a day
  double swing = 0.5;   // how far the rate rises above its mean and falls below it within a day
  std::chrono::microseconds day{std::chrono::minutes(2)};
  std::chrono::microseconds run_mean{std::chrono::seconds(1)};  // of a handler, over all calls
};

struct MessagingSettings {
  std::uint32_t servers = 3;
  double rate = 100'000;  // commands a second of one server, each costing it the same processor time
  std::chrono::microseconds round_trip{500};  // between any two hosts
  // Every worker announces everything once more so often, for every server; 0: never.
  std::chrono::microseconds announce_again{std::chrono::seconds(60)};
  AnnouncedTo announced_to = AnnouncedTo::kGateways;
};

struct LossSettings {
  double share = 0.1;                           // of the workers, at once
  std::optional<std::chrono::microseconds> at;  // from the start of what is measured; unset: after 3/5 of it
  std::chrono::microseconds worker_timeout{std::chrono::seconds(5)};  // then the platform knows
};

struct Settings {
  std::uint32_t workers = 1'000;
  std::uint32_t gateways = 10;
  std::uint32_t memory_mb = 24'576;  // of one worker, for instances
  std::uint32_t cores = 16;          // of one worker
  double overcommit = 1;             // how many times its memory may be promised
  worker::KeepAliveKind keep_alive_policy = worker::KeepAliveKind::kFixed;
  std::chrono::microseconds keep_alive{std::chrono::minutes(15)};
  std::chrono::microseconds keep_alive_longest{std::chrono::hours(1)};  // of the adaptive policy
  LoadSettings load;
  MessagingSettings messaging;
  LossSettings loss;
  std::chrono::microseconds warm_up{std::chrono::minutes(1)};   // before anything is measured
  std::chrono::microseconds duration{std::chrono::minutes(2)};  // of what is measured
  std::uint64_t seed = 1;
};

}  // namespace hearth::sim
