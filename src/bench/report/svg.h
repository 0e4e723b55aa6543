// Drawing in SVG: shapes and letters in pixels from the upper left, and text from outside made safe to
// stand in XML and HTML. The charts are drawn on a Canvas. Pure. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::bench {

// Safe between tags and inside quotes, of XML 1.0 and HTML alike: what is no UTF-8, and what XML has no
// way to write, becomes U+FFFD.
std::string escaped(std::string_view text);

// At most `characters` of them, the last an ellipsis where some were cut off.
std::string shortened(std::string_view text, std::size_t characters);

// Estimated for DejaVu Sans, on the wide side.
double text_width(std::string_view text, double size);

struct Place {
  double x = 0;
  double y = 0;

  bool operator==(const Place&) const = default;
};

struct Box {
  double left = 0;
  double top = 0;
  double width = 0;
  double height = 0;

  double right() const { return left + width; }
  double bottom() const { return top + height; }
  bool operator==(const Box&) const = default;
};

struct Ink {
  std::string colour = "#1f2328";
  double width = 1;
  bool dashed = false;
  double opacity = 1;

  bool operator==(const Ink&) const = default;
};

enum class Anchor { kStart, kMiddle, kEnd };

struct Letters {
  double size = 12;
  Anchor anchor = Anchor::kStart;
  bool bold = false;
  bool upwards = false;  // turned by 90 degrees to the left
  std::string colour = "#1f2328";

  bool operator==(const Letters&) const = default;
};

enum class Marker { kCircle, kSquare, kTriangle, kDiamond, kTriangleDown, kCross };

struct Mark {
  Marker marker = Marker::kCircle;
  std::string colour;
  bool hollow = false;
  double radius = 4;

  bool operator==(const Mark&) const = default;
};

// Colours that stay apart for the colour-blind (Okabe and Ito, without yellow), each with a marker of its
// own; they repeat after the last.
Mark mark_of(std::size_t index);

class Canvas {
 public:
  Canvas(double width, double height, std::string_view title);

  void line(Place from, Place to, const Ink& ink);
  void path(const std::vector<Place>& places, const Ink& ink);
  void area(const std::vector<Place>& outline, const std::string& colour, double opacity);
  void bar(const Box& box, const std::string& colour, double opacity, std::string_view tip);
  void mark(Place at, const Mark& mark, std::string_view tip);  // the tip shows under the pointer
  void text(Place at, std::string_view text, const Letters& letters);
  // What is drawn until close() shows inside the box alone; its places count from the canvas as before.
  void open(const Box& box);
  void close();

  std::string svg() const;

 private:
  double width_;
  double height_;
  std::string title_;
  std::string body_;
};

}  // namespace hearth::bench
