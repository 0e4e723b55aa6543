#include "bench/report/pairs.h"

#include <algorithm>
#include <cmath>

#include "bench/report/aggregate.h"

namespace hearth::bench {
namespace {

bool is_pair(const Sample& a, const Sample& b) {
  return a.repeat == b.repeat && a.label == b.label && (a.x == b.x || (std::isnan(a.x) && std::isnan(b.x)));
}

}  // namespace

std::string reference_target(const RunResult& run) {
  const auto targets = targets_of(run);
  const auto setting = run.settings.find("reference");
  if (setting != run.settings.end() && std::ranges::find(targets, setting->second) != targets.end()) {
    return setting->second;
  }
  return targets.empty() ? std::string() : targets.back();
}

std::vector<double> pair_ratios(const RunResult& run, const std::string& target,
                                double (*figure)(const Sample&)) {
  const std::string reference = reference_target(run);
  std::vector<double> found;
  for (const Sample& sample : run.samples) {
    if (sample.target != target) {
      continue;
    }
    const auto other = std::ranges::find_if(run.samples, [&](const Sample& candidate) {
      return candidate.target == reference && is_pair(sample, candidate);
    });
    if (other != run.samples.end() && figure(sample) > 0 && figure(*other) > 0) {
      found.push_back(figure(sample) / figure(*other));
    }
  }
  return found;
}

}  // namespace hearth::bench
