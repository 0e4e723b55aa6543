// What every messaging layer promises; run against each adapter there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/manual_event_loop.h"
#include "messaging/crossloop/crossloop_messaging.h"
#include "messaging/inproc/inproc_messaging.h"

namespace hearth::messaging {
namespace {

class RecordingWorker final : public WorkerSubscriber {
 public:
  bool on_demand(const Demand& demand) override {
    demands.push_back(demand);
    return makes_room;
  }
  void on_demand_withdrawn(std::uint64_t id) override { withdrawn.push_back(id); }
  void on_version_dropped(const model::VersionId& version) override { dropped.push_back(version); }

  bool makes_room = false;
  std::vector<Demand> demands;
  std::vector<std::uint64_t> withdrawn;
  std::vector<model::VersionId> dropped;
};

struct Subject {
  std::shared_ptr<Messaging> messaging;
  std::unique_ptr<RecordingWorker> worker = std::make_unique<RecordingWorker>();
};

using MakeSubject = std::function<Subject()>;

Subject make_inproc() {
  Subject subject;
  auto inproc = std::make_shared<InprocMessaging>();
  inproc->subscribe(*subject.worker);
  subject.messaging = std::move(inproc);
  return subject;
}

// Alone: with nobody to ask it is what it decorates.
Subject make_crossloop() {
  struct Alone {
    base::ManualEventLoop loop;
    InprocMessaging local;
    CrossLoopMessaging messaging{local, loop};
  };
  Subject subject;
  const auto alone = std::make_shared<Alone>();
  alone->local.subscribe(*subject.worker);
  subject.messaging = {alone, &alone->messaging};
  return subject;
}

class MessagingConformance : public testing::TestWithParam<std::pair<const char*, MakeSubject>> {
 protected:
  void SetUp() override { subject_ = GetParam().second(); }

  static model::Allocation allocation(const std::string& instance, std::uint64_t epoch = 1,
                                      std::uint32_t memory = 1024) {
    return {"inproc:", instance, 0, epoch, memory};
  }
  std::string take(const std::string& version, std::uint32_t memory = 128) {
    std::string taken = "nothing";
    messaging().take(version, memory, Reach::kEverywhere, [&](std::optional<Taken> entry) {
      if (entry) {
        taken = (entry->source == Source::kWarm ? "warm " : "cold ") + entry->allocation.instance;
      }
    });
    return taken;
  }
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
  EXPECT_THAT(worker().dropped, testing::Eq(std::vector<model::VersionId>{"v1"}));
}

TEST_P(MessagingConformance, DemandReachesTheWorkerAndItsAnswerTheAsker) {
  bool coming = true;
  messaging().demand({7, "v1", 256}, [&](bool answer) { coming = answer; });
  EXPECT_FALSE(coming);
  worker().makes_room = true;
  messaging().demand({8, "v1", 256}, [&](bool answer) { coming = answer; });
  EXPECT_TRUE(coming);
  EXPECT_EQ(worker().demands.size(), 2U);
  messaging().withdraw_demand(8);
  EXPECT_EQ(worker().withdrawn, std::vector<std::uint64_t>{8});
}

TEST_P(MessagingConformance, EachAnnouncementWakes) {
  std::vector<std::string> woken;
  messaging().on_announced([&](const model::VersionId& version) { woken.push_back(version); });
  messaging().announce_warm("v1", allocation("a"));
  messaging().announce_cold(allocation("c"));
  EXPECT_EQ(woken, (std::vector<std::string>{"v1", ""}));
}

INSTANTIATE_TEST_SUITE_P(Adapters, MessagingConformance,
                         testing::Values(std::pair<const char*, MakeSubject>{"inproc", make_inproc},
                                         std::pair<const char*, MakeSubject>{"crossloop", make_crossloop}),
                         [](const auto& param) { return std::string(param.param.first); });

}  // namespace
}  // namespace hearth::messaging
