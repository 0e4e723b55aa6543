// A server that forgets, ends, stops or is not there.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "messaging/redis/testing/redis_fixture.h"

namespace hearth::messaging {
namespace {

using std::chrono::milliseconds;

// Within so long everything has been announced again.
constexpr milliseconds kFilledAgain{2'000};

class RedisFaultsTest : public RedisTest {
 protected:
  RedisFaultsTest() { servers_.push_back(std::make_unique<RedisProcess>()); }
  RedisProcess& server() { return *servers_.front(); }

  // A process whose worker has one idle instance.
  PlayedProcess& join_idle(const std::string& name) {
    PlayedProcess& process = join(name);
    process.worker.when_asked_again = [&process, name] {
      process.messaging.announce_warm("v-" + name, allocation("i-" + name));
    };
    process.worker.when_asked_again();
    process.worker.asked_again = 0;
    return process;
  }
};

TEST_F(RedisFaultsTest, WithoutAServerEveryAnswerComesInsideTheCall) {
  const RedisUrl nobody = server().url();
  server().kill();
  processes_.push_back(
      std::make_unique<PlayedProcess>(std::vector<RedisUrl>{nobody}, "p", reactor_, pool_, random_));
  PlayedProcess& process = *processes_.back();
  run_for(milliseconds(20));
  int answers = 0;
  process.messaging.take("v", 128, Reach::kEverywhere, [&](const std::optional<Taken>& taken) {
    ++answers;
    EXPECT_FALSE(taken);
  });
  process.messaging.demand({1, "v", 128}, [&](bool coming) {
    ++answers;
    EXPECT_FALSE(coming);
  });
  EXPECT_EQ(answers, 2);
  process.messaging.announce_warm("v", allocation("a"));
  process.messaging.announce_cold(allocation("c"));
  process.messaging.withdraw("v", "a");
  process.messaging.withdraw_demand(1);
  process.messaging.drop_version("v");
  EXPECT_EQ(process.worker.dropped.size(), 1U);
  EXPECT_EQ(process.worker.asked_again, 0);
}

TEST_F(RedisFaultsTest, AQuietServerAsksForNothing) {
  PlayedProcess& process = join_idle("p");
  join_idle("q");
  process.worker.asked_again = 0;
  run_for(milliseconds(1'200));
  EXPECT_EQ(process.worker.asked_again, 0);
}

TEST_F(RedisFaultsTest, AfterFlushAllEveryProcessAnnouncesAgain) {
  PlayedProcess& first = join_idle("first");
  PlayedProcess& second = join_idle("second");
  settle(first);
  settle(second);
  server().ask("FLUSHALL");
  EXPECT_EQ(take(first, "v-second"), "");
  EXPECT_TRUE(
      run_until([&] { return first.worker.asked_again > 0 && second.worker.asked_again > 0; }, kFilledAgain));
  settle(first);
  settle(second);
  EXPECT_EQ(take(first, "v-second"), "i-second");
  EXPECT_EQ(take(second, "v-first"), "i-first");
}

TEST_F(RedisFaultsTest, AfterARestartEveryProcessAnnouncesAgain) {
  PlayedProcess& first = join_idle("first");
  PlayedProcess& second = join_idle("second");
  server().kill();
  EXPECT_TRUE(run_until([&] { return first.messaging.servers_up() == 0; }));
  EXPECT_EQ(take(first, "v-first"), "");
  run_for(milliseconds(1'500));  // the backoff has grown
  EXPECT_EQ(first.worker.asked_again, 0) << "there is nobody to announce to";
  server().start();
  EXPECT_TRUE(
      run_until([&] { return first.worker.asked_again > 0 && second.worker.asked_again > 0; }, kFilledAgain));
  settle(first);
  settle(second);
  EXPECT_EQ(take(first, "v-second"), "i-second");
}

TEST_F(RedisFaultsTest, AStoppedServerCostsOneDeadlineAndIsLeftOut) {
  PlayedProcess& process = join_idle("p");
  settle(process);
  server().freeze();
  auto began = base::Clock::now();
  EXPECT_EQ(take(process, "v-p"), "");
  EXPECT_LT(base::Clock::now() - began, kCommandDeadline + milliseconds(200));
  began = base::Clock::now();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(take(process, "v-p"), "");
  }
  EXPECT_LT(base::Clock::now() - began, milliseconds(100));
  process.worker.asked_again = 0;
  server().thaw();
  EXPECT_TRUE(run_until([&] { return process.worker.asked_again > 0; }, kFilledAgain));
  EXPECT_EQ(take(process, "v-p"), "i-p");
}

// Redis pops the entry when it goes on, for somebody who no longer listens.
TEST_F(RedisFaultsTest, WhatWasTakenAndNeverArrivedIsAnnouncedAgainByItsOwner) {
  PlayedProcess& owner = join_idle("owner");
  settle(owner);
  PlayedProcess& taker = join("taker", /*works=*/false);
  run_for(milliseconds(600));  // both have seen the epoch
  owner.worker.asked_again = 0;
  bool answered = false;
  server().freeze();
  taker.messaging.take("v-owner", kWarmOnly, Reach::kHere, [&](const std::optional<Taken>& taken) {
    answered = true;
    EXPECT_FALSE(taken);
  });
  reactor_.poll();  // it is on its way
  EXPECT_TRUE(run_until([&] { return answered; }));
  server().thaw();
  EXPECT_TRUE(run_until([&] { return owner.worker.asked_again > 0 && taker.messaging.servers_up() == 1; },
                        kFilledAgain));
  EXPECT_TRUE(run_until([&] { return take(taker, "v-owner") == "i-owner"; }, kFilledAgain));
}

TEST_F(RedisFaultsTest, AnEpochThatAnotherProcessChangedIsSeen) {
  PlayedProcess& process = join_idle("p");
  settle(process);
  server().ask("SET hearth:epoch another");
  EXPECT_TRUE(run_until([&] { return process.worker.asked_again > 0; }, kFilledAgain));
}

TEST_F(RedisFaultsTest, ASubscriptionThatIsLostIsMadeAnew) {
  PlayedProcess& process = join("p");
  PlayedProcess& other = join("other");
  server().ask("CLIENT KILL TYPE pubsub");
  EXPECT_TRUE(run_until([&] { return process.messaging.servers_up() == 0; }));
  EXPECT_TRUE(
      run_until([&] { return process.messaging.servers_up() == 1 && other.messaging.servers_up() == 1; },
                kFilledAgain));
  process.woken.clear();
  other.messaging.announce_warm("v", allocation("a"));
  EXPECT_TRUE(run_until([&] { return process.woken == std::vector<model::VersionId>{"v"}; }));
}

// Our first connection to this port from now on brings nothing, and says so to nobody.
void deafen_first(std::uint16_t port) {
  for (int fd = 0; fd < 1'024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && ntohs(peer.sin_port) == port) {
      std::array<int, 2> silent{};
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, silent.data()), 0);
      ::dup2(silent[0], fd);
      ::close(silent[0]);  // the other end stays open, so that there is no end to be read
      return;
    }
  }
  FAIL() << "no connection to port " << port;
}

TEST_F(RedisFaultsTest, ASubscriptionThatBringsNothingIsFoundOutAndMadeAnew) {
  PlayedProcess& process = join("p");
  deafen_first(server().url().port);
  EXPECT_TRUE(run_until([&] { return process.messaging.servers_up() == 0; }, kFilledAgain));
  EXPECT_TRUE(run_until([&] { return process.messaging.servers_up() == 1; }, kFilledAgain));
  process.woken.clear();
  process.messaging.announce_warm("v", allocation("a"));
  EXPECT_TRUE(run_until([&] { return process.woken == std::vector<model::VersionId>{"v"}; }));
}

// The server has lost nothing; what was sent on the connection may not have arrived.
TEST_F(RedisFaultsTest, AfterALostConnectionTheProcessAnnouncesAgain) {
  PlayedProcess& process = join_idle("p");
  settle(process);
  server().ask("CLIENT KILL TYPE normal");
  EXPECT_TRUE(run_until([&] { return process.worker.asked_again > 0; }, kFilledAgain));
}

TEST_F(RedisFaultsTest, WhatWasAnnouncedWhileNobodyListenedWakesAfterwards) {
  PlayedProcess& process = join("p", /*works=*/false);
  process.messaging.demand({1, "v", 128}, [](bool) {});
  settle(process);
  server().ask("CLIENT KILL TYPE pubsub");
  process.woken.clear();
  EXPECT_TRUE(run_until(
      [&] {
        return testing::Value(process.woken, testing::IsSupersetOf({"v", ""}));
      },
      kFilledAgain));
}

TEST_F(RedisFaultsTest, AnAnnouncementThatRedisRefusesIsMadeAgain) {
  PlayedProcess& process = join_idle("p");
  settle(process);
  server().ask("SET hearth:warm:w text");  // no list: an error
  process.messaging.announce_warm("w", allocation("a"));
  settle(process);
  process.worker.asked_again = 0;
  EXPECT_TRUE(run_until([&] { return process.worker.asked_again > 0; }, kFilledAgain));
}

}  // namespace
}  // namespace hearth::messaging
