// What a platform on several hosts goes through, each at random moments under load: a part is killed, frozen
// or emptied.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/fixture.h"

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Parts : public Faults {
 protected:
  static std::int64_t members_seen_by_monitor() {
    return hosts_->get(Hosts::kMonitor, "/health").json().at("members").to_number<std::int64_t>();
  }
};

TEST_F(Parts, AGatewayIsKilled) {
  each_round([&] {
    const std::string killed = one_of(Hosts::gateways());
    hosts_->kill(killed);
    expect_success_within(kRecovery, Clock::now(), {other_gateway(killed)});
    hosts_->start(killed);
  });
}

TEST_F(Parts, AWorkerIsKilled) {
  each_round([&] {
    const std::string killed = one_of(Hosts::workers());
    hosts_->kill(killed);
    worker_killed_ = true;
    expect_success_within(kRecovery, Clock::now(), Hosts::gateways());
    hosts_->start(killed);
  });
}

TEST_F(Parts, AWorkerIsStoppedForTenSeconds) {
  each_round([&] {
    const std::string stopped = one_of(Hosts::workers());
    hosts_->freeze(stopped);
    const auto from = Clock::now();
    expect_success_within(kRecovery, from, Hosts::gateways());
    std::this_thread::sleep_until(from + seconds(10));
    hosts_->thaw(stopped);
  });
}

TEST_F(Parts, RedisIsKilled) {
  each_round([&] {
    const auto from = Clock::now();
    hosts_->kill_redis();
    std::this_thread::sleep_for(milliseconds(500 + random_below(1'500)));
    hosts_->start_redis();
    expect_seldom_within(kReturn, Clock::now(), one_of(Hosts::gateways()));
    expect_no_failure(from);
  });
}

TEST_F(Parts, RedisIsEmptied) {
  each_round([&] {
    const auto from = Clock::now();
    hosts_->flush_redis();
    expect_seldom_within(kReturn, Clock::now(), one_of(Hosts::gateways()));
    expect_no_failure(from);
  });
}

TEST_F(Parts, PostgresIsKilled) {
  each_round([&] {
    const auto from = Clock::now();
    hosts_->kill_postgres();
    std::this_thread::sleep_for(milliseconds(500 + random_below(1'500)));
    EXPECT_EQ(hosts_->deploy("gateway1", kSeldom, kEcho).status, 503);
    hosts_->start_postgres();
    const auto returned = Clock::now();
    EXPECT_TRUE(test::eventually([&] { return hosts_->deploy("gateway1", kSeldom, kEcho).status == 200; },
                                 2 * kReturn));
    EXPECT_LE(Clock::now() - returned, 2 * kReturn);
    expect_seldom_within(2 * kReturn, returned, "gateway2");
    expect_no_failure(from);
  });
}

// It watches: nothing waits for it.
TEST_F(Parts, AMonitorIsKilled) {
  each_round([&] {
    const auto from = Clock::now();
    hosts_->kill(Hosts::kMonitor);
    std::this_thread::sleep_for(milliseconds(random_below(500)));
    hosts_->start(Hosts::kMonitor);
    EXPECT_TRUE(test::eventually([&] { return members_seen_by_monitor() >= 6; }, kReturn));
    expect_no_failure(from);
  });
}

// Whoever meets such an allocation drops it; what nobody asks for is not met.
TEST_F(Parts, WhatAKilledWorkerHadAnnouncedGoesWithoutAMonitorToo) {
  each_round([&] {
    std::vector<std::string> offering = Hosts::workers();  // one with the load may be full
    std::erase_if(offering, [](const std::string& worker) { return !hosts_->offers_memory(worker); });
    ASSERT_FALSE(offering.empty());
    const std::string killed = one_of(offering);
    hosts_->kill(Hosts::kMonitor);
    hosts_->kill(killed);
    worker_killed_ = true;
    expect_success_within(kRecovery, Clock::now(), Hosts::gateways());
    EXPECT_TRUE(test::eventually([&] {
      EXPECT_EQ(hosts_->deploy("gateway1", kSeldom, kEcho).status, 200);  // its next call starts cold
      EXPECT_EQ(hosts_->invoke("gateway2", kSeldom, "1").status, 200);
      return !hosts_->offers_memory(killed);
    }));
    hosts_->start(killed);
    hosts_->start(Hosts::kMonitor);
  });
}

}  // namespace
}  // namespace hearth::faults
