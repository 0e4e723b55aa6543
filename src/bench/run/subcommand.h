// A subcommand of `hearth bench` as a value: its words, its flags, what it does. Each x_run.cc makes one or
// a few. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/run/options.h"
#include "bench/run/session.h"

namespace hearth::bench {

struct Subcommand {
  std::string name;
  std::string summary;
  std::string details;  // notes and examples
  std::string x_name;   // what it varies, as RunResult has it
  std::string x_unit;
  std::function<void(CLI::App&, Options&)> add;
  // Measures until it is done or stopped; what it has added to the session by then counts.
  std::function<base::Result<void>(Session&)> run;
};

Subcommand concurrency_subcommand();
Subcommand compare_subcommand();
Subcommand backoff_subcommand();
Subcommand coldburst_subcommand();
Subcommand codesize_subcommand();
Subcommand mixed_subcommand();
Subcommand replay_subcommand();
Subcommand payload_subcommand();
Subcommand events_subcommand();
Subcommand runtimes_subcommand();
Subcommand idle_subcommand();
Subcommand overlay_subcommand();
Subcommand keepalive_subcommand();

}  // namespace hearth::bench
