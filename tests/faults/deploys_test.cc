// Deploys through one gateway while another is cut off, under load: no call runs older code once they are
// acknowledged, through whichever gateway it comes.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "store/change_feed.h"
#include "tests/faults/fixture.h"
#include "tests/faults/rounds.h"

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;

enum class Ways { kBoth, kOut, kIn };

// What the gateway is cut off from: a host, or all but its callers.
using Cut = std::pair<const char*, Ways>;

std::string name_of(const testing::TestParamInfo<Cut>& cut) {
  const auto& [from, ways] = cut.param;
  return std::string("From") + from +
         (ways == Ways::kBoth  ? "BothWays"
          : ways == Ways::kOut ? "SaysNothing"
                               : "HearsNothing");
}

class CutOffGateway : public Faults, public testing::WithParamInterface<Cut> {
 protected:
  struct Acknowledged {
    int number;
    Clock::time_point at;
  };

  static void SetUpTestSuite() {
    Faults::SetUpTestSuite();
    number_ = 0;
    if (hosts_) {
      hosts_->create(answers_with(number_), kDeployed);
    }
  }

  void SetUp() override {
    Faults::SetUp();
    if (!hosts_) {
      return;
    }
    Load::Options options;
    options.function = kDeployed;
    options.callers = 4;
    options.pause = milliseconds(2);
    add_load(options);
  }

  static std::string answers_with(int number) {
    return "module.exports = (word) => word + ' " + std::to_string(number) + "';";
  }

  void cut_off(const std::string& host) const {
    if (GetParam().second != Ways::kIn) {
      hosts_->network().cut("gateway1", host);
    }
    if (GetParam().second != Ways::kOut) {
      hosts_->network().cut(host, "gateway1");
    }
  }
  void cut_off() const {
    const std::string from = GetParam().first;
    if (from != kAll) {
      cut_off(from);
      return;
    }
    for (const char* host : {"db", "queue", "worker1", "worker2", "worker3", "gateway2", "monitor"}) {
      cut_off(host);
    }
  }

  // It waits for the one that is cut off no longer than for its lease.
  void deploy() {
    const auto began = Clock::now();
    const test::Reply reply = hosts_->deploy("gateway2", kDeployed, answers_with(++number_));
    const auto now = Clock::now();
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_LE(now - began, store::kFollowerLease + milliseconds(600));
    acknowledged_.push_back({number_, now});
  }

  // Who answers is right; who may not know says so. Workers that are cut off may lose a call.
  void expect_no_older_code() const {
    std::map<std::string, int> wrong;
    for (const CallRecord& record : records()) {
      if (record.function != kDeployed) {
        continue;
      }
      const int least = newest_acknowledged_at(record.began);
      if (record.status == 200 && std::stoi(record.output) < least) {
        ++wrong[record.gateway + " answers " + record.output + " after " + std::to_string(least)];
      } else if (record.status != 200 && record.status != 503 && GetParam().first != kAll) {
        ++wrong[record.gateway + ": " + std::to_string(record.status) + " " + record.detail];
      }
    }
    for (const auto& [what, times] : wrong) {
      ADD_FAILURE() << times << " times " << what;
    }
  }
  int newest_acknowledged_at(Clock::time_point moment) const {
    int newest = 0;
    for (const Acknowledged& each : acknowledged_) {
      newest = each.at <= moment ? each.number : newest;
    }
    return newest;
  }
  void expect_newest_within(milliseconds bound, const std::string& gateway) const {
    const std::string newest = "w " + std::to_string(number_);
    std::string last;
    EXPECT_TRUE(test::eventually(
        [&] {
          last = hosts_->invoke(gateway, kDeployed, "\"w\"").body;
          return last.find("\"" + newest + "\"") != std::string::npos;
        },
        bound))
        << gateway << ": " << last;
  }

  static constexpr const char* kDeployed = "deployed";
  static constexpr std::string_view kAll = "all";

  static int number_;  // the newest that was deployed
  std::vector<Acknowledged> acknowledged_;
};

int CutOffGateway::number_ = 0;

TEST_P(CutOffGateway, RunsNothingOlder) {
  each_round([&] {
    const auto from = Clock::now();
    cut_off();
    std::this_thread::sleep_for(milliseconds(random_below(2'500)));  // before and behind its lease's end
    deploy();
    expect_newest_within(kRecovery, "gateway2");
    std::this_thread::sleep_for(milliseconds(random_below(500)));
    hosts_->network().heal();
    const auto healed = Clock::now();
    expect_newest_within(kReturn, "gateway1");
    EXPECT_LE(Clock::now() - healed, kReturn);
    expect_no_older_code();
    expect_no_failure_through("gateway2", from);
  });
}

INSTANTIATE_TEST_SUITE_P(Cuts, CutOffGateway,
                         testing::ValuesIn(all_or_few<Cut>({{"all", Ways::kOut},
                                                            {"db", Ways::kBoth},
                                                            {"db", Ways::kOut},
                                                            {"db", Ways::kIn},
                                                            {"all", Ways::kBoth},
                                                            {"all", Ways::kIn}},
                                                           2)),
                         name_of);

}  // namespace
}  // namespace hearth::faults
