#include "base/text_writer.h"

#include <gtest/gtest.h>

#include <limits>

namespace hearth::base {
namespace {

TEST(TextWriter, WritesBehindWhatIsThere) {
  std::string text = "a";
  {
    TextWriter out(text, 64);
    out.put("bc").put('d').put_number(0).put("").put_number(-12);
  }
  EXPECT_EQ(text, "abcd0-12");
}

TEST(TextWriter, TakesAsMuchAsItWasPromised) {
  std::string text;
  {
    TextWriter out(text, 2 * TextWriter::kNumberBytes);
    out.put_number(std::numeric_limits<std::int64_t>::min())
        .put_number(std::numeric_limits<std::int64_t>::min());
  }
  EXPECT_EQ(text, "-9223372036854775808-9223372036854775808");
}

TEST(TextWriter, WritesNothingWhenNothingIsPut) {
  std::string text = "x";
  { const TextWriter out(text, 100); }
  EXPECT_EQ(text, "x");
}

}  // namespace
}  // namespace hearth::base
