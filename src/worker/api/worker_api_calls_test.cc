// Several calls in one request: what the executor gets, and how each is answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cluster/calls.h"
#include "worker/api/testing/played_gateway.h"

namespace hearth::worker {
namespace {

using model::Refusal;
using testing::ElementsAre;

class SeveralCallsTest : public WorkerApiTest {
 protected:
  SeveralCallsTest() { EXPECT_TRUE(gateway_.is_next(*gateway_.tell(version("v")))); }

  // A call on each of these instances.
  Answer ask(const std::vector<std::string>& instances, std::string_view kind = "/execute/") {
    std::string body;
    for (const std::string& instance : instances) {
      cluster::add_call(body, std::string(kind) + instance + "/0/1/v/r-" + instance, "\"" + instance + "\"");
    }
    return gateway_.ask(cluster::kCallsTarget, body);
  }
  // "INDEX STATUS WORD OUTPUT" of each outcome that has come so, packet by packet; none that is not the
  // worker's.
  std::vector<std::string> outcomes(PlayedTarget& answer) {
    std::vector<std::string> read;
    for (const std::string& piece : answer.pieces) {
      reader_.add(piece);
      EXPECT_EQ(reader_.next(gateway_.answers()), cluster::PacketReader::State::kPacket);
      const auto answers = cluster::read_answers(reader_.packet());
      EXPECT_TRUE(answers);
      std::string text;
      for (const cluster::CallAnswer& each : *answers) {
        auto execution = cluster::read_execution(each.meta, std::string(each.body));
        text += (text.empty() ? "" : ", ") + std::to_string(each.index) + " " + std::to_string(each.status) +
                " " + (execution ? execution->execution.outcome.output : std::string(each.meta));
      }
      read.push_back(text);
    }
    EXPECT_TRUE(reader_.empty());
    answer.pieces.clear();
    return read;
  }

  PlayedGateway gateway_{*api_, "g", key_};
  cluster::PacketReader reader_{1'000'000};
};

TEST_F(SeveralCallsTest, AllAreGivenInTheirOrder) {
  std::string body;
  cluster::add_call(body, "/execute/i/3/7/v/r/5000/retired", "one");
  cluster::add_call(body, "/behind/i/3/7/v/s", "");
  gateway_.ask(cluster::kCallsTarget, body);
  ASSERT_EQ(executor_.asked.size(), 2U);
  const auto& first = executor_.asked[0];
  EXPECT_EQ(first.ask, cluster::Ask::kExecute);
  EXPECT_EQ(first.allocation, here("i", 7, 3));
  EXPECT_EQ(*first.request.body, "one");
  EXPECT_TRUE(first.request.version_retired);
  EXPECT_EQ(first.request.latest, loop_.now() + std::chrono::seconds(5)) << "on this host's clock";
  const auto& second = executor_.asked[1];
  EXPECT_EQ(second.ask, cluster::Ask::kBehind);
  EXPECT_EQ(second.request.request_id, "s");
  EXPECT_EQ(second.request.latest, base::TimePoint::max()) << "nothing was said of it";
}

TEST_F(SeveralCallsTest, WhatEndsInOneTurnIsAnsweredInOnePacket) {
  const Answer answer = ask({"a", "b", "c"});
  executor_.asked[2].finish("C");
  executor_.asked[0].finish("A");
  EXPECT_TRUE(answer->pieces.empty()) << "others may end in this turn";
  loop_.run_posted();
  EXPECT_THAT(outcomes(*answer), ElementsAre("2 200 C, 0 200 A"));
  EXPECT_FALSE(answer->ended);
  executor_.asked[1].finish("B");
  EXPECT_TRUE(answer->ended) << "at once: there is no other";
  EXPECT_THAT(outcomes(*answer), ElementsAre("1 200 B"));
  loop_.run_posted();
  EXPECT_TRUE(answer->pieces.empty());
}

TEST_F(SeveralCallsTest, ARefusalOfOneIsNoneOfTheOthers) {
  const Answer answer = ask({"a", "b", "c"});
  executor_.asked[0].refuse(Refusal::kGone);
  executor_.asked[1].refuse(Refusal::kBusy);
  executor_.asked[2].finish("C");
  EXPECT_THAT(outcomes(*answer), ElementsAre("0 410 gone, 1 503 busy, 2 200 C"));
}

TEST_F(SeveralCallsTest, AVersionThatIsUnknownIsSoForItsCallsAlone) {
  std::string body;
  cluster::add_call(body, "/execute/i/0/1/unknown/r", "");
  cluster::add_call(body, "/execute/j/0/1/v/s", "");
  const Answer answer = gateway_.ask(cluster::kCallsTarget, body);
  ASSERT_EQ(executor_.asked.size(), 1U);
  EXPECT_EQ(executor_.asked[0].allocation.instance, "j");
  executor_.asked[0].finish("J");
  EXPECT_THAT(outcomes(*answer), ElementsAre("0 412 unknown_version, 1 200 J"));
}

TEST_F(SeveralCallsTest, AllAreAdmittedByOne102) {
  executor_.admits_at_once = true;
  const Answer answer = ask({"a", "b", "c"});
  EXPECT_EQ(answer->processing, 1);
  EXPECT_THAT(executor_.admitted, ElementsAre(true, true, true));
}

TEST_F(SeveralCallsTest, OneThatIsAdmittedLaterLooksAgainWhetherTheGatewayIsThere) {
  const Answer answer = ask({"a", "b"});
  EXPECT_TRUE(executor_.asked[0].admit());
  answer->listens = false;
  EXPECT_FALSE(executor_.asked[1].admit());
  executor_.asked[0].finish("A");
  EXPECT_THAT(outcomes(*answer), ElementsAre("1 503 no_answer, 0 200 A"));
}

TEST_F(SeveralCallsTest, NothingIsExecutedForAGatewayThatHasGivenUp) {
  executor_.admits_at_once = true;
  const auto target = std::make_shared<PlayedTarget>();
  target->listens = false;
  std::string body;
  cluster::add_call(body, "/execute/a/0/1/v/r", "");
  cluster::add_call(body, "/execute/b/0/1/v/s", "");
  gateway_.send(gateway_.sealed_head(cluster::kCallsTarget, body), body, target);
  EXPECT_THAT(executor_.admitted, ElementsAre(false, false));
  EXPECT_THAT(outcomes(*target), ElementsAre("0 503 no_answer, 1 503 no_answer"));
}

TEST_F(SeveralCallsTest, LeasesAreTheGatewaysUntilItHasGone) {
  const Answer answer = ask({"a", "b"});
  executor_.asked[0].finish("A");
  EXPECT_EQ(api_->leases_given(), 1U);
  answer->there = false;
  executor_.asked[1].finish("B");
  EXPECT_THAT(executor_.released, ElementsAre(testing::Pair(here("b", 2), model::ReleaseKind::kKeep)))
      << "nobody hears of it";
}

TEST_F(SeveralCallsTest, OutcomesAfterTheApisEndGoNowhere) {
  const Answer answer = ask({"a", "b"});
  const auto first = executor_.asked[0];
  executor_.asked[1].finish("B");
  api_.reset();
  loop_.run_posted();
  first.finish("A");
  EXPECT_TRUE(answer->pieces.empty());
}

TEST_F(SeveralCallsTest, WhatIsMalformedIsRefusedWhole) {
  for (const std::string& body : std::vector<std::string>{"", "x", "/execute/i/0/1/v/r 5\nab"}) {
    const Answer answer = gateway_.ask(cluster::kCallsTarget, body);
    EXPECT_EQ(answer->status(), 400);
    EXPECT_EQ(answer->meta(), "malformed");
  }
  EXPECT_TRUE(executor_.asked.empty());
}

TEST_F(SeveralCallsTest, TheBodyIsBoundedByItself) {
  EXPECT_EQ(gateway_.ask(cluster::kCallsTarget, std::string(2'000, 'x'))->status(), 400)
      << "a call's own bound is smaller here";
}

TEST_F(SeveralCallsTest, ABodyOverTheWorkersBoundIsRefusedWithoutBeingRead) {
  http::RequestHead head = gateway_.sealed_head("/execute/i/0/1/v/r", std::string(1'001, 'x'));
  head.content_length = 1'001;
  const Answer answer = gateway_.send(std::move(head), "");
  EXPECT_EQ(answer->status(), 413);
  EXPECT_EQ(answer->meta(), "body_too_large");
  EXPECT_TRUE(executor_.asked.empty());
}

}  // namespace
}  // namespace hearth::worker
