// What the command line of `hearth bench` sets, and the flags that several subcommands share. Each
// subcommand has an Options of its own with its own defaults. One thread.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/run/levels.h"
#include "bench/target/target_spec.h"

namespace hearth::bench {

struct OutputOptions {
  std::string json;
  std::string csv;
  std::string report;
  std::string charts;
  std::string calls;
  std::uint64_t calls_max = 100'000;
  std::string resume;
};

struct Options {
  using Milliseconds = std::chrono::milliseconds;

  // Targets
  std::vector<std::string> targets = {"hearth"};
  std::string function = "hello";
  std::uint32_t sleep_ms = 50;
  std::uint32_t memory_mb = 512;
  std::uint64_t body_bytes = 0;
  std::string body;
  std::int32_t server_pid = 0;
  std::string deploy = "api";
  std::string serverless;

  // Load
  std::vector<std::uint32_t> levels;
  Milliseconds step{10'000};
  std::uint32_t repeat = 1;
  std::uint32_t callers = 1;
  double rate = 0;
  std::uint32_t connections = 0;
  std::uint32_t client_threads = 1;
  Milliseconds call_timeout{30'000};
  Milliseconds warm_up{0};
  bool settle = false;
  bool interleave = false;

  // Of single subcommands
  std::string reference;
  std::vector<Milliseconds> intervals;
  std::uint32_t samples = 5;
  double scale = 1;
  std::vector<std::uint64_t> sizes;
  double zipf = 1.1;
  std::uint32_t functions = 20;
  Milliseconds quiet{10'000};
  std::string trace;  // of replay
  double run_scale = 0;
  std::uint32_t from_minute = 0;
  std::string pick;
  std::uint64_t seed = 1;
  std::string arrivals;
  std::vector<std::string> files;  // of overlay
  std::string overlay_report;
  std::string overlay_charts;

  OutputOptions output;
};

// Of 1 ms or more; 0 too when that is the default.
void add_duration(CLI::App& app, const std::string& flag, std::chrono::milliseconds& value,
                  const std::string& help);
void add_levels(CLI::App& app, const std::string& flag, Options& options, const std::string& default_text,
                const std::string& help);
void add_sizes(CLI::App& app, const std::string& flag, Options& options, const std::string& default_text,
               const std::string& help);
void add_intervals(CLI::App& app, const std::string& flag, Options& options, const std::string& default_text,
                   const std::string& help);

// --repeat
void add_repeat(CLI::App& app, Options& options);
// --target
void add_target_flag(CLI::App& group, Options& options);
// --server-pid
void add_server_pid(CLI::App& group, Options& options);
// --target …, --function …, --memory …
void add_target_options(CLI::App& app, Options& options);
// The same without --target, for who names targets otherwise.
void add_function_options(CLI::App& app, Options& options);
// --step, --warm-up, --client-threads …
void add_load_options(CLI::App& app, Options& options);
// --rate, --connections.
void add_rate_options(CLI::App& app, Options& options);
// --json, --csv, --report, --charts, --calls, --resume.
void add_output_options(CLI::App& app, Options& options);

// Of every option but those that say where results go: what --resume compares.
std::map<std::string, std::string> settings_of(const CLI::App& app);

}  // namespace hearth::bench
