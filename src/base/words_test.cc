#include "base/words.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace hearth::base {
namespace {

TEST(NumberOf, TakesTheWholeTextAndNothingElse) {
  EXPECT_EQ(number_of<std::uint32_t>("4294967295"), 4'294'967'295U);
  EXPECT_EQ(number_of<std::uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(number_of<std::int64_t>("0"), 0);
  for (const std::string_view text : {"", " ", "1 ", " 1", "+1", "-1", "-0", "1.0", "1e3", "0x1", "x"}) {
    EXPECT_FALSE(number_of<std::uint64_t>(text)) << text;
    EXPECT_FALSE(number_of<std::int64_t>(text)) << text;
  }
  EXPECT_FALSE(number_of<std::uint32_t>("4294967296"));
  EXPECT_FALSE(number_of<std::uint64_t>("18446744073709551616"));
  EXPECT_FALSE(number_of<std::int64_t>("9223372036854775808"));
}

TEST(TakeWord, TakesOneAfterTheOther) {
  std::string_view rest = "a//b";
  EXPECT_EQ(take_word(rest, '/'), "a");
  EXPECT_EQ(take_word(rest, '/'), "");
  EXPECT_EQ(rest, "b");
  EXPECT_EQ(take_word(rest, '/'), "b");
  EXPECT_EQ(rest, "");
  EXPECT_EQ(take_word(rest, '/'), "");
}

}  // namespace
}  // namespace hearth::base
