// Redis servers and the messagings of several processes on one loop.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/random.h"
#include "base/reactor.h"
#include "messaging/redis/redis_messaging.h"
#include "messaging/redis/testing/redis_process.h"
#include "messaging/testing/conformance.h"

namespace hearth::messaging {

// Generous where something has to come; nothing waits so long.
inline constexpr std::chrono::seconds kPatience{10};

template <typename Condition>
bool run_until(base::Reactor& reactor, Condition condition, std::chrono::milliseconds most = kPatience) {
  const auto until = base::Clock::now() + most;
  bool met = condition();
  while (!met && base::Clock::now() < until) {
    reactor.run_one_until(until);
    met = condition();
  }
  return met;
}

// One process of the platform: its messaging, and its worker.
struct PlayedProcess {
  PlayedProcess(const std::vector<RedisUrl>& servers, const std::string& name, base::Reactor& reactor,
                base::BlockingPool& pool, base::Random& random, bool works = true)
      : messaging({servers, name}, reactor, pool, random) {
    if (works) {
      messaging.subscribe(worker);
    }
    messaging.on_announced([this](const model::VersionId& version) { woken.push_back(version); });
    messaging.open();
  }

  RecordingWorker worker;
  RedisMessaging messaging;
  std::vector<model::VersionId> woken;
};

class RedisTest : public testing::Test {
 protected:
  template <typename Condition>
  bool run_until(Condition condition, std::chrono::milliseconds most = kPatience) {
    return messaging::run_until(reactor_, condition, most);
  }
  // Lets the loop run, whatever happens.
  void run_for(std::chrono::milliseconds time) {
    run_until([] { return false; }, time);
  }

  // Another process on the servers that there are, once it reaches all of them and has been asked to
  // announce.
  PlayedProcess& join(const std::string& name, bool works = true) {
    std::vector<RedisUrl> urls;
    for (const auto& server : servers_) {
      urls.push_back(server->url());
    }
    processes_.push_back(std::make_unique<PlayedProcess>(urls, name, reactor_, pool_, random_, works));
    PlayedProcess& process = *processes_.back();
    EXPECT_TRUE(run_until([&] {
      return process.messaging.servers_up() == urls.size() && (!works || process.worker.asked_again > 0);
    }));
    // The last of the servers may ask a moment later.
    settle(process);
    process.woken.clear();
    return process;
  }

  // All that was sent before has been answered, by every server.
  void settle(PlayedProcess& process) {
    bool answered = false;
    process.messaging.take("settled", UINT32_MAX - 1, Reach::kEverywhere,
                           [&](const std::optional<Taken>&) { answered = true; });
    EXPECT_TRUE(run_until([&] { return answered; }));
  }

  static model::Allocation allocation(const std::string& instance, std::uint64_t epoch = 1,
                                      std::uint32_t memory_mb = 128) {
    return {"http://10.0.0.1:8081", instance, 0, epoch, memory_mb};
  }
  // The instance taken; empty: none.
  std::string take(PlayedProcess& process, const std::string& version, std::uint32_t memory_mb = kWarmOnly,
                   Reach reach = Reach::kEverywhere) {
    std::optional<std::string> taken;
    process.messaging.take(version, memory_mb, reach, [&](std::optional<Taken> entry) {
      taken = entry ? entry->allocation.instance : std::string();
    });
    EXPECT_TRUE(run_until([&] { return taken.has_value(); }));
    return taken.value_or("no answer");
  }

  base::Reactor reactor_;
  base::BlockingPool pool_{1, 16};
  base::SystemRandom random_;
  std::vector<std::unique_ptr<RedisProcess>> servers_;
  std::vector<std::unique_ptr<PlayedProcess>> processes_;
};

}  // namespace hearth::messaging
