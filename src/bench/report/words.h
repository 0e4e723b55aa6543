// Figures in the words of the reports: "412 µs", "1,240", "64 KB". Pure. Any thread.
#pragma once

#include <string>

#include "bench/report/aggregate.h"
#include "bench/result.h"

namespace hearth::bench {

std::string latency_text(double microseconds);  // "412 µs", "1.25 ms", "3.10 s"; "-" when it is no number
std::string rate_text(double per_second);       // "0.35", "12.4", "1,240"
std::string count_text(std::uint64_t count);    // "1,240"
std::string spread_text(const Spread& spread);  // half of max-min in percent of the median: "±3%"

// Where a sample stands: its label, else its x in the run's unit ("2 min 5 s", "64 KB", "8").
std::string x_text(const RunResult& run, double x, const std::string& label);
// "concurrent calls", "time since the previous call (ms)", or "x" when the run has no name for it.
std::string x_title(const RunResult& run);

}  // namespace hearth::bench
