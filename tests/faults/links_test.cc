// What becomes of a link between two hosts, at random moments under load: it is cut, loses packets, ends
// connections, or is slow or narrow.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "tests/faults/fixture.h"

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;

using Link = std::pair<const char*, const char*>;

std::string name_of(const testing::TestParamInfo<Link>& link) {
  return std::string(link.param.first) + "To" + link.param.second;
}

// The first is the one that the second may be lost to; through gateway2 all goes on.
const auto kLinks = testing::Values(Link("gateway1", "worker1"), Link("gateway1", "queue"),
                                    Link("worker1", "queue"), Link("gateway1", "db"), Link("worker1", "db"));

class Links : public Faults, public testing::WithParamInterface<Link> {
 protected:
  enum class Ways { kBoth, kThere, kBack };

  // Begins something, which ends at a random moment; the other gateway answers all the time, and both do
  // afterwards.
  void while_it_lasts(const std::function<void(Ways)>& begin, milliseconds least) {
    const auto from = Clock::now();
    begin(static_cast<Ways>(random_below(3)));
    expect_success_within(kRecovery, from, {"gateway2"});
    std::this_thread::sleep_until(from + least + milliseconds(random_below(2'000)));
    hosts_->network().heal();
    expect_success_within(to_worker() ? kRecovery : kReturn, Clock::now(), Hosts::gateways());
  }
  // `one_way`: of a network, between `from` and `to`.
  template <typename OneWay>
  void on_ways(Ways ways, OneWay one_way) {
    const auto& [one, other] = GetParam();
    if (ways != Ways::kBack) {
      one_way(one, other);
    }
    if (ways != Ways::kThere) {
      one_way(other, one);
    }
  }
  static bool to_worker() { return std::string(GetParam().second).starts_with("worker"); }
};

TEST_P(Links, IsCut) {
  each_round([&] {
    while_it_lasts(
        [&](Ways ways) {
          on_ways(ways, [](auto from, auto to) { hosts_->network().cut(from, to); });
        },
        milliseconds(1'500));
  });
}

TEST_P(Links, LosesPackets) {
  each_round([&] {
    while_it_lasts(
        [&](Ways ways) {
          const int per_thousand = 10 + static_cast<int>(random_below(90));
          on_ways(ways, [=](auto from, auto to) { hosts_->network().lose(from, to, per_thousand); });
        },
        milliseconds(500));
  });
}

TEST_P(Links, EndsConnections) {
  each_round([&] {
    while_it_lasts(
        [&](Ways ways) {
          const int per_thousand = 5 + static_cast<int>(random_below(45));
          on_ways(ways, [=](auto from, auto to) { hosts_->network().reset(from, to, per_thousand); });
        },
        milliseconds(500));
  });
}

INSTANTIATE_TEST_SUITE_P(All, Links, kLinks, name_of);

class SlowLinks : public Links {
 protected:
  // What comes of it in one round.
  void slow_for_a_while(milliseconds delay) {
    const auto& [one, other] = GetParam();
    const auto from = Clock::now();
    bool there_and_back = false;
    while_it_lasts(
        [&, one = one, other = other](Ways ways) {
          there_and_back = ways == Ways::kBoth;
          hosts_->network().slow(one, other, ways == Ways::kBack ? milliseconds(0) : delay,
                                 ways == Ways::kThere ? milliseconds(0) : delay);
        },
        milliseconds(500));
    if (to_worker() && there_and_back && 2 * delay > kAdmission) {
      expect_one_lost_a_caller(from);
    } else {
      expect_no_failure(from);
    }
  }

  // No admission comes back in time, nor a word of the worker's host that it knows of the call's end. So each
  // call that was under way is answered 502: it may have been executed, and it was. Then the worker is left
  // alone, and connections that are opened anew carry nothing before it has answered on them, which it does
  // too late.
  void expect_one_lost_a_caller(Clock::time_point from) const {
    std::size_t lost = 0;
    const auto all = records();
    for (const CallRecord& record : all) {
      if (record.ended < from || record.status == 200) {
        continue;
      }
      ++lost;
      EXPECT_EQ(record.gateway, "gateway1") << record.detail;
      EXPECT_EQ(record.status, 502) << record.detail;
      EXPECT_NE(record.detail.find("worker_lost"), std::string::npos) << record.detail;
    }
    EXPECT_LE(lost, kLoaded.size()) << failures(all, from);
  }

  // Of a worker: docs/worker-api.md.
  static constexpr milliseconds kAdmission{250};
};

TEST_P(SlowLinks, By5Ms) {
  each_round([&] { slow_for_a_while(milliseconds(5)); });
}

TEST_P(SlowLinks, By50Ms) {
  each_round([&] { slow_for_a_while(milliseconds(50)); });
}

TEST_P(SlowLinks, By200Ms) {
  each_round([&] { slow_for_a_while(milliseconds(200)); });
}

INSTANTIATE_TEST_SUITE_P(All, SlowLinks, kLinks, name_of);

// Of a host, to and from everybody.
class NarrowHosts : public Faults, public testing::WithParamInterface<const char*> {};

TEST_P(NarrowHosts, CallsGoOn) {
  each_round([&] {
    const auto from = Clock::now();
    hosts_->network().narrow(GetParam(), 200 + static_cast<int>(random_below(1'800)));
    expect_success_within(kRecovery, from, {"gateway2"});
    std::this_thread::sleep_until(from + milliseconds(500 + random_below(2'000)));
    hosts_->network().heal();
    expect_success_within(kRecovery, Clock::now(), Hosts::gateways());
    expect_no_failure(from);
  });
}

INSTANTIATE_TEST_SUITE_P(All, NarrowHosts, testing::Values("worker1", "gateway1", "queue", "db"),
                         [](const auto& host) { return std::string(host.param); });

}  // namespace
}  // namespace hearth::faults
