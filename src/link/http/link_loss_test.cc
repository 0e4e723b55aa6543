// Workers that are lost in the middle, gateways that are, and who is not who he says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/testing/read_log.h"
#include "http/raw_server_test_support.h"
#include "link/http/testing/link_fixture.h"

namespace hearth::link {
namespace {

using model::Refusal;
using model::ReleaseKind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class LinkLoss : public LinkTestBothWays {
 protected:
  LinkLoss() { start_worker(); }

  // Under way, and the gateway has been told that it is worked on.
  ObserverPtr admitted(const std::string& instance) {
    const std::size_t before = executor_.asked.size();
    const ObserverPtr observer = execute(instance);
    EXPECT_TRUE(asked(before + 1));
    run_for(milliseconds(5));
    EXPECT_EQ(observer->ends, 0);
    return observer;
  }
  void expect_one_end(const ObserverPtr& observer) {
    run_for(milliseconds(20));
    EXPECT_EQ(observer->ends, 1);
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, LinkLoss, testing::Bool(), name_of_way);

TEST_P(LinkLoss, AfterTheAdmissionTheCallHasBeenLostWithTheWorker) {
  const ObserverPtr observer = admitted("i");
  stop_worker();
  ASSERT_TRUE(ended(observer));
  EXPECT_TRUE(observer->lost());
  EXPECT_EQ(observer->execution->instance, "i");
  EXPECT_FALSE(observer->lease);
  executor_.asked[0].finish();
  expect_one_end(observer);
}

TEST_P(LinkLoss, BeforeTheAdmissionAnotherMayBeAsked) {
  executor_.admits_at_once = false;
  const ObserverPtr observer = execute("i");
  ASSERT_TRUE(asked(1));
  run_for(milliseconds(5));
  stop_worker();
  ASSERT_TRUE(ended(observer));
  EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
  expect_one_end(observer);
  start_worker();
  const ObserverPtr next = execute("j");
  EXPECT_EQ(next->ends, 0) << "a connection that broke is no silence";
  executor_.admits_at_once = true;
  ASSERT_TRUE(run_until([this] { return !executor_.released.empty(); }));
  EXPECT_THAT(executor_.released,
              ElementsAre(Pair(model::Allocation{uri(), "i", 0, 1, 0}, ReleaseKind::kKeep)));
}

TEST_P(LinkLoss, EachOfManyEndsOnceWhicheverWay) {
  std::vector<ObserverPtr> observers;
  for (int i = 0; i < 30; ++i) {
    executor_.admits_at_once = i % 2 == 0;
    observers.push_back(execute("i" + std::to_string(i)));
    ASSERT_TRUE(asked(static_cast<std::size_t>(i) + 1));
  }
  run_for(milliseconds(5));
  stop_worker();
  for (std::size_t i = 0; i < observers.size(); ++i) {
    ASSERT_TRUE(ended(observers[i]));
    EXPECT_EQ(observers[i]->lost(), i % 2 == 0) << i;
    EXPECT_EQ(observers[i]->refusal.has_value(), i % 2 == 1) << i;
    expect_one_end(observers[i]);
  }
}

TEST_P(LinkLoss, ABehindCallIsNotOwedForTheInstanceIsAnothers) {
  admitted("i");
  executor_.admits_at_once = false;
  const ObserverPtr behind = execute_behind("i");
  ASSERT_TRUE(asked(2));
  stop_worker();
  ASSERT_TRUE(ended(behind));
  EXPECT_EQ(behind->refusal, Refusal::kNoAnswer);
  start_worker();
  admitted("j");
  run_for(milliseconds(20));
  EXPECT_THAT(executor_.released, IsEmpty());
}

TEST_P(LinkLoss, WithItsLastConnectionAGatewaysLeasesComeBack) {
  auto other = make_link("h");
  lease_of("mine");
  std::swap(link_, other);
  lease_of("theirs");
  std::swap(link_, other);
  EXPECT_EQ(api_->leases_given(), 2U);
  link_.reset();
  ASSERT_TRUE(run_until([this] { return !executor_.released.empty(); }));
  run_for(milliseconds(10));
  EXPECT_THAT(executor_.released,
              ElementsAre(Pair(model::Allocation{uri(), "mine", 0, 2, 0}, ReleaseKind::kLost)));
  EXPECT_EQ(api_->leases_given(), 1U);
}

TEST_P(LinkLoss, AnAnswerToWhoHasGoneGivesItsLeaseBack) {
  admitted("i");
  auto other = make_link("g");  // the same gateway is there otherwise
  std::swap(link_, other);
  lease_of("j");
  other.reset();
  ASSERT_TRUE(run_until([this] { return host_->connections() == 1; }));
  executor_.asked[0].finish();
  EXPECT_THAT(executor_.released,
              ElementsAre(Pair(model::Allocation{uri(), "i", 0, 2, 0}, ReleaseKind::kKeep)));
}

TEST_P(LinkLoss, AnotherClustersGatewayIsRefusedByItselfAndSaysSoOnce) {
  const base::ReadLog log;
  link_ = make_link("g", "another key");
  for (int i = 0; i < 3; ++i) {
    const ObserverPtr observer = execute("i");
    ASSERT_TRUE(ended(observer));
    EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
    run_for(2 * kShortestPause);
  }
  EXPECT_THAT(executor_.asked, IsEmpty());
  EXPECT_EQ(log.count("does not answer"), 1);
  EXPECT_EQ(log.count("--cluster-key"), 1);
  EXPECT_EQ(host_->count("/versions"), 0);
  EXPECT_EQ(host_->count("/execute"), 0);
}

TEST_P(LinkLoss, WhatAWorkerThatLeavesHasNotReadIsRefused) {
  lease_of("i");
  frozen_ = true;
  const ObserverPtr observer = execute("j");
  run_for(milliseconds(5));
  stop_worker();
  ASSERT_TRUE(ended(observer));
  EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
}

// Something on the way resets connections: the worker's word that it executes may be what was thrown away.
TEST_P(LinkLoss, AConnectionThatIsResetInACallsMidstMayHaveCarriedAnAdmission) {
  const http::test::RawServer between;
  model::Allocation there = allocation("i");
  there.worker_uri = uri_of(between.port());
  const ObserverPtr observer = execute(there);
  std::unique_ptr<http::test::RawConnection> gateway;
  ASSERT_TRUE(run_until([&] { return (gateway = between.accept()) != nullptr; }));
  const auto worker = http::test::RawConnection::to(port_);
  executor_.admits_at_once = false;
  ASSERT_TRUE(run_until([&] {
    worker->send(gateway->received());
    gateway->forget();
    if (executor_.asked.empty()) {
      gateway->send(worker->received());
      worker->forget();
    }
    return !executor_.asked.empty();
  }));
  executor_.asked[0].admit();
  gateway->reset();
  ASSERT_TRUE(ended(observer));
  EXPECT_TRUE(observer->lost());
}

class LinkImpostor : public LinkTest {};

TEST_F(LinkImpostor, WhoOnlyClaimsToBeAWorkerGetsNoCall) {
  const http::test::RawServer impostor;
  model::Allocation there = allocation("i");
  there.worker_uri = uri_of(impostor.port());
  const ObserverPtr observer = execute(there);
  std::unique_ptr<http::test::RawConnection> peer;
  ASSERT_TRUE(run_until([&] { return (peer = impostor.accept()) != nullptr; }));
  ASSERT_TRUE(run_until([&] { return peer->received().ends_with("\r\n\r\n"); }));
  EXPECT_TRUE(peer->received().starts_with("POST /session HTTP/1.1\r\n"));
  EXPECT_EQ(peer->received().find("Hearth-Mac"), std::string::npos);
  peer->forget();
  peer->send(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nHearth-Nonce: 00112233445566778899aabbccddeeff\r\n"
      "Hearth-Proof: 00112233445566778899aabbccddeeff\r\n\r\n");
  ASSERT_TRUE(ended(observer));
  EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
  EXPECT_TRUE(peer->ended());
  EXPECT_EQ(peer->received(), "");
}

}  // namespace
}  // namespace hearth::link
