// Bars over what has a name: runtimes, events, mixes, bursts.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "bench/report/chart_kinds.h"
#include "bench/report/words.h"

namespace hearth::bench {
namespace {

// No bar when the point has nothing to show.
using MakeBar = std::function<bool(const Point&, Bar&)>;

// A group for each label or x, in the order of the first source; within it a bar for each source.
std::vector<BarGroup> groups_of(const Subject& subject, const MakeBar& make) {
  std::vector<BarGroup> groups;
  for (const Source& source : subject.sources) {
    for (const Point& point : source.points) {
      Bar bar{source.name, source.mark, 0, 0, 0, 0, false, ""};
      if (!make(point, bar)) {
        continue;
      }
      const std::string label = x_text(subject.runs[source.run], point.x, point.label);
      auto group = std::ranges::find(groups, label, &BarGroup::label);
      if (group == groups.end()) {
        groups.push_back({label, {}});
        group = groups.end() - 1;
      }
      group->bars.push_back(std::move(bar));
    }
  }
  return groups;
}

std::vector<double> values_of(const std::vector<BarGroup>& groups) {
  std::vector<double> values;
  for (const BarGroup& group : groups) {
    for (const Bar& bar : group.bars) {
      values.push_back(bar.to);
      if (bar.from > 0) {
        values.push_back(bar.from);
      }
      if (bar.high > bar.low) {
        values.push_back(bar.high);
      }
    }
  }
  return values;
}

std::string below(const Subject& subject, const std::string& what) {
  const std::size_t repeats = repeats_in(subject);
  return fmt::format("{}{}", what, repeats > 1 ? fmt::format(", {} repeats", repeats) : "");
}

}  // namespace

BarChart rate_bars(const Subject& subject) {
  BarChart chart{"Calls per second by " + x_title(subject.first()), "", "calls per second", {}, {}};
  chart.groups = groups_of(subject, [](const Point& point, Bar& bar) {
    const Spread rate = point.rate();
    bar.to = rate.mean;
    bar.low = rate.min;
    bar.high = rate.max;
    bar.words = rate_text(rate.mean) + "/s";
    return rate.count > 0 && point.has_rate();
  });
  chart.below = below(subject, "bar: mean, thin line: from the least to the most");
  chart.axis = even_axis(values_of(chart.groups), Quantity::kNumber, true);
  return chart;
}

BarChart latency_bars(const Subject& subject) {
  BarChart chart{"Latency by " + x_title(subject.first()), "", "latency (logarithmic)", {}, {}};
  chart.groups = groups_of(subject, [](const Point& point, Bar& bar) {
    const Spread middle = point.latency(&LatencySummary::p50_us);
    const Spread tail = point.latency(&LatencySummary::p99_us);
    bar.from = middle.median;
    bar.to = tail.median;
    bar.marked = true;
    bar.words = bar.from == bar.to
                    ? latency_text(bar.to)
                    : fmt::format("p50 {}, p99 {}", latency_text(bar.from), latency_text(bar.to));
    return middle.count > 0 && middle.median > 0;
  });
  chart.below = below(subject, "from p50 (filled) to p99 (hollow), medians");
  chart.axis = times_axis(values_of(chart.groups), Quantity::kMicroseconds);
  return chart;
}

}  // namespace hearth::bench
