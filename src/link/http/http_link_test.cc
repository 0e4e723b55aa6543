// Calls over the link, and what else gateways ask of workers, when everything is well.
#include "link/http/http_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "link/http/testing/link_fixture.h"

namespace hearth::link {
namespace {

using model::OutcomeKind;
using model::Refusal;
using model::ReleaseKind;
using testing::ElementsAre;
using testing::Pair;
using testing::StartsWith;

class HttpLinkTest : public LinkTestBothWays {
 protected:
  HttpLinkTest() { start_worker(); }
};

INSTANTIATE_TEST_SUITE_P(Ways, HttpLinkTest, testing::Bool(), name_of_way);

TEST_P(HttpLinkTest, TheWorkerGetsTheWholeRequest) {
  auto wanted = std::make_shared<model::Version>();
  wanted->id = "v-1";
  wanted->function_id = "function";
  wanted->memory_mb = 512;
  wanted->environment = {{"A", "line\nline"}};
  const std::string body("\0\xff\r\n{}", 6);
  const auto observer = std::make_shared<EndObserver>();
  link_->execute({uri(), "i", 7, UINT64_MAX - 1, 512},
                 {wanted, "a name", "r-1", std::make_shared<const std::string>(body), true}, observer);
  ASSERT_TRUE(asked(1));
  const auto& seen = executor_.asked[0];
  EXPECT_EQ(seen.allocation, (model::Allocation{uri(), "i", 7, UINT64_MAX - 1, 0}));
  EXPECT_EQ(*seen.request.version, *wanted);
  EXPECT_EQ(seen.request.function_name, "a name");
  EXPECT_EQ(seen.request.request_id, "r-1");
  EXPECT_EQ(*seen.request.body, body);
  EXPECT_TRUE(seen.request.version_retired);
  EXPECT_EQ(executor_.admitted, std::vector<bool>{true});
}

TEST_P(HttpLinkTest, ACallMayHaveNoBody) {
  const auto observer = std::make_shared<EndObserver>();
  link_->execute(allocation("i"), {version(), "f", "r", nullptr}, observer);
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(*executor_.asked[0].request.body, "");
}

TEST_P(HttpLinkTest, AnExecutionComesBackWhole) {
  model::Execution execution;
  execution.outcome = {OutcomeKind::kReturned, std::string("\0\xff{}\r\n", 6), {}};
  execution.steps = {true, 1, 2, 3, 4, 5, 6};
  execution.logs = {{{model::LogStream::kOut, "out\n"}, {model::LogStream::kErr, "\xfe"}}, true};
  const ObserverPtr observer = execute("i");
  ASSERT_TRUE(asked(1));
  executor_.asked[0].observer->done(model::Execution(execution), std::nullopt);
  ASSERT_TRUE(ended(observer));
  execution.instance = "i";
  EXPECT_EQ(observer->execution, execution);
  EXPECT_FALSE(observer->lease);
}

TEST_P(HttpLinkTest, AFailureOfTheFunctionComesBackAsOne) {
  const ObserverPtr observer = execute("i");
  ASSERT_TRUE(asked(1));
  model::Execution execution;
  execution.outcome = {OutcomeKind::kThrew, {}, {"TypeError", "x is no function", "at y"}};
  executor_.asked[0].observer->done(model::Execution(execution), allocation("i", 2));
  ASSERT_TRUE(ended(observer));
  EXPECT_EQ(observer->execution->outcome, execution.outcome);
  EXPECT_EQ(observer->lease, allocation("i", 2));
}

TEST_P(HttpLinkTest, LargeBodiesAndOutputsGoThrough) {
  const auto body = std::make_shared<const std::string>(5 * 1024 * 1024, 'b');
  const std::string output(6 * 1024 * 1024, 'o');
  const auto observer = std::make_shared<EndObserver>();
  link_->execute(allocation("i"), {version(), "f", "r", body}, observer);
  ASSERT_TRUE(asked(1));
  EXPECT_TRUE(*executor_.asked[0].request.body == *body);
  executor_.asked[0].finish(output);
  ASSERT_TRUE(ended(observer));
  EXPECT_TRUE(observer->execution->outcome.output == output);
}

TEST_P(HttpLinkTest, ALeaseIsForTheNextCall) {
  model::Allocation lease = lease_of("i");
  for (std::uint64_t epoch = 2; epoch < 6; ++epoch) {
    EXPECT_EQ(lease, allocation("i", epoch));
    EXPECT_TRUE(link_->may_keep(lease));
    const ObserverPtr next = execute(lease);
    ASSERT_TRUE(asked(epoch));
    EXPECT_EQ(executor_.asked.back().allocation.epoch, epoch);
    executor_.asked.back().finish();
    ASSERT_TRUE(ended(next));
    lease = *next->lease;
  }
}

TEST_P(HttpLinkTest, RefusalsComeBackAsTheyAre) {
  executor_.admits_at_once = false;
  for (const Refusal refusal : {Refusal::kGone, Refusal::kTooSmall, Refusal::kDraining, Refusal::kBusy}) {
    const ObserverPtr observer = execute("i");
    const std::size_t mine = executor_.asked.size();
    ASSERT_TRUE(asked(mine + 1));
    executor_.asked.back().refuse(refusal);
    ASSERT_TRUE(ended(observer));
    EXPECT_EQ(observer->refusal, refusal);
    EXPECT_EQ(observer->ends, 1);
  }
  EXPECT_EQ(host_->count("/leases"), 0) << "what was refused is not given back";
}

TEST_P(HttpLinkTest, AVersionIsToldOnceAndConnectionsAreUsedAgain) {
  for (int i = 0; i < 5; ++i) {
    lease_of("i");
  }
  EXPECT_EQ(host_->count("/versions/v"), 1);
  EXPECT_EQ(host_->count("/execute/"), 5);
  EXPECT_EQ(host_->count("/session"), 1);
  EXPECT_EQ(api_->sessions(), 1U);
  const auto observer = std::make_shared<EndObserver>();
  link_->execute(allocation("j"), request(version("w")), observer);
  ASSERT_TRUE(asked(6));
  EXPECT_EQ(host_->count("/versions/w"), 1);
}

TEST_P(HttpLinkTest, EachCallUnderWayHasAConnectionOfItsOwn) {
  std::vector<ObserverPtr> observers;
  for (int i = 0; i < 20; ++i) {
    observers.push_back(execute("i" + std::to_string(i)));
  }
  ASSERT_TRUE(asked(20));
  EXPECT_EQ(api_->sessions(), 20U);
  for (std::size_t i = 20; i-- > 0;) {
    executor_.asked[i].finish(executor_.asked[i].allocation.instance);
  }
  for (std::size_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(ended(observers[i]));
    EXPECT_EQ(observers[i]->execution->outcome.output, "i" + std::to_string(i));
  }
  lease_of("next");
  EXPECT_EQ(api_->sessions(), 20U);
}

TEST_P(HttpLinkTest, TheNextCallMayComeFromInsideTheLastOnesEnd) {
  const ObserverPtr first = execute("i");
  ObserverPtr second;
  first->when_ended = [&] { second = execute(*first->lease); };
  ASSERT_TRUE(asked(1));
  executor_.asked[0].finish();
  ASSERT_TRUE(asked(2));
  executor_.asked[1].finish();
  ASSERT_TRUE(ended(second));
  EXPECT_EQ(api_->sessions(), 1U) << "the same connection carries it";
}

TEST_P(HttpLinkTest, AWorkerThatWasStartedAnewIsToldAgain) {
  lease_of("i");
  stop_worker();
  here_.poll();  // its connection is found closed
  start_worker();
  const ObserverPtr observer = execute("j");
  ASSERT_TRUE(asked(2));
  executor_.asked[1].finish();
  ASSERT_TRUE(ended(observer));
  EXPECT_TRUE(observer->execution);
  EXPECT_THAT(host_->requests, ElementsAre("/session", StartsWith("/execute/j/0/1/v/r"), "/versions/v",
                                           StartsWith("/execute/j/0/1/v/r")));
  lease_of("k");
  EXPECT_EQ(host_->count("/versions/v"), 1) << "once more, and then it knows";
}

TEST_P(HttpLinkTest, ReleasesOfOneTurnAreOneRequest) {
  const model::Allocation a = lease_of("a");
  const model::Allocation b = lease_of("b");
  link_->release(a, ReleaseKind::kKeep);
  link_->release(b, ReleaseKind::kRemove);
  ASSERT_TRUE(run_until([this] { return executor_.released.size() == 2; }));
  EXPECT_THAT(executor_.released,
              ElementsAre(Pair(model::Allocation{uri(), "a", 0, 2, 0}, ReleaseKind::kKeep),
                          Pair(model::Allocation{uri(), "b", 0, 2, 0}, ReleaseKind::kRemove)));
  EXPECT_EQ(host_->count("/leases"), 1);
  EXPECT_EQ(api_->leases_given(), 0U);
  link_->release(a, ReleaseKind::kKeep);
  ASSERT_TRUE(run_until([this] { return executor_.released.size() == 3; }));
  EXPECT_EQ(host_->count("/leases"), 2);
}

TEST_P(HttpLinkTest, CallsStandBehindAndAreTakenBack) {
  const ObserverPtr running = execute("i");
  ASSERT_TRUE(asked(1));
  const ObserverPtr behind = execute_behind("i");
  ASSERT_TRUE(asked(2));
  EXPECT_EQ(executor_.asked[1].ask, cluster::Ask::kBehind);
  EXPECT_TRUE(executor_.asked[1].admit());
  const ObserverPtr another = execute_behind("i");
  ASSERT_TRUE(asked(3));
  EXPECT_TRUE(executor_.asked[2].admit());
  run_for(milliseconds(20));
  link_->take_back(allocation("i"));
  ASSERT_TRUE(run_until([this] { return executor_.taken_back.size() == 1; }));
  EXPECT_EQ(executor_.taken_back[0].instance, "i");
  // The first had begun; the second had not, though it had been admitted to its place.
  executor_.asked[2].refuse(Refusal::kBusy);
  ASSERT_TRUE(ended(another));
  EXPECT_EQ(another->refusal, Refusal::kBusy) << "another worker may be asked";
  executor_.asked[0].finish("1", /*reusable=*/false);
  executor_.asked[1].finish("2");
  ASSERT_TRUE(ended(running));
  ASSERT_TRUE(ended(behind));
  EXPECT_FALSE(running->lease);
  EXPECT_EQ(behind->execution->outcome.output, "2");
  EXPECT_EQ(behind->lease, allocation("i", 2));
}

TEST_P(HttpLinkTest, TheOwnWorkerIsCalled) {
  worker::RecordingExecutor own;
  HttpLink link(LinkParts{here_, pool_, random_, Identity{"g", cluster::cluster_key("secret")}},
                "http://me:1", &own);
  const model::Allocation near{"http://me:1", "near", 0, 1, 128};
  const auto observer = std::make_shared<EndObserver>();
  link.execute(near, request(), observer);
  link.execute_behind(near, request(), observer);
  link.take_back(near);
  link.release(near, ReleaseKind::kRemove);
  ASSERT_EQ(own.asked.size(), 2U);
  EXPECT_EQ(own.asked[0].observer, observer) << "nothing stands between";
  EXPECT_EQ(own.taken_back.size(), 1U);
  EXPECT_EQ(own.released.size(), 1U);
  link.execute(allocation("far"), request(), observer);
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(own.asked.size(), 2U);
}

TEST_P(HttpLinkTest, WhatIsNoUriHasGone) {
  for (const std::string uri : {"", "inproc:", "ftp://a:1", "http://", "https://", "http://a:x"}) {
    const model::Allocation nowhere{uri, "i", 0, 1, 128};
    const auto observer = std::make_shared<EndObserver>();
    link_->execute(nowhere, request(), observer);
    EXPECT_EQ(observer->refusal, Refusal::kGone) << uri;
    link_->execute_behind(nowhere, request(), observer);
    EXPECT_EQ(observer->refusal, Refusal::kBusy) << uri;
    link_->take_back(nowhere);
    link_->release(nowhere, ReleaseKind::kKeep);
  }
}

TEST_P(HttpLinkTest, NamesAreLookedUpOnThePool) {
  model::Allocation named = allocation("i");
  named.worker_uri = uri_of(port_, "localhost");
  const ObserverPtr observer = execute(named);
  ASSERT_TRUE(asked(1));
  executor_.asked[0].finish();
  ASSERT_TRUE(ended(observer));
  EXPECT_EQ(observer->lease->worker_uri, named.worker_uri);
}

TEST_P(HttpLinkTest, MayEndWithCallsUnderWay) {
  const ObserverPtr running = execute("i");
  ASSERT_TRUE(asked(1));
  const ObserverPtr connecting = execute("j");
  link_->release(allocation("k"), ReleaseKind::kKeep);
  link_.reset();
  run_for(milliseconds(20));
  EXPECT_EQ(running->ends, 0) << "its observer may not be there any more";
  EXPECT_EQ(connecting->ends, 0);
  executor_.asked[0].finish();
  EXPECT_TRUE(run_until([this] { return api_->sessions() == 0; }));
}

}  // namespace
}  // namespace hearth::link
