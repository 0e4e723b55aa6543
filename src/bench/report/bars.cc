#include "bench/report/bars.h"

#include <algorithm>
#include <cmath>

#include "bench/report/frame.h"

namespace hearth::bench {
namespace {

constexpr double kBarHeight = 18;
constexpr double kBarGap = 4;
constexpr double kGroupGap = 16;
constexpr double kBottom = 58;
constexpr double kLetters = 12;
constexpr std::size_t kLabelCharacters = 34;

double group_height(const BarGroup& group) {
  return static_cast<double>(group.bars.size()) * (kBarHeight + kBarGap) + kGroupGap;
}

std::vector<LegendEntry> legend_of(const BarChart& chart) {
  std::vector<LegendEntry> legend;
  for (const BarGroup& group : chart.groups) {
    for (const Bar& bar : group.bars) {
      const LegendEntry entry{bar.name, bar.mark, false, false, true};
      if (std::ranges::find(legend, entry) == legend.end()) {
        legend.push_back(entry);
      }
    }
  }
  for (LegendEntry& entry : legend) {
    entry.mark.radius = 6;
  }
  return legend;
}

// Labels on the left, the words behind the longest bar on the right.
Box figures_box(const BarChart& chart) {
  double labels = 30;
  double words = 0;
  double height = kGroupGap;
  for (const BarGroup& group : chart.groups) {
    labels = std::max(labels, text_width(shortened(group.label, kLabelCharacters), kLetters));
    height += group_height(group);
    for (const Bar& bar : group.bars) {
      words = std::max(words, text_width(bar.words, 11));
    }
  }
  const double left = 30 + labels;
  const double top = heading_height(chart.below, legend_of(chart)) + 8;
  return {left, top, std::max(kChartWidth - left - words - 34, 120.0), height};
}

double x_of(const BarChart& chart, const Box& box, double value) {
  const double at = std::isfinite(value) ? std::clamp(chart.axis.place(value), 0.0, 1.0) : 0;
  return box.left + at * box.width;
}

void draw_axis(Canvas& canvas, const BarChart& chart, const Box& box) {
  double free_from = -1e9;
  for (const Tick& tick : chart.axis.ticks) {
    const double x = x_of(chart, box, tick.value);
    canvas.line({x, box.top}, {x, box.bottom()}, {"#d8dee4"});
    const double half = text_width(tick.text, kLetters) / 2;
    if (x - half >= free_from) {
      canvas.text({x, box.bottom() + 19}, tick.text, {kLetters, Anchor::kMiddle});
      free_from = x + half + 8;
    }
  }
  canvas.line({box.left, box.top}, {box.left, box.bottom()}, {"#57606a"});
  canvas.text({box.left + box.width / 2, box.bottom() + 43}, shortened(chart.value_title, 80),
              {13, Anchor::kMiddle});
}

void draw_bar(Canvas& canvas, const BarChart& chart, const Box& box, const Bar& bar, double top) {
  const double from = bar.from > 0 ? x_of(chart, box, bar.from) : box.left;
  const double to = std::max(x_of(chart, box, bar.to), from);
  const double middle = top + kBarHeight / 2;
  const std::string tip = bar.name + ": " + bar.words;
  canvas.bar({from, top, std::max(to - from, 1.0), kBarHeight}, bar.mark.colour, bar.marked ? 0.3 : 1, tip);
  if (bar.marked) {
    Mark end = bar.mark;
    end.hollow = true;
    canvas.mark({to, middle}, end, tip);
    canvas.mark({from, middle}, bar.mark, tip);  // above: of a range that is none, the filled one shows
  }
  double words_from = to;
  if (bar.high > bar.low) {
    const double reach = x_of(chart, box, bar.high);
    canvas.line({x_of(chart, box, bar.low), middle}, {reach, middle}, {"#1f2328", 1.5});
    words_from = std::max(to, reach);
  }
  canvas.text({words_from + 10, middle + 4}, bar.words, {11});
}

}  // namespace

std::string draw(const BarChart& chart) {
  const Box box = figures_box(chart);
  Canvas canvas(kChartWidth, box.bottom() + kBottom, chart.title);
  draw_heading(canvas, chart.title, chart.below, legend_of(chart));
  draw_axis(canvas, chart, box);
  double top = box.top + kGroupGap;
  for (const BarGroup& group : chart.groups) {
    const double middle = top + (group_height(group) - kGroupGap - kBarGap) / 2;
    canvas.text({box.left - 10, middle + 4}, shortened(group.label, kLabelCharacters),
                {kLetters, Anchor::kEnd});
    for (const Bar& bar : group.bars) {
      draw_bar(canvas, chart, box, bar, top);
      top += kBarHeight + kBarGap;
    }
    top += kGroupGap;
  }
  return canvas.svg();
}

}  // namespace hearth::bench
