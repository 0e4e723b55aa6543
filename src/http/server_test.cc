#include "http/server.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "http/connection.h"
#include "http/loopback_test_support.h"

namespace hearth::http::test {
namespace {

// Keeps every responder, for tests that answer later.
class HeldRequests {
 public:
  explicit HeldRequests(FunctionHandler& handler) {
    handler.on_handle = [this](Request, Responder responder) {
      responder.on_gone([this] { gone_.set_value(); });
      held_ = std::move(responder);
      arrived_.set_value();
    };
  }
  // The next request has reached the handler.
  void wait_for_request() {
    arrived_.get_future().wait();
    arrived_ = {};
  }
  bool wait_until_gone() {
    return gone_.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  }
  void answer(LoopbackServer& server, std::string body) {
    server.on_loop([&] { std::move(held_).send(text_response(200, std::move(body))); });
  }
  Responder& held() { return held_; }

 private:
  std::promise<void> arrived_;
  std::promise<void> gone_;
  Responder held_;
};

TEST(Server, AnswersAndKeepsTheConnection) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/a?b"));
  const Answer first = peer.receive();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "GET /a?b ");
  EXPECT_EQ(first.header("Content-Type"), "text/plain");
  EXPECT_EQ(first.header("Date").size(), std::string("Sun, 06 Nov 1994 08:49:37 GMT").size());
  EXPECT_EQ(first.header("Connection"), "");
  peer.send(post("/c", "hello"));
  EXPECT_EQ(peer.receive().body, "POST /c hello");
  EXPECT_EQ(server.connection_count(), 1U);
}

TEST(Server, ClosesWhenTheClientAsksForIt) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/", "Connection: close\r\n"));
  EXPECT_EQ(peer.receive().header("Connection"), "close");
  EXPECT_TRUE(peer.closed());
}

TEST(Server, SpeaksHttp10) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer once(server.port());
  once.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(once.receive().body, "GET / ");
  EXPECT_TRUE(once.closed());
  Peer kept(server.port());
  for (int i = 0; i < 2; ++i) {
    kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(kept.receive().header("Connection"), "keep-alive");
  }
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer(server.port());
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests += i % 2 == 0 ? get("/" + std::to_string(i)) : post("/" + std::to_string(i), "x");
  }
  peer.send(requests);
  for (int i = 0; i < 200; ++i) {
    const std::string expected =
        (i % 2 == 0 ? "GET /" : "POST /") + std::to_string(i) + (i % 2 == 0 ? " " : " x");
    ASSERT_EQ(peer.receive().body, expected);
  }
}

TEST(Server, HandlesOneRequestOfAConnectionAtATime) {
  FunctionHandler handler;
  HeldRequests requests(handler);
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/1") + get("/2"));
  requests.wait_for_request();
  EXPECT_FALSE(peer.readable_within(0));
  requests.answer(server, "one");
  requests.wait_for_request();
  requests.answer(server, "two");
  EXPECT_EQ(peer.receive().body, "one");
  EXPECT_EQ(peer.receive().body, "two");
}

// The bytes of further requests wait in a bounded buffer, then in the kernel.
TEST(Server, TakesManyPipelinedBytesWhileItIsBusy) {
  FunctionHandler handler;
  HeldRequests requests(handler);
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/first"));
  requests.wait_for_request();
  const std::string body(300 * 1024, 'b');
  std::thread sender([&] { peer.send(post("/second", body) + get("/third")); });
  requests.answer(server, "1");
  requests.wait_for_request();
  requests.answer(server, "2");
  requests.wait_for_request();
  requests.answer(server, "3");
  sender.join();
  for (const char* expected : {"1", "2", "3"}) {
    EXPECT_EQ(peer.receive().body, expected);
  }
}

TEST(Server, AnswersHeadWithoutTheBody) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send("HEAD /x HTTP/1.1\r\nHost: t\r\n\r\n" + get("/y"));
  EXPECT_EQ(peer.receive(true).header("Content-Length"), std::to_string(std::string("HEAD /x ").size()));
  EXPECT_EQ(peer.receive().body, "GET /y ");
}

// One of them goes out with its head, the other behind it.
TEST(Server, SendsBodiesOfAnySizeOneAfterTheOther) {
  FunctionHandler handler;
  handler.on_handle = [](Request request, Responder responder) {
    Response response;
    response.body = {"<", std::string(std::stoul(request.body), 'b'), ">"};
    responder.send(std::move(response));
  };
  LoopbackServer server(handler);
  Peer peer(server.port());
  constexpr std::size_t kLargest = kJoinedBodyBytes - 2;
  for (const std::size_t bytes :
       {kLargest, kLargest + 1, std::size_t{0}, kLargest - 1, std::size_t{200'000}, kLargest}) {
    peer.send(post("/", std::to_string(bytes)));
    EXPECT_TRUE(peer.receive().body == "<" + std::string(bytes, 'b') + ">") << bytes;
    peer.send("HEAD / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n9");
    EXPECT_EQ(peer.receive(true).header("Content-Length"), "11");
  }
}

TEST(Server, SendsAllPartsOfALargeBody) {
  FunctionHandler handler;
  const std::string large(6 * 1024 * 1024, 'L');
  handler.on_handle = [&](Request, Responder responder) {
    Response response;
    response.body = {"{\"output\":", large, "}"};
    responder.send(std::move(response));
  };
  LoopbackServer server(handler);
  Peer peer(server.port());
  for (int i = 0; i < 2; ++i) {
    peer.send(get("/"));
    EXPECT_TRUE(peer.receive().body == "{\"output\":" + large + "}");
  }
}

TEST(Server, NoticesAPeerThatCloses) {
  FunctionHandler handler;
  HeldRequests requests(handler);
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/"));
  requests.wait_for_request();
  peer.close();
  EXPECT_TRUE(requests.wait_until_gone());
  server.on_loop([&] {
    EXPECT_TRUE(requests.held().gone());
    std::move(requests.held()).send(text_response(200, "to nobody"));
  });
  EXPECT_TRUE(server.wait_for_connections(0));
}

TEST(Server, TakesAHalfCloseOrAResetForLeaving) {
  for (const bool half : {true, false}) {
    FunctionHandler handler;
    HeldRequests requests(handler);
    LoopbackServer server(handler);
    Peer peer(server.port());
    peer.send(get("/"));
    requests.wait_for_request();
    half ? peer.shut_down_writing() : peer.reset();
    EXPECT_TRUE(requests.wait_until_gone());
    EXPECT_TRUE(server.wait_for_connections(0));
    server.on_loop([&] { requests.held() = Responder(); });
  }
}

TEST(Server, AnswersRequestsThatCameBeforeAHalfClose) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/1") + get("/2"));
  peer.shut_down_writing();
  EXPECT_EQ(peer.receive().body, "GET /1 ");
  EXPECT_EQ(peer.receive().body, "GET /2 ");
  EXPECT_TRUE(peer.closed());
}

TEST(Server, AnswersForADroppedResponder) {
  FunctionHandler handler;
  handler.on_handle = [](Request, Responder) {};
  LoopbackServer server(handler);
  Peer peer(server.port());
  for (int i = 0; i < 2; ++i) {
    peer.send(get("/"));
    const Answer answer = peer.receive();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body, "no_answer");
  }
}

TEST(Server, AnswersForAResponderThatIsAssignedOver) {
  FunctionHandler handler;
  Responder kept;
  handler.on_handle = [&](Request, Responder responder) { kept = std::move(responder); };
  LoopbackServer server(handler);
  Peer first(server.port());
  first.send(get("/"));
  EXPECT_FALSE(first.readable_within(0));
  EXPECT_TRUE(server.wait_for_connections(1));
  Peer second(server.port());
  second.send(get("/"));
  EXPECT_EQ(first.receive().status, 500);
  server.on_loop([&] { kept = Responder(); });
  EXPECT_EQ(second.receive().status, 500);
}

TEST(Server, NeverSendsALineBreakInAHeader) {
  FunctionHandler handler;
  handler.on_handle = [](Request, Responder responder) {
    Response response = text_response(200, "split");
    response.headers.push_back({"X-Name", "a\r\nSet-Cookie: b"});
    responder.send(std::move(response));
  };
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/"));
  const Answer answer = peer.receive();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.head.find("Set-Cookie"), std::string::npos);
}

TEST(Server, RefusesMalformedRequestsAndCloses) {
  const std::vector<std::pair<std::string, int>> requests = {
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"GET /\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n", 417},
  };
  FunctionHandler handler;
  LoopbackServer server(handler);
  for (const auto& [request, status] : requests) {
    Peer peer(server.port());
    // The second request must never be seen: after a refusal nobody knows where requests begin.
    peer.send(request + get("/smuggled"));
    const Answer answer = peer.receive();
    EXPECT_EQ(answer.status, status) << request;
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_TRUE(peer.closed()) << request;
  }
}

TEST(Server, ListensOnIpv6) {
  FunctionHandler handler;
  LoopbackServer server(handler, {}, "[::1]:0");
  EXPECT_NE(server.port(), 0);
}

TEST(Server, SaysWhyItCannotListen) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  base::Reactor reactor;
  Server other(reactor, {}, handler);
  EXPECT_EQ(other.listen("nowhere").error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(other.listen("127.0.0.1:99999").error().code, base::ErrorCode::kInvalidArgument);
  const auto taken = other.listen("127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(taken.error().code, base::ErrorCode::kIo);
  EXPECT_NE(taken.error().message.find("in use"), std::string::npos) << taken.error().message;
  EXPECT_TRUE(other.listen("127.0.0.1:0").ok());
}

TEST(Server, DrainsWithoutLosingAnAnswer) {
  FunctionHandler handler;
  HeldRequests requests(handler);
  LoopbackServer server(handler);
  Peer idle(server.port());
  Peer busy(server.port());
  busy.send(get("/"));
  requests.wait_for_request();
  EXPECT_TRUE(server.wait_for_connections(2));
  std::promise<void> drained;
  server.on_loop([&] { server.server().drain([&] { drained.set_value(); }); });
  EXPECT_TRUE(idle.closed());
  EXPECT_THROW(Peer(server.port()), std::runtime_error);
  auto done = drained.get_future();
  EXPECT_EQ(server.connection_count(), 1U);
  requests.answer(server, "last");
  const Answer answer = busy.receive();
  EXPECT_EQ(answer.body, "last");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(busy.closed());
  busy.close();
  EXPECT_EQ(done.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(Server, DrainsAtOnceWhenNothingIsConnected) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  std::promise<void> drained;
  bool inside = true;
  server.on_loop([&] {
    server.server().drain([&] {
      EXPECT_FALSE(inside);
      drained.set_value();
    });
    inside = false;
  });
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(Server, StopsWithRequestsUnderWay) {
  FunctionHandler handler;
  HeldRequests requests(handler);
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/"));
  requests.wait_for_request();
  server.on_loop([&] { server.server().stop(); });
  EXPECT_TRUE(peer.closed());
  server.on_loop([&] {
    EXPECT_TRUE(requests.held().gone());
    requests.held() = Responder();  // answered to nobody
  });
}

}  // namespace
}  // namespace hearth::http::test
