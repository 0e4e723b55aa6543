// Lines and dots over what a test varies.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "bench/report/chart_kinds.h"
#include "bench/report/words.h"

namespace hearth::bench {
namespace {

constexpr double kFactorForTimes = 100;  // between the ends of x, from which on equal steps hide the low end
constexpr double kFactorForLevels = 30;  // the same for few levels, which are mostly doubled
constexpr std::size_t kFewLevels = 12;
constexpr int kGuideSteps = 128;

Quantity quantity_of(const RunResult& run) {
  if (run.x_unit == "bytes") {
    return Quantity::kBytes;
  }
  return run.x_unit == "ms" ? Quantity::kMilliseconds : Quantity::kNumber;
}

std::vector<double> xs_of(const Subject& subject) {
  std::vector<double> xs;
  for (const Source& source : subject.sources) {
    for (const Point& point : source.points) {
      if (std::isfinite(point.x)) {
        xs.push_back(point.x);
      }
    }
  }
  std::ranges::sort(xs);
  xs.erase(std::unique(xs.begin(), xs.end()), xs.end());
  return xs;
}

Axis x_axis(const Subject& subject) {
  const auto xs = xs_of(subject);
  const Quantity quantity = quantity_of(subject.first());
  const bool positive = !xs.empty() && xs.front() > 0;
  const double factor = positive ? xs.back() / xs.front() : 1;
  const bool doubled = quantity == Quantity::kNumber && xs.size() <= kFewLevels && factor >= kFactorForLevels;
  const bool times = quantity == Quantity::kBytes || factor >= kFactorForTimes || doubled;
  const double gap = quantity == Quantity::kNumber ? 0.035 : 0.09;
  const Axis whole = times ? times_axis(xs, quantity) : even_axis(xs, quantity, true);
  return with_ticks_at(ending_at(whole, xs), xs, quantity, gap);
}

std::string axis_title(const RunResult& run) {
  return run.x_unit == "bytes" || run.x_unit == "ms" ? (run.x_name.empty() ? "x" : run.x_name) : x_title(run);
}

std::vector<double> ys_of(const std::vector<PlotSeries>& series) {
  std::vector<double> ys;
  for (const PlotSeries& one : series) {
    for (const PlotPoint& point : one.line) {
      ys.insert(ys.end(), {point.y, point.low, point.high});
    }
    for (const PlotDot& dot : one.dots) {
      ys.push_back(dot.value.y);
    }
  }
  return ys;
}

Plot plot_over_x(const Subject& subject, const std::string& what, const std::string& y_title) {
  Plot plot;
  plot.title =
      fmt::format("{} against {}", what, subject.first().x_name.empty() ? "x" : subject.first().x_name);
  plot.x_title = axis_title(subject.first());
  plot.y_title = y_title;
  plot.x = x_axis(subject);
  return plot;
}

// The line of one source: `spread` says what it shows of a point, `words` how a value reads.
std::vector<PlotPoint> line_of(const Subject& subject, const Source& source, double Spread::*centre,
                               const std::function<Spread(const Point&)>& spread,
                               const std::function<std::string(double)>& words) {
  std::vector<PlotPoint> line;
  for (const Point& point : source.points) {
    const Spread found = spread(point);
    if (found.count == 0 || !std::isfinite(point.x)) {
      continue;
    }
    const std::string tip = fmt::format("{}, {}: {} ({} to {})", source.name,
                                        x_text(subject.runs[source.run], point.x, point.label),
                                        words(found.*centre), words(found.min), words(found.max));
    line.push_back({point.x, found.*centre, found.min, found.max, tip});
  }
  return line;
}

std::string repeats_text(const Subject& subject, const std::string& centre) {
  const std::size_t repeats = repeats_in(subject);
  return repeats < 2 ? "one repeat"
                     : fmt::format("{} of {} repeats, the band from the least to the most", centre, repeats);
}

// As if each further caller brought what the first ones did.
void add_linear_guides(Plot& plot) {
  for (const PlotSeries& series : plot.series) {
    if (series.line.size() < 2 || series.line.front().x <= 0) {
      continue;
    }
    const double slope = series.line.front().y / series.line.front().x;
    PlotGuide guide{series.mark.colour, {}};
    const double from = series.line.front().x;
    for (int i = 0; i <= kGuideSteps; ++i) {  // by equal factors, for the axis may be logarithmic
      const double x = from * std::pow(series.line.back().x / from, 1.0 * i / kGuideSteps);
      guide.values.push_back({x, slope * x});
    }
    plot.guides.push_back(std::move(guide));
  }
  if (!plot.guides.empty()) {
    plot.below += "; thin dashes: linear from the first level";
  }
}

// Single calls have no percentiles of their own.
bool has_tail(const Source& source) {
  return std::ranges::any_of(source.points, [](const Point& point) {
    return std::ranges::any_of(point.samples, [](const Sample& sample) { return sample.latency.count > 1; });
  });
}

std::vector<PlotDot> dots_of(const Subject& subject, const Source& source) {
  std::vector<PlotDot> dots;
  for (const Point& point : source.points) {
    for (const Sample& sample : point.samples) {
      if (sample.latency.count == 0 || !std::isfinite(sample.x)) {
        continue;
      }
      const double y = sample.latency.mean_us > 0 ? sample.latency.mean_us : sample.latency.p50_us;
      const std::string tip = fmt::format(
          "{}, {}, repeat {}: {}{}", source.name, x_text(subject.runs[source.run], sample.x, sample.label),
          sample.repeat + 1, latency_text(y), sample.cold > 0 ? ", cold" : "");
      dots.push_back({{sample.x, y}, sample.cold > 0, tip});
    }
  }
  return dots;
}

}  // namespace

std::size_t repeats_in(const Subject& subject) {
  std::size_t most = 0;
  for (const Source& source : subject.sources) {
    for (const Point& point : source.points) {
      most = std::max(most, point.samples.size());
    }
  }
  return most;
}

Plot rate_plot(const Subject& subject) {
  Plot plot = plot_over_x(subject, "Calls per second", "calls per second");
  for (const Source& source : subject.sources) {
    auto line = line_of(subject, source, &Spread::mean, std::mem_fn(&Point::rate),
                        [](double value) { return rate_text(value) + "/s"; });
    plot.series.push_back({source.name, source.mark, false, true, std::move(line), {}});
  }
  plot.below = repeats_text(subject, "mean");
  plot.y = even_axis(ys_of(plot.series), Quantity::kNumber, true);
  if (subject.first().test == "concurrency") {
    add_linear_guides(plot);
  }
  return plot;
}

Plot megabytes_plot(const Subject& subject) {
  Plot plot = plot_over_x(subject, "Throughput", "MB per second");
  for (const Source& source : subject.sources) {
    auto line = line_of(subject, source, &Spread::mean, std::mem_fn(&Point::megabytes),
                        [](double value) { return rate_text(value) + " MB/s"; });
    plot.series.push_back({source.name, source.mark, false, true, std::move(line), {}});
  }
  plot.below = "bodies in and out together; " + repeats_text(subject, "mean");
  plot.y = even_axis(ys_of(plot.series), Quantity::kNumber, true);
  return plot;
}

Plot latency_plot(const Subject& subject) {
  Plot plot = plot_over_x(subject, "Latency", "latency (logarithmic)");
  const auto add = [&](const Source& source, const std::string& name, double LatencySummary::*figure,
                       bool tail) {
    auto line = line_of(
        subject, source, &Spread::median, [figure](const Point& point) { return point.latency(figure); },
        latency_text);
    Mark mark = source.mark;
    mark.hollow = tail;
    plot.series.push_back({source.name + name, mark, tail, true, std::move(line), {}});
  };
  for (const Source& source : subject.sources) {
    const bool several = has_tail(source);
    add(source, several ? " p50" : "", &LatencySummary::p50_us, false);
    if (several) {
      add(source, " p99", &LatencySummary::p99_us, true);
    }
  }
  plot.below = repeats_text(subject, "median");
  plot.y = times_axis(ys_of(plot.series), Quantity::kMicroseconds);
  return plot;
}

Plot backoff_plot(const Subject& subject) {
  Plot plot = plot_over_x(subject, "Latency", "latency (logarithmic)");
  bool cold = false;
  for (const Source& source : subject.sources) {
    auto line = line_of(
        subject, source, &Spread::mean,
        [](const Point& point) { return point.latency(&LatencySummary::mean_us); }, latency_text);
    for (PlotPoint& point : line) {
      point.low = point.high = point.y;  // the dots show the spread
    }
    plot.series.push_back(
        {source.name, source.mark, false, false, std::move(line), dots_of(subject, source)});
    cold = cold || std::ranges::any_of(source.points, [](const Point& point) { return point.cold() > 0; });
  }
  plot.below = fmt::format("line: average of {} repeats; each sample a mark", repeats_in(subject));
  plot.y = times_axis(ys_of(plot.series), Quantity::kMicroseconds);
  if (cold) {
    plot.more_legend = {{"hollow: with a cold start", {Marker::kCircle, "#57606a", true, 4.2}}};
  }
  return plot;
}

}  // namespace hearth::bench
