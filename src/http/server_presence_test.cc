// Who is still there: a server says that it works on a request, sees whether its peer listens, and tells
// once when a connection has closed. Server and peer on one thread, so that the loop knows what the test lets
// it know.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/testing/run_until.h"
#include "http/loopback_test_support.h"
#include "http/raw_server_test_support.h"
#include "http/server.h"

namespace hearth::http::test {
namespace {

constexpr std::string_view kProcessing = "HTTP/1.1 102 Processing\r\n";

class ServerPresence : public testing::Test {
 protected:
  ServerPresence() {
    handler_.on_plan = [this](const RequestHead& head) -> BodyPlan {
      planned_.push_back(head.connection);
      return Buffer{1024};
    };
    handler_.on_handle = [this](Request request, Responder responder) {
      handled_.push_back(request.head.connection);
      held_ = std::move(responder);
    };
    handler_.on_connection_closed = [this](const void* connection) { closed_.push_back(connection); };
    EXPECT_TRUE(server_->listen("127.0.0.1:0").ok());
    server_->start();
  }

  // A request has reached the handler.
  void ask(Peer& peer, const std::string& text = get("/")) {
    const std::size_t before = handled_.size();
    peer.send(text);
    ASSERT_TRUE(base::run_until(reactor_, [&] { return handled_.size() > before; }));
  }
  bool wait_until_closed(std::size_t count) {
    const bool closed = base::run_until(reactor_, [&] { return closed_.size() >= count; });
    reactor_.poll();
    return closed && closed_.size() == count;
  }

  base::Reactor reactor_;
  std::vector<const void*> planned_;
  std::vector<const void*> handled_;
  std::vector<const void*> closed_;
  FunctionHandler handler_;
  std::unique_ptr<Server> server_ = std::make_unique<Server>(reactor_, ServerLimits(), handler_);
  Responder held_;
};

TEST_F(ServerPresence, SaysThatItWorksOnARequestBeforeItAnswers) {
  Peer peer(server_->port());
  ask(peer);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(held_.send_processing());
    const Answer interim = peer.receive(/*head_only=*/true);
    EXPECT_EQ(interim.head, kProcessing);
  }
  held_.send(text_response(200, "done"));
  EXPECT_EQ(peer.receive().body, "done");
  EXPECT_FALSE(held_.send_processing()) << "it has been answered";
  ask(peer);
  EXPECT_TRUE(held_.send_processing()) << "the connection goes on";
}

TEST_F(ServerPresence, APeerThatHasHalfClosedIsNotThereThoughTheLoopDoesNotKnow) {
  Peer peer(server_->port());
  ask(peer);
  peer.shut_down_writing();
  EXPECT_FALSE(held_.send_processing());
  EXPECT_FALSE(held_.gone()) << "the loop has been told already: the test shows nothing";
  held_.send(text_response(503, "too late"));
  EXPECT_EQ(peer.receive(true).head, kProcessing) << "it went out before the look";
  EXPECT_EQ(peer.receive().body, "too late");
}

TEST_F(ServerPresence, APeerThatHasClosedOrResetIsNotThere) {
  for (const bool reset : {false, true}) {
    Peer peer(server_->port());
    ask(peer);
    reset ? peer.reset() : peer.close();
    EXPECT_FALSE(held_.send_processing());
    EXPECT_FALSE(held_.gone());
    ASSERT_TRUE(base::run_until(reactor_, [this] { return held_.gone(); }));
    EXPECT_FALSE(held_.send_processing());
  }
}

TEST_F(ServerPresence, APeerThatSendsAheadIsThere) {
  Peer peer(server_->port());
  ask(peer);
  peer.send(get("/next"));
  EXPECT_TRUE(held_.send_processing());
}

// What cannot be told has not been told: whoever executes then executes for nobody.
TEST_F(ServerPresence, APeerThatTakesNothingIsNotThere) {
  const auto peer = RawConnection::to(server_->port());
  peer->send(get("/"));
  ASSERT_TRUE(base::run_until(reactor_, [this] { return !handled_.empty(); }));
  constexpr int kMany = 2'000'000;
  int told = 0;
  while (told < kMany && held_.send_processing()) {
    ++told;
  }
  ASSERT_GT(told, 0);
  ASSERT_LT(told, kMany);
  EXPECT_FALSE(held_.send_processing());
  Response refusal = text_response(503, "late");
  refusal.close = true;
  held_.send(std::move(refusal));
  ASSERT_TRUE(base::run_until(reactor_, [&] { return peer->ended(); }));
  std::string_view rest = peer->received();
  const std::string whole = std::string(kProcessing) + "\r\n";
  while (rest.starts_with(whole)) {
    rest.remove_prefix(whole.size());
    --told;
  }
  EXPECT_EQ(told, 0) << "who was there heard it";
  EXPECT_TRUE(rest.starts_with("HTTP/1.1 503 ") || whole.starts_with(rest))
      << "nothing stands behind half a 102";
}

TEST_F(ServerPresence, AConnectionIsTheSameForAllThatAreToldOfIt) {
  Peer first(server_->port());
  ask(first);
  EXPECT_EQ(held_.peer(), handled_.back());
  held_.send(text_response(200, "1"));
  ask(first);
  held_.send(text_response(200, "2"));
  Peer second(server_->port());
  ask(second);
  held_.send(text_response(200, "3"));
  EXPECT_NE(handled_[0], nullptr);
  EXPECT_EQ(handled_[1], handled_[0]);
  EXPECT_NE(handled_[2], handled_[0]);
  EXPECT_EQ(planned_, handled_);
  EXPECT_TRUE(closed_.empty());
  first.close();
  ASSERT_TRUE(wait_until_closed(1));
  EXPECT_EQ(closed_[0], handled_[0]);
  second.close();
  ASSERT_TRUE(wait_until_closed(2));
  EXPECT_EQ(closed_[1], handled_[2]);
}

TEST_F(ServerPresence, ClosingIsToldOnceWhileARequestIsUnderWay) {
  Peer peer(server_->port());
  ask(peer);
  int left = 0;
  held_.on_gone([&left] { ++left; });
  peer.close();
  ASSERT_TRUE(wait_until_closed(1));
  EXPECT_EQ(left, 1);
  held_.send(text_response(200, "to nobody"));
  server_->stop();
  ASSERT_TRUE(wait_until_closed(1));
}

TEST_F(ServerPresence, ClosingIsToldOnceAfterTheLastAnswer) {
  Peer peer(server_->port());
  ask(peer, get("/", "Connection: close\r\n"));
  held_.send(text_response(200, "last"));
  EXPECT_EQ(peer.receive().body, "last");
  peer.close();
  ASSERT_TRUE(wait_until_closed(1));
}

TEST_F(ServerPresence, StoppingTellsThatEachHasClosed) {
  Peer idle(server_->port());
  ask(idle);
  held_.send(text_response(200, ""));
  Peer busy(server_->port());
  ask(busy);
  server_->stop();
  ASSERT_TRUE(wait_until_closed(2));
  EXPECT_FALSE(held_.send_processing());
  server_->stop();
  server_.reset();
  ASSERT_TRUE(wait_until_closed(2));
}

TEST_F(ServerPresence, DrainingTellsThatTheIdleHaveClosed) {
  Peer idle(server_->port());
  ask(idle);
  held_.send(text_response(200, ""));
  Peer busy(server_->port());
  ask(busy);
  server_->drain([] {});
  ASSERT_TRUE(wait_until_closed(1));
  EXPECT_EQ(closed_[0], handled_[0]);
  EXPECT_TRUE(held_.send_processing()) << "what is under way is answered";
}

}  // namespace
}  // namespace hearth::http::test
