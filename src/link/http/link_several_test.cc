// Calls of one turn of a gateway's loop: that they go in one request, and how each of them ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cluster/calls.h"
#include "link/http/testing/link_fixture.h"
#include "link/http/testing/old_worker.h"

namespace hearth::link {
namespace {

using model::Refusal;
using model::ReleaseKind;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class LinkSeveral : public LinkTestBothWays {
 protected:
  LinkSeveral() {
    start_worker();
    know_the_worker();
  }

  // The version is told, and what the worker understands is known.
  void know_the_worker() {
    const ObserverPtr observer = execute("before");
    ASSERT_TRUE(asked(1));
    executor_.asked[0].finish("1", /*reusable=*/false);
    ASSERT_TRUE(ended(observer));
    forget();
  }
  void forget() {
    executor_.asked.clear();
    executor_.admitted.clear();
    host_->requests.clear();
  }
  std::vector<ObserverPtr> execute_all(const std::vector<std::string>& instances) {
    std::vector<ObserverPtr> observers;
    for (const std::string& instance : instances) {
      observers.push_back(execute(instance));
    }
    return observers;
  }
  bool all_ended(const std::vector<ObserverPtr>& observers) {
    return run_until([&] {
      return std::ranges::all_of(observers, [](const ObserverPtr& each) { return each->ends > 0; });
    });
  }
  // Under way, and the gateway knows.
  std::vector<ObserverPtr> admitted(const std::vector<std::string>& instances) {
    auto observers = execute_all(instances);
    EXPECT_TRUE(asked(instances.size()));
    run_for(milliseconds(60));  // an admission alone is held back for a moment
    return observers;
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, LinkSeveral, testing::Bool(), name_of_way);

TEST_P(LinkSeveral, GoInOneRequestAndEndEachByItself) {
  const auto observers = execute_all({"a", "b", "c"});
  ASSERT_TRUE(asked(3));
  EXPECT_THAT(host_->requests, ElementsAre(cluster::kCallsTarget));
  executor_.asked[1].finish("B");
  ASSERT_TRUE(ended(observers[1]));
  EXPECT_EQ(observers[1]->execution->outcome.output, "B");
  EXPECT_EQ(observers[1]->execution->instance, "b");
  EXPECT_EQ(observers[1]->lease, allocation("b", 2));
  EXPECT_EQ(observers[0]->ends + observers[2]->ends, 0);
  executor_.asked[2].refuse(Refusal::kGone);
  executor_.asked[0].finish("A", /*reusable=*/false);
  ASSERT_TRUE(all_ended(observers));
  EXPECT_EQ(observers[0]->execution->outcome.output, "A");
  EXPECT_FALSE(observers[0]->lease);
  EXPECT_EQ(observers[2]->refusal, Refusal::kGone);
  run_for(milliseconds(5));
  for (const ObserverPtr& observer : observers) {
    EXPECT_EQ(observer->ends, 1);
  }
}

TEST_P(LinkSeveral, TheConnectionIsUsedAgainWhenAllHaveEnded) {
  for (int round = 0; round < 3; ++round) {
    const auto observers = execute_all({"a", "b"});
    ASSERT_TRUE(asked(2));
    executor_.asked[0].finish();
    executor_.asked[1].finish();
    ASSERT_TRUE(all_ended(observers));
    forget();
  }
  EXPECT_EQ(host_->connections(), 1U);
}

TEST_P(LinkSeveral, WhileOneIsExecutedOthersGoOnAnotherConnection) {
  const auto long_ones = admitted({"a", "b"});
  executor_.asked[0].finish();
  ASSERT_TRUE(ended(long_ones[0]));
  const auto others = execute_all({"c", "d"});
  ASSERT_TRUE(asked(4));
  EXPECT_EQ(host_->connections(), 2U);
  executor_.asked[2].finish();
  executor_.asked[3].finish();
  ASSERT_TRUE(all_ended(others));
  EXPECT_EQ(long_ones[1]->ends, 0);
}

TEST_P(LinkSeveral, ThoseThatStandBehindOneGoWithIt) {
  const ObserverPtr first = execute("a");
  const ObserverPtr second = execute_behind("a");
  ASSERT_TRUE(asked(2));
  EXPECT_THAT(host_->requests, ElementsAre(cluster::kCallsTarget));
  EXPECT_EQ(executor_.asked[0].ask, cluster::Ask::kExecute);
  EXPECT_EQ(executor_.asked[1].ask, cluster::Ask::kBehind);
  executor_.asked[1].refuse(Refusal::kBusy);
  ASSERT_TRUE(ended(second));
  EXPECT_EQ(second->refusal, Refusal::kBusy) << "taken back, though the first goes on";
  EXPECT_EQ(first->ends, 0);
}

TEST_P(LinkSeveral, OneGoesByItself) {
  const ObserverPtr observer = execute("a");
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(host_->count("/execute/a/"), 1);
  executor_.asked[0].finish();
  ASSERT_TRUE(ended(observer));
}

TEST_P(LinkSeveral, LargeOnesGoByThemselves) {
  auto large = request();
  large.body = std::make_shared<const std::string>(cluster::kCallBodyBytes + 1, 'x');
  auto largest_of_several = request();
  largest_of_several.body = std::make_shared<const std::string>(cluster::kCallBodyBytes, 'y');
  auto observer = std::make_shared<EndObserver>();
  link_->execute(allocation("large"), large, observer);
  link_->execute(allocation("small"), largest_of_several, observer);
  execute("a");
  ASSERT_TRUE(asked(3));
  EXPECT_EQ(host_->count("/execute/large/"), 1);
  EXPECT_EQ(host_->count("/calls"), 1);
  EXPECT_EQ(*executor_.asked[0].request.body, *large.body);
}

TEST_P(LinkSeveral, NoRequestHasMoreThanItsMost) {
  std::vector<std::string> instances;
  for (std::size_t i = 0; i < 2 * cluster::kCallsMost + 1; ++i) {
    instances.push_back("i-" + std::to_string(i));
  }
  const auto observers = execute_all(instances);
  ASSERT_TRUE(asked(instances.size()));
  EXPECT_EQ(host_->count("/calls"), 2);
  EXPECT_EQ(host_->count("/execute/"), 1);
  for (const auto& each : executor_.asked) {
    each.finish(each.allocation.instance);
  }
  ASSERT_TRUE(all_ended(observers));
  for (std::size_t i = 0; i < instances.size(); ++i) {
    EXPECT_EQ(observers[i]->execution->outcome.output, instances[i]) << "no foreign answer";
  }
}

TEST_P(LinkSeveral, TheWorkerIsToldHowMuchTimeRemains) {
  auto made = std::make_shared<model::Version>();
  made->id = "v";
  made->timeout_ms = 5'000;
  const auto before = base::Clock::now();
  for (int i = 0; i < 3; ++i) {  // two together, and one by itself
    auto observer = std::make_shared<EndObserver>();
    link_->execute(allocation("i-" + std::to_string(i)), request(made), observer);
    if (i == 1) {
      ASSERT_TRUE(asked(2));
    }
  }
  ASSERT_TRUE(asked(3));
  for (const auto& each : executor_.asked) {
    EXPECT_GE(each.request.latest, before + milliseconds(5'000) + kAnswerSlack);
    EXPECT_LE(each.request.latest, base::Clock::now() + milliseconds(5'001) + kAnswerSlack);
  }
}

TEST_P(LinkSeveral, NoneIsExecutedForWhoeverHasGivenUp) {
  frozen_ = true;
  const auto observers = execute_all({"a", "b", "c"});
  ASSERT_TRUE(all_ended(observers));
  for (const ObserverPtr& observer : observers) {
    EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
  }
  frozen_ = false;
  run_for(milliseconds(50));
  EXPECT_THAT(executor_.admitted, Each(false));
  run_for(kShortestPause);
  executor_.released.clear();
  lease_of("again");
  ASSERT_TRUE(run_until([this] { return executor_.released.size() == 3; }))
      << "what was offered is given back";
}

TEST_P(LinkSeveral, WhatWasAdmittedAndIsLostMayHaveBeenExecuted) {
  const auto observers = admitted({"a", "b", "c"});
  executor_.asked[1].finish("B");
  ASSERT_TRUE(ended(observers[1]));
  stop_worker();
  ASSERT_TRUE(all_ended(observers));
  EXPECT_TRUE(observers[0]->lost());
  EXPECT_EQ(observers[1]->execution->outcome.output, "B");
  EXPECT_TRUE(observers[2]->lost());
  for (const ObserverPtr& observer : observers) {
    EXPECT_EQ(observer->ends, 1);
  }
}

TEST_P(LinkSeveral, AnObserverMayComeWithTheNextCallFromInsideItsEnd) {
  const auto observers = execute_all({"a", "b"});
  ObserverPtr next;
  observers[0]->when_ended = [&] { next = execute("c"); };
  ASSERT_TRUE(asked(2));
  executor_.asked[0].finish();
  executor_.asked[1].finish();
  ASSERT_TRUE(asked(3));
  executor_.asked[2].finish("C");
  ASSERT_TRUE(ended(next));
  EXPECT_EQ(next->execution->outcome.output, "C");
}

TEST_P(LinkSeveral, AWorkerThatHasForgottenTheVersionIsToldAgain) {
  stop_worker();
  start_worker();
  run_for(milliseconds(20));
  const ObserverPtr first = execute("a");  // finds the connection closed, or makes another
  ASSERT_TRUE(run_until([&] { return first->ends > 0 || !executor_.asked.empty(); }));
  run_for(kShortestPause + milliseconds(50));
  forget();
  const auto observers = execute_all({"b", "c"});
  ASSERT_TRUE(asked(2));
  EXPECT_LE(host_->count("/versions/v"), 2);
  executor_.asked[0].finish();
  executor_.asked[1].finish();
  ASSERT_TRUE(all_ended(observers));
  EXPECT_TRUE(observers[0]->execution && observers[1]->execution);
}

TEST_P(LinkSeveral, ABodyOverTheWorkersBoundIsRefusedOnceAndItsInstanceGivenBack) {
  host_.reset();
  api_ = std::make_unique<worker::WorkerApi>(
      worker::WorkerApiOptions{uri(), cluster::cluster_key("secret"), 10'000}, executor_, there_, random_,
      worker::WorkerApiActions{});
  host_ = std::make_unique<PlayedHost>(there_, port_, *api_, tls_);
  run_for(milliseconds(20));
  auto large = request();
  large.body = std::make_shared<const std::string>(500'000, 'x');
  auto observer = std::make_shared<EndObserver>();
  link_->execute(allocation("a"), large, observer);
  ASSERT_TRUE(ended(observer));
  EXPECT_EQ(observer->refusal, Refusal::kTooLarge);
  EXPECT_THAT(executor_.asked, IsEmpty());
  ASSERT_TRUE(run_until([this] { return !executor_.released.empty(); }));
  EXPECT_EQ(executor_.released[0].first.instance, "a");
  EXPECT_EQ(executor_.released[0].second, ReleaseKind::kKeep);
}

TEST_P(LinkSeveral, AWorkerOfTheReleaseBeforeIsAskedAsItUnderstands) {
  stop_worker();
  link_ = make_link();
  start_worker();
  host_.reset();
  OldWorker old(*api_);
  host_ = std::make_unique<PlayedHost>(there_, port_, old, tls_);
  std::vector<ObserverPtr> observers = {execute("a")};
  ASSERT_TRUE(asked(1));
  observers.push_back(execute("b"));
  observers.push_back(execute("c"));
  ASSERT_TRUE(asked(3));
  EXPECT_EQ(host_->count("/calls"), 0);
  EXPECT_EQ(host_->count("/execute/"), 3);
  for (const std::string& target : old.targets) {
    EXPECT_FALSE(target.starts_with("/execute/") && !target.ends_with("/v/r")) << target;
  }
  for (const auto& each : executor_.asked) {
    each.finish();
  }
  ASSERT_TRUE(all_ended(observers));
  host_.reset();
}

}  // namespace
}  // namespace hearth::link
