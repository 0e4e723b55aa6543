// Several processes on one server.
#include "messaging/redis/testing/redis_fixture.h"

namespace hearth::messaging {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

class RedisMessagingTest : public RedisTest {
 protected:
  RedisMessagingTest() { servers_.push_back(std::make_unique<RedisProcess>()); }
  const RedisProcess& server() const { return *servers_.front(); }

  // The asker's answer; nothing: none came in time.
  std::optional<bool> demand(PlayedProcess& asker, const Demand& demand) {
    std::optional<bool> answer;
    asker.messaging.demand(demand, [&](bool coming) { answer = coming; });
    run_until([&] { return answer.has_value(); }, milliseconds(1'000));
    return answer;
  }
};

TEST_F(RedisMessagingTest, WhatOneAnnouncesTheOtherTakesExactlyOnce) {
  PlayedProcess& worker = join("worker");
  PlayedProcess& gateway = join("gateway", /*works=*/false);
  constexpr int kEntries = 200;
  for (int i = 0; i < kEntries; ++i) {
    worker.messaging.announce_warm("v", allocation("i" + std::to_string(i)));
  }
  settle(worker);
  std::vector<std::string> taken;
  int answers = 0;
  for (int i = 0; i < kEntries + 10; ++i) {
    PlayedProcess& taker = i % 2 == 0 ? worker : gateway;
    taker.messaging.take("v", kWarmOnly, Reach::kHere, [&](std::optional<Taken> entry) {
      ++answers;
      if (entry) {
        taken.push_back(entry->allocation.instance);
      }
    });
  }
  EXPECT_TRUE(run_until([&] { return answers == kEntries + 10; }));
  EXPECT_EQ(taken.size(), static_cast<std::size_t>(kEntries));
  std::ranges::sort(taken);
  EXPECT_EQ(std::ranges::adjacent_find(taken), taken.end()) << "one was taken twice";
}

TEST_F(RedisMessagingTest, AnAnnouncementReplacesTheOlderOfItsInstanceAndSlot) {
  PlayedProcess& process = join("p");
  process.messaging.announce_warm("v", allocation("a", 1));
  process.messaging.announce_warm("v", allocation("b", 1));
  process.messaging.announce_warm("v", allocation("a", 2));
  model::Allocation other_slot = allocation("a", 1);
  other_slot.slot = 1;
  process.messaging.announce_warm("v", other_slot);
  process.messaging.announce_cold(allocation("c", 1));
  process.messaging.announce_cold(allocation("c", 1));
  EXPECT_EQ(take(process, "v"), "a");
  std::optional<Taken> second;
  process.messaging.take("v", kWarmOnly, Reach::kHere, [&](std::optional<Taken> entry) { second = entry; });
  EXPECT_TRUE(run_until([&] { return second.has_value(); }));
  EXPECT_EQ(second->allocation, allocation("a", 2));
  EXPECT_EQ(take(process, "v"), "b");
  EXPECT_EQ(take(process, "v", 128), "c");
  EXPECT_EQ(take(process, "v", 128), "") << "nothing stood there twice";
}

TEST_F(RedisMessagingTest, WithdrawingTakesAllSlotsOfTheInstanceAndNoOther) {
  PlayedProcess& process = join("p");
  model::Allocation second_slot = allocation("a");
  second_slot.slot = 1;
  process.messaging.announce_warm("v", allocation("a"));
  process.messaging.announce_warm("v", second_slot);
  process.messaging.announce_warm("v", allocation("ab"));
  process.messaging.withdraw("v", "a");
  EXPECT_EQ(take(process, "v"), "ab");
  EXPECT_EQ(take(process, "v"), "");
}

TEST_F(RedisMessagingTest, AColdEntryIsFoundBehindManyThatAreTooSmall) {
  PlayedProcess& process = join("p");
  for (int i = 0; i < 250; ++i) {
    process.messaging.announce_cold(allocation("small" + std::to_string(i), 1, 128));
  }
  process.messaging.announce_cold(allocation("large", 1, 1024));
  EXPECT_EQ(take(process, "v", 1024), "large");
  EXPECT_EQ(take(process, "v", 1024), "");
  EXPECT_EQ(take(process, "v", 128), "small0");
}

TEST_F(RedisMessagingTest, AnnouncementsWakeEveryProcess) {
  PlayedProcess& first = join("first");
  PlayedProcess& second = join("second", /*works=*/false);
  first.woken.clear();
  first.messaging.announce_warm("v", allocation("a"));
  first.messaging.announce_cold(allocation("c"));
  for (PlayedProcess* process : {&first, &second}) {
    EXPECT_TRUE(run_until([&] { return process->woken.size() == 2; }));
    EXPECT_THAT(process->woken, ElementsAre("v", ""));
  }
}

TEST_F(RedisMessagingTest, ADemandIsAnsweredByTheWorkerThatMakesRoomWhicheverProcessItIsIn) {
  PlayedProcess& asker = join("asker");
  PlayedProcess& idle = join("idle");
  PlayedProcess& maker = join("maker");
  maker.worker.makes_room = true;
  EXPECT_EQ(demand(asker, {5, "v", 256}), true);
  EXPECT_TRUE(run_until([&] { return idle.worker.demands.size() == 1; }));
  ASSERT_EQ(maker.worker.demands.size(), 1U);
  EXPECT_EQ(maker.worker.demands[0].version, "v");
  EXPECT_EQ(maker.worker.demands[0].memory_mb, 256U);
  asker.messaging.withdraw_demand(5);
  for (PlayedProcess* process : {&asker, &idle, &maker}) {
    EXPECT_TRUE(run_until([&] { return process->worker.withdrawn.size() == 1; }));
    EXPECT_THAT(process->worker.withdrawn, ElementsAre(process->worker.demands[0].id));
  }
}

// Each would take an instance away from another function, for one caller.
TEST_F(RedisMessagingTest, OfThoseWhoCouldMakeRoomOneDoes) {
  PlayedProcess& asker = join("asker", /*works=*/false);
  std::vector<PlayedProcess*> makers = {&join("one"), &join("two"), &join("three")};
  for (PlayedProcess* maker : makers) {
    maker->worker.makes_room = true;
  }
  EXPECT_EQ(demand(asker, {5, "v", 256}), true);
  const auto still_asked = [&] {
    return std::ranges::count_if(makers, [](const PlayedProcess* maker) {
      return maker->worker.demands.size() == 1 && maker->worker.withdrawn.empty();
    });
  };
  EXPECT_TRUE(run_until([&] { return still_asked() == 1; }));
  run_for(2 * kLookEvery);
  EXPECT_EQ(still_asked(), 1) << "the demand is renewed, and not for the others";
  asker.messaging.withdraw_demand(5);
  EXPECT_TRUE(run_until([&] { return still_asked() == 0; }));
}

TEST_F(RedisMessagingTest, DemandsOfTwoAskersWithOneIdAreTwo) {
  PlayedProcess& first = join("first", /*works=*/false);
  PlayedProcess& second = join("second", /*works=*/false);
  PlayedProcess& maker = join("maker");
  maker.worker.makes_room = true;
  EXPECT_EQ(demand(first, {5, "v", 256}), true);
  EXPECT_EQ(demand(second, {5, "w", 256}), true);
  ASSERT_EQ(maker.worker.demands.size(), 2U);
  EXPECT_NE(maker.worker.demands[0].id, maker.worker.demands[1].id);
  second.messaging.withdraw_demand(5);
  EXPECT_TRUE(run_until([&] { return !maker.worker.withdrawn.empty(); }));
  EXPECT_THAT(maker.worker.withdrawn, ElementsAre(maker.worker.demands[1].id));
}

TEST_F(RedisMessagingTest, WhenEveryWorkerHasSaidNoTheAskerNeedNotWait) {
  PlayedProcess& asker = join("asker", /*works=*/false);
  const auto began = base::Clock::now();
  EXPECT_EQ(demand(asker, {1, "v", 256}), false) << "there is no worker";
  join("worker");
  EXPECT_EQ(demand(asker, {2, "v", 256}), false);
  EXPECT_EQ(demand(asker, {3, "v", 256}), false);
  EXPECT_LT(base::Clock::now() - began, kDemandDeadline);
  EXPECT_TRUE(run_until([&] { return processes_.back()->worker.demands.size() == 3; }))
      << "the first still stood when it joined";
}

// Hears demands and never answers.
TEST_F(RedisMessagingTest, ADemandThatNobodyAnswersIsRefusedInTime) {
  PlayedProcess& asker = join("asker", /*works=*/false);
  RedisConnection mute(reactor_, pool_, server().url(), {[] {}, [] {}, [](auto, auto) {}});
  mute.open({"hearth:0:demand"});
  ASSERT_TRUE(run_until([&] { return mute.up(); }));
  const auto began = base::Clock::now();
  EXPECT_EQ(demand(asker, {1, "v", 256}), false);
  EXPECT_GE(base::Clock::now() - began, kDemandDeadline - milliseconds(5));
  EXPECT_LT(base::Clock::now() - began, 2 * kDemandDeadline);
}

TEST_F(RedisMessagingTest, OnceWithdrawnADemandHasNoAnswer) {
  PlayedProcess& asker = join("asker");
  asker.worker.makes_room = true;
  int answers = 0;
  asker.messaging.demand({1, "v", 256}, [&](bool) { ++answers; });
  asker.messaging.withdraw_demand(1);
  run_for(2 * kDemandDeadline);
  EXPECT_EQ(answers, 0);
}

TEST_F(RedisMessagingTest, ADemandWhoseAskerDiedStandsNoLonger) {
  PlayedProcess& maker = join("maker");
  PlayedProcess& asker = join("asker", /*works=*/false);
  maker.worker.makes_room = true;
  ASSERT_EQ(demand(asker, {1, "v", 256}), true);
  run_for(DemandBook::kLife + milliseconds(600));
  EXPECT_TRUE(maker.worker.withdrawn.empty()) << "it is renewed";
  processes_.pop_back();  // without a word
  EXPECT_TRUE(run_until([&] { return maker.worker.withdrawn.size() == 1; }, milliseconds(4'000)));
}

TEST_F(RedisMessagingTest, DroppedVersionsAreHeardByAll) {
  PlayedProcess& first = join("first");
  PlayedProcess& second = join("second");
  first.messaging.announce_warm("v", allocation("a"));
  settle(first);
  second.messaging.drop_version("v");
  for (PlayedProcess* process : {&first, &second}) {
    EXPECT_TRUE(run_until([&] { return !process->worker.dropped.empty(); }));
    EXPECT_THAT(process->worker.dropped, ElementsAre("v"));
  }
  EXPECT_EQ(take(first, "v"), "");
}

// Counted by the server.
TEST_F(RedisMessagingTest, ATakeIsOneRoundTrip) {
  PlayedProcess& process = join("p");
  process.messaging.announce_warm("v", allocation("a"));
  process.messaging.announce_cold(allocation("c"));
  settle(process);
  server().ask("CONFIG RESETSTAT");
  EXPECT_EQ(take(process, "v", 128), "a");
  EXPECT_EQ(take(process, "v", 128), "c");
  EXPECT_EQ(take(process, "v", 128), "");
  const std::string counts = server().ask("INFO commandstats");
  // At most one look falls into that time.
  EXPECT_THAT(counts,
              testing::AnyOf(HasSubstr("cmdstat_evalsha:calls=3,"), HasSubstr("cmdstat_evalsha:calls=4,")));
  EXPECT_THAT(counts, testing::Not(HasSubstr("cmdstat_eval:")));
}

TEST_F(RedisMessagingTest, ScriptsThatRedisForgotAreSentAgain) {
  PlayedProcess& process = join("p");
  server().ask("SCRIPT FLUSH");
  process.messaging.announce_warm("v", allocation("a"));
  process.messaging.announce_warm("v", allocation("b"));
  process.messaging.withdraw("v", "b");
  EXPECT_EQ(take(process, "v"), "a");
}

// Of a worker that is gone nothing stays for ever.
TEST_F(RedisMessagingTest, WhatNobodyAnnouncesAgainIsForgotten) {
  PlayedProcess& process = join("p");
  process.messaging.announce_warm("v", allocation("a"));
  process.messaging.announce_cold(allocation("c"));
  settle(process);
  const std::string life = ":" + std::to_string(kEntryLife.count());
  EXPECT_THAT(server().ask("TTL hearth:warm:v"), testing::StartsWith(life));
  EXPECT_THAT(server().ask("TTL hearth:cold"), testing::StartsWith(life));
  EXPECT_GE(kEntryLife, 3 * kAnnounceAgainEvery);
}

TEST_F(RedisMessagingTest, WhatIsNoneOfOursIsDropped) {
  PlayedProcess& process = join("p");
  server().ask("RPUSH hearth:warm:v nonsense");
  server().ask("RPUSH hearth:cold nonsense");
  EXPECT_EQ(take(process, "v"), "");
  process.messaging.announce_cold(allocation("c"));
  EXPECT_EQ(take(process, "v", 128), "c");
}

// An announcement is for dispatchers: a platform has many workers, and each would be told each.
TEST_F(RedisMessagingTest, AProcessWithWorkersAloneHearsNoAnnouncements) {
  RedisMessaging alone({{server().url()}, "alone"}, reactor_, pool_, random_);
  RecordingWorker worker;
  alone.subscribe(worker);
  alone.open();
  ASSERT_TRUE(run_until([&] { return alone.servers_up() == 1; }));
  EXPECT_THAT(server().ask("PUBSUB NUMSUB hearth:0:announced"), HasSubstr("\r\n:0\r\n"));
  EXPECT_THAT(server().ask("PUBSUB NUMSUB hearth:0:demand"), HasSubstr("\r\n:1\r\n"));
}

}  // namespace
}  // namespace hearth::messaging
