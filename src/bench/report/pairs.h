// Samples of a comparison taken in turn, two and two: what each target reached by what the reference did
// beside it. Pure. Any thread.
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"

namespace hearth::bench {

// The target that others are held against: the setting "reference" where it names one, else the last.
std::string reference_target(const RunResult& run);

// A ratio for each sample of `target` that has a counterpart: the reference's of the same repeat, x and
// label. Pairs in which either figure is not positive are left out.
std::vector<double> pair_ratios(const RunResult& run, const std::string& target,
                                double (*figure)(const Sample&));

}  // namespace hearth::bench
