// The kinds of charts that charts() chooses among, before they are drawn. Pure. Any thread.
#pragma once

#include <string>
#include <vector>

#include "bench/report/bars.h"
#include "bench/report/plot.h"
#include "bench/report/sources.h"

namespace hearth::bench {

// What the kinds start from: runs of one test, at least one sample among them.
struct Subject {
  std::vector<RunResult> runs;
  std::vector<Source> sources;

  const RunResult& first() const { return runs.front(); }
};

// The paper's figure 2: the mean over the repeats as a line, the band from the least to the most.
Plot rate_plot(const Subject& subject);
Plot megabytes_plot(const Subject& subject);
// Medians over the repeats of p50 and p99.
Plot latency_plot(const Subject& subject);
// The paper's figure 3: every sample a dot, cold ones hollow, the average as a line.
Plot backoff_plot(const Subject& subject);
BarChart rate_bars(const Subject& subject);
BarChart latency_bars(const Subject& subject);  // from p50 to p99
// A dot a pair: the first target's figure by another's of the same repeat and x.
Plot rate_ratio_plot(const Subject& subject);
Plot latency_ratio_plot(const Subject& subject);

std::size_t repeats_in(const Subject& subject);  // the most that any point has

}  // namespace hearth::bench
