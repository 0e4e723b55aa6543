// Text from outside stands in a drawing without becoming a part of it.
#include "bench/report/svg.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace hearth::bench {
namespace {

TEST(Escaped, LeavesNothingThatXmlWouldRead) {
  EXPECT_EQ(escaped("<a href=\"x\">&'</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(escaped("grün µs 漢 🙂"), "grün µs 漢 🙂");
  EXPECT_EQ(escaped("a\tb\r\nc"), "a b  c");
}

TEST(Escaped, ReplacesWhatXmlCannotHold) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(escaped(std::string("a\0b\x1b", 4)), "a" + mark + "b" + mark);
  EXPECT_EQ(escaped("\xFF\xC3"), mark + mark) << "no UTF-8, and cut off";
  EXPECT_EQ(escaped("\xC0\xAF"), mark + mark) << "overlong";
  EXPECT_EQ(escaped("\xED\xA0\x80"), mark + mark + mark) << "a surrogate";
  EXPECT_EQ(escaped("\xF4\x90\x80\x80"), mark + mark + mark + mark) << "beyond Unicode";
  EXPECT_EQ(escaped("\xEF\xBF\xBF"), mark) << "no character";
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(shortened("grün", 4), "grün");
  EXPECT_EQ(shortened("grüne", 4), "grü…");
  EXPECT_EQ(shortened("", 4), "");
}

TEST(Marks, StayApart) {
  std::set<std::string> colours;
  std::set<Marker> markers;
  for (std::size_t i = 0; i < 6; ++i) {
    colours.insert(mark_of(i).colour);
    markers.insert(mark_of(i).marker);
  }
  EXPECT_EQ(colours.size(), 6U);
  EXPECT_EQ(markers.size(), 6U);
  EXPECT_NE(mark_of(6), mark_of(0));
  EXPECT_NO_FATAL_FAILURE(mark_of(1000));
}

TEST(Canvas, WritesNumbersAlone) {
  Canvas canvas(100, 50, "a \"title\"");
  canvas.line({NAN, 1}, {INFINITY, -1e300}, {});
  canvas.mark({NAN, NAN}, mark_of(0), "<tip>");
  canvas.text({1, 2}, "<script>", {});
  const std::string svg = canvas.svg();
  EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("<script"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("<tip"), std::string::npos) << svg;
  EXPECT_NE(svg.find("aria-label=\"a &quot;title&quot;\""), std::string::npos) << svg;
  EXPECT_NE(svg.find("font-family=\"DejaVu Sans, sans-serif\""), std::string::npos) << svg;
}

}  // namespace
}  // namespace hearth::bench
