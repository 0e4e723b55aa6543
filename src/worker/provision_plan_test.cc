#include "worker/provision_plan.h"

#include <gtest/gtest.h>

#include <memory>

namespace hearth::worker {
namespace {

using std::chrono::seconds;

model::VersionPtr version(const std::string& id, const std::string& function) {
  auto made = std::make_shared<model::Version>();
  made->id = id;
  made->function_id = function;
  return made;
}

std::vector<std::string> versions(const std::vector<Provision>& provisions) {
  std::vector<std::string> ids;
  for (const Provision& each : provisions) {
    ids.push_back(each.version->id);
  }
  return ids;
}

const base::TimePoint kNow{seconds(100)};
using Ids = std::vector<std::string>;

TEST(ProvisionPlan, OfAFunctionOneVersionIsWanted) {
  ProvisionPlan plan;
  plan.want({version("a1", "a"), "a", 2});
  plan.want({version("a2", "a"), "a", 3});
  EXPECT_EQ(plan.find(*version("a1", "a")), nullptr);
  ASSERT_NE(plan.find(*version("a2", "a")), nullptr);
  EXPECT_EQ(plan.find(*version("a2", "a"))->count, 3U);
  plan.drop("a1");
  EXPECT_FALSE(plan.empty());
  plan.drop("a2");
  EXPECT_TRUE(plan.empty());
}

TEST(ProvisionPlan, ACountOfNoneEndsIt) {
  ProvisionPlan plan;
  plan.want({version("a1", "a"), "a", 2});
  plan.want({version("a1", "a"), "a", 0});
  EXPECT_TRUE(plan.empty());
  EXPECT_TRUE(plan.lacking({}, kNow).empty());
}

TEST(ProvisionPlan, WhoHasTheSmallestPartOfItsNumberComesFirst) {
  ProvisionPlan plan;
  plan.want({version("a1", "a"), "a", 4});
  plan.want({version("b1", "b"), "b", 2});
  plan.want({version("c1", "c"), "c", 1});
  EXPECT_EQ(versions(plan.lacking({{"a", 3}, {"b", 1}}, kNow)), (Ids{"c1", "b1", "a1"}));
  EXPECT_EQ(versions(plan.lacking({{"a", 4}, {"b", 1}, {"c", 1}}, kNow)), (Ids{"b1"}));
}

TEST(ProvisionPlan, AfterOneThatDidNotLastThePauseDoublesUpToTheMost) {
  ProvisionPlan plan;
  const auto v = version("a1", "a");
  plan.want({v, "a", 1});
  base::TimePoint now = kNow;
  EXPECT_TRUE(plan.ended(*v, seconds(0), now)) << "the first in a row";
  for (seconds pause = kProvisionPause; pause < 2 * kProvisionPauseMost; pause *= 2) {
    const seconds expected = std::min(pause, kProvisionPauseMost);
    EXPECT_TRUE(plan.lacking({}, now + expected - seconds(1)).empty());
    EXPECT_EQ(plan.next_start({}, now), now + expected);
    now += expected;
    EXPECT_EQ(versions(plan.lacking({}, now)), (Ids{"a1"}));
    EXPECT_EQ(plan.next_start({}, now), base::TimePoint::max());
    EXPECT_FALSE(plan.ended(*v, seconds(9), now));
  }
}

TEST(ProvisionPlan, WhatHasLastedIsReplacedAtOnceAndThePauseBeginsAnew) {
  ProvisionPlan plan;
  const auto v = version("a1", "a");
  plan.want({v, "a", 1});
  plan.ended(*v, seconds(0), kNow);
  plan.ended(*v, seconds(0), kNow + seconds(1));
  const base::TimePoint later = kNow + seconds(100);
  EXPECT_FALSE(plan.ended(*v, kProvisionLasts, later));
  EXPECT_EQ(versions(plan.lacking({}, later)), (Ids{"a1"}));
  EXPECT_TRUE(plan.ended(*v, seconds(0), later));
  EXPECT_EQ(plan.next_start({}, later), later + kProvisionPause);
}

TEST(ProvisionPlan, NewerCodeIsStartedAtOnce) {
  ProvisionPlan plan;
  plan.want({version("a1", "a"), "a", 1});
  plan.ended(*version("a1", "a"), seconds(0), kNow);
  plan.want({version("a1", "a"), "a", 2});
  EXPECT_TRUE(plan.lacking({}, kNow).empty()) << "the same code";
  plan.want({version("a2", "a"), "a", 1});
  EXPECT_EQ(versions(plan.lacking({}, kNow)), (Ids{"a2"}));
  EXPECT_FALSE(plan.ended(*version("a1", "a"), seconds(0), kNow)) << "of the older code";
  EXPECT_EQ(versions(plan.lacking({}, kNow)), (Ids{"a2"}));
}

}  // namespace
}  // namespace hearth::worker
