// A server that ends: what becomes of connections that wait, idle or not yet accepted. Server and peers on
// one thread, so that the loop knows what the test lets it know.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/testing/run_until.h"
#include "http/loopback_test_support.h"
#include "http/raw_server_test_support.h"
#include "http/server.h"

namespace hearth::http::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kGrace{100};

class ServerDrain : public testing::Test {
 protected:
  ServerDrain() {
    EXPECT_TRUE(server_->listen("127.0.0.1:0").ok());
    server_->start();
  }

  std::unique_ptr<RawConnection> idle_peer() {
    auto peer = RawConnection::to(server_->port());
    peer->send(get("/before"));
    EXPECT_TRUE(answered(*peer, "GET /before "));
    peer->forget();
    return peer;
  }
  bool answered(RawConnection& peer, const std::string& end) {
    return base::run_until(reactor_, [&] { return peer.received().ends_with(end); });
  }
  void drain(milliseconds grace) {
    began_ = base::Clock::now();
    server_->drain([this] { drained_ = true; }, grace);
  }
  bool closes(RawConnection& peer) {
    const bool closed = base::run_until(reactor_, [&] { return peer.ended(); });
    peer.close();
    return closed;
  }
  bool ends() {
    return base::run_until(reactor_, [this] { return drained_; });
  }

  base::Reactor reactor_;
  FunctionHandler handler_;
  std::unique_ptr<Server> server_ = std::make_unique<Server>(reactor_, ServerLimits(), handler_);
  bool drained_ = false;
  base::TimePoint began_;
};

TEST_F(ServerDrain, AnIdleConnectionIsKeptForOneMoreRequest) {
  const auto peer = idle_peer();
  drain(kGrace);
  base::run_for(reactor_, milliseconds(10));
  EXPECT_FALSE(peer->ended());
  peer->send(get("/after"));
  ASSERT_TRUE(answered(*peer, "GET /after "));
  EXPECT_NE(peer->received().find("Connection: close"), std::string::npos);
  EXPECT_TRUE(closes(*peer));
  EXPECT_TRUE(ends());
  EXPECT_LT(base::Clock::now() - began_, kGrace + milliseconds(2'000));
}

TEST_F(ServerDrain, AfterTheGraceItIsClosed) {
  const auto peer = idle_peer();
  drain(kGrace);
  EXPECT_TRUE(closes(*peer));
  EXPECT_GE(base::Clock::now() - began_, kGrace);
  EXPECT_EQ(peer->received(), "");
  EXPECT_TRUE(ends());
}

TEST_F(ServerDrain, WithoutAGraceItIsClosedAtOnce) {
  const auto peer = idle_peer();
  drain(milliseconds(0));
  EXPECT_TRUE(closes(*peer));
  EXPECT_TRUE(ends());
}

TEST_F(ServerDrain, WithoutAnybodyThereItEndsAtOnce) {
  drain(std::chrono::seconds(60));
  EXPECT_TRUE(ends());
}

// The loop has not been told of either.
TEST_F(ServerDrain, ARequestThatHasJustComeIsAnsweredAndABacklogAccepted) {
  const auto peer = idle_peer();
  peer->send(get("/just"));
  const auto waiting = RawConnection::to(server_->port());
  waiting->send(get("/waiting"));
  drain(milliseconds(0));
  ASSERT_TRUE(answered(*peer, "GET /just "));
  ASSERT_TRUE(answered(*waiting, "GET /waiting "));
  EXPECT_TRUE(closes(*peer) && closes(*waiting));
  EXPECT_TRUE(ends());
}

TEST_F(ServerDrain, NobodyElseIsAcceptedDuringTheGrace) {
  const auto peer = idle_peer();
  const std::uint16_t port = server_->port();
  drain(kGrace);
  EXPECT_ANY_THROW(RawConnection::to(port));
}

}  // namespace
}  // namespace hearth::http::test
