// Who may ask a worker: sessions, and messages that are not what a gateway has sent.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "worker/api/testing/played_gateway.h"

namespace hearth::worker {
namespace {

TEST_F(WorkerApiTest, ASessionBeginsWithAProofOfTheKey) {
  PlayedGateway gateway(*api_);
  const Answer answer = gateway.begin("g", key_);
  EXPECT_EQ(answer->status(), 200);
  const std::string nonce = answer->header(cluster::kNonceHeader);
  EXPECT_TRUE(cluster::is_nonce(nonce));
  EXPECT_EQ(answer->header(cluster::kProofHeader),
            cluster::worker_proof(key_, {PlayedGateway::kNonce, nonce}));
  EXPECT_FALSE(answer->response->close);
  EXPECT_EQ(api_->sessions(), 1U);
  PlayedGateway other(*api_);
  EXPECT_NE(other.begin("g", key_)->header(cluster::kNonceHeader), nonce);
  gateway.close();
  gateway.close();
  EXPECT_EQ(api_->sessions(), 1U);
}

TEST_F(WorkerApiTest, WithTlsASessionIsOfItsChannelToo) {
  PlayedGateway gateway(*api_);
  gateway.channel = "a channel";
  const Answer answer = gateway.begin("g", key_);
  const std::string nonce = answer->header(cluster::kNonceHeader);
  EXPECT_EQ(answer->header(cluster::kProofHeader),
            cluster::worker_proof(key_, {PlayedGateway::kNonce, nonce, "a channel"}));
  EXPECT_EQ(gateway.ask("/leases")->status(), 200);
}

TEST_F(WorkerApiTest, ASessionNeedsANameAndANonce) {
  const std::string nonce = PlayedGateway::kNonce;
  for (const std::vector<http::Header>& headers : std::vector<std::vector<http::Header>>{
           {},
           {{cluster::kHolderHeader, "g"}},
           {{cluster::kNonceHeader, nonce}},
           {{cluster::kHolderHeader, ""}, {cluster::kNonceHeader, nonce}},
           {{cluster::kHolderHeader, "a b"}, {cluster::kNonceHeader, nonce}},
           {{cluster::kHolderHeader, std::string(65, 'g')}, {cluster::kNonceHeader, nonce}},
           {{cluster::kHolderHeader, "g"}, {cluster::kNonceHeader, nonce.substr(1)}},
           {{cluster::kHolderHeader, "g"}, {cluster::kNonceHeader, std::string(32, 'G')}}}) {
    PlayedGateway gateway(*api_);
    http::RequestHead head = gateway.plain_head(cluster::kSessionTarget);
    head.headers = headers;
    EXPECT_EQ(gateway.send(head, "")->status(), 400);
    EXPECT_EQ(api_->sessions(), 0U);
  }
}

TEST_F(WorkerApiTest, WithoutASessionNothingIsTaken) {
  PlayedGateway gateway(*api_);
  for (const std::string_view target : {"/execute/i/0/1/v/r", "/behind/i/0/1/v/r", "/versions/v", "/leases",
                                        "/drain", "/take-back/i/0/1", "/", "/session/", "/sessions"}) {
    const Answer answer = gateway.send(gateway.plain_head(target), "");
    EXPECT_EQ(answer->status(), 401) << target;
    EXPECT_TRUE(answer->response->close) << target;
  }
  EXPECT_EQ(gateway.send(gateway.plain_head("/session", http::Method::kGet), "")->status(), 401);
  EXPECT_TRUE(executor_.asked.empty());
  loop_.run_posted();
  EXPECT_EQ(drains_, 0);
}

TEST_F(WorkerApiTest, HowItIsAnybodyMayAsk) {
  PlayedGateway stranger(*api_);
  const Answer answer = stranger.send(stranger.plain_head("/health", http::Method::kGet), "");
  EXPECT_EQ(answer->status(), 200);
  EXPECT_EQ(answer->body(), R"({"well":true})");
  EXPECT_FALSE(answer->response->close);
  EXPECT_EQ(api_->sessions(), 0U);
  EXPECT_EQ(stranger.send(stranger.plain_head("/health"), "")->status(), 401) << "no POST";
  EXPECT_EQ(stranger.send(stranger.plain_head("/health?x", http::Method::kGet), "")->status(), 401);
}

// A session's messages count on as if nothing had been asked.
TEST_F(WorkerApiTest, HowItIsMayBeAskedInsideASession) {
  PlayedGateway gateway(*api_, "g", key_);
  EXPECT_EQ(gateway.send(gateway.plain_head("/health", http::Method::kGet), "")->status(), 200);
  const Answer next = gateway.ask("/leases");
  EXPECT_EQ(next->status(), 200);
  EXPECT_TRUE(gateway.is_next(*next));
}

// Each way to send a message that the gateway has not sent; the executor must not be asked for any.
class ForgedMessage : public WorkerApiTest {
 protected:
  ForgedMessage() {
    gateway_ = std::make_unique<PlayedGateway>(*api_, "g", key_);
    EXPECT_EQ(gateway_->tell(version("v"))->status(), 200);
  }
  void expect_refused(const http::RequestHead& head, const std::string& body = "{}") {
    const Answer answer = gateway_->send(head, body);
    EXPECT_EQ(answer->status(), 401);
    EXPECT_TRUE(answer->response->close);
    EXPECT_EQ(answer->header(cluster::kMacHeader), "");
    EXPECT_TRUE(executor_.asked.empty());
    EXPECT_TRUE(executor_.released.empty());
  }
  http::RequestHead good() { return gateway_->sealed_head("/execute/i/0/1/v/r", "{}"); }

  std::unique_ptr<PlayedGateway> gateway_;
};

TEST_F(ForgedMessage, IsNotTheGoodOne) {
  EXPECT_EQ(gateway_->send(good(), "{}")->status(), 0);
  EXPECT_EQ(executor_.asked.size(), 1U);
}

TEST_F(ForgedMessage, WithoutAMac) {
  http::RequestHead head = good();
  head.headers.erase(head.headers.begin());
  expect_refused(head);
}

TEST_F(ForgedMessage, WithAnotherMac) {
  http::RequestHead head = good();
  head.headers[0].value[0] = head.headers[0].value[0] == '0' ? '1' : '0';
  expect_refused(head);
}

TEST_F(ForgedMessage, WithAnotherTarget) {
  http::RequestHead head = good();
  head.target = "/execute/j/0/1/v/r";
  expect_refused(head);
}

TEST_F(ForgedMessage, WithAnotherMethod) {
  http::RequestHead head = good();
  head.method = http::Method::kPut;
  expect_refused(head);
}

TEST_F(ForgedMessage, WithAnotherBody) { expect_refused(good(), "[]"); }

TEST_F(ForgedMessage, WithoutItsBody) { expect_refused(good(), ""); }

TEST_F(ForgedMessage, WithABodyThatItHadNot) {
  expect_refused(gateway_->sealed_head("/execute/i/0/1/v/r"), "{}");
}

TEST_F(ForgedMessage, WithAnotherBodyAndItsDigest) {
  http::RequestHead head = good();
  head.headers[1].value = cluster::body_digest(cluster::Key{}, {"[]"});
  expect_refused(head, "[]");
}

TEST_F(ForgedMessage, ASecondTime) {
  const http::RequestHead head = gateway_->sealed_head("/leases");
  EXPECT_EQ(gateway_->send(head, "")->status(), 200);
  expect_refused(head, "");
}

TEST_F(ForgedMessage, OutOfTurn) {
  good();
  expect_refused(good());
}

TEST_F(ForgedMessage, OfAnotherConnection) {
  PlayedGateway other(*api_, "g", key_);
  other.sealed_head("/leases");  // as many as this one has sent
  http::RequestHead head = other.sealed_head("/execute/i/0/1/v/r", "{}");
  head.connection = gateway_.get();
  expect_refused(head);
}

TEST_F(ForgedMessage, OfWhoHasAnotherKey) {
  gateway_->close();
  gateway_ = std::make_unique<PlayedGateway>(*api_, "g", cluster::cluster_key("guessed"));
  expect_refused(good());
}

TEST_F(ForgedMessage, ASecondSessionOnTheSameConnection) {
  http::RequestHead head = gateway_->plain_head(cluster::kSessionTarget);
  head.headers = {{cluster::kHolderHeader, "h"}, {cluster::kNonceHeader, PlayedGateway::kNonce}};
  expect_refused(head, "");
  EXPECT_EQ(api_->sessions(), 1U);
}

TEST_F(WorkerApiTest, EachTargetHasItsBoundOnTheBody) {
  PlayedGateway gateway(*api_);
  const auto bound = [&](const http::RequestHead& head) {
    return std::get<http::Buffer>(api_->plan(head)).limit_bytes;
  };
  EXPECT_EQ(bound(gateway.plain_head("/session")), 0U);
  gateway.begin("g", key_);
  EXPECT_EQ(bound(gateway.sealed_head("/execute/i/0/1/v/r")), 1'000U);
  EXPECT_EQ(bound(gateway.sealed_head("/versions/v")), 256 * base::kKiB);
  EXPECT_EQ(bound(gateway.sealed_head("/leases")), 4 * base::kMiB);
}

TEST_F(WorkerApiTest, TheServersOwnRefusalsHaveTheirReason) {
  const http::Response refusal = api_->refuse(413, "body_too_large", "the body is too large");
  EXPECT_EQ(refusal.status, 413);
  EXPECT_EQ(refusal.body[0], "body_too_large: the body is too large\n");
  EXPECT_FALSE(refusal.close) << "the server knows itself";
}

}  // namespace
}  // namespace hearth::worker
