#include "gateway/version_lease.h"

#include <gtest/gtest.h>

namespace hearth::gateway {
namespace {

using base::BootTime;
using std::chrono::milliseconds;

constexpr BootTime at(int ms) { return BootTime(milliseconds(ms)); }
constexpr int kServes = static_cast<int>(VersionLease::kServes.count());

class VersionLeaseTest : public testing::Test {
 protected:
  void expect_until(int ms) const {
    EXPECT_TRUE(lease_.holds(at(ms - 1)));
    EXPECT_FALSE(lease_.holds(at(ms)));
  }

  VersionLease lease_;
};

TEST_F(VersionLeaseTest, IsOverBeforeAnythingIsConfirmed) {
  EXPECT_FALSE(lease_.holds(at(0)));
  lease_.refused(at(0), at(1));
  EXPECT_FALSE(lease_.holds(at(1)));
}

TEST_F(VersionLeaseTest, CountsFromBeforeItWasConfirmedAndIsShorterThanOthersWait) {
  lease_.joined(at(1'000), 7);
  expect_until(1'000 + kServes);
  EXPECT_LT(VersionLease::kServes, store::kFollowerLease);
  lease_.confirmed(at(1'500), 7);
  expect_until(1'500 + kServes);
  EXPECT_EQ(lease_.term(true), (ServingTerm{at(1'500 + kServes), LeaseState::kHeld, true}));
}

TEST_F(VersionLeaseTest, WhatThereWasBesidesIsAppliedFirst) {
  lease_.joined(at(0), 7);
  lease_.confirmed(at(5'000), 9);
  EXPECT_FALSE(lease_.holds(at(5'000)));
  lease_.applied(8);
  EXPECT_FALSE(lease_.holds(at(5'000)));
  lease_.applied(9);
  expect_until(5'000 + kServes);
}

TEST_F(VersionLeaseTest, WhatWasAppliedLateGivesNoMoreThanWasConfirmed) {
  lease_.joined(at(0), 7);
  lease_.confirmed(at(5'000), 8);
  lease_.applied(8);  // at 20'000, say
  EXPECT_FALSE(lease_.holds(at(20'000)));
  lease_.applied(9);
  EXPECT_FALSE(lease_.holds(at(20'000))) << "counted once";
}

TEST_F(VersionLeaseTest, RefusalsCarryItOnForAsLongAsNoneComesLate) {
  lease_.joined(at(0), 7);
  int asked = 0;
  for (int i = 0; i < 100; ++i) {
    asked += kServes - 10;
    lease_.refused(at(asked), at(asked + 9));
    EXPECT_EQ(lease_.term(true).state(at(asked + 9)), LeaseState::kStoreDown);
    expect_until(asked + kServes);
  }
  lease_.refused(at(asked + kServes - 5), at(asked + kServes));
  expect_until(asked + kServes);
  lease_.refused(at(asked + kServes + 5), at(asked + kServes + 6));
  EXPECT_FALSE(lease_.holds(at(asked + kServes + 6))) << "what happened in the gap nobody knows";
  lease_.confirmed(at(asked + 9'000), 7);
  expect_until(asked + 9'000 + kServes);
  EXPECT_EQ(lease_.term(true).rests_on, LeaseState::kHeld);
}

TEST(ServingTerm, HasTheStateThatItRestsOnUntilItsEnd) {
  EXPECT_EQ(ServingTerm().state(at(1'000'000)), LeaseState::kNotNeeded);
  const ServingTerm term{at(10), LeaseState::kStoreDown, true};
  EXPECT_EQ(to_string(term.state(at(9))), "store_down");
  EXPECT_EQ(to_string(term.state(at(10))), "over");
}

}  // namespace
}  // namespace hearth::gateway
