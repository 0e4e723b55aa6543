// A chart of lines and dots over two axes, as values, and its drawing. charts.cc fills it. Pure. Any
// thread.
#pragma once

#include <string>
#include <vector>

#include "bench/report/axis.h"
#include "bench/report/frame.h"
#include "bench/report/svg.h"

namespace hearth::bench {

struct PlotPoint {
  double x = 0;
  double y = 0;
  double low = 0;  // of the band around the line; low == high: none
  double high = 0;
  std::string tip;

  bool operator==(const PlotPoint&) const = default;
};

struct PlotDot {
  Place value;
  bool hollow = false;
  std::string tip;

  bool operator==(const PlotDot&) const = default;
};

struct PlotSeries {
  std::string name;
  Mark mark;
  bool dashed = false;
  bool marked = true;  // a mark at each point of the line
  std::vector<PlotPoint> line;
  std::vector<PlotDot> dots;

  bool operator==(const PlotSeries&) const = default;
};

// A thin line for the eye, cut at the chart's edges; in no legend of its own.
struct PlotGuide {
  std::string colour;
  std::vector<Place> values;

  bool operator==(const PlotGuide&) const = default;
};

struct Plot {
  std::string title;
  std::string below;
  std::string x_title;
  std::string y_title;
  Axis x;
  Axis y;
  std::vector<PlotSeries> series;
  std::vector<PlotGuide> guides;
  std::vector<LegendEntry> more_legend;

  bool operator==(const Plot&) const = default;
};

// Where the figures of a plot stand on the canvas; a value's place follows from it and the axes.
Box figures_box(const Plot& plot);
Place place_of(const Plot& plot, const Box& box, Place value);

std::string draw(const Plot& plot);

}  // namespace hearth::bench
