// What every messaging layer promises; run against each adapter there is.
#include "messaging/testing/conformance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hearth::messaging {
namespace {

class MessagingConformance : public testing::TestWithParam<MessagingBackend> {
 protected:
  void SetUp() override { subject_ = GetParam().make(); }

  static model::Allocation allocation(const std::string& instance, std::uint64_t epoch = 1,
                                      std::uint32_t memory = 1024) {
    return {"inproc:", instance, 0, epoch, memory};
  }
  std::string take(const std::string& version, std::uint32_t memory = 128) {
    std::string taken = "no answer";
    messaging().take(version, memory, Reach::kEverywhere, [&](std::optional<Taken> entry) {
      taken = !entry                           ? "nothing"
              : entry->source == Source::kWarm ? "warm " + entry->allocation.instance
                                               : "cold " + entry->allocation.instance;
    });
    settle();
    return taken;
  }
  void settle() { subject_.settle(); }
  Messaging& messaging() { return *subject_.messaging; }
  RecordingWorker& worker() { return *subject_.worker; }

  Subject subject_;
};

TEST_P(MessagingConformance, WarmIsAStackAndComesBeforeCold) {
  messaging().announce_cold(allocation("c1"));
  messaging().announce_warm("v1", allocation("a"));
  messaging().announce_warm("v1", allocation("b"));
  EXPECT_EQ(take("v1"), "warm b");
  EXPECT_EQ(take("v1"), "warm a");
  EXPECT_EQ(take("v1"), "cold c1");
  EXPECT_EQ(take("v1"), "nothing");
}

TEST_P(MessagingConformance, StacksOfVersionsAreApart) {
  messaging().announce_warm("v1", allocation("a"));
  EXPECT_EQ(take("v2"), "nothing");
  EXPECT_EQ(take("v1"), "warm a");
}

TEST_P(MessagingConformance, ColdIsAQueueThatSkipsWhatIsTooSmall) {
  if (!subject_.one_cold_queue) {
    GTEST_SKIP() << "it has several queues";
  }
  messaging().announce_cold(allocation("small", 1, 256));
  messaging().announce_cold(allocation("first"));
  messaging().announce_cold(allocation("second"));
  EXPECT_EQ(take("v1", 512), "cold first");
  EXPECT_EQ(take("v1", 128), "cold small");
  EXPECT_EQ(take("v1", 512), "cold second");
}

TEST_P(MessagingConformance, TakesBackWhatIsWithdrawn) {
  messaging().announce_warm("v1", allocation("a"));
  messaging().announce_warm("v1", allocation("b"));
  messaging().announce_cold(allocation("c"));
  messaging().withdraw("v1", "b");
  messaging().withdraw("", "c");
  messaging().withdraw("v1", "never seen");
  EXPECT_EQ(take("v1"), "warm a");
  EXPECT_EQ(take("v1"), "nothing");
}

TEST_P(MessagingConformance, DroppingAVersionEmptiesItsStackAndTellsTheWorker) {
  messaging().announce_warm("v1", allocation("a"));
  messaging().announce_warm("v2", allocation("b"));
  messaging().drop_version("v1");
  EXPECT_EQ(take("v1"), "nothing");
  EXPECT_EQ(take("v2"), "warm b");
  settle();
  EXPECT_THAT(worker().dropped, testing::Eq(std::vector<model::VersionId>{"v1"}));
}

TEST_P(MessagingConformance, TakesWhatItWasGivenInEveryField) {
  const model::Allocation given{"http://10.0.0.1:8081", "i0123456789abcd", 3, UINT64_MAX, 128};
  messaging().announce_warm("v1", given);
  std::optional<Taken> taken;
  messaging().take("v1", kWarmOnly, Reach::kHere, [&](std::optional<Taken> entry) { taken = entry; });
  settle();
  EXPECT_EQ(taken, (Taken{given, Source::kWarm}));
}

TEST_P(MessagingConformance, WhoAsksForWarmOnlyTakesNoMemory) {
  messaging().announce_cold(allocation("c", 1, 1'000'000));
  EXPECT_EQ(take("v1", kWarmOnly), "nothing");
  EXPECT_EQ(take("v1", 128), "cold c");
}

TEST_P(MessagingConformance, DemandReachesTheWorkerAndItsAnswerTheAsker) {
  bool coming = true;
  messaging().demand({7, "v1", 256}, [&](bool answer) { coming = answer; });
  settle();
  EXPECT_FALSE(coming);
  worker().makes_room = true;
  messaging().demand({8, "v1", 256}, [&](bool answer) { coming = answer; });
  settle();
  EXPECT_TRUE(coming);
  ASSERT_EQ(worker().demands.size(), 2U);
  EXPECT_EQ(worker().demands[1], (Demand{worker().demands[1].id, "v1", 256}));
  messaging().withdraw_demand(8);
  settle();
  EXPECT_EQ(worker().withdrawn, std::vector<std::uint64_t>{worker().demands[1].id});
}

TEST_P(MessagingConformance, EachAnnouncementWakes) {
  std::vector<std::string> woken;
  messaging().on_announced([&](const model::VersionId& version) { woken.push_back(version); });
  messaging().announce_warm("v1", allocation("a"));
  settle();
  messaging().announce_cold(allocation("c"));
  settle();
  EXPECT_EQ(woken, (std::vector<std::string>{"v1", ""}));
}

INSTANTIATE_TEST_SUITE_P(Adapters, MessagingConformance, testing::ValuesIn(messaging_backends()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace hearth::messaging
