#include "bench/report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace hearth::bench {
namespace {

// Hundredths of a pixel; nothing that is no number reaches the document.
std::string px(double value) {
  if (!std::isfinite(value)) {
    return "0";
  }
  return fmt::format("{:g}", std::round(std::clamp(value, -1e5, 1e5) * 100) / 100);
}

std::string list(const std::vector<Place>& places) {
  std::string text;
  for (const Place& place : places) {
    text += fmt::format("{}{},{}", text.empty() ? "" : " ", px(place.x), px(place.y));
  }
  return text;
}

std::string stroke(const Ink& ink) {
  return fmt::format("stroke=\"{}\" stroke-width=\"{}\"{}{}", ink.colour, px(ink.width),
                     ink.dashed ? " stroke-dasharray=\"6 4\"" : "",
                     ink.opacity < 1 ? fmt::format(" stroke-opacity=\"{}\"", px(ink.opacity)) : "");
}

std::vector<Place> outline(const Mark& mark, Place at) {
  const double r = mark.radius;
  switch (mark.marker) {
    case Marker::kSquare:
      return {{at.x - r, at.y - r}, {at.x + r, at.y - r}, {at.x + r, at.y + r}, {at.x - r, at.y + r}};
    case Marker::kTriangle:
      return {{at.x, at.y - 1.3 * r}, {at.x + 1.2 * r, at.y + r}, {at.x - 1.2 * r, at.y + r}};
    case Marker::kTriangleDown:
      return {{at.x, at.y + 1.3 * r}, {at.x + 1.2 * r, at.y - r}, {at.x - 1.2 * r, at.y - r}};
    case Marker::kDiamond:
      return {{at.x, at.y - 1.4 * r}, {at.x + 1.4 * r, at.y}, {at.x, at.y + 1.4 * r}, {at.x - 1.4 * r, at.y}};
    case Marker::kCross: {
      const double t = 0.4 * r;  // half of an arm's width
      return {{at.x - t, at.y - r}, {at.x + t, at.y - r}, {at.x + t, at.y - t}, {at.x + r, at.y - t},
              {at.x + r, at.y + t}, {at.x + t, at.y + t}, {at.x + t, at.y + r}, {at.x - t, at.y + r},
              {at.x - t, at.y + t}, {at.x - r, at.y + t}, {at.x - r, at.y - t}, {at.x - t, at.y - t}};
    }
    case Marker::kCircle:
      break;
  }
  return {};
}

std::string ended(std::string_view element, std::string_view tip) {
  return tip.empty() ? "/>\n" : fmt::format("><title>{}</title></{}>\n", escaped(tip), element);
}

}  // namespace

Mark mark_of(std::size_t index) {
  constexpr std::array kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                   "#56B4E9", "#8A6100", "#000000"};
  constexpr std::array kMarkers = {Marker::kCircle,  Marker::kSquare,       Marker::kTriangle,
                                   Marker::kDiamond, Marker::kTriangleDown, Marker::kCross};
  return {kMarkers[index % kMarkers.size()], kColours[index % kColours.size()], false, 4};
}

Canvas::Canvas(double width, double height, std::string_view title)
    : width_(width), height_(height), title_(escaped(title)) {}

void Canvas::line(Place from, Place to, const Ink& ink) {
  body_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>\n", px(from.x), px(from.y),
                       px(to.x), px(to.y), stroke(ink));
}

void Canvas::path(const std::vector<Place>& places, const Ink& ink) {
  body_ += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke-linejoin=\"round\" {}/>\n", list(places),
                       stroke(ink));
}

void Canvas::area(const std::vector<Place>& outline, const std::string& colour, double opacity) {
  body_ += fmt::format("<polygon points=\"{}\" fill=\"{}\" fill-opacity=\"{}\"/>\n", list(outline), colour,
                       px(opacity));
}

void Canvas::bar(const Box& box, const std::string& colour, double opacity, std::string_view tip) {
  body_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" fill-opacity=\"{}\"{}",
                       px(box.left), px(box.top), px(std::max(box.width, 0.0)), px(std::max(box.height, 0.0)),
                       colour, px(opacity), ended("rect", tip));
}

void Canvas::mark(Place at, const Mark& mark, std::string_view tip) {
  const std::string paint =
      fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"{}\"", mark.hollow ? "#ffffff" : mark.colour,
                  mark.hollow ? mark.colour : "#ffffff", mark.hollow ? "1.8" : "0.7");
  if (mark.marker == Marker::kCircle) {
    body_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {}{}", px(at.x), px(at.y), px(mark.radius),
                         paint, ended("circle", tip));
  } else {
    body_ +=
        fmt::format("<polygon points=\"{}\" {}{}", list(outline(mark, at)), paint, ended("polygon", tip));
  }
}

void Canvas::text(Place at, std::string_view text, const Letters& letters) {
  constexpr std::array kAnchors = {"start", "middle", "end"};
  const std::string turn =
      letters.upwards ? fmt::format(" transform=\"rotate(-90 {} {})\"", px(at.x), px(at.y)) : "";
  body_ +=
      fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{}\" fill=\"{}\"{}{}>{}</text>\n",
                  px(at.x), px(at.y), px(letters.size), kAnchors[static_cast<std::size_t>(letters.anchor)],
                  letters.colour, letters.bold ? " font-weight=\"bold\"" : "", turn, escaped(text));
}

void Canvas::open(const Box& box) {
  const std::string sides =
      fmt::format("{} {} {} {}", px(box.left), px(box.top), px(box.width), px(box.height));
  body_ +=
      fmt::format("<svg x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" viewBox=\"{}\" overflow=\"hidden\">\n",
                  px(box.left), px(box.top), px(box.width), px(box.height), sides);
}

void Canvas::close() { body_ += "</svg>\n"; }

std::string Canvas::svg() const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"DejaVu Sans, sans-serif\" role=\"img\" aria-label=\"{2}\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n{3}</svg>\n",
      px(width_), px(height_), title_, body_);
}

}  // namespace hearth::bench
