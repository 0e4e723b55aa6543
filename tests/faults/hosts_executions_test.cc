// Asynchronous executions on several hosts, over PostgreSQL and Redis, while a part is killed, emptied, or
// stands still for twice the lease: what was acknowledged is executed, and what is executed twice had lost
// its lease.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "tests/faults/fixture.h"
#include "tests/faults/rounds.h"
#include "tests/faults/stored_executions.h"
#include "tests/faults/submitters.h"

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class HostsExecutions : public Faults {
 protected:
  // Leases that a gateway holds for each execution at once, and executions at once.
  static constexpr std::size_t kMostHeld = 256;
  static constexpr int kSubmitters = 4;

  void SetUp() override {
    Faults::SetUp();
    if (!hosts_) {
      return;
    }
    executes_more_ = true;
    function_ = "executed" + std::to_string(++tests_);
    hosts_->create(test::Submitters::kFunction, function_);
    test::Submitters::Options options;
    options.function = function_;
    options.count = kSubmitters;
    options.pause = milliseconds(5);
    options.enter = [] { return std::make_shared<Network::Inside>(hosts_->network(), "client"); };
    options.connect = [](int number) {
      const auto& gateway = Hosts::gateways()[static_cast<std::size_t>(number) % Hosts::gateways().size()];
      return std::make_unique<http::Client>(hosts_->endpoint(gateway), seconds(10));
    };
    submitters_ = std::make_unique<test::Submitters>(options);
    wait_for_accepted(50);
  }

  void wait_for_accepted(std::size_t more) const {
    const std::size_t before = submitters_->accepted();
    EXPECT_TRUE(test::eventually([&] { return submitters_->accepted() >= before + more; }, seconds(30)));
  }

  // `faults`: how many gateways did not come to say how it ended, or did not hear of it.
  void check(std::size_t faults) {
    wait_for_accepted(50);
    submitters_->stop();
    const auto get = [this](const std::string& target) {
      const bool list = target.find('?') != std::string::npos;
      return hosts_->get("gateway1", target + (list ? "&function=" + function_ : ""));
    };
    const auto seen = test::expect_all_done(
        get, submitters_->history(),
        {"worker_lost", "no_capacity", "store_unavailable", "messaging_unavailable", "start_failed"});
    EXPECT_LE(seen.again, faults * kMostHeld);
    EXPECT_LE(seen.stored, submitters_->accepted() + submitters_->refusals()["0 "] + refused_by_store())
        << "beside those whose 202 did not arrive";
  }

  void freeze_for_two_leases(const std::string& host) {
    hosts_->freeze(host);
    std::this_thread::sleep_for(2 * Hosts::kLease);
    hosts_->thaw(host);
  }

  std::size_t faults_ = 0;

 private:
  // A commit whose answer does not come may have been one.
  std::size_t refused_by_store() const { return submitters_->refusals()["503 store_unavailable"]; }

  static int tests_;
  std::string function_;
  std::unique_ptr<test::Submitters> submitters_;
};

int HostsExecutions::tests_ = 0;

TEST_F(HostsExecutions, AGatewayIsKilled) {
  each_round([&] {
    const std::string killed = one_of(Hosts::gateways());
    hosts_->kill(killed);
    ++faults_;
    std::this_thread::sleep_for(milliseconds(random_below(3'000)));
    hosts_->start(killed);
  });
  check(faults_);
}

TEST_F(HostsExecutions, AWorkerIsKilled) {
  each_round([&] {
    const std::string killed = one_of(Hosts::workers());
    hosts_->kill(killed);
    faults_ += Hosts::gateways().size();
    hosts_->start(killed);
  });
  check(faults_);
}

TEST_F(HostsExecutions, TheMonitorIsKilled) {
  each_round([&] {
    hosts_->kill(Hosts::kMonitor);
    hosts_->start(Hosts::kMonitor);
  });
  check(0);
}

TEST_F(HostsExecutions, RedisIsEmptied) {
  each_round([&] { hosts_->flush_redis(); });
  check(0);
}

TEST_F(HostsExecutions, PostgresIsKilled) {
  each_round([&] {
    hosts_->kill_postgres();
    faults_ += Hosts::gateways().size();
    std::this_thread::sleep_for(milliseconds(500 + random_below(1'500)));
    hosts_->start_postgres();
    wait_for_accepted(10);
  });
  check(faults_);
}

// Of which host, and how many gateways do not hear of what it executed.
struct Still {
  const char* name;
  std::size_t gateways;
};

class HostStandsStill : public HostsExecutions, public testing::WithParamInterface<Still> {
 protected:
  std::string one() {
    const std::string name = GetParam().name;
    return name == "AGateway"  ? one_of(Hosts::gateways())
           : name == "AWorker" ? one_of(Hosts::workers())
                               : std::string(Hosts::kMonitor);
  }
};

TEST_P(HostStandsStill, ForTwiceTheLease) {
  each_round([&] {
    freeze_for_two_leases(one());
    faults_ += GetParam().gateways;
  });
  check(faults_);
}

INSTANTIATE_TEST_SUITE_P(Each, HostStandsStill,
                         testing::ValuesIn(all_or_few<Still>(
                             {{"AGateway", 1}, {"AWorker", Hosts::gateways().size()}, {"TheMonitor", 0}}, 1)),
                         [](const auto& still) { return std::string(still.param.name); });

}  // namespace
}  // namespace hearth::faults
