#include "worker/prestart_plan.h"

#include <gtest/gtest.h>

#include "model/runtime.h"

namespace hearth::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const InstanceKind kNode128{std::string(model::kNode), 128};
const InstanceKind kNode256{std::string(model::kNode), 256};
const InstanceKind kPython{std::string(model::kPython), 0};

class PrestartPlanTest : public testing::Test {
 protected:
  void start(const InstanceKind& kind, int times = 1) {
    for (int i = 0; i < times; ++i) {
      plan_.started(kind, now_);
    }
  }
  // All that should wait, found by filling up what is lacking.
  PrestartPlan::Counts wanted() {
    PrestartPlan::Counts there;
    while (const auto kind = plan_.lacking(there, now_)) {
      ++there[*kind];
    }
    EXPECT_FALSE(plan_.excess(there, now_));
    return there;
  }

  base::TimePoint now_{seconds(1'000)};
  PrestartPlan plan_{{.most = 4, .ready = 1, .always = {kNode128, kPython}}};
};

TEST_F(PrestartPlanTest, OneOfEachRuntimeWaitsForTheFirstCall) {
  EXPECT_EQ(wanted(), (PrestartPlan::Counts{{kNode128, 1}, {kPython, 1}}));
  EXPECT_EQ(plan_.changes_at(now_), base::TimePoint::max());
}

TEST_F(PrestartPlanTest, NoneWhereThereMayBeNone) {
  plan_.~PrestartPlan();
  new (&plan_) PrestartPlan({.most = 0, .ready = 1, .always = {kNode128}});
  start(kNode128, 5);
  EXPECT_TRUE(wanted().empty());
}

TEST_F(PrestartPlanTest, FollowsTheBusiestSecondForAMinute) {
  start(kNode256);
  now_ += seconds(10);
  start(kNode256, 2);
  EXPECT_EQ(wanted().at(kNode256), 2U);
  now_ += seconds(1);
  start(kNode256);
  EXPECT_EQ(wanted().at(kNode256), 2U);
  now_ += seconds(58);
  EXPECT_EQ(wanted().at(kNode256), 2U);
  now_ += seconds(1);
  EXPECT_EQ(wanted().at(kNode256), 1U) << "the second with two is past";
  now_ += seconds(1);
  EXPECT_FALSE(wanted().contains(kNode256));
}

TEST_F(PrestartPlanTest, AreNeverMoreThanThereMayBe) {
  start(kNode256, 100);
  EXPECT_EQ(wanted(), (PrestartPlan::Counts{{kNode128, 1}, {kNode256, 2}, {kPython, 1}}));
  now_ += seconds(2);
  start(kPython, 2);
  EXPECT_EQ(wanted(), (PrestartPlan::Counts{{kNode128, 1}, {kNode256, 1}, {kPython, 2}}))
      << "the last to be started first, when all are ready";
}

TEST_F(PrestartPlanTest, SaysWhatIsTooMany) {
  EXPECT_EQ(plan_.excess({{kNode128, 2}}, now_), kNode128);
  EXPECT_EQ(plan_.excess({{kNode256, 1}}, now_), kNode256);
  EXPECT_EQ(plan_.excess({{kNode128, 1}, {kPython, 1}}, now_), std::nullopt);
}

TEST_F(PrestartPlanTest, SaysWhenItWillChange) {
  start(kNode256);
  now_ += milliseconds(500);
  const auto changes = plan_.changes_at(now_);
  EXPECT_EQ(changes, base::TimePoint(seconds(1'000)) + kPrestartMemory);
  now_ = changes - milliseconds(1);
  EXPECT_TRUE(wanted().contains(kNode256));
  now_ = changes;
  EXPECT_FALSE(wanted().contains(kNode256));
  EXPECT_EQ(plan_.changes_at(now_), base::TimePoint::max());
}

TEST_F(PrestartPlanTest, RemembersABoundedNumberOfKinds) {
  for (std::uint32_t mb = 1; mb <= 10 * kPrestartKinds; ++mb) {
    now_ += seconds(1);
    start({std::string(model::kNode), mb});
  }
  start({std::string(model::kNode), 1});
  const auto there = wanted();
  EXPECT_TRUE(there.contains({std::string(model::kNode), 1}));
  now_ += seconds(100);
  EXPECT_EQ(wanted(), (PrestartPlan::Counts{{kNode128, 1}, {kPython, 1}})) << "these are not forgotten";
}

}  // namespace
}  // namespace hearth::worker
