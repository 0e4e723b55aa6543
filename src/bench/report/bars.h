// A chart of bars that lie, one group a label: for what has names rather than numbers. charts.cc fills it.
// Pure. Any thread.
#pragma once

#include <string>
#include <vector>

#include "bench/report/axis.h"
#include "bench/report/svg.h"

namespace hearth::bench {

// From `from` (the axis's low end when 0) to `to`. `marked`: a mark at both ends, for a range.
struct Bar {
  std::string name;  // of its series, for the legend
  Mark mark;
  double from = 0;
  double to = 0;
  double low = 0;  // reach of the repeats, a thin line; low == high: none
  double high = 0;
  bool marked = false;
  std::string words;  // written behind the bar

  bool operator==(const Bar&) const = default;
};

struct BarGroup {
  std::string label;
  std::vector<Bar> bars;

  bool operator==(const BarGroup&) const = default;
};

struct BarChart {
  std::string title;
  std::string below;
  std::string value_title;
  Axis axis;
  std::vector<BarGroup> groups;

  bool operator==(const BarChart&) const = default;
};

std::string draw(const BarChart& chart);

}  // namespace hearth::bench
