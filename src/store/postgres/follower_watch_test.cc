#include "store/postgres/follower_watch.h"

#include <gtest/gtest.h>

#include "store/change_feed.h"

namespace hearth::store::postgres {
namespace {

using TimePoint = FollowerWatch::TimePoint;

constexpr TimePoint at(std::chrono::milliseconds ms) { return TimePoint(ms); }
constexpr std::chrono::milliseconds kTick{1};

FollowerRow row(const std::string& id, const std::string& renewed) { return {id, 0, renewed}; }

TEST(FollowerWatch, ALeaseIsOverWhenItsRowHasStoodStillForSoLong) {
  FollowerWatch watch;
  watch.see({row("a", "1"), row("b", "1")}, at(kTick));
  watch.see({row("a", "1"), row("b", "2")}, at(kFollowerLease));
  EXPECT_FALSE(watch.is_over("a", at(kFollowerLease)));
  EXPECT_TRUE(watch.is_over("a", at(kFollowerLease + kTick)));
  EXPECT_FALSE(watch.is_over("b", at(kFollowerLease + kTick)));
  EXPECT_TRUE(watch.is_over("b", at(2 * kFollowerLease)));
}

TEST(FollowerWatch, OneThatIsSeenForTheFirstTimeOrAgainCountsFromThen) {
  FollowerWatch watch;
  EXPECT_FALSE(watch.is_over("a", at(10 * kFollowerLease))) << "never seen";
  watch.see({row("a", "1")}, at(kFollowerLease));
  watch.see({}, at(2 * kFollowerLease));
  EXPECT_FALSE(watch.is_over("a", at(2 * kFollowerLease)));
  watch.see({row("a", "1")}, at(2 * kFollowerLease));
  EXPECT_FALSE(watch.is_over("a", at(3 * kFollowerLease - kTick)));
}

TEST(FollowerWatch, ALookThatIsToldLateMakesNobodyOlder) {
  FollowerWatch watch;
  watch.see({row("a", "1")}, at(kTick));
  watch.see({row("a", "2")}, at(2 * kTick));
  watch.see({row("a", "1")}, at(3 * kTick));
  EXPECT_FALSE(watch.is_over("a", at(kFollowerLease + 2 * kTick)));
}

}  // namespace
}  // namespace hearth::store::postgres
