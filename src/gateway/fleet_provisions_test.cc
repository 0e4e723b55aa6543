#include "gateway/fleet_provisions.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/manual_event_loop.h"

namespace hearth::gateway {
namespace {

class FleetProvisionsTest : public testing::Test {
 protected:
  struct Told {
    std::map<std::string, std::string> provisions;  // by function: "VERSION COUNT"
    std::function<void(FleetProvisionsParts::Ready)> answered;
  };

  void put(const std::string& id, std::uint32_t provisioned, std::uint32_t number = 1) {
    auto made = std::make_shared<model::Function>();
    made->id = id;
    made->revision = ++revision_;
    made->current.id = id + "/" + std::to_string(number);
    made->current.function_id = id;
    made->current.number = number;
    made->concurrency.provisioned = provisioned;
    functions_.put(made);
    provisions_.changed(*made);
    loop_.run_posted();
  }
  static model::Member worker(const std::string& uri,
                              model::MemberState state = model::MemberState::kServing) {
    model::Member made;
    made.id = "worker at " + uri;
    made.uri = uri;
    made.state = state;
    made.worker.emplace();
    return made;
  }
  std::uint32_t told_count(const std::string& uri, const std::string& function) {
    const std::string text = told_[uri].provisions[function];
    return static_cast<std::uint32_t>(std::stoul("0" + text.substr(text.find(' ') + 1)));
  }

  base::ManualEventLoop loop_;
  dispatch::FunctionCache functions_;
  std::uint64_t revision_ = 0;
  bool knows_newest_ = true;
  std::map<std::string, Told> told_;  // last, by URI
  int tellings_ = 0;
  FleetProvisions provisions_{{loop_, functions_, [this] { return knows_newest_; },
                               [this](const std::string& uri, const std::vector<WorkerProvision>& provisions,
                                      std::function<void(FleetProvisionsParts::Ready)> answered) {
                                 ++tellings_;
                                 Told& told = told_[uri] = {{}, std::move(answered)};
                                 for (const WorkerProvision& each : provisions) {
                                   told.provisions[each.function->id] =
                                       each.function->current.id + " " + std::to_string(each.count);
                                 }
                               }}};
};

TEST_F(FleetProvisionsTest, AreDividedOverTheWorkersThatServe) {
  put("f", 5);
  EXPECT_EQ(tellings_, 0) << "nobody is there";
  provisions_.looked({worker("b"), worker("a"), worker("leaving", model::MemberState::kDraining)});
  EXPECT_EQ(told_count("a", "f") + told_count("b", "f"), 5U);
  EXPECT_GE(told_count("a", "f"), 2U);
  EXPECT_GE(told_count("b", "f"), 2U);
  EXPECT_EQ(told_.size(), 2U);
  provisions_.looked({worker("b")});
  EXPECT_EQ(told_count("b", "f"), 5U);
}

TEST_F(FleetProvisionsTest, OfManyFunctionsWithOneEachEveryWorkerHasSome) {
  provisions_.looked({worker("a"), worker("b"), worker("c")});
  std::map<std::string, std::uint32_t> sums;
  for (int i = 0; i < 30; ++i) {
    put("function-" + std::to_string(i), 1);
  }
  for (auto& [uri, told] : told_) {
    for (int i = 0; i < 30; ++i) {
      sums[uri] += told_count(uri, "function-" + std::to_string(i));
    }
    EXPECT_GE(sums[uri], 5U) << uri;
  }
  EXPECT_EQ(sums["a"] + sums["b"] + sums["c"], 30U);
}

TEST_F(FleetProvisionsTest, AChangeIsToldAtOnceAndAllIsToldAgain) {
  provisions_.looked({worker("a")});
  EXPECT_EQ(tellings_, 0) << "nothing is to be kept";
  put("ordinary", 0);
  EXPECT_EQ(tellings_, 0);
  put("f", 2);
  EXPECT_EQ(told_["a"].provisions, (std::map<std::string, std::string>{{"f", "f/1 2"}}));
  put("f", 2, 2);
  EXPECT_EQ(told_["a"].provisions["f"], "f/2 2");
  const int before = tellings_;
  provisions_.looked({worker("a")});
  EXPECT_EQ(tellings_, before + 1);
}

TEST_F(FleetProvisionsTest, ThatNoneIsWantedIsToldOnce) {
  provisions_.looked({worker("a")});
  put("f", 2);
  put("f", 0);
  EXPECT_EQ(told_["a"].provisions["f"], "f/1 0");
  const int before = tellings_;
  provisions_.looked({worker("a")});
  EXPECT_EQ(tellings_, before);
  put("g", 1);
  functions_.remove("g");
  const int removed = tellings_;
  provisions_.looked({worker("a")});
  EXPECT_EQ(told_["a"].provisions.size(), 0U);
  EXPECT_LE(tellings_, removed + 1);
}

TEST_F(FleetProvisionsTest, WhoMayBeBehindTellsNothing) {
  put("f", 2);
  knows_newest_ = false;
  provisions_.looked({worker("a")});
  EXPECT_EQ(tellings_, 0);
  knows_newest_ = true;
  provisions_.looked({worker("a")});
  EXPECT_EQ(tellings_, 1);
}

TEST_F(FleetProvisionsTest, WhatIsReadyIsTheSumOfWhatTheWorkersAnswered) {
  put("f", 4);
  provisions_.looked({worker("a"), worker("b")});
  EXPECT_EQ(provisions_.ready("f"), 0U);
  told_["a"].answered({{"f", 2}, {"unknown", 9}});
  told_["b"].answered({{"f", 1}});
  EXPECT_EQ(provisions_.ready("f"), 3U);
  EXPECT_EQ(provisions_.in_all(), (ProvisionCount{4, 3}));
  put("f", 5);
  EXPECT_EQ(provisions_.ready("f"), 3U) << "the same code";
  put("f", 5, 2);
  EXPECT_EQ(provisions_.ready("f"), 0U);
  told_["a"].answered({{"f", 2}});
  provisions_.looked({worker("b")});
  EXPECT_EQ(provisions_.ready("f"), 0U) << "the other has gone";
}

TEST(ProvisionPart, AllPartsTogetherAreTheWhole) {
  for (const std::uint32_t count : {1U, 2U, 3U, 7U}) {
    for (std::uint32_t number = 0; number < 20; ++number) {
      std::uint32_t sum = 0;
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t part = ProvisionPart{i, count}.of(number, "a function");
        EXPECT_LE(part, number / count + 1);
        sum += part;
      }
      EXPECT_EQ(sum, number);
    }
  }
}

}  // namespace
}  // namespace hearth::gateway
