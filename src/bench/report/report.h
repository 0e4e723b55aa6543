// What a measuring run found, as people and other programs read it: a table for the terminal, CSV, charts
// in the manner of the paper's figures 2 and 3, and one HTML file that holds everything. The measuring
// tool calls this when a run has ended, or when two written runs are laid over one another.
//
// All but write_png() are pure functions of their values; names, commands and reasons of errors are
// outside data and escaped. Any thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/result.h"

namespace hearth::bench {

// One row a sample under a heading line, quoted and ended (CRLF) as RFC 4180 says; what is no number is
// an empty field.
std::string csv(const RunResult& run);

// For a terminal, one row for each x and target: medians over the repeats, but the largest `max` and the
// sums of errors and cold starts, so that one bad repeat shows. Below it, why calls failed and where the
// client itself may have been the limit.
std::string table(const RunResult& run);

struct Chart {
  std::string name;  // usable as the name of a file: "concurrency-throughput"
  std::string svg;   // a document of its own

  bool operator==(const Chart&) const = default;
};

// The charts of the first run's test; other runs of the same test are laid over it. Empty when there is
// nothing to draw.
std::vector<Chart> charts(const std::vector<RunResult>& runs);

// One file that needs no other: headline figures in words, then machine, settings, charts, tables, errors
// and every sample.
std::string html(const std::vector<RunResult>& runs);

// Draws the chart by running rsvg-convert, for at most the time allowed. kUnsupported: it is not installed;
// kTimeout; kIo: it could not be run or refused, with what it said. Blocks.
base::Result<void> write_png(const Chart& chart, const std::string& path,
                             std::chrono::milliseconds allowed = std::chrono::seconds(30));

}  // namespace hearth::bench
