// Three servers that know nothing of each other.
#include <algorithm>
#include <map>

#include "messaging/redis/rendezvous.h"
#include "messaging/redis/testing/redis_fixture.h"

namespace hearth::messaging {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFilledAgain{2'000};

class RedisServersTest : public RedisTest {
 protected:
  RedisServersTest() {
    for (int i = 0; i < 3; ++i) {
      servers_.push_back(std::make_unique<RedisProcess>());
    }
  }

  std::vector<std::size_t> order_of(const std::string& key) const {
    std::vector<std::string> names;
    for (const auto& server : servers_) {
      names.push_back(without_secret(server->url()));
    }
    return rendezvous_order(names, key);
  }
  // A version, or an instance, whose server this is.
  std::string kept_by(std::size_t server, const std::string& prefix = "v") const {
    for (int i = 0;; ++i) {
      std::string key = prefix + std::to_string(i);
      if (order_of(key).front() == server) {
        return key;
      }
    }
  }
};

TEST_F(RedisServersTest, EachVersionIsOnItsServerOnly) {
  PlayedProcess& process = join("p");
  for (std::size_t i = 0; i < 3; ++i) {
    process.messaging.announce_warm(kept_by(i), allocation("i" + std::to_string(i)));
  }
  settle(process);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t other = 0; other < 3; ++other) {
      EXPECT_EQ(servers_[other]->ask("LLEN hearth:warm:" + kept_by(i)).starts_with(":1"), other == i);
    }
  }
}

TEST_F(RedisServersTest, ColdMemoryIsFoundOnEveryServer) {
  PlayedProcess& process = join("p");
  for (std::size_t i = 0; i < 3; ++i) {
    process.messaging.announce_cold(allocation(kept_by(i, "c")));
  }
  settle(process);
  std::vector<std::string> taken(3);
  for (std::string& each : taken) {
    each = take(process, kept_by(0), 128);
  }
  std::vector<std::string> expected;
  for (const std::size_t server : order_of(kept_by(0))) {
    expected.push_back(kept_by(server, "c"));
  }
  EXPECT_EQ(taken, expected) << "in the version's order";
  EXPECT_EQ(take(process, kept_by(0), 128), "");
}

TEST_F(RedisServersTest, ColdMemoryOfLongAgoIsFoundByWhoLooksEverywhere) {
  PlayedProcess& process = join("p");
  process.messaging.announce_cold(allocation(kept_by(1, "c"), 1, 128));
  EXPECT_TRUE(run_until([&] { return !process.woken.empty(); }));
  EXPECT_EQ(take(process, kept_by(0), 1024), "") << "it is too small, and no longer near";
  EXPECT_EQ(take(process, kept_by(0), 128, Reach::kHere), "");
  EXPECT_EQ(take(process, kept_by(0), 128), kept_by(1, "c"));
}

// A caller that waits looks here only, when it is woken.
TEST_F(RedisServersTest, ColdMemoryThatWasJustAnnouncedIsNear) {
  PlayedProcess& process = join("p");
  EXPECT_EQ(take(process, kept_by(0), 128), "");
  process.messaging.announce_cold(allocation(kept_by(1, "c")));
  EXPECT_TRUE(run_until([&] { return !process.woken.empty(); }));
  EXPECT_EQ(take(process, kept_by(0), kWarmOnly, Reach::kHere), "");
  EXPECT_EQ(take(process, kept_by(0), 128, Reach::kHere), kept_by(1, "c"));
}

TEST_F(RedisServersTest, ADemandIsHeardOnceHoweverManyServersBringIt) {
  PlayedProcess& asker = join("asker", /*works=*/false);
  PlayedProcess& maker = join("maker");
  maker.worker.makes_room = true;
  std::optional<bool> coming;
  asker.messaging.demand({1, "v", 128}, [&](bool answer) { coming = answer; });
  EXPECT_TRUE(run_until([&] { return coming.has_value(); }));
  EXPECT_EQ(coming, true);
  asker.messaging.withdraw_demand(1);
  settle(asker);
  run_for(milliseconds(100));
  EXPECT_EQ(maker.worker.demands.size(), 1U);
  EXPECT_EQ(maker.worker.withdrawn.size(), 1U);
}

TEST_F(RedisServersTest, LosingOneTouchesOnlyItsVersions) {
  PlayedProcess& worker = join("worker");
  PlayedProcess& gateway = join("gateway", /*works=*/false);
  // Forty idle instances, and what the worker says of them.
  std::map<std::string, std::string> idle;
  for (int i = 0; i < 40; ++i) {
    idle["v" + std::to_string(i)] = "i" + std::to_string(i);
  }
  const auto announce = [&] {
    for (const auto& [version, instance] : idle) {
      worker.messaging.announce_warm(version, allocation(instance));
    }
  };
  announce();
  settle(worker);
  worker.worker.asked_again = 0;

  servers_[1]->kill();
  ASSERT_TRUE(run_until([&] { return gateway.messaging.servers_up() == 2; }));
  std::size_t lost = 0;
  for (const auto& [version, instance] : idle) {
    if (order_of(version).front() == 1) {
      ++lost;
    } else {
      EXPECT_EQ(take(gateway, version), instance) << "untouched, before anything is announced again";
    }
  }
  EXPECT_GT(lost, 0U);
  ASSERT_TRUE(run_until([&] { return worker.worker.asked_again > 0; }, kFilledAgain));
  worker.worker.when_asked_again = announce;
  announce();
  settle(worker);
  for (const auto& [version, instance] : idle) {
    EXPECT_EQ(take(gateway, version), instance) << "the lost server's are on the next";
  }

  worker.worker.asked_again = 0;
  servers_[1]->start();
  ASSERT_TRUE(run_until(
      [&] {
        return gateway.messaging.servers_up() == 3 && worker.messaging.servers_up() == 3 &&
               worker.worker.asked_again > 0;
      },
      kFilledAgain));
  settle(worker);
  for (const auto& [version, instance] : idle) {
    EXPECT_EQ(take(gateway, version), instance) << "and back when it is";
  }
}

}  // namespace
}  // namespace hearth::messaging
