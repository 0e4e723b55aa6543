// Medians and ratios over repeats: what a run prints below its samples. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/report/aggregate.h"
#include "bench/result.h"

namespace hearth::bench {

// "1.25 (1.10-1.40)", with the digits that matter.
std::string shown(const Spread& spread);

// For each level, its throughput over the best of all lower levels of the same repeat: what adding
// callers lost (below 1) or won. The lowest level has no row.
std::map<double, Spread> against_best_lower(const std::vector<Sample>& samples, const std::string& target);

// For each level, its throughput over what `x` calls of `call_ms` each would make.
std::map<double, Spread> against_ideal(const std::vector<Sample>& samples, const std::string& target,
                                       double call_ms);

// The ratio of `metric` of one target to the other's, within each repeat; repeats in which either lacks it
// are left out.
std::vector<double> ratios(const std::vector<Sample>& samples, const std::string& target,
                           const std::string& reference, double (*metric)(const Sample&));

}  // namespace hearth::bench
