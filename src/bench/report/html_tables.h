// The tables of the HTML report, each a piece of HTML with everything from outside escaped. Pure. Any
// thread.
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"

namespace hearth::bench {

std::string run_table(const RunResult& run);      // command, version, machine, settings
std::string figures_table(const RunResult& run);  // as table(): a row for each x and target
std::string errors_table(const RunResult& run);   // a row for each target and reason; empty: no errors
std::string client_table(const RunResult& run);   // for each target, how much of a core the client used
std::string samples_table(const RunResult& run);  // every sample

}  // namespace hearth::bench
