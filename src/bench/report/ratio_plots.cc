// Pairs of samples taken one after the other: what one target reached by what another did.
#include <fmt/format.h>

#include <algorithm>

#include "bench/report/chart_kinds.h"
#include "bench/report/pairs.h"

namespace hearth::bench {
namespace {

using Figure = double (*)(const Sample&);

PlotSeries series_of(const std::string& name, const Mark& mark, const std::vector<double>& values) {
  const Spread spread = spread_of(values);
  PlotSeries series{fmt::format("{}: median {:.3g}", name, spread.median), mark, false, false, {}, {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto pair = static_cast<double>(i + 1);
    series.dots.push_back({{pair, values[i]}, false, fmt::format("pair {}: {:.4g}", i + 1, values[i])});
  }
  const auto last = static_cast<double>(values.size());
  series.line = {{0.5, spread.median, spread.median, spread.median, ""},
                 {last + 0.5, spread.median, spread.median, spread.median, ""}};
  return series;
}

Plot ratio_plot(const Subject& subject, const std::string& what, const std::string& how, Figure figure) {
  Plot plot;
  plot.title = what + ", pair by pair";
  plot.below = "each dot a pair of samples, the line their median; " + how;
  plot.x_title = "pair";
  plot.y_title = "ratio";
  std::vector<double> all = {1};
  std::vector<double> pairs = {0.5};
  for (std::size_t index = 0; index < subject.runs.size(); ++index) {
    const RunResult& run = subject.runs[index];
    const std::string reference = reference_target(run);
    for (const std::string& target : targets_of(run)) {
      const auto values = pair_ratios(run, target, figure);
      if (values.empty() || target == reference) {
        continue;
      }
      const std::string which = subject.runs.size() > 1 ? fmt::format(" (run {})", index + 1) : "";
      const std::string name = target + " / " + reference + which;
      plot.series.push_back(series_of(name, mark_of(plot.series.size()), values));
      all.insert(all.end(), values.begin(), values.end());
      pairs.push_back(static_cast<double>(values.size()) + 0.5);
    }
  }
  plot.x = ending_at(even_axis(pairs, Quantity::kNumber, true), pairs);
  const auto [least, most] = std::ranges::minmax(all);
  const double margin = std::max((most - least) / 10, 0.01);
  plot.y = even_axis({least - margin, most + margin}, Quantity::kNumber, false);
  plot.guides = {{"#57606a", {{plot.x.low, 1}, {plot.x.high, 1}}}};
  return plot;
}

}  // namespace

Plot rate_ratio_plot(const Subject& subject) {
  return ratio_plot(subject, "Calls per second", "above 1 the first of the two is ahead",
                    [](const Sample& sample) { return sample.per_second; });
}

Plot latency_ratio_plot(const Subject& subject) {
  return ratio_plot(subject, "Latency (p50)", "below 1 the first of the two is quicker",
                    [](const Sample& sample) { return sample.latency.p50_us; });
}

}  // namespace hearth::bench
