// Three loops that ask one another, each turn of each by hand.
#include "messaging/crossloop/crossloop_messaging.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/manual_event_loop.h"
#include "messaging/inproc/inproc_messaging.h"

namespace hearth::messaging {
namespace {

using std::chrono::milliseconds;

// Has memory that is free and not announced, and writes down what it is asked.
class PlayedWorker final : public WorkerSubscriber, public SharingWorker {
 public:
  bool on_demand(const Demand& demand) override {
    demands.push_back(demand);
    return makes_room;
  }
  void on_demand_withdrawn(std::uint64_t id) override {
    std::erase_if(demands, [id](const Demand& demand) { return demand.id == id; });
  }
  void on_version_dropped(const model::VersionId& version) override { dropped.push_back(version); }
  void on_announce_again() override {}
  bool offer(std::uint32_t memory_mb) override {
    if (free_mb < memory_mb) {
      return false;
    }
    free_mb -= memory_mb;
    announce("offered", memory_mb);
    return true;
  }
  bool give_up(std::uint32_t memory_mb) override {
    const bool enough = free_mb >= memory_mb;
    free_mb -= enough ? memory_mb : 0;
    return enough;
  }
  void make_room(std::uint32_t memory_mb) override { made_room.push_back(memory_mb); }
  void take_over(std::uint32_t memory_mb) override { free_mb += memory_mb; }
  std::optional<model::Allocation> lend(const model::VersionId& version) override {
    std::optional<model::Allocation> lent;
    stack->take(version, kWarmOnly, Reach::kHere, [&lent](std::optional<Taken> taken) {
      lent = taken ? std::optional(taken->allocation) : std::nullopt;
    });
    return lent;
  }
  bool on_distant_demand(const Demand& demand, Give distant) override {
    demands.push_back(demand);
    give = std::move(distant);
    return makes_room;
  }

  Messaging* stack = nullptr;
  std::function<void(const std::string&, std::uint32_t)> announce;  // something cold
  std::uint32_t free_mb = 0;
  bool makes_room = false;
  std::vector<Demand> demands;
  Give give;
  std::vector<model::VersionId> dropped;
  std::vector<std::uint32_t> made_room;
};

struct Side {
  explicit Side(std::size_t number) : index(number) {
    local.subscribe(worker);
    worker.stack = &local;
    worker.announce = [this](const std::string& instance, std::uint32_t mb) { cold(instance, mb); };
  }

  std::size_t index;
  base::ManualEventLoop loop;
  InprocMessaging local;
  PlayedWorker worker;
  CrossLoopMessaging messaging{local, loop};

  model::Allocation allocation(const std::string& instance, std::uint32_t memory_mb = 1024) const {
    return {"inproc:" + std::to_string(index), instance, 0, 1, memory_mb};
  }
  void warm(const std::string& instance) { messaging.announce_warm("v", allocation(instance)); }
  void cold(const std::string& instance, std::uint32_t memory_mb = 1024) {
    messaging.announce_cold(allocation(instance, memory_mb));
  }
};

class CrossLoopMessagingTest : public testing::Test {
 protected:
  CrossLoopMessagingTest() {
    for (Side* side : all()) {
      std::vector<CrossLoopMessaging*> others;
      for (std::size_t i = 1; i < 3; ++i) {
        others.push_back(&all()[(side->index + i) % 3]->messaging);
      }
      side->messaging.connect(static_cast<std::uint32_t>(side->index), side->worker, std::move(others));
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
  std::string take(std::uint32_t memory_mb = 128, Reach reach = Reach::kEverywhere) {
    taken_.clear();
    a_.messaging.take("v", memory_mb, reach, [this](std::optional<Taken> taken) {
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

TEST_F(CrossLoopMessagingTest, MemoryIsFetchedFromWhoeverHasItFree) {
  c_.worker.free_mb = 256;
  a_.messaging.fetch_memory(256);
  a_.messaging.fetch_memory(256);  // asks already
  run();
  EXPECT_EQ(a_.worker.free_mb, 256U);
  EXPECT_EQ(c_.worker.free_mb, 0U);
  EXPECT_TRUE(b_.worker.made_room.empty());
}

TEST_F(CrossLoopMessagingTest, WhereNobodyHasMemoryFreeOneAfterTheOtherMakesRoom) {
  a_.messaging.fetch_memory(256);
  run();
  EXPECT_EQ(b_.worker.made_room, std::vector<std::uint32_t>{256});
  EXPECT_TRUE(c_.worker.made_room.empty());
  a_.messaging.fetch_memory(256);
  run();
  EXPECT_EQ(c_.worker.made_room.size(), 1U);
  EXPECT_EQ(a_.worker.free_mb, 0U);
}

TEST_F(CrossLoopMessagingTest, WhatIsWarmHereIsTakenWithoutAMessage) {
  a_.warm("here");
  b_.warm("there");
  EXPECT_EQ(take(), "warm here") << "inside the call";
}

TEST_F(CrossLoopMessagingTest, InTheOrderOfWhatItCosts) {
  a_.cold("cold here");
  a_.worker.free_mb = 128;
  c_.warm("warm at c");
  c_.worker.free_mb = 128;
  EXPECT_EQ(take_and_run(), "warm warm at c");
  a_.loop.advance(milliseconds(200));  // no traffic
  EXPECT_EQ(take_and_run(), "cold cold here");
  EXPECT_EQ(take_and_run(), "cold offered") << "free here, but too little to be announced unasked";
  EXPECT_EQ(c_.worker.free_mb, 128U);
  EXPECT_EQ(take_and_run(), "cold offered") << "from c's memory";
  EXPECT_EQ(c_.worker.free_mb, 0U);
  EXPECT_EQ(take_and_run(), "none");
}

TEST_F(CrossLoopMessagingTest, AnInstanceIsStartedHereAlways) {
  b_.cold("cold at b");
  EXPECT_EQ(take_and_run(), "none") << "b's worker did not give it up";
}

TEST_F(CrossLoopMessagingTest, AVersionWithTrafficIsStartedHere) {
  a_.cold("cold here");
  a_.worker.free_mb = 128;
  b_.warm("one");
  b_.warm("two");
  EXPECT_EQ(take_and_run(), "warm two");
  a_.loop.advance(milliseconds(199));
  EXPECT_EQ(take(), "cold cold here") << "inside the call";
  EXPECT_EQ(take(), "cold offered");
  EXPECT_EQ(take_and_run(), "warm one") << "nothing is free here any more";
}

TEST_F(CrossLoopMessagingTest, WithinTheReachOfThisLoopNobodyElseIsAsked) {
  b_.warm("there");
  b_.worker.free_mb = 128;
  EXPECT_EQ(take(kWarmOnly, Reach::kHere), "none") << "inside the call";
  EXPECT_EQ(take(128, Reach::kHere), "none");
  run();
  EXPECT_EQ(take_and_run(), "warm there") << "it is there still";
}

TEST_F(CrossLoopMessagingTest, WarmOnlyIsSoughtEverywhereAndMemoryNowhere) {
  b_.worker.free_mb = 128;
  EXPECT_EQ(take_and_run(kWarmOnly), "none");
  EXPECT_EQ(b_.worker.free_mb, 128U);
  b_.warm("there");
  EXPECT_EQ(take_and_run(kWarmOnly), "warm there");
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
  c_.worker.makes_room = true;
  demand(7);
  EXPECT_TRUE(answers_.empty());
  run();
  EXPECT_EQ(answers_, std::vector<bool>{true});
  EXPECT_EQ(a_.worker.demands.size(), 1U);
  EXPECT_TRUE(b_.worker.demands.empty()) << "it said no, and would hold back what it has";
  ASSERT_EQ(c_.worker.demands.size(), 1U);
  EXPECT_NE(c_.worker.demands[0].id, 7U) << "another's call may have that number";
  a_.messaging.withdraw_demand(7);
  run();
  EXPECT_TRUE(a_.worker.demands.empty());
  EXPECT_TRUE(c_.worker.demands.empty());
}

TEST_F(CrossLoopDemandTest, OwnRoomIsEnough) {
  a_.worker.makes_room = true;
  demand(7);
  EXPECT_EQ(answers_, std::vector<bool>{true});
  run();
  EXPECT_TRUE(b_.worker.demands.empty());
}

TEST_F(CrossLoopDemandTest, APromiseThatIsNotKeptIsNotTheLast) {
  a_.worker.makes_room = true;
  c_.worker.makes_room = true;
  demand(7);
  a_.loop.advance(milliseconds(20));
  run();
  EXPECT_TRUE(b_.worker.demands.empty()) << "it said no, and room is promised";
  a_.loop.advance(milliseconds(40));
  run();
  EXPECT_EQ(c_.worker.demands.size(), 1U);
  b_.worker.makes_room = true;
  a_.loop.advance(milliseconds(80));
  run();
  EXPECT_EQ(b_.worker.demands.size(), 1U) << "it was asked again";
  EXPECT_EQ(c_.worker.demands.size(), 1U);
  EXPECT_EQ(a_.loop.pending_timers(), 0U) << "all know of it now";
  EXPECT_EQ(answers_, std::vector<bool>{true}) << "told once";
  a_.messaging.withdraw_demand(7);
  run();
  EXPECT_TRUE(b_.worker.demands.empty());
  EXPECT_TRUE(c_.worker.demands.empty());
}

TEST_F(CrossLoopDemandTest, NobodyIsAskedForAWithdrawnDemand) {
  a_.worker.makes_room = true;
  demand(7);
  a_.messaging.withdraw_demand(7);
  EXPECT_EQ(a_.loop.pending_timers(), 0U);
}

TEST_F(CrossLoopDemandTest, WhenNobodyMakesRoomAllKeepItUntilItIsWithdrawn) {
  demand(7);
  run();
  EXPECT_EQ(answers_, std::vector<bool>{false});
  EXPECT_EQ(b_.worker.demands.size(), 1U) << "what becomes free there will do as well";
  EXPECT_EQ(c_.worker.demands.size(), 1U);
  a_.messaging.withdraw_demand(7);
  run();
  EXPECT_TRUE(b_.worker.demands.empty());
  EXPECT_TRUE(c_.worker.demands.empty());
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

TEST_F(CrossLoopDemandTest, NorIsItTakenForTheNextDemandOfThatName) {
  b_.worker.makes_room = true;
  demand(7);
  b_.loop.run_posted();  // its yes is on the way
  a_.messaging.withdraw_demand(7);
  b_.worker.makes_room = false;
  demand(7);
  run();
  EXPECT_EQ(answers_, std::vector<bool>{false});
}

TEST_F(CrossLoopDemandTest, TwoLoopsDemandsHaveNamesOfTheirOwn) {
  demand(7);
  b_.messaging.demand({7, "v", 256}, [](bool) {});
  run();
  ASSERT_EQ(c_.worker.demands.size(), 2U);
  EXPECT_NE(c_.worker.demands[0].id, c_.worker.demands[1].id);
  a_.messaging.withdraw_demand(7);
  run();
  EXPECT_EQ(c_.worker.demands.size(), 1U);
}

TEST_F(CrossLoopDemandTest, MemoryThatIsGivenUpMovesHere) {
  b_.worker.makes_room = true;
  demand(7);
  run();
  b_.worker.give(std::nullopt);
  EXPECT_EQ(a_.worker.free_mb, 0U) << "told on the wrong loop";
  run();
  EXPECT_EQ(a_.worker.free_mb, 256U);
}

TEST_F(CrossLoopDemandTest, WhoStillWaitsWhenItsMemoryCameAsksAgain) {
  b_.worker.makes_room = true;
  demand(7);
  run();
  b_.worker.demands.clear();
  b_.worker.give(std::nullopt);  // but an older caller has it
  run();
  for (int i = 0; i < 3; ++i) {
    a_.loop.advance(milliseconds(160));
    run();
  }
  EXPECT_EQ(b_.worker.demands.size(), 1U);
  EXPECT_EQ(answers_, std::vector<bool>{true});
}

TEST_F(CrossLoopDemandTest, AnInstanceThatIsHandedOverIsUsedHere) {
  std::vector<std::string> used;
  a_.messaging.on_handed_over([&](const model::VersionId& version, const model::Allocation& instance) {
    used.push_back(version + " " + instance.instance);
  });
  b_.worker.makes_room = true;
  demand(7);
  run();
  b_.worker.give(b_.allocation("idle"));
  EXPECT_TRUE(used.empty()) << "told on the wrong loop";
  run();
  EXPECT_EQ(used, std::vector<std::string>{"v idle"});
  EXPECT_EQ(a_.worker.free_mb, 0U);
  a_.cold("cold here");
  EXPECT_EQ(take(), "cold cold here") << "it has traffic here now";
}

}  // namespace
}  // namespace hearth::messaging
