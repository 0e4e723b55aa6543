#include "model/alias.h"

#include <gtest/gtest.h>

namespace hearth::model {
namespace {

Alias with_canary(std::uint32_t per_mille) { return {"live", 1, Canary{2, per_mille}, 0}; }

TEST(Alias, NamesBeginWithALetterAndAreShort) {
  for (const auto* good : {"a", "Z", "live", "blue-green_2", "x9"}) {
    EXPECT_TRUE(is_alias_name(good)) << good;
  }
  for (const auto* bad : {"", "1", "9live", "-a", "_a", "a b", "a/b", "a.b", "ä"}) {
    EXPECT_FALSE(is_alias_name(bad)) << bad;
  }
  EXPECT_TRUE(is_alias_name(std::string(kAliasNameBytes, 'a')));
  EXPECT_FALSE(is_alias_name(std::string(kAliasNameBytes + 1, 'a')));
}

TEST(Alias, WithoutACanaryTheVersionTakesAll) {
  const Alias alias{"live", 3, std::nullopt, 0};
  for (std::uint32_t point = 0; point < kShares; ++point) {
    EXPECT_EQ(version_at(alias, point), 3U);
  }
  EXPECT_TRUE(names(alias, 3));
  EXPECT_FALSE(names(alias, 2));
}

TEST(Alias, TheCanaryTakesItsShareOfThePoints) {
  for (const std::uint32_t per_mille : {1U, 100U, 500U, 999U}) {
    std::uint32_t taken = 0;
    for (std::uint32_t point = 0; point < kShares; ++point) {
      taken += version_at(with_canary(per_mille), point) == 2 ? 1 : 0;
    }
    EXPECT_EQ(taken, per_mille);
  }
  EXPECT_TRUE(names(with_canary(1), 1));
  EXPECT_TRUE(names(with_canary(1), 2));
  EXPECT_TRUE(any_names({{"live", with_canary(1)}}, 2));
  EXPECT_FALSE(any_names({{"live", with_canary(1)}}, 3));
}

TEST(Alias, AGrowingCanaryGivesNoCallerBack) {
  for (int caller = 0; caller < 1'000; ++caller) {
    const std::uint32_t point = sticky_point("live", "caller-" + std::to_string(caller));
    bool had_second = false;
    for (std::uint32_t per_mille = 1; per_mille < kShares; per_mille += 37) {
      const bool second = version_at(with_canary(per_mille), point) == 2;
      EXPECT_TRUE(second || !had_second) << caller << " at " << per_mille;
      had_second = second;
    }
  }
}

TEST(Alias, TextsAreSpreadEvenly) {
  std::uint32_t below = 0;
  std::uint32_t same = 0;
  for (int caller = 0; caller < 10'000; ++caller) {
    const std::string text = std::to_string(caller);
    const std::uint32_t point = sticky_point("live", text);
    ASSERT_LT(point, kShares);
    below += point < 100 ? 1 : 0;
    same += point < 100 && sticky_point("other", text) < 100 ? 1 : 0;
  }
  EXPECT_NEAR(below, 1'000, 150);  // five times the deviation
  EXPECT_NEAR(same, 100, 50) << "another alias has another share of the callers";
}

// Written down: a caller stays where it is when the server is another, or of a later release.
TEST(Alias, PointsNeverChange) {
  EXPECT_EQ(sticky_point("live", ""), 78U);
  EXPECT_EQ(sticky_point("live", "Ada"), 884U);
  EXPECT_EQ(sticky_point("live", "Bob"), 444U);
  EXPECT_NE(sticky_point("a", "bc"), sticky_point("ab", "c"));
}

}  // namespace
}  // namespace hearth::model
