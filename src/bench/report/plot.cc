#include "bench/report/plot.h"

#include <algorithm>
#include <cmath>

namespace hearth::bench {
namespace {

constexpr double kFiguresHeight = 340;
constexpr double kRight = 30;
constexpr double kBottom = 58;
constexpr double kLetters = 12;
constexpr double kInset = 16;  // of the x axis's ends, so that no mark stands on an edge

bool drawable(const Plot& plot, Place value) {
  const bool finite = std::isfinite(value.x) && std::isfinite(value.y);
  return finite && (plot.y.steps == Steps::kEven || value.y > 0);
}

std::vector<LegendEntry> legend_of(const Plot& plot) {
  std::vector<LegendEntry> legend;
  for (const PlotSeries& series : plot.series) {
    legend.push_back({series.name, series.mark, !series.line.empty(), series.dashed,
                      series.marked || !series.dots.empty()});
  }
  legend.insert(legend.end(), plot.more_legend.begin(), plot.more_legend.end());
  return legend;
}

void draw_x_axis(Canvas& canvas, const Plot& plot, const Box& box) {
  double free_from = -1e9;  // what is right of the text before
  for (const Tick& tick : plot.x.ticks) {
    const double x = place_of(plot, box, {tick.value, plot.y.low}).x;
    canvas.line({x, box.bottom()}, {x, box.bottom() + 5}, {"#57606a"});
    const double half = text_width(tick.text, kLetters) / 2;
    if (x - half >= free_from) {
      canvas.text({x, box.bottom() + 20}, tick.text, {kLetters, Anchor::kMiddle});
      free_from = x + half + 8;
    }
  }
  canvas.line({box.left, box.bottom()}, {box.right(), box.bottom()}, {"#57606a"});
  canvas.text({box.left + box.width / 2, box.bottom() + 44}, shortened(plot.x_title, 90),
              {13, Anchor::kMiddle});
}

void draw_y_axis(Canvas& canvas, const Plot& plot, const Box& box) {
  for (const Tick& tick : plot.y.ticks) {
    const double y = box.bottom() - plot.y.place(tick.value) * box.height;
    canvas.line({box.left, y}, {box.right(), y}, {"#d8dee4"});
    canvas.text({box.left - 9, y + 4}, tick.text, {kLetters, Anchor::kEnd});
  }
  canvas.line({box.left, box.top}, {box.left, box.bottom()}, {"#57606a"});
  canvas.text({24, box.top + box.height / 2}, shortened(plot.y_title, 48),
              {13, Anchor::kMiddle, false, true});
}

void draw_band(Canvas& canvas, const Plot& plot, const Box& box, const PlotSeries& series) {
  std::vector<Place> outline;
  std::vector<Place> back;
  bool wide = false;
  for (const PlotPoint& point : series.line) {
    if (!drawable(plot, {point.x, point.low}) || !drawable(plot, {point.x, point.high})) {
      continue;
    }
    wide = wide || point.high > point.low;
    outline.push_back(place_of(plot, box, {point.x, point.low}));
    back.push_back(place_of(plot, box, {point.x, point.high}));
  }
  outline.insert(outline.end(), back.rbegin(), back.rend());
  if (wide && back.size() > 1) {
    canvas.area(outline, series.mark.colour, 0.13);
  }
}

// A single point shows its band as a line across.
void draw_reach(Canvas& canvas, const Plot& plot, const Box& box, const PlotSeries& series) {
  const PlotPoint& point = series.line.front();
  if (series.line.size() == 1 && point.high > point.low && drawable(plot, {point.x, point.low})) {
    canvas.line(place_of(plot, box, {point.x, point.low}), place_of(plot, box, {point.x, point.high}),
                {series.mark.colour, 1.5});
  }
}

void draw_line(Canvas& canvas, const Plot& plot, const Box& box, const PlotSeries& series) {
  std::vector<Place> places;
  for (const PlotPoint& point : series.line) {
    if (drawable(plot, {point.x, point.y})) {
      places.push_back(place_of(plot, box, {point.x, point.y}));
    }
  }
  if (places.size() > 1) {
    canvas.path(places, {series.mark.colour, 2, series.dashed, 1});
  }
  for (const PlotPoint& point : series.line) {
    if (series.marked && drawable(plot, {point.x, point.y})) {
      canvas.mark(place_of(plot, box, {point.x, point.y}), series.mark, point.tip);
    }
  }
}

void draw_dots(Canvas& canvas, const Plot& plot, const Box& box, const PlotSeries& series) {
  for (const PlotDot& dot : series.dots) {
    if (drawable(plot, dot.value)) {
      Mark mark = series.mark;
      mark.hollow = dot.hollow;
      mark.radius = dot.hollow ? 4.2 : 3.2;
      canvas.mark(place_of(plot, box, dot.value), mark, dot.tip);
    }
  }
}

void draw_clipped(Canvas& canvas, const Plot& plot, const Box& box) {
  canvas.open(box);
  for (const PlotSeries& series : plot.series) {
    draw_band(canvas, plot, box, series);
  }
  for (const PlotGuide& guide : plot.guides) {
    std::vector<Place> places;
    for (const Place& value : guide.values) {
      if (drawable(plot, value)) {
        places.push_back(place_of(plot, box, value));
      }
    }
    canvas.path(places, {guide.colour, 1, true, 0.7});
  }
  canvas.close();
}

}  // namespace

Box figures_box(const Plot& plot) {
  double widest = 0;
  for (const Tick& tick : plot.y.ticks) {
    widest = std::max(widest, text_width(tick.text, kLetters));
  }
  const double left = 48 + widest;
  return {left, heading_height(plot.below, legend_of(plot)) + 12, kChartWidth - kRight - left,
          kFiguresHeight};
}

Place place_of(const Plot& plot, const Box& box, Place value) {
  return {box.left + kInset + plot.x.place(value.x) * (box.width - 2 * kInset),
          box.bottom() - plot.y.place(value.y) * box.height};
}

std::string draw(const Plot& plot) {
  const Box box = figures_box(plot);
  Canvas canvas(kChartWidth, box.bottom() + kBottom, plot.title);
  draw_heading(canvas, plot.title, plot.below, legend_of(plot));
  draw_y_axis(canvas, plot, box);
  draw_x_axis(canvas, plot, box);
  draw_clipped(canvas, plot, box);
  for (const PlotSeries& series : plot.series) {
    if (!series.line.empty()) {
      draw_reach(canvas, plot, box, series);
      draw_line(canvas, plot, box, series);
    }
    draw_dots(canvas, plot, box, series);
  }
  return canvas.svg();
}

}  // namespace hearth::bench
