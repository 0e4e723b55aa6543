// The flags of `hearth serve` and the roles, by what needs them: parts of serve_options.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "apps/hearth/serve_options.h"

namespace hearth {

void add_worker_flags(CLI::App& command, ServeOptions& options);
void add_network_flags(CLI::App& command, ServeOptions& options);
void add_dispatch_flags(CLI::App& command, ServeOptions& options);
void add_cluster_flags(CLI::App& command, ServeOptions& options);
void add_capacity_flags(CLI::App& command, ServeOptions& options);
void add_monitor_flags(CLI::App& command, ServeOptions& options);
void add_execution_flags(CLI::App& command, ServeOptions& options);
void add_schedule_flags(CLI::App& command, ServeOptions& options);

// What is wrong with the flags of several hosts; empty when nothing is.
std::string check_cluster(const ServeOptions& options);
std::string check_capacity(const ServeOptions& options);
std::string check_executions(const ServeOptions& options);

}  // namespace hearth
