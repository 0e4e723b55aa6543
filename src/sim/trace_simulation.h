// A trace on the virtual clock, once for each keep-alive policy and overcommit: the same calls at the same
// times, executed by nobody, on the worker and the dispatcher that serve. The same settings give the same
// report. One thread.
#pragma once

#include <functional>

#include "sim/simulation.h"
#include "sim/trace_report.h"
#include "trace/trace.h"

namespace hearth::sim {

// `on_progress` is called after each minute of virtual time; false ends the simulation there, and the report
// is of what was simulated until then: of the policies that came to their end.
TraceReport simulate_trace(const TraceSettings& settings, const trace::Trace& trace,
                           const std::function<bool(const Progress&)>& on_progress);

}  // namespace hearth::sim
