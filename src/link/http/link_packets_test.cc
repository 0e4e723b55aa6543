// Packets of outcomes that a worker should not send, though it has the key.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/calls.h"
#include "http/raw_server_test_support.h"
#include "link/http/testing/link_fixture.h"

namespace hearth::link {
namespace {

constexpr std::string_view kWorkerNonce = "00112233445566778899aabbccddeeff";
constexpr std::string_view kProcessing = "HTTP/1.1 102 Processing\r\n\r\n";
constexpr std::string_view kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

// The test is the worker: it speaks for it word by word.
class LinkPackets : public LinkTest {
 protected:
  // Two calls of one turn have been asked together.
  void ask_two() {
    const ObserverPtr first = call("before");
    ASSERT_TRUE(run_until([&] { return (peer_ = server_.accept()) != nullptr; }));
    greet();
    ASSERT_TRUE(asked("PUT /versions/v"));
    peer_->send(sealed(200, "", ""));
    ASSERT_TRUE(asked("POST /execute/before"));
    peer_->send(std::string(kProcessing) + sealed(200, "returned 1 1 - 1", "1"));
    ASSERT_TRUE(ended(first));
    one_ = call("one");
    other_ = call("other");
    ASSERT_TRUE(asked("POST /calls"));
  }
  ObserverPtr call(const std::string& instance) {
    model::Allocation there = allocation(instance);
    there.worker_uri = "http://127.0.0.1:" + std::to_string(server_.port());
    return execute(there);
  }
  bool asked(const std::string& begin) {
    const bool came = run_until([&] { return peer_->received().starts_with(begin); });
    run_for(milliseconds(5));
    request_ = peer_->received();
    peer_->forget();
    return came;
  }
  void greet() {
    ASSERT_TRUE(asked("POST /session"));
    const std::string name = "Hearth-Nonce: ";
    const std::string theirs = request_.substr(request_.find(name) + name.size(), 2 * cluster::kNonceBytes);
    const cluster::Key key = cluster::cluster_key("secret");
    session_ = cluster::session_key(key, {theirs, kWorkerNonce});
    answers_.emplace(session_, cluster::Direction::kAnswer);
    peer_->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nHearth-Protocol: 2\r\nHearth-Nonce: " +
                std::string(kWorkerNonce) + "\r\nHearth-Proof: " +
                cluster::worker_proof(key, {theirs, kWorkerNonce}) + ends_seen() + "\r\n\r\n");
  }
  std::string ends_seen() const {
    const http::SocketEnds ends = http::ends_of(peer_->fd());
    const std::string seen = ends.here + " " + ends.there;
    return "\r\nHearth-Ends: " + seen +
           "\r\nHearth-Ends-Proof: " + cluster::ends_proof(session_, ends_forged_ ? "others" : seen);
  }
  // An answer with its MAC.
  std::string sealed(int status, const std::string& meta, const std::string& body) {
    const std::string digest = cluster::body_digest(session_, {body});
    return "HTTP/1.1 " + std::to_string(status) + " OK\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nHearth-Mac: " + answers_->next({std::to_string(status), meta, digest}) +
           "\r\nHearth-Meta: " + meta + "\r\n\r\n" + body;
  }
  // A packet.
  std::string sealed_packet(const std::string& outcomes) {
    return cluster::packet_line(*answers_, outcomes) + outcomes;
  }
  static std::string chunk(const std::string& text) {
    std::string made;
    for (std::size_t left = text.size(); left > 0; left /= 16) {
      made.insert(made.begin(), "0123456789abcdef"[left % 16]);
    }
    return made + "\r\n" + text + "\r\n";
  }
  // A packet as a chunk.
  std::string packet(const std::string& outcomes) { return chunk(sealed_packet(outcomes)); }
  static std::string outcome(std::size_t index, const std::string& output) {
    std::string text;
    cluster::add_answer(text, index, 200, "returned 1 1 - " + std::to_string(output.size()), {output});
    return text;
  }
  bool both_ended() {
    return run_until([this] { return one_->ends > 0 && other_->ends > 0; });
  }
  void expect_ended_once() {
    run_for(milliseconds(10));
    EXPECT_EQ(one_->ends, 1);
    EXPECT_EQ(other_->ends, 1);
  }

  http::test::RawServer server_;
  std::unique_ptr<http::test::RawConnection> peer_;
  cluster::Key session_{};
  bool ends_forged_ = false;
  std::optional<cluster::Seal> answers_;
  std::string request_;
  ObserverPtr one_;
  ObserverPtr other_;
};

TEST_F(LinkPackets, AsTheyShouldBe) {
  ask_two();
  peer_->send(std::string(kProcessing) + std::string(kChunkedHead) + packet(outcome(1, "other")));
  ASSERT_TRUE(ended(other_));
  EXPECT_EQ(one_->ends, 0);
  peer_->send(packet(outcome(0, "one")) + std::string(kLastChunk));
  ASSERT_TRUE(both_ended());
  EXPECT_EQ(one_->execution->outcome.output, "one");
  EXPECT_EQ(other_->execution->outcome.output, "other");
}

TEST_F(LinkPackets, AnOutcomeThatComesTwiceCountsOnce) {
  ask_two();
  std::string twice = outcome(0, "one");
  twice += outcome(0, "again");
  peer_->send(std::string(kChunkedHead) + packet(twice));
  ASSERT_TRUE(ended(one_));
  peer_->send(packet(outcome(0, "once more")));
  peer_->send(packet(outcome(1, "other")) + std::string(kLastChunk));
  ASSERT_TRUE(both_ended());
  EXPECT_EQ(one_->execution->outcome.output, "one");
  expect_ended_once();
}

TEST_F(LinkPackets, AnOutcomeOfACallThatWasNotAskedIsNobodys) {
  ask_two();
  std::string outcomes = outcome(2, "nobody's");
  outcomes += outcome(0, "one");
  peer_->send(std::string(kChunkedHead) + packet(outcomes));
  peer_->send(packet(outcome(1, "other")) + std::string(kLastChunk));
  ASSERT_TRUE(both_ended());
  EXPECT_EQ(one_->execution->outcome.output, "one");
  expect_ended_once();
}

TEST_F(LinkPackets, OneOutcomeSaysThatAllWereAdmitted) {
  ask_two();
  peer_->send(std::string(kChunkedHead) + packet(outcome(0, "one")));
  ASSERT_TRUE(ended(one_));
  peer_->close();
  ASSERT_TRUE(ended(other_));
  EXPECT_TRUE(other_->lost()) << "it may have been executed";
}

TEST_F(LinkPackets, AnAnswerThatEndsBeforeItsLastOutcomeLeavesTheOthersLost) {
  ask_two();
  peer_->send(std::string(kChunkedHead) + packet(outcome(1, "other")) + std::string(kLastChunk));
  ASSERT_TRUE(both_ended());
  EXPECT_TRUE(one_->lost());
  EXPECT_EQ(other_->execution->outcome.output, "other");
}

TEST_F(LinkPackets, HalfAPacketAtTheEndIsForged) {
  ask_two();
  peer_->send(std::string(kProcessing) + std::string(kChunkedHead) + "3\r\nabc\r\n" +
              std::string(kLastChunk));
  ASSERT_TRUE(both_ended());
  EXPECT_TRUE(one_->lost() && other_->lost());
  ASSERT_TRUE(run_until([this] { return peer_->ended(); })) << "it is not used again";
}

TEST_F(LinkPackets, OneThatIsMalformedEndsTheConnection) {
  ask_two();
  std::string two = sealed_packet("nonsense");
  two += sealed_packet(outcome(0, "one"));
  peer_->send(std::string(kProcessing) + std::string(kChunkedHead) + chunk(two));
  ASSERT_TRUE(both_ended());
  EXPECT_TRUE(one_->lost() && other_->lost());
  expect_ended_once();
}

TEST_F(LinkPackets, PacketsForACallByItselfAreNoAnswer) {
  ask_two();
  const ObserverPtr alone = call("alone");
  std::unique_ptr<http::test::RawConnection> second;
  ASSERT_TRUE(run_until([&] { return (second = server_.accept()) != nullptr; }));
  std::swap(peer_, second);
  greet();
  ASSERT_TRUE(asked("POST /execute/alone"));
  peer_->send(std::string(kProcessing) + std::string(kChunkedHead) + packet(outcome(0, "x")));
  ASSERT_TRUE(ended(alone));
  EXPECT_TRUE(alone->lost());
}

TEST_F(LinkPackets, AnotherMayNotBeAskedWhenSomebodyElseHasSaidWhereTheEndsAre) {
  ends_forged_ = true;
  ask_two();
  peer_->close();
  ASSERT_TRUE(both_ended());
  EXPECT_TRUE(one_->lost());
  EXPECT_TRUE(other_->lost());
}

TEST_F(LinkPackets, WithoutAny102OrOutcomeAnotherMayBeAsked) {
  ask_two();
  peer_->close();
  ASSERT_TRUE(both_ended());
  EXPECT_EQ(one_->refusal, model::Refusal::kNoAnswer);
  EXPECT_EQ(other_->refusal, model::Refusal::kNoAnswer);
  expect_ended_once();
}

TEST_F(LinkPackets, AfterThe102TheyAreLostWithTheConnection) {
  ask_two();
  peer_->send(kProcessing);
  run_for(milliseconds(5));
  peer_->close();
  ASSERT_TRUE(both_ended());
  EXPECT_TRUE(one_->lost() && other_->lost());
  expect_ended_once();
}

}  // namespace
}  // namespace hearth::link
