#include "base/text_units.h"

#include <gtest/gtest.h>

namespace hearth::base {
namespace {

using std::chrono::microseconds;

TEST(TextUnits, ParsesDurations) {
  EXPECT_EQ(*parse_duration("0"), microseconds(0));
  EXPECT_EQ(*parse_duration("250us"), microseconds(250));
  EXPECT_EQ(*parse_duration("1.5s"), microseconds(1'500'000));
  EXPECT_EQ(*parse_duration("15m"), std::chrono::minutes(15));
  EXPECT_EQ(*parse_duration("1d"), std::chrono::hours(24));
  for (const char* bad : {"", "5", "s", "-1s", "1 s", "1y", "1e9s", "nan", "99999999999d"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(TextUnits, ParsesSizes) {
  EXPECT_EQ(*parse_bytes("0"), 0U);
  EXPECT_EQ(*parse_bytes("1024"), 1024U);
  EXPECT_EQ(*parse_bytes("6MiB"), 6U << 20U);
  EXPECT_EQ(*parse_bytes("1.5KiB"), 1536U);
  EXPECT_EQ(*parse_bytes("50MB"), 50'000'000U);
  for (const char* bad : {"", "MiB", "-1", "1.5", "1TB", "6 MiB", "0x10"}) {
    EXPECT_FALSE(parse_bytes(bad)) << bad;
  }
}

TEST(TextUnits, FormatsDurations) {
  EXPECT_EQ(format_duration(microseconds(0)), "0us");
  EXPECT_EQ(format_duration(microseconds(999)), "999us");
  EXPECT_EQ(format_duration(microseconds(1'500)), "1.5ms");
  EXPECT_EQ(format_duration(microseconds(30'000'000)), "30s");
  EXPECT_EQ(format_duration(std::chrono::minutes(15)), "15m");
}

}  // namespace
}  // namespace hearth::base
