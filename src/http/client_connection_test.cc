// The loop's client connection against bytes that the test sends, and against a server of ours.
#include "http/client_connection.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/testing/free_port.h"
#include "http/client_connection_test_support.h"

namespace hearth::http::test {
namespace {

TEST_F(ClientConnectionTest, OneRequestAfterTheOther) {
  ask();
  for (int i = 0; i < 3; ++i) {
    peer_->send(kAnswer);
    ASSERT_TRUE(wait_for(2U + static_cast<std::size_t>(i)));
    EXPECT_EQ(events_.last_body, "hello");
    EXPECT_EQ(events_.last_meta, "m");
    client_->send(get("/"), nullptr);
  }
  expect_told({"connected", "answered 200", "answered 200", "answered 200"});
}

TEST_F(ClientConnectionTest, TheNextRequestMayBeSentFromInsideTheAnswer) {
  ask();
  peer_->forget();
  events_.on_event = [this](const std::string& event) {
    if (event == "answered 200") {
      client_->send(get("/next"), nullptr);
      events_.on_event = [](const std::string&) {};
    }
  };
  peer_->send(kAnswer);
  ASSERT_TRUE(base::run_until(reactor_, [this] { return peer_->received() == get("/next"); }));
  peer_->send(kAnswer);
  expect_told({"connected", "answered 200", "answered 200"});
}

TEST_F(ClientConnectionTest, InterimAnswersAreToldAsTheyCome) {
  ask();
  peer_->send("HTTP/1.1 102 Processing\r\n\r\n");
  ASSERT_TRUE(wait_for(2));
  EXPECT_EQ(events_.told.back(), "interim 102");
  peer_->send("HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + std::string(kAnswer));
  expect_told({"connected", "interim 102", "interim 100", "interim 102", "answered 200"});
  EXPECT_EQ(events_.last_body, "hello");
}

TEST_F(ClientConnectionTest, AnswersInPiecesAreToldWhenTheyAreWhole) {
  ask();
  for (const std::string& text : {std::string("HTTP/1.1 102 Processing\r\n\r\n"), std::string(kAnswer)}) {
    const std::size_t before = events_.told.size();
    for (const char byte : text) {
      EXPECT_EQ(events_.told.size(), before);
      peer_->send(std::string_view(&byte, 1));
      reactor_.poll();
    }
    ASSERT_TRUE(wait_for(before + 1));
  }
  expect_told({"connected", "interim 102", "answered 200"});
  EXPECT_EQ(events_.last_body, "hello");
}

TEST_F(ClientConnectionTest, AnAnswerWithoutABodyIsWholeWithItsHead) {
  ask();
  peer_->send("HTTP/1.1 204 No Content\r\n\r\n");
  expect_told({"connected", "answered 204"});
  EXPECT_EQ(events_.last_body, "");
}

TEST_F(ClientConnectionTest, BytesThatNobodyHadAskedForEndIt) {
  open();
  peer_->send("HTTP/1.1 200 OK\r\n\r\n");
  expect_told({"connected", "lost: corrupt"});
}

TEST_F(ClientConnectionTest, BytesBehindAnAnswerEndIt) {
  ask();
  peer_->send(std::string(kAnswer) + "H");
  expect_told({"connected", "answered 200", "lost: corrupt"});
}

// Their next answer would be taken for that of the request that is sent from inside the first.
TEST_F(ClientConnectionTest, ASecondAnswerIsNotTheNextRequestsWhenItCameBeforeThatWasSent) {
  ask();
  peer_->send(std::string(kAnswer) + std::string(kAnswer));
  expect_told({"connected", "answered 200", "lost: corrupt"});
}

TEST_F(ClientConnectionTest, MalformedAnswersEndIt) {
  for (const std::string& answer : std::vector<std::string>{
           "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(2'000, '1'),
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
           "HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'x') + "\r\n\r\n",
           std::string(20'000, 'x'),
       }) {
    events_.told.clear();
    ask();
    peer_->send(answer);
    expect_told({"connected", "lost: corrupt"});
    EXPECT_TRUE(peer_->ended());
  }
}

TEST_F(ClientConnectionTest, AnAnswerThatIsTooLargeIsNotTaken) {
  ask();
  peer_->send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBodyLimit + 1) + "\r\n\r\n");
  expect_told({"connected", "lost: too_large"});
}

TEST_F(ClientConnectionTest, ThePeerClosesBetweenRequests) {
  open();
  peer_->close();
  expect_told({"connected", "lost: io"});
}

TEST_F(ClientConnectionTest, ThePeerClosesInsideAnAnswer) {
  const std::string_view interim = "HTTP/1.1 102 Processing\r\n\r\n";
  for (const std::string_view begun :
       {std::string_view(), kAnswer.substr(0, 10), kAnswer.substr(0, kAnswer.size() - 1), interim}) {
    events_.told.clear();
    ask();
    peer_->send(begun);
    peer_->close();
    const Told told =
        begun == interim ? Told{"connected", "interim 102", "lost: io"} : Told{"connected", "lost: io"};
    expect_told(told);
  }
}

TEST_F(ClientConnectionTest, AnAnswerAndTheEndInOneAreBothTold) {
  ask();
  peer_->send(kAnswer);
  peer_->close();
  expect_told({"connected", "answered 200", "lost: io"});
}

TEST_F(ClientConnectionTest, AReset) {
  ask();
  peer_->reset();
  expect_told({"connected", "lost: unavailable"});
}

TEST_F(ClientConnectionTest, AnAnnouncedEndIsNoLoss) {
  ask();
  peer_->send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(wait_for(2));
  peer_->close();
  expect_told({"connected", "answered 200 and closed"});
  client_->send(get("/"), nullptr);  // ignored
  expect_told({"connected", "answered 200 and closed"});
}

TEST_F(ClientConnectionTest, AHalfClosedOneStillHears) {
  ask();
  client_->half_close();
  ASSERT_TRUE(base::run_until(reactor_, [this] { return peer_->ended(); }));
  peer_->send(kAnswer);
  expect_told({"connected", "answered 200"});
}

// By the other host's kernel, whatever its process does.
TEST_F(ClientConnectionTest, ItsEndHasArrivedWhenTheOtherHostSaysSo) {
  open_to(server_.port());
  ASSERT_TRUE(wait_for(1));
  EXPECT_FALSE(client_->arrived());
  client_->send(get("/"), nullptr);
  EXPECT_FALSE(client_->arrived()) << "nothing has ended";
  client_->half_close();
  EXPECT_TRUE(base::run_until(reactor_, [this] {
    reactor_.run_one_until(base::Clock::now() + std::chrono::milliseconds(1));
    return client_->arrived();
  }));
  client_->close();
  EXPECT_FALSE(client_->arrived()) << "nobody knows any more";
}

TEST_F(ClientConnectionTest, ClosedItTellsNothingMore) {
  ask();
  client_->close();
  client_->close();
  ASSERT_TRUE(base::run_until(reactor_, [this] { return peer_->ended(); }));
  peer_->send_some(kAnswer);
  expect_told({"connected"});
}

TEST_F(ClientConnectionTest, MayBeClosedAndLetGoInsideAnyEvent) {
  for (const std::string last : {"connected", "interim 102", "answered 200", "lost: io"}) {
    events_.told.clear();
    events_.on_event = [&](const std::string& event) {
      if (event == last) {
        client_->close();
        client_.reset();
      }
    };
    open();
    if (client_) {
      client_->send(get("/"), nullptr);
      peer_->send("HTTP/1.1 102 Processing\r\n\r\n" + std::string(kAnswer));
      peer_->half_close();
    }
    ASSERT_TRUE(
        base::run_until(reactor_, [&] { return !events_.told.empty() && events_.told.back() == last; }));
    reactor_.poll();
    EXPECT_EQ(events_.told.back(), last) << "nothing after it";
  }
}

TEST_F(ClientConnectionTest, WhereNothingListens) {
  open_to(base::free_port());
  expect_told({"lost: io"});
}

TEST_F(ClientConnectionTest, WhatCannotBeReachedIsToldFromTheLoopToo) {
  SocketAddress address;
  ASSERT_TRUE(numeric_address("255.255.255.255", 80, address));  // connect() refuses a broadcast at once
  client_ = ClientConnection::open(reactor_, {address}, kBodyLimit, events_);
  expect_told({"lost: io"});
}

TEST_F(ClientConnectionTest, SentAfterALossIsIgnored) {
  open();
  peer_->close();
  expect_told({"connected", "lost: io"});
  client_->send(get("/"), nullptr);
  client_->half_close();
  expect_told({"connected", "lost: io"});
}

// A server that has read the head alone, and refuses.
TEST_F(ClientConnectionTest, AnEarlyAnswerToALargeBodyIsToldAndTheConnectionEnds) {
  open();
  const auto body = std::make_shared<const std::string>(32 * 1024 * 1024, 'x');
  client_->send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 33554432\r\n\r\n", body);
  reactor_.poll();
  peer_->send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
  expect_told({"connected", "answered 413 and closed"});
  EXPECT_EQ(events_.last_body, "no");
  EXPECT_TRUE(base::run_until(reactor_, [this] { return peer_->ended(); }));
  EXPECT_LT(peer_->received().size(), body->size()) << "sent on all the same";
  EXPECT_EQ(body.use_count(), 1) << "held for nothing";
}

TEST_F(ClientConnectionTest, AnEarlyAnswerToALargeHeadEndsItToo) {
  open();
  client_->send("GET / HTTP/1.1\r\nA: " + std::string(32 * 1024 * 1024, 'x') + "\r\n\r\n", nullptr);
  reactor_.poll();
  peer_->send("HTTP/1.1 431 Too Large\r\nContent-Length: 0\r\n\r\n");
  expect_told({"connected", "answered 431 and closed"});
}

TEST_F(ClientConnectionTest, ABodyThatIsTakenSlowlyArrivesWhole) {
  open();
  std::string text(8 * 1024 * 1024, 'x');
  text += "end";
  client_->send("POST / HTTP/1.1\r\n\r\n", std::make_shared<const std::string>(text));
  ASSERT_TRUE(base::run_until(reactor_, [&] { return peer_->received().size() >= 19 + text.size(); }));
  EXPECT_TRUE(peer_->received() == "POST / HTTP/1.1\r\n\r\n" + text);
  peer_->send(kAnswer);
  expect_told({"connected", "answered 200"});
}

// A server of ours on the same loop.
class ClientAndServer : public ClientConnectionTest {
 protected:
  ClientAndServer() {
    handler_.on_plan = [](const RequestHead& head) -> BodyPlan {
      return head.target == "/refuse" ? BodyPlan(Refuse{text_response(403, "no")}) : Buffer{kBodyLimit};
    };
    EXPECT_TRUE(http_.listen("127.0.0.1:0").ok());
    http_.start();
    open_to(http_.port());
    EXPECT_TRUE(wait_for(1));
  }

  FunctionHandler handler_;
  Server http_{reactor_, {}, handler_};
};

TEST_F(ClientAndServer, LargeBodiesGoBothWays) {
  const auto body = std::make_shared<const std::string>(8 * 1024 * 1024, 'b');
  for (std::size_t i = 0; i < 3; ++i) {
    client_->send(
        "POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(body->size()) + "\r\n\r\n", body);
    ASSERT_TRUE(wait_for(2 + i));
    EXPECT_EQ(events_.told.back(), "answered 200");
    EXPECT_TRUE(events_.last_body == "POST /x " + *body);
  }
}

TEST_F(ClientAndServer, ALargeBodyIsRefusedEarly) {
  const auto body = std::make_shared<const std::string>(12 * 1024 * 1024, 'b');
  client_->send("POST /refuse HTTP/1.1\r\nHost: t\r\nContent-Length: 12582912\r\n\r\n", body);
  expect_told({"connected", "answered 403 and closed"});
  EXPECT_EQ(events_.last_body, "no");
}

TEST_F(ClientAndServer, AServerThatStopsIsNoticed) {
  http_.stop();
  expect_told({"connected", "lost: io"});
}

TEST(Addresses, NumbersAreNotLookedUp) {
  SocketAddress address;
  EXPECT_TRUE(numeric_address("127.0.0.1", 80, address));
  EXPECT_EQ(address.storage.ss_family, AF_INET);
  EXPECT_TRUE(numeric_address("::1", 80, address));
  EXPECT_EQ(address.storage.ss_family, AF_INET6);
  EXPECT_FALSE(numeric_address("localhost", 80, address));
  EXPECT_EQ(address.storage.ss_family, AF_INET6) << "left as it was";
  EXPECT_TRUE(resolve_address("localhost", 80).ok());
}

}  // namespace
}  // namespace hearth::http::test
