// What becomes of a link between two hosts, at random moments under load: it is cut, loses packets, ends
// connections, or is slow or narrow.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/faults/fixture.h"
#include "tests/faults/rounds.h"

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;

using Link = std::pair<const char*, const char*>;

std::string name_of(const testing::TestParamInfo<Link>& link) {
  return std::string(link.param.first) + "To" + link.param.second;
}

// Whatever becomes of one of these, calls through gateway2 go on. "worker": the busiest.
auto links(std::size_t few) {
  return testing::ValuesIn(all_or_few<Link>({{"gateway1", "worker"},
                                             {"gateway1", "db"},
                                             {"worker", "queue"},
                                             {"gateway1", "queue"},
                                             {"worker", "db"}},
                                            few));
}

class Links : public Faults, public testing::WithParamInterface<Link> {
 protected:
  enum class Ways { kBoth, kThere, kBack };

  // Begins something, which ends at a random moment; the other gateway answers all the time, and both do
  // afterwards.
  void while_it_lasts(const std::function<void(Ways)>& begin, milliseconds least) {
    one_ = host_of(GetParam().first);
    other_ = host_of(GetParam().second);
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
    if (ways != Ways::kBack) {
      one_way(one_, other_);
    }
    if (ways != Ways::kThere) {
      one_way(other_, one_);
    }
  }
  bool to_worker() const { return other_.starts_with("worker"); }

  std::string one_;  // of this round
  std::string other_;
};

TEST_P(Links, IsCut) {
  each_round([&] {
    while_it_lasts(
        [&](Ways ways) { on_ways(ways, [](auto from, auto to) { hosts_->network().cut(from, to); }); },
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

INSTANTIATE_TEST_SUITE_P(All, Links, links(2), name_of);

class SlowLinks : public Links {
 protected:
  // What comes of it in one round.
  void slow_for_a_while(milliseconds delay) {
    const auto from = Clock::now();
    bool there_and_back = false;
    while_it_lasts(
        [&](Ways ways) {
          there_and_back = ways == Ways::kBoth;
          hosts_->network().slow(one_, other_, ways == Ways::kBack ? milliseconds(0) : delay,
                                 ways == Ways::kThere ? milliseconds(0) : delay);
        },
        milliseconds(500));
    const milliseconds both_ways = there_and_back ? 2 * delay : delay;
    if (to_worker() && both_ways >= kFarWorker) {
      expect_one_lost_a_caller(from);
    } else if (one_ == "gateway1" && other_ == "db" && both_ways > kStoreAnswer) {
      expect_only_a_lease_that_is_over(from);
    } else {
      expect_no_failure(from);
    }
  }

  // No admission comes back in time, and no word of the worker's host that it knows of the call's end. So
  // each call that was under way may be answered 502: it may have been executed, and it was. Then the worker
  // is left alone, and connections that are opened anew carry nothing before it has answered on them, which
  // it does too late.
  void expect_one_lost_a_caller(Clock::time_point from) const {
    const std::size_t lost = count_of_gateway1_alone(from, 502, "worker_lost");
    EXPECT_LE(lost, kLoaded.size()) << failures(records(), from);
  }
  // To renew its lease a gateway asks the store several times, one after the other. Where that takes longer
  // than the lease lasts, it may not know the newest code.
  void expect_only_a_lease_that_is_over(Clock::time_point from) const {
    count_of_gateway1_alone(from, 503, "store_unavailable");
  }
  // How many failed so; none otherwise.
  std::size_t count_of_gateway1_alone(Clock::time_point from, int status, const std::string& code) const {
    std::vector<CallRecord> others = records();
    const std::size_t expected = std::erase_if(others, [&](const CallRecord& record) {
      return record.ended >= from && record.gateway == "gateway1" && record.status == status &&
             record.detail.find(code) != std::string::npos;
    });
    EXPECT_EQ(count_failed(others, from), 0U) << failures(others, from);
    return expected;
  }

  // An admission takes so long there and back, more at random, and 50 ms for which the worker's kernel may
  // hold it back: longer than the 250 ms of docs/worker-api.md.
  static constexpr milliseconds kFarWorker{200};
  // Of PostgreSQL, for a gateway to hold its lease: README, "Several hosts".
  static constexpr milliseconds kStoreAnswer{130};
};

TEST_P(SlowLinks, CallsGoOn) {
  each_round([&] {
    for (const int ms : all_or_few({200, 50, 5}, 1)) {
      SCOPED_TRACE(std::to_string(ms) + " ms");
      slow_for_a_while(milliseconds(ms));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(All, SlowLinks, links(2), name_of);

// Of a host, to and from everybody.
class NarrowHosts : public Faults, public testing::WithParamInterface<const char*> {};

TEST_P(NarrowHosts, CallsGoOn) {
  each_round([&] {
    const auto from = Clock::now();
    hosts_->network().narrow(host_of(GetParam()), 200 + static_cast<int>(random_below(1'800)));
    expect_success_within(kRecovery, from, {"gateway2"});
    std::this_thread::sleep_until(from + milliseconds(500 + random_below(2'000)));
    hosts_->network().heal();
    expect_success_within(kRecovery, Clock::now(), Hosts::gateways());
    expect_no_failure(from);
  });
}

INSTANTIATE_TEST_SUITE_P(All, NarrowHosts,
                         testing::ValuesIn(all_or_few({"worker", "db", "gateway1", "queue"}, 2)),
                         [](const auto& host) { return std::string(host.param); });

}  // namespace
}  // namespace hearth::faults
