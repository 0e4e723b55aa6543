// What every chart has around its figures: title, a line below it, and a legend that breaks into rows.
// Pure. Any thread.
#pragma once

#include <string>
#include <vector>

#include "bench/report/svg.h"

namespace hearth::bench {

constexpr double kChartWidth = 860;

struct LegendEntry {
  std::string name;
  Mark mark;
  bool line = false;  // through the mark
  bool dashed = false;
  bool marked = true;

  bool operator==(const LegendEntry&) const = default;
};

// Height of title, line below and legend together.
double heading_height(const std::string& below, const std::vector<LegendEntry>& legend);
void draw_heading(Canvas& canvas, const std::string& title, const std::string& below,
                  const std::vector<LegendEntry>& legend);

}  // namespace hearth::bench
