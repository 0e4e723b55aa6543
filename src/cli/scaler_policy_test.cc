// On given times.
#include "cli/scaler_policy.h"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using enum ScalerAction;

const base::TimePoint kStart{std::chrono::hours(1)};

CapacityInfo capacity(std::uint64_t workers, std::uint64_t needed) {
  CapacityInfo info;
  info.workers = workers;
  info.workers_needed = needed;
  info.memory_total_mb = workers * 1'000;
  info.memory_free_mb = 100;
  return info;
}

ScalerOptions options() { return {1, 5, 0, seconds(10), seconds(60), seconds(30)}; }

class Policy : public testing::Test {
 protected:
  // Asked every second from the last time on: how many seconds until it acts; -1: not within `most`.
  int acts_after(const CapacityInfo& info, ScalerAction action, int most = 200) {
    for (int second = 0; second <= most; ++second, now_ += seconds(1)) {
      last_ = policy_.decide(info, now_);
      if (last_.action == action) {
        return second;
      }
      EXPECT_EQ(last_.action, kNone);
    }
    return -1;
  }

  ScalerPolicy policy_{options()};
  base::TimePoint now_ = kStart;
  ScalerDecision last_;
};

TEST_F(Policy, GrowsWhenMoreAreNeededForAWhile) {
  EXPECT_EQ(acts_after(capacity(1, 1), kUp, 100), -1);
  EXPECT_EQ(acts_after(capacity(1, 3), kUp), 10);
  EXPECT_EQ(last_, (ScalerDecision{kUp, 1, 3}));
}

TEST_F(Policy, APeakThatIsOverBeginsAnew) {
  EXPECT_EQ(acts_after(capacity(1, 2), kUp, 8), -1);
  EXPECT_EQ(acts_after(capacity(1, 1), kUp, 0), -1);
  EXPECT_EQ(acts_after(capacity(1, 2), kUp), 10);
  EXPECT_EQ(acts_after(capacity(1, 2), kUp, 0), 0);
  policy_.unknown();
  EXPECT_EQ(acts_after(capacity(1, 2), kUp), 10) << "nobody knows what was between";
}

TEST_F(Policy, CallersThatWaitForMoreThanIsFreeAreAReason) {
  CapacityInfo starved = capacity(2, 1);
  starved.calls_waiting = 3;
  starved.memory_waited_mb = 384;
  EXPECT_EQ(acts_after(starved, kUp), 10);
  EXPECT_EQ(last_.wanted, 3U);
  starved.memory_free_mb = 512;
  policy_.tried(true, now_);
  EXPECT_EQ(acts_after(starved, kUp, 100), -1) << "there is room: they will have it in a moment";
}

TEST_F(Policy, ShrinksByOneAfterLongerAndNotWhileOneLeaves) {
  EXPECT_EQ(acts_after(capacity(4, 1), kDown), 60);
  policy_.tried(true, now_);
  CapacityInfo leaving = capacity(3, 1);
  leaving.workers_draining = 1;
  EXPECT_EQ(acts_after(leaving, kDown, 100), -1);
  EXPECT_EQ(acts_after(capacity(3, 1), kDown), 0) << "it has been too many all the time";
  policy_.tried(true, now_);
  EXPECT_EQ(acts_after(capacity(2, 1), kDown), 30) << "the cool-down";
  EXPECT_EQ(acts_after(capacity(1, 0), kDown, 200), -1) << "--min";
}

TEST_F(Policy, CoolsDownAfterEachCommandAndLongerAfterAFailure) {
  EXPECT_EQ(acts_after(capacity(1, 5), kUp), 10);
  policy_.tried(true, now_);
  EXPECT_EQ(acts_after(capacity(2, 5), kUp), 30);
  policy_.tried(false, now_);
  EXPECT_EQ(acts_after(capacity(2, 5), kUp), 60);
  policy_.tried(false, now_);
  EXPECT_EQ(acts_after(capacity(2, 5), kUp), 120);
  policy_.tried(true, now_);
  EXPECT_EQ(acts_after(capacity(2, 5), kUp), 30);
  for (int i = 0; i < 100; ++i) {
    policy_.tried(false, now_);
  }
  EXPECT_EQ(acts_after(capacity(2, 5), kUp, 10'000), 480) << "sixteen times, not more";
}

TEST_F(Policy, KeepsToItsBounds) {
  EXPECT_EQ(acts_after(capacity(5, 50), kUp, 100), -1) << "--max";
  EXPECT_EQ(acts_after(capacity(3, 50), kUp), 10);
  EXPECT_EQ(last_.wanted, 5U);
  policy_.tried(true, now_);
  EXPECT_EQ(acts_after(capacity(0, 0), kUp), 30) << "--min, also without load";
}

TEST(PolicyMargin, KeepsWorkersBeyondThoseNeededButAddsNoneForIt) {
  ScalerOptions wide = options();
  wide.margin = 1;
  wide.up_after = wide.down_after = seconds(0);
  ScalerPolicy policy(wide);
  EXPECT_EQ(policy.decide(capacity(3, 2), kStart).action, kNone);
  EXPECT_EQ(policy.decide(capacity(2, 2), kStart).action, kNone);
  EXPECT_EQ(policy.decide(capacity(3, 1), kStart).action, kDown);
  EXPECT_EQ(policy.decide(capacity(2, 3), kStart).action, kUp);
}

WorkerInfo worker(const std::string& id, std::uint64_t busy_mb, std::uint64_t idle,
                  const std::string& state = "serving", const std::string& role = "worker") {
  WorkerInfo info;
  info.id = id;
  info.role = role;
  info.state = state;
  info.memory_busy_mb = busy_mb;
  info.instances["idle"] = idle;
  return info;
}

TEST(LeastBusy, IsTakenAwayFirst) {
  EXPECT_EQ(least_busy({}), nullptr);
  EXPECT_EQ(least_busy({worker("a", 0, 0, "draining")}), nullptr);
  EXPECT_EQ(least_busy({worker("a", 512, 0), worker("b", 128, 9), worker("c", 128, 2)})->id, "c");
  EXPECT_EQ(
      least_busy({worker("a", 0, 0, "draining"), worker("b", 0, 0, "serving", "serve"), worker("c", 9, 9)})
          ->id,
      "c");
}

}  // namespace
}  // namespace hearth::cli
