// What a gateway asks of a worker, and what becomes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "worker/api/testing/played_gateway.h"

namespace hearth::worker {
namespace {

using model::Refusal;
using model::ReleaseKind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST_F(WorkerApiTest, AVersionIsToldOnceForAllGateways) {
  PlayedGateway one(*api_, "g", key_);
  PlayedGateway other(*api_, "h", key_);
  const Answer unknown = one.ask("/execute/i/0/1/v/r", "{}");
  EXPECT_EQ(unknown->status(), 412);
  EXPECT_EQ(unknown->meta(), "unknown_version");
  EXPECT_TRUE(one.is_next(*unknown));
  EXPECT_TRUE(executor_.asked.empty());
  const Answer told = one.tell(version("v"), "a name");
  EXPECT_EQ(told->status(), 200);
  EXPECT_EQ(told->meta(), "");
  EXPECT_TRUE(one.is_next(*told));
  EXPECT_EQ(other.ask("/execute/i/0/1/v/r", "{}")->status(), 0) << "it is executed";
  EXPECT_EQ(other.ask("/execute/i/0/1/w/r", "{}")->status(), 412);
  EXPECT_EQ(executor_.asked.size(), 1U);
}

TEST_F(WorkerApiTest, TheExecutorGetsAllThatWasSaid) {
  PlayedGateway gateway(*api_, "g", key_);
  gateway.tell(version("v"), "a name");
  gateway.ask("/execute/i-1/3/18446744073709551615/v/r-1/retired", std::string("\0body", 5));
  gateway.ask("/execute/i-2/0/7/v/r-2");
  gateway.ask("/behind/i-3/0/8/v/r-3", "{}");
  ASSERT_EQ(executor_.asked.size(), 3U);
  const auto& first = executor_.asked[0];
  EXPECT_EQ(first.ask, cluster::Ask::kExecute);
  EXPECT_EQ(first.allocation, here("i-1", UINT64_MAX, 3)) << "the URI is the worker's own";
  EXPECT_EQ(*first.request.version, version("v"));
  EXPECT_EQ(first.request.function_name, "a name");
  EXPECT_EQ(first.request.request_id, "r-1");
  EXPECT_EQ(*first.request.body, std::string("\0body", 5));
  EXPECT_TRUE(first.request.version_retired);
  EXPECT_FALSE(executor_.asked[1].request.version_retired);
  EXPECT_EQ(*executor_.asked[1].request.body, "");
  EXPECT_EQ(executor_.asked[2].ask, cluster::Ask::kBehind);
  EXPECT_EQ(executor_.asked[2].allocation, here("i-3", 8));
}

TEST_F(WorkerApiTest, WhatIsToBeKeptStartedIsToldAndWhatIsReadyAnswered) {
  PlayedGateway gateway(*api_, "g", key_);
  model::Version kept = version("v");
  kept.function_id = "f";
  std::string body;
  cluster::add_provision(body, {{std::make_shared<model::Version>(kept), "a name"}, 7, 3});
  const Answer answer = gateway.ask(cluster::kProvisionsTarget, body);
  EXPECT_EQ(answer->status(), 200);
  EXPECT_EQ(answer->body(), "f 2\n");
  EXPECT_TRUE(gateway.is_next(*answer));
  ASSERT_EQ(provisions_.size(), 1U);
  EXPECT_EQ(*provisions_[0].told.version, kept);
  EXPECT_EQ(gateway.ask(cluster::kProvisionsTarget, body + "x")->status(), 400);
  EXPECT_EQ(provisions_.size(), 1U);
  PlayedGateway stranger(*api_, "h", cluster::cluster_key("another"));
  EXPECT_EQ(stranger.ask(cluster::kProvisionsTarget, body)->status(), 401);
}

TEST_F(WorkerApiTest, AnExecutionIsToldWhole) {
  PlayedGateway gateway(*api_, "g", key_);
  const Answer answer = execute(gateway, "i");
  model::Execution execution;
  execution.outcome.output = std::string("\0\xff\r\n", 4);
  execution.steps = {true, 1, 2, 3, 4, 5, 6};
  execution.logs.chunks = {{model::LogStream::kErr, "log"}};
  executor_.asked[0].observer->done(model::Execution(execution), here("i", 2));
  EXPECT_EQ(answer->status(), 200);
  auto read = cluster::read_execution(answer->meta(), answer->body());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->execution, execution);
  EXPECT_EQ(read->lease_epoch, 2U);
}

TEST_F(WorkerApiTest, AnswersAreSealedInTheirOrder) {
  PlayedGateway gateway(*api_, "g", key_);
  EXPECT_TRUE(gateway.is_next(*gateway.tell(version("v"))));
  for (int i = 0; i < 3; ++i) {
    const Answer answer = gateway.ask("/execute/i/0/1/v/r", "{}");
    executor_.asked.back().finish("\"output\"");
    EXPECT_TRUE(gateway.is_next(*answer));
  }
}

TEST_F(WorkerApiTest, EachRefusalIsTold) {
  PlayedGateway gateway(*api_, "g", key_);
  for (const Refusal refusal :
       {Refusal::kGone, Refusal::kTooSmall, Refusal::kDraining, Refusal::kNoAnswer, Refusal::kBusy}) {
    const Answer answer = execute(gateway, "i");
    executor_.asked.back().refuse(refusal);
    EXPECT_EQ(answer->status(), cluster::status_of(refusal));
    EXPECT_EQ(cluster::read_refusal(answer->meta()), refusal);
    EXPECT_EQ(answer->body(), "");
  }
}

TEST_F(WorkerApiTest, AnAdmissionIsToldBeforeAnythingIsExecuted) {
  PlayedGateway gateway(*api_, "g", key_);
  const Answer answer = execute(gateway, "i");
  EXPECT_EQ(answer->processing, 0);
  EXPECT_TRUE(executor_.asked[0].admit());
  EXPECT_EQ(answer->processing, 1);
  EXPECT_EQ(answer->status(), 0);
  executor_.asked[0].finish();
  EXPECT_EQ(answer->status(), 200);
}

// As the socket tells; the loop may not know yet.
TEST_F(WorkerApiTest, WhoHasLeftIsNotExecutedFor) {
  PlayedGateway gateway(*api_, "g", key_);
  const Answer answer = execute(gateway, "i");
  answer->listens = false;
  EXPECT_FALSE(executor_.asked[0].admit());
  EXPECT_EQ(answer->status(), 503);
  EXPECT_EQ(answer->meta(), "no_answer");
}

TEST_F(WorkerApiTest, ReleasesComeInOneAndKeepTheirKind) {
  PlayedGateway gateway(*api_, "g", key_);
  const Answer answer = gateway.ask("/leases", "keep a 0 1\nremove b 2 3\n");
  EXPECT_EQ(answer->status(), 200);
  EXPECT_THAT(executor_.released, ElementsAre(Pair(here("a", 1), ReleaseKind::kKeep),
                                              Pair(here("b", 3, 2), ReleaseKind::kRemove)));
  EXPECT_EQ(gateway.ask("/leases")->status(), 200) << "it says that the gateway lives";
  EXPECT_EQ(gateway.ask("/leases", "keep a 0 1\nlose b 2 3\n")->status(), 400);
  EXPECT_EQ(executor_.released.size(), 2U) << "of a malformed body none is taken";
}

TEST_F(WorkerApiTest, TakesBack) {
  PlayedGateway gateway(*api_, "g", key_);
  EXPECT_EQ(gateway.ask("/take-back/i/2/5")->status(), 200);
  EXPECT_THAT(executor_.taken_back, ElementsAre(here("i", 5, 2)));
  EXPECT_THAT(executor_.asked, IsEmpty());
}

TEST_F(WorkerApiTest, DrainsOnceHoweverOftenItIsAsked) {
  PlayedGateway gateway(*api_, "g", key_);
  EXPECT_EQ(gateway.ask("/drain")->status(), 202);
  EXPECT_EQ(drains_, 0) << "called from inside a request";
  loop_.run_posted();
  EXPECT_EQ(drains_, 1);
  EXPECT_EQ(gateway.ask("/drain")->status(), 202);
  loop_.run_posted();
  EXPECT_EQ(drains_, 1);
}

TEST_F(WorkerApiTest, WhatIsMalformedIsRefusedAndTheSessionGoesOn) {
  PlayedGateway gateway(*api_, "g", key_);
  EXPECT_TRUE(gateway.is_next(*gateway.tell(version("v"))));
  for (const std::string_view target : {"/", "/execute/i/0/1/v", "/execute/i/x/1/v/r", "/take-back/i/0",
                                        "/lease", "/session", "/drain/now"}) {
    const Answer answer = gateway.ask(target, "{}");
    EXPECT_EQ(answer->status(), 404) << target;
    EXPECT_EQ(answer->meta(), "malformed");
    EXPECT_TRUE(gateway.is_next(*answer)) << target;
  }
  EXPECT_EQ(gateway.ask("/versions/v2", "nonsense", http::Method::kPut)->status(), 400);
  EXPECT_EQ(gateway.ask("/versions/", cluster::to_body(version("v"), "f"), http::Method::kPut)->status(),
            400);
  EXPECT_EQ(gateway.ask("/versions/v2", cluster::to_body(version("v2"), "f"))->status(), 404) << "no PUT";
  EXPECT_EQ(gateway.ask("/execute/i/0/1/v2/r", "{}")->status(), 412);
  EXPECT_THAT(executor_.asked, IsEmpty());
}

// The process stops: calls that are under way end later, or are told to.
TEST_F(WorkerApiTest, CallsMayOutliveIt) {
  PlayedGateway gateway(*api_, "g", key_);
  std::vector<Answer> answers;
  for (int i = 0; i < 3; ++i) {
    answers.push_back(execute(gateway, "i"));
  }
  api_.reset();
  for (const Answer& answer : answers) {
    answer->there = answer->listens = false;
  }
  EXPECT_FALSE(executor_.asked[0].admit());
  executor_.asked[1].refuse(Refusal::kDraining);
  executor_.asked[2].finish();
  executor_.asked.clear();
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer->status(), 0);
  }
  EXPECT_EQ(loop_.pending_timers(), 0U);
}

}  // namespace
}  // namespace hearth::worker
