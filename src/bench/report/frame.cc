#include "bench/report/frame.h"

#include <algorithm>

namespace hearth::bench {
namespace {

constexpr double kSide = 20;
constexpr double kRow = 20;
constexpr double kSymbol = 34;  // from an entry's start to its name
constexpr double kBetween = 22;
constexpr std::size_t kNameCharacters = 60;

// Where each entry starts: from the left, row below row.
std::vector<Place> entry_places(const std::vector<LegendEntry>& legend) {
  std::vector<Place> places;
  Place at{kSide, 0};
  for (const LegendEntry& entry : legend) {
    const double width = kSymbol + text_width(shortened(entry.name, kNameCharacters), 12) + kBetween;
    if (at.x > kSide && at.x + width - kBetween > kChartWidth - kSide) {
      at = {kSide, at.y + kRow};
    }
    places.push_back(at);
    at.x += width;
  }
  return places;
}

double top_of_legend(const std::string& below) { return below.empty() ? 46 : 64; }

void draw_symbol(Canvas& canvas, Place at, const LegendEntry& entry) {
  if (entry.line) {
    canvas.line({at.x, at.y}, {at.x + kSymbol - 8, at.y}, {entry.mark.colour, 2, entry.dashed, 1});
  }
  if (entry.marked) {
    canvas.mark({at.x + (kSymbol - 8) / 2, at.y}, entry.mark, "");
  }
}

}  // namespace

double heading_height(const std::string& below, const std::vector<LegendEntry>& legend) {
  const auto places = entry_places(legend);
  return top_of_legend(below) + (places.empty() ? 0 : places.back().y + kRow);
}

void draw_heading(Canvas& canvas, const std::string& title, const std::string& below,
                  const std::vector<LegendEntry>& legend) {
  canvas.text({kSide, 28}, shortened(title, 80), {16, Anchor::kStart, true, false, "#1f2328"});
  if (!below.empty()) {
    canvas.text({kSide, 47}, shortened(below, 115), {11.5, Anchor::kStart, false, false, "#57606a"});
  }
  const auto places = entry_places(legend);
  for (std::size_t i = 0; i < legend.size(); ++i) {
    const Place at{places[i].x, top_of_legend(below) + places[i].y + 4};
    draw_symbol(canvas, at, legend[i]);
    canvas.text({at.x + kSymbol, at.y + 4}, shortened(legend[i].name, kNameCharacters), {12});
  }
}

}  // namespace hearth::bench
