// The part of `hearth simulate` that is for traces: its flags, and a run from the folder to the report.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sim/simulation.h"
#include "sim/trace_report.h"

namespace hearth {

struct TraceOptions {
  std::string folder;  // empty: no trace
  std::vector<std::string> policies;
  std::vector<double> overcommits{1};
  std::string arrivals = "timers";
};

// After all other flags: those that have no meaning with a trace are refused beside --trace.
void add_trace_flags(CLI::App& command, TraceOptions& options, sim::Settings& settings);

// Of `settings`, what was not given on the command line has the defaults for a trace.
base::Result<sim::TraceReport> run_trace(const TraceOptions& options, const sim::Settings& settings,
                                         const CLI::App& command,
                                         const std::function<bool(const sim::Progress&)>& on_progress);

}  // namespace hearth
