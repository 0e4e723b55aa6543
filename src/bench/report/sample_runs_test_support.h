// Runs as a measuring tool would hand them over, made up by formulas: the tests of charts and reports
// start from these. Pure. Any thread.
#pragma once

#include <string>

#include "bench/result.h"

namespace hearth::bench {

// A sample with these figures; p99 is four times p50.
Sample made_sample(const std::string& target, std::uint32_t repeat, double x, double rate, double p50_us);

// Of the tests that the charts know: "concurrency", "backoff", "payload", "coldburst", "runtimes", "compare".
RunResult made_run(const std::string& test);

}  // namespace hearth::bench
