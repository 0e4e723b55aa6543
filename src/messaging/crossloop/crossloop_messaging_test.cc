// Three loops that ask one another, each turn of each by hand.
#include "messaging/crossloop/crossloop_messaging.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "base/manual_event_loop.h"
#include "messaging/inproc/inproc_messaging.h"

namespace hearth::messaging {
namespace {

using std::chrono::milliseconds;

class PlayedWorker final : public WorkerSubscriber {
 public:
  bool on_demand(const Demand& demand) override {
    demands.push_back(demand);
    return makes_room;
  }
  void on_demand_withdrawn(std::uint64_t id) override {
    std::erase_if(demands, [id](const Demand& demand) { return demand.id == id; });
  }
  void on_version_dropped(const model::VersionId& version) override { dropped.push_back(version); }

  bool makes_room = false;
  std::vector<Demand> demands;
  std::vector<model::VersionId> dropped;
};

struct Side {
  explicit Side(std::size_t number) : index(number) { local.subscribe(worker); }

  std::size_t index;
  base::ManualEventLoop loop;
  InprocMessaging local;
  PlayedWorker worker;
  CrossLoopMessaging messaging{local, loop};

  model::Allocation allocation(const std::string& instance, std::uint32_t memory_mb = 1024) const {
    return {"inproc:" + std::to_string(index), instance, 0, 1, memory_mb};
  }
  void warm(const std::string& instance) { messaging.announce_warm("v", allocation(instance)); }
  void cold(const std::string& instance) { messaging.announce_cold(allocation(instance)); }
};

class CrossLoopMessagingTest : public testing::Test {
 protected:
  CrossLoopMessagingTest() {
    for (Side* side : all()) {
      std::vector<CrossLoopMessaging*> others;
      for (std::size_t i = 1; i < 3; ++i) {
        others.push_back(&all()[(side->index + i) % 3]->messaging);
      }
      side->messaging.connect(std::move(others));
    }
  }
  std::array<Side*, 3> all() { return {&a_, &b_, &c_}; }
  // Until nobody has anything left to do.
  void run() {
    for (int turn = 0; turn < 20; ++turn) {
      for (Side* side : all()) {
        side->loop.run_posted();
      }
    }
  }
  // What a call on `a` is given; "" while it is not answered.
  std::string take(std::uint32_t memory_mb = 128) {
    taken_.clear();
    a_.messaging.take("v", memory_mb, [this](std::optional<Taken> taken) {
      EXPECT_TRUE(taken_.empty()) << "answered twice";
      taken_ =
          taken ? (taken->source == Source::kWarm ? "warm " : "cold ") + taken->allocation.instance : "none";
    });
    return taken_;
  }
  std::string take_and_run(std::uint32_t memory_mb = 128) {
    take(memory_mb);
    run();
    return taken_;
  }

  Side a_{0};
  Side b_{1};
  Side c_{2};
  std::string taken_;
};

TEST_F(CrossLoopMessagingTest, WhatIsWarmHereIsTakenWithoutAMessage) {
  a_.warm("here");
  b_.warm("there");
  EXPECT_EQ(take(), "warm here") << "inside the call";
}

TEST_F(CrossLoopMessagingTest, InTheOrderOfWhatItCosts) {
  a_.cold("cold here");
  b_.cold("cold at b");
  c_.warm("warm at c");
  c_.cold("cold at c");
  EXPECT_EQ(take_and_run(), "warm warm at c");
  a_.loop.advance(milliseconds(200));  // no traffic
  EXPECT_EQ(take_and_run(), "cold cold here");
  EXPECT_EQ(take_and_run(), "cold cold at b");
  EXPECT_EQ(take_and_run(), "cold cold at c");
  EXPECT_EQ(take_and_run(), "none");
}

TEST_F(CrossLoopMessagingTest, AVersionWithTrafficIsStartedHere) {
  a_.cold("cold here");
  b_.warm("one");
  b_.warm("two");
  EXPECT_EQ(take_and_run(), "warm two");
  a_.loop.advance(milliseconds(199));
  EXPECT_EQ(take_and_run(), "cold cold here");
  EXPECT_EQ(take_and_run(), "warm one") << "nothing is cold here any more";
}

TEST_F(CrossLoopMessagingTest, ForAShortWaitNobodyElseIsAsked) {
  b_.warm("there");
  EXPECT_EQ(take(kWarmOnly), "none") << "inside the call";
  run();
  EXPECT_EQ(take_and_run(), "warm there") << "it is there still";
}

TEST_F(CrossLoopMessagingTest, WhatComesWhileOthersAreAskedIsFound) {
  EXPECT_EQ(take(), "");
  a_.cold("late");
  run();
  EXPECT_EQ(taken_, "cold late");
}

TEST_F(CrossLoopMessagingTest, DroppingAVersionIsForThisLoopOnly) {
  b_.warm("there");
  a_.messaging.drop_version("v");
  run();
  EXPECT_EQ(a_.worker.dropped, std::vector<model::VersionId>{"v"});
  EXPECT_TRUE(b_.worker.dropped.empty());
}

class CrossLoopDemandTest : public CrossLoopMessagingTest {
 protected:
  void demand(std::uint64_t id) {
    a_.messaging.demand({id, "v", 256}, [this](bool coming) { answers_.push_back(coming); });
  }

  std::vector<bool> answers_;
};

TEST_F(CrossLoopDemandTest, GoesRoundUntilAWorkerMakesRoom) {
  b_.worker.makes_room = false;
  c_.worker.makes_room = true;
  demand(7);
  EXPECT_TRUE(answers_.empty());
  run();
  EXPECT_EQ(answers_, std::vector<bool>{true});
  EXPECT_EQ(a_.worker.demands.size(), 1U);
  ASSERT_EQ(b_.worker.demands.size(), 1U) << "what becomes free there will do as well";
  ASSERT_EQ(c_.worker.demands.size(), 1U);
  EXPECT_NE(c_.worker.demands[0].id, 7U) << "another's call may have that number";
  a_.messaging.withdraw_demand(7);
  run();
  EXPECT_TRUE(a_.worker.demands.empty());
  EXPECT_TRUE(b_.worker.demands.empty());
  EXPECT_TRUE(c_.worker.demands.empty());
}

TEST_F(CrossLoopDemandTest, OwnRoomIsEnough) {
  a_.worker.makes_room = true;
  demand(7);
  EXPECT_EQ(answers_, std::vector<bool>{true});
  run();
  EXPECT_TRUE(b_.worker.demands.empty());
}

TEST_F(CrossLoopDemandTest, SaysSoWhenNobodyMakesRoom) {
  demand(7);
  run();
  EXPECT_EQ(answers_, std::vector<bool>{false});
}

TEST_F(CrossLoopDemandTest, TheAnswerOfAWithdrawnDemandIsNotTold) {
  b_.worker.makes_room = true;
  demand(7);
  a_.messaging.withdraw_demand(7);
  demand(7);
  a_.messaging.withdraw_demand(7);
  run();
  EXPECT_TRUE(answers_.empty());
  EXPECT_TRUE(b_.worker.demands.empty());
}

TEST_F(CrossLoopDemandTest, RoomElsewhereWakesTheAskerAndIsKeptForIt) {
  std::vector<model::VersionId> woken;
  a_.messaging.on_announced([&](const model::VersionId& version) { woken.push_back(version); });
  b_.worker.makes_room = true;
  demand(7);
  run();
  b_.cold("room");
  std::string at_b = "not told";
  b_.messaging.take("other", 128,
                    [&](const std::optional<Taken>& taken) { at_b = taken ? "stolen" : "none"; });
  run();
  EXPECT_EQ(at_b, "none") << "cold memory belongs to those who wait for it";
  ASSERT_EQ(woken, std::vector<model::VersionId>{""});
  EXPECT_EQ(take_and_run(), "cold room");
  a_.messaging.withdraw_demand(7);
  run();
  b_.cold("free again");
  EXPECT_EQ(woken.size(), 1U);
  b_.messaging.take("other", 128,
                    [&](const std::optional<Taken>& taken) { at_b = taken ? "given" : "none"; });
  run();
  EXPECT_EQ(at_b, "given");
}

TEST_F(CrossLoopDemandTest, WhatCameBetweenTheSearchAndTheDemandIsFound) {
  std::vector<model::VersionId> woken;
  a_.messaging.on_announced([&](const model::VersionId& version) { woken.push_back(version); });
  b_.cold("just come");
  demand(7);
  run();
  EXPECT_EQ(answers_, std::vector<bool>{true});
  EXPECT_EQ(woken, std::vector<model::VersionId>{""});
  EXPECT_EQ(take_and_run(), "cold just come");
}

}  // namespace
}  // namespace hearth::messaging
