#include "bench/report/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace hearth::bench {
namespace {

// More would push the rest out of a legend.
constexpr std::size_t kTargetCharacters = 22;
constexpr std::size_t kCommandCharacters = 34;

bool all_differ(const std::vector<RunResult>& runs, std::string RunResult::*field) {
  std::set<std::string> seen;
  return std::ranges::all_of(runs, [&](const RunResult& run) {
    const std::string text = shortened(run.*field, kCommandCharacters);
    return !text.empty() && seen.insert(text).second;
  });
}

// What tells one run from the others.
std::string run_name(const std::vector<RunResult>& runs, std::size_t index) {
  if (all_differ(runs, &RunResult::command)) {
    return shortened(runs[index].command, kCommandCharacters);
  }
  return all_differ(runs, &RunResult::started_at) ? runs[index].started_at : fmt::format("run {}", index + 1);
}

std::size_t runs_with(const std::vector<RunResult>& runs, const std::string& target) {
  return static_cast<std::size_t>(std::ranges::count_if(runs, [&](const RunResult& run) {
    return std::ranges::any_of(run.samples, [&](const Sample& sample) { return sample.target == target; });
  }));
}

}  // namespace

std::vector<Source> sources_of(const std::vector<RunResult>& runs) {
  std::vector<Source> sources;
  for (std::size_t index = 0; index < runs.size(); ++index) {
    const auto points = points_of(runs[index]);
    for (const std::string& target : targets_of(runs[index])) {
      Source source{target, target, index, mark_of(sources.size()), {}};
      if (runs_with(runs, target) > 1) {
        source.name = fmt::format("{} ({})", shortened(target, kTargetCharacters), run_name(runs, index));
      }
      std::ranges::copy_if(points, std::back_inserter(source.points),
                           [&](const Point& point) { return point.target == target; });
      sources.push_back(std::move(source));
    }
  }
  return sources;
}

}  // namespace hearth::bench
