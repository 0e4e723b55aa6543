#include "bench/report/headlines.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/report/pairs.h"
#include "bench/report/sources.h"
#include "bench/report/words.h"

namespace hearth::bench {
namespace {

// What there are several of, for one: "concurrent call", "function called at once".
std::string for_one(const std::string& several) {
  std::size_t end = 0;
  do {
    end = std::min(several.find(' ', end == 0 ? 0 : end + 1), several.size());
    if (end > 1 && several[end - 1] == 's' && several[end - 2] != 's') {
      return several.substr(0, end - 1) + several.substr(end);
    }
  } while (end < several.size());
  return several;
}

// "at 8 concurrent calls", "at 64 KB (body size)", "for nodejs".
std::string at(const RunResult& run, const Point& point) {
  const std::string x = x_text(run, point.x, point.label);
  if (!point.label.empty()) {
    return "for " + x;
  }
  if (run.x_name.empty()) {
    return "at " + x;
  }
  if (!run.x_unit.empty()) {
    return fmt::format("at {} ({})", x, run.x_name);
  }
  return fmt::format("at {} {}", x, point.x == 1 ? for_one(run.x_name) : run.x_name);
}

void add_rate(const RunResult& run, const Source& source, std::vector<std::string>& lines) {
  const auto best =
      std::ranges::max_element(source.points, {}, [](const Point& point) { return point.rate().mean; });
  const Spread rate = best->rate();
  if (rate.mean <= 0) {
    return;
  }
  const std::string repeats = rate.count > 1
                                  ? fmt::format(", the mean of {} repeats between {} and {}", rate.count,
                                                rate_text(rate.min), rate_text(rate.max))
                                  : "";
  lines.push_back(fmt::format("{} answered up to {} calls per second, {}{}.", source.name,
                              rate_text(rate.mean), at(run, *best), repeats));
}

void add_latency(const RunResult& run, const Source& source, std::vector<std::string>& lines) {
  std::vector<Point> points = source.points;
  std::erase_if(points, [](const Point& point) { return point.latency(&LatencySummary::p50_us).count == 0; });
  if (points.empty()) {
    return;
  }
  const auto sentence = [&](const Point& point) {
    return fmt::format("{} {}, p99 {}", latency_text(point.latency(&LatencySummary::p50_us).median),
                       at(run, point), latency_text(point.latency(&LatencySummary::p99_us).median));
  };
  const std::string last = points.size() > 1 ? "; and " + sentence(points.back()) : "";
  lines.push_back(fmt::format("A call to {} took (p50) {}{}.", source.name, sentence(points.front()), last));
}

void add_cold(const RunResult& run, const Source& source, std::vector<std::string>& lines) {
  std::uint64_t cold = 0;
  std::uint64_t calls = 0;
  for (const Point& point : source.points) {
    cold += point.cold();
    calls += point.calls();
  }
  const auto first = std::ranges::find_if(source.points, [](const Point& point) { return point.cold() > 0; });
  if (first != source.points.end()) {
    lines.push_back(fmt::format("{} of {} calls to {} met a cold start, the first {}.", count_text(cold),
                                count_text(calls), source.name, at(run, *first)));
  }
}

// The sources of one run side by side, where both have a figure at the same last x.
void add_comparison(const RunResult& run, const Source& first, const Source& other,
                    std::vector<std::string>& lines) {
  for (auto mine = first.points.rbegin(); mine != first.points.rend(); ++mine) {
    const auto theirs = std::ranges::find_if(other.points, [&](const Point& point) {
      return point.x == mine->x && point.label == mine->label && point.rate().median > 0;
    });
    if (theirs != other.points.end() && mine->rate().median > 0) {
      lines.push_back(fmt::format("{} answered {:.2f} times as many calls per second as {}, {}.", first.name,
                                  mine->rate().median / theirs->rate().median, other.name, at(run, *mine)));
      return;
    }
  }
}

void add_pairs(const RunResult& run, std::vector<std::string>& lines) {
  const std::string reference = reference_target(run);
  for (const std::string& target : targets_of(run)) {
    const Spread rate =
        spread_of(pair_ratios(run, target, [](const Sample& sample) { return sample.per_second; }));
    const Spread latency =
        spread_of(pair_ratios(run, target, [](const Sample& sample) { return sample.latency.p50_us; }));
    if (target != reference && rate.count > 0 && latency.count > 0) {
      lines.push_back(
          fmt::format("Pair by pair, {} answered {:.2f} times as many calls per second as {} ({:.2f} to "
                      "{:.2f}, median of {} "
                      "pairs), in {:.2f} times its latency (p50).",
                      target, rate.median, reference, rate.min, rate.max, rate.count, latency.median));
    }
  }
}

void add_comparisons(const std::vector<RunResult>& runs, const std::vector<Source>& sources,
                     std::vector<std::string>& lines) {
  const Source& first = sources.front();
  for (const Source& source : sources) {
    if (&source != &first && runs[source.run].test == runs[first.run].test) {
      add_comparison(runs[first.run], first, source, lines);
    }
  }
}

std::string failures(const std::vector<RunResult>& runs) {
  std::uint64_t errors = 0;
  std::uint64_t calls = 0;
  for (const RunResult& run : runs) {
    for (const Sample& sample : run.samples) {
      errors += sample.errors;
      calls += sample.calls;
    }
  }
  return errors == 0 ? fmt::format("None of {} calls failed.", count_text(calls))
                     : fmt::format("{} of {} calls failed.", count_text(errors), count_text(calls + errors));
}

std::string client_limit(const std::vector<RunResult>& runs) {
  std::size_t limited = 0;
  std::size_t samples = 0;
  double most = 0;
  for (const RunResult& run : runs) {
    for (const Sample& sample : run.samples) {
      limited += sample.client_limited ? 1 : 0;
      most = std::max(most, sample.client_cpu);
      ++samples;
    }
  }
  const std::string used = fmt::format("it used at most {:.2f} of one core", most);
  return limited == 0 ? fmt::format("The client was not the limit: {}.", used)
                      : fmt::format("The client itself may have been the limit in {} of {} samples: {}.",
                                    limited, samples, used);
}

}  // namespace

std::vector<std::string> headlines(const std::vector<RunResult>& runs) {
  const auto sources = sources_of(runs);
  if (sources.empty()) {
    return {"There are no samples."};
  }
  std::vector<std::string> lines;
  for (const Source& source : sources) {
    const RunResult& run = runs[source.run];
    add_rate(run, source, lines);
    add_latency(run, source, lines);
    add_cold(run, source, lines);
  }
  for (const RunResult& run : runs) {
    if (run.test == "compare") {
      add_pairs(run, lines);
    }
  }
  if (runs.front().test != "compare") {
    add_comparisons(runs, sources, lines);
  }
  lines.push_back(failures(runs));
  lines.push_back(client_limit(runs));
  return lines;
}

}  // namespace hearth::bench
