// Answers whose pieces come one after the other. Server and peer on one thread, so that the loop knows what
// the test lets it know.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/testing/run_until.h"
#include "http/loopback_test_support.h"
#include "http/raw_server_test_support.h"
#include "http/server.h"

namespace hearth::http::test {
namespace {

constexpr std::string_view kChunkedHead = "Transfer-Encoding: chunked\r\n";

class ServerPieces : public testing::Test {
 protected:
  ServerPieces() {
    handler_.on_handle = [this](Request request, Responder responder) {
      targets_.push_back(request.head.target);
      responder_ = std::move(responder);
    };
    EXPECT_TRUE(server_->listen("127.0.0.1:0").ok());
    server_->start();
    peer_ = RawConnection::to(server_->port());
  }

  void ask(const std::string& text = get("/")) {
    const std::size_t before = targets_.size();
    peer_->send(text);
    ASSERT_TRUE(base::run_until(reactor_, [&] { return targets_.size() > before; }));
  }
  void begin() { responder_.begin(text_response(200, "")); }
  bool received(const std::string& end) {
    return base::run_until(reactor_, [&] { return peer_->received().ends_with(end); });
  }
  std::string body() const {
    const std::string& all = peer_->received();
    return all.substr(all.find("\r\n\r\n") + 4);
  }

  base::Reactor reactor_;
  FunctionHandler handler_;
  std::unique_ptr<Server> server_ = std::make_unique<Server>(reactor_, short_writes(), handler_);
  std::unique_ptr<RawConnection> peer_;
  std::vector<std::string> targets_;
  Responder responder_;

 private:
  static ServerLimits short_writes() {
    ServerLimits limits;
    limits.write_timeout = std::chrono::milliseconds(50);
    return limits;
  }
};

TEST_F(ServerPieces, EachIsSentWhenItIsGiven) {
  ask();
  begin();
  reactor_.poll();
  EXPECT_EQ(peer_->received(), "") << "the head goes with the first";
  responder_.write("hello", false);
  ASSERT_TRUE(received("\r\n\r\n5\r\nhello\r\n"));
  EXPECT_NE(peer_->received().find(kChunkedHead), std::string::npos);
  EXPECT_EQ(peer_->received().find("Content-Length"), std::string::npos);
  responder_.write(std::string(16, 'x'), true);
  ASSERT_TRUE(received("hello\r\n10\r\nxxxxxxxxxxxxxxxx\r\n0\r\n\r\n"));
  EXPECT_FALSE(peer_->ended());
}

TEST_F(ServerPieces, AnEmptyOneEndsNothingBeforeTheLast) {
  ask();
  begin();
  responder_.write("", false);
  responder_.write("a", false);
  responder_.write("", true);
  ASSERT_TRUE(received("\r\n\r\n1\r\na\r\n0\r\n\r\n"));
}

TEST_F(ServerPieces, TheConnectionGoesOnWithTheNextRequest) {
  ask();
  peer_->send(get("/next"));
  reactor_.poll();
  begin();
  responder_.write("a", false);
  reactor_.poll();
  EXPECT_EQ(targets_.size(), 1U) << "its turn has not come";
  responder_.write("b", true);
  ASSERT_TRUE(base::run_until(reactor_, [&] { return targets_.size() == 2; }));
  EXPECT_EQ(targets_.back(), "/next");
  responder_.send(text_response(200, "plain"));
  ASSERT_TRUE(received("plain"));
}

TEST_F(ServerPieces, A102GoesOutBeforeThem) {
  ask();
  EXPECT_TRUE(responder_.send_processing());
  begin();
  responder_.write("a", true);
  ASSERT_TRUE(received("0\r\n\r\n"));
  EXPECT_TRUE(peer_->received().starts_with("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerPieces, WhoeverSpeaksHttp10GetsThemWithoutChunksUpToTheEnd) {
  ask("GET / HTTP/1.0\r\n\r\n");
  begin();
  responder_.write("one", false);
  responder_.write("two", true);
  ASSERT_TRUE(base::run_until(reactor_, [&] { return peer_->ended(); }));
  EXPECT_EQ(body(), "onetwo");
  EXPECT_NE(peer_->received().find("Connection: close"), std::string::npos);
}

TEST_F(ServerPieces, AHeadRequestGetsTheHead) {
  ask("HEAD / HTTP/1.1\r\nHost: t\r\n\r\n");
  begin();
  responder_.write("one", true);
  ASSERT_TRUE(received("\r\n\r\n"));
  ask();
}

TEST_F(ServerPieces, GivenUpInTheMiddleTheConnectionIsClosed) {
  ask();
  begin();
  responder_.write("a", false);
  responder_ = Responder();
  ASSERT_TRUE(base::run_until(reactor_, [&] { return peer_->ended(); }));
  EXPECT_EQ(body(), "1\r\na\r\n") << "so the peer knows that it is not whole";
}

TEST_F(ServerPieces, APeerThatLeavesInTheMiddleIsNoticed) {
  ask();
  begin();
  responder_.write("a", false);
  peer_->close();
  ASSERT_TRUE(base::run_until(reactor_, [&] { return responder_.gone(); }));
  responder_.write("b", false);
  responder_.write("c", true);
  EXPECT_EQ(server_->connection_count(), 0U);
}

TEST_F(ServerPieces, WhatThePeerDoesNotTakeYetWaits) {
  ask();
  begin();
  const std::string piece(3'000'000, 'x');
  responder_.write(piece, false);
  responder_.write(piece, true);
  ASSERT_TRUE(received("0\r\n\r\n"));
  const std::string chunk = "2dc6c0\r\n" + piece + "\r\n";
  EXPECT_EQ(body(), chunk + chunk + "0\r\n\r\n");
}

TEST_F(ServerPieces, APeerThatTakesNothingIsLeft) {
  ask();
  begin();
  responder_.write(std::string(30'000'000, 'x'), false);
  ASSERT_TRUE(base::run_until(reactor_, [&] { return responder_.gone(); })) << "the write time-out";
}

TEST_F(ServerPieces, APauseBetweenThemHasNoTimeOut) {
  ask();
  begin();
  responder_.write("a", false);
  const auto until = base::Clock::now() + std::chrono::milliseconds(150);
  base::run_until(reactor_, [&] { return base::Clock::now() >= until; });
  EXPECT_FALSE(responder_.gone());
  responder_.write("b", true);
  ASSERT_TRUE(received("1\r\nb\r\n0\r\n\r\n"));
}

TEST_F(ServerPieces, NorAPauseAfterAPieceThatWasTakenSlowly) {
  ask();
  begin();
  responder_.write(std::string(5'000'000, 'x'), false);
  ASSERT_TRUE(received("x\r\n"));
  ASSERT_TRUE(base::run_until(reactor_, [&] { return peer_->received().size() > 5'000'000; }));
  const auto until = base::Clock::now() + std::chrono::milliseconds(150);
  base::run_until(reactor_, [&] { return base::Clock::now() >= until; });
  EXPECT_FALSE(responder_.gone());
}

TEST_F(ServerPieces, AServerThatDrainsSendsThemAll) {
  ask();
  begin();
  responder_.write("a", false);
  bool drained = false;
  server_->drain([&] { drained = true; });
  reactor_.poll();
  EXPECT_FALSE(drained);
  responder_.write("b", true);
  ASSERT_TRUE(received("1\r\nb\r\n0\r\n\r\n"));
  ASSERT_TRUE(base::run_until(reactor_, [&] { return peer_->ended(); }));
  peer_->close();
  ASSERT_TRUE(base::run_until(reactor_, [&] { return drained; }));
}

TEST_F(ServerPieces, AHeadThatMayNotBeSentIsReplaced) {
  ask();
  Response head;
  head.status = 100;
  responder_.begin(std::move(head));
  responder_.write("a", true);
  ASSERT_TRUE(received("0\r\n\r\n"));
  EXPECT_TRUE(peer_->received().starts_with("HTTP/1.1 500 "));
}

}  // namespace
}  // namespace hearth::http::test
