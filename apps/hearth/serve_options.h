// The flags of `hearth serve`: every bound of the platform with its default, in one place.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "dispatch/dispatcher.h"
#include "gateway/backlog.h"
#include "gateway/log_book.h"
#include "http/server.h"
#include "model/limits.h"
#include "monitor/execution_retention.h"
#include "monitor/execution_runner.h"
#include "webhook/curl/curl_webhooks.h"
#include "worker/runtime_program.h"

namespace hearth {

// What a process is: all in one, or one role of a platform on several hosts.
struct Roles {
  std::string command = "serve";
  bool gateway = true;
  bool worker = true;
  bool monitor = false;
};

struct ServeOptions {
  Roles roles;
  std::string listen = "127.0.0.1:8080";
  std::string data_dir = "hearth-data";
  std::string store;  // a URL of PostgreSQL; empty: the embedded store, in data_dir
  std::size_t store_connections = 8;
  std::chrono::milliseconds store_timeout{5'000};
  std::string without_store = "auto";  // or "refuse", "serve"
  std::vector<std::string> messaging;  // URLs of Redis servers; empty: in the process
  std::string advertise;               // what gateways elsewhere reach this worker by
  std::string worker_listen;           // of serve: the worker's API; empty: where advertise says
  bool link_tls = false;               // between gateways and workers
  std::string cluster_key;
  std::string cluster_key_file;
  std::chrono::milliseconds worker_timeout{5'000};
  std::chrono::milliseconds load_window{std::chrono::minutes(5)};
  double target_utilisation = 0.8;
  std::chrono::milliseconds code_sweep_interval{std::chrono::minutes(10)};
  std::string api_key;
  std::string api_key_file;
  bool insecure_no_auth = false;
  std::string user;  // empty: "hearth" if there is such a user, else "nobody"
  std::string log_level = "info";

  std::uint32_t threads = 1;
  std::uint32_t memory_mb = 0;  // 0: 80 % of the machine's
  std::chrono::microseconds keep_alive{std::chrono::minutes(15)};
  std::string keep_alive_policy = "fixed";
  std::chrono::microseconds keep_alive_longest{std::chrono::hours(1)};
  std::string evict = "idle";  // or "never"
  double overcommit = 1;
  std::chrono::microseconds pause_after{10'000};
  std::uint32_t prestart = 4;
  std::uint32_t prestart_ready = 1;
  std::chrono::microseconds hot_wait{5'000};
  std::chrono::microseconds spin{60};
  std::chrono::microseconds queue_timeout{0};
  std::size_t queue_depth = 1'000;
  std::chrono::microseconds start_timeout{std::chrono::seconds(30)};
  std::chrono::microseconds init_timeout{std::chrono::seconds(10)};
  std::chrono::microseconds drain_timeout{std::chrono::seconds(30)};
  std::chrono::microseconds drain_grace{std::chrono::milliseconds(200)};
  double instance_cpus = 1.0;
  std::string node;              // empty: the first in PATH
  std::string python;            // empty: what the host has, which may be none
  std::string zygote = "on";     // or "off"
  std::string network = "none";  // or "nat"
  std::vector<std::string> dns;  // empty: the host's resolvers that are not on loopback
  std::string nat_range = "10.213.0.0/16";
  std::string cgroup_parent = "hearth";
  std::uint32_t uid_base = 200'000;
  std::uint64_t code_cache_bytes = 2ULL << 30U;
  std::uint64_t compile_cache_bytes = 8ULL << 20U;
  std::uint64_t compile_cache_memory = 16ULL << 20U;

  std::chrono::microseconds room_timeout{std::chrono::seconds(2)};
  http::ServerLimits http;
  worker::InstanceLimits instance;  // cpu_millicores comes from instance_cpus
  model::UploadLimits upload;
  model::FunctionLimits function;
  model::InvocationLimits invocation;
  gateway::LogBookLimits logs;
  gateway::BacklogLimits backlog;
  monitor::RunnerOptions executions;
  monitor::RetentionOptions retention;
  std::size_t webhook_concurrency = 32;
  std::uint32_t webhook_retries = 8;
  webhook::CurlOptions webhooks;
  std::chrono::milliseconds schedule_grace{60'000};
};

// Adds the flags that the options' roles have to a subcommand; CLI11 fills `options` when it parses.
void add_serve_flags(CLI::App& command, ServeOptions& options);

// What is wrong with so much memory for instances, and what to do; empty when nothing is.
std::string check_memory(const ServeOptions& options, std::uint32_t memory_mb);

// What flags alone cannot say: that they fit together. Empty when they do, else what is wrong and
// what to do.
std::string check(const ServeOptions& options);

// Where the worker's API listens; empty where there is none.
std::string worker_listen(const ServeOptions& options);

// The key itself, whichever way it was given. kInvalidArgument: the file holds none.
base::Result<std::string> read_key(const std::string& key, const std::string& file, const std::string& flag);

// Whether HOST:PORT is on the loopback interface only.
bool is_loopback(const std::string& listen);

}  // namespace hearth
