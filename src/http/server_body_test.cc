// How bodies come in: buffered or streamed, announced or chunked, refused, and with "100 Continue".
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>

#include "http/loopback_test_support.h"
#include "http/server.h"

namespace hearth::http::test {
namespace {

std::string chunked(std::string_view target, std::string_view body) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" +
         std::string(body);
}

// Collects a body; each piece is done at once, or later when `hold` was set.
class CollectingSink final : public BodySink {
 public:
  struct Log {
    std::string body;
    std::size_t pieces = 0;
    bool hold = false;
    bool fail = false;
    std::string_view held_piece;
    Done held;
    std::atomic<bool> destroyed = false;
  };
  explicit CollectingSink(Log& log) : log_(log) {}
  ~CollectingSink() override { log_.destroyed = true; }

  void write(std::string_view piece, Done done) override {
    ++log_.pieces;
    if (log_.hold) {
      log_.held_piece = piece;
      log_.held = std::move(done);
      return;
    }
    log_.body += piece;
    if (log_.fail) {
      done(base::Error{base::ErrorCode::kIo, "disk full"});
      EXPECT_FALSE(log_.destroyed) << "the sink was destroyed inside its own call";
      return;
    }
    done({});
  }

 private:
  Log& log_;
};

void stream_into(FunctionHandler& handler, CollectingSink::Log& log, std::uint64_t limit_bytes = 1 << 20) {
  handler.on_plan = [&log, limit_bytes](const RequestHead&) {
    return Stream{std::make_unique<CollectingSink>(log), limit_bytes};
  };
  handler.on_handle = [](Request request, Responder responder) {
    EXPECT_NE(request.sink, nullptr);
    responder.send(text_response(request.body_failed ? 507 : 200, "streamed"));
  };
}

TEST(ServerBody, TakesChunks) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(chunked("/a", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n") + get("/b"));
  EXPECT_EQ(peer.receive().body, "POST /a abcde");
  EXPECT_EQ(peer.receive().body, "GET /b ");
}

TEST(ServerBody, RefusesABodyThatIsAnnouncedTooLarge) {
  FunctionHandler handler;
  handler.on_plan = [](const RequestHead&) { return Buffer{4}; };
  LoopbackServer server(handler);
  Peer fits(server.port());
  fits.send(post("/", "1234"));
  EXPECT_EQ(fits.receive().status, 200);
  Peer peer(server.port());
  peer.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n");  // answered without any of it
  EXPECT_EQ(peer.receive().status, 413);
  EXPECT_TRUE(peer.closed());
}

TEST(ServerBody, RefusesChunksThatGrowTooLarge) {
  FunctionHandler handler;
  handler.on_plan = [](const RequestHead&) { return Buffer{4}; };
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(chunked("/", "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, "POST / abcd");
  peer.send(chunked("/", "2\r\nab\r\n3\r\ncde\r\n"));
  EXPECT_EQ(peer.receive().status, 413);
  EXPECT_TRUE(peer.closed());
}

// A client that sends all of a large body before it reads must still find the refusal.
TEST(ServerBody, LetsAClientFinishSendingBeforeItReadsTheRefusal) {
  FunctionHandler handler;
  handler.on_plan = [](const RequestHead&) { return Buffer{1024}; };
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(post("/", std::string(7 * 1024 * 1024, 'x')));
  EXPECT_EQ(peer.receive().status, 413);
  bool clean = false;
  EXPECT_EQ(peer.receive_all(&clean), "");
  EXPECT_TRUE(clean) << "the connection was reset";
}

TEST(ServerBody, KeepsTheConnectionWhenASmallBodyIsRefused) {
  FunctionHandler handler;
  handler.on_plan = [](const RequestHead& head) -> BodyPlan {
    if (head.path() == "/no") {
      return Refuse{text_response(404, "no route")};
    }
    return Buffer{1024 * 1024};
  };
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/no") + post("/no", std::string(64 * 1024, 'x')) + post("/yes", "y"));
  EXPECT_EQ(peer.receive().status, 404);
  const Answer refused = peer.receive();
  EXPECT_EQ(refused.status, 404);
  EXPECT_EQ(refused.header("Connection"), "");
  EXPECT_EQ(peer.receive().body, "POST /yes y");
}

TEST(ServerBody, ClosesWhenALargeOrChunkedBodyIsRefused) {
  FunctionHandler handler;
  handler.on_plan = [](const RequestHead&) -> BodyPlan { return Refuse{text_response(404, "no route")}; };
  LoopbackServer server(handler);
  for (const std::string& request : {post("/", std::string(64 * 1024 + 1, 'x')), chunked("/", "0\r\n\r\n"),
                                     post("/", "", "Expect: 100-continue\r\nContent-Type: a\r\n") + "x"}) {
    Peer peer(server.port());
    peer.send(request);
    EXPECT_EQ(peer.receive().status, 404);
    if (request.find("Expect") == std::string::npos) {
      EXPECT_TRUE(peer.closed());
    }
  }
}

TEST(ServerBody, SendsContinueOnceTheHeadIsAccepted) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer(server.port());
  const std::string head = "POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  peer.send(head);
  EXPECT_EQ(peer.receive().status, 100);
  peer.send("ab");
  EXPECT_EQ(peer.receive().body, "POST /x ab");
  peer.send(head + "cd");  // it did not wait: no 100
  EXPECT_EQ(peer.receive().body, "POST /x cd");
}

TEST(ServerBody, SendsNoContinueForARefusal) {
  FunctionHandler handler;
  handler.on_plan = [](const RequestHead& head) -> BodyPlan {
    if (head.path() == "/large") {
      return Buffer{1};
    }
    return Refuse{text_response(401, "who are you")};
  };
  LoopbackServer server(handler);
  for (const auto& [path, status] : {std::pair("/large", 413), std::pair("/", 401)}) {
    Peer peer(server.port());
    peer.send("POST " + std::string(path) +
              " HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(peer.receive().status, status);
    EXPECT_TRUE(peer.closed());
  }
}

TEST(ServerBody, StreamsToASink) {
  FunctionHandler handler;
  CollectingSink::Log log;
  stream_into(handler, log);
  LoopbackServer server(handler);
  Peer peer(server.port());
  const std::string body(500'000, 's');
  peer.send(post("/", body));
  EXPECT_EQ(peer.receive().body, "streamed");
  server.on_loop([&] {
    EXPECT_TRUE(log.body == body);
    log.body.clear();
  });
  peer.send(chunked("/", "1\r\na\r\n1\r\nb\r\n0\r\n\r\n"));
  EXPECT_EQ(peer.receive().body, "streamed");
  server.on_loop([&] { EXPECT_EQ(log.body, "ab"); });
}

TEST(ServerBody, StopsReadingWhileTheSinkIsBusy) {
  FunctionHandler handler;
  CollectingSink::Log log;
  log.hold = true;
  stream_into(handler, log, 1 << 30);
  LoopbackServer server(handler);
  Peer peer(server.port());
  // More than the buffers of both kernels' ends hold: the sender has to wait for the sink.
  const std::size_t bytes = 32 * 1024 * 1024;
  std::string body(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) {
    body[i] = static_cast<char>(i % 251);
  }
  std::atomic<bool> sent = false;
  std::thread sender([&] {
    peer.send(post("/", body));
    sent = true;
  });
  std::size_t taken = 0;
  bool sent_early = false;
  bool intact = true;
  while (taken < bytes) {
    server.on_loop([&] {
      if (log.held) {
        intact = intact && body.compare(taken, log.held_piece.size(), log.held_piece) == 0;
        taken += log.held_piece.size();
        sent_early = sent_early || (sent && taken < bytes / 4);
        std::exchange(log.held, nullptr)({});
      }
    });
  }
  sender.join();
  EXPECT_FALSE(sent_early);
  EXPECT_TRUE(intact) << "a piece changed while the sink had it";
  EXPECT_EQ(peer.receive().status, 200);
}

TEST(ServerBody, HandsOverWhatASinkCouldNotTake) {
  for (const bool later : {false, true}) {
    FunctionHandler handler;
    CollectingSink::Log log;
    log.fail = !later;
    log.hold = later;
    stream_into(handler, log);
    LoopbackServer server(handler);
    Peer peer(server.port());
    peer.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\nsome");
    for (bool failed = !later; !failed;) {
      server.on_loop([&] {
        if (log.held) {
          failed = true;
          std::exchange(log.held, nullptr)(base::Error{base::ErrorCode::kIo, "disk full"});
        }
      });
    }
    EXPECT_EQ(peer.receive().status, 507);
    EXPECT_TRUE(peer.closed());
    EXPECT_EQ(log.pieces, 1U);
  }
}

TEST(ServerBody, RefusesAStreamThatGrowsTooLarge) {
  FunctionHandler handler;
  CollectingSink::Log log;
  stream_into(handler, log, 4);
  LoopbackServer server(handler);
  Peer announced(server.port());
  announced.send(post("/", "12345"));
  EXPECT_EQ(announced.receive().status, 413);
  Peer peer(server.port());
  peer.send(chunked("/", "4\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n"));
  EXPECT_EQ(peer.receive().status, 413);
  EXPECT_TRUE(log.destroyed);
}

TEST(ServerBody, DestroysTheSinkOfAPeerThatLeaves) {
  FunctionHandler handler;
  CollectingSink::Log log;
  stream_into(handler, log);
  handler.on_handle = [](Request, Responder) { ADD_FAILURE() << "half a request was handled"; };
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf");
  for (bool begun = false; !begun;) {
    server.on_loop([&] { begun = log.pieces == 1; });
  }
  peer.close();
  EXPECT_TRUE(server.wait_for_connections(0));
  EXPECT_TRUE(log.destroyed);
}

// The piece stays readable until the sink is done, also when the connection ends first.
TEST(ServerBody, KeepsABusySinkAndItsPieceUntilItIsDone) {
  FunctionHandler handler;
  CollectingSink::Log log;
  log.hold = true;
  stream_into(handler, log);
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(post("/", "precious"));
  for (bool held = false; !held;) {
    server.on_loop([&] { held = log.held != nullptr; });
  }
  server.on_loop([&] { server.server().stop(); });
  EXPECT_TRUE(peer.closed());
  server.on_loop([&] {
    EXPECT_EQ(log.held_piece, "precious");
    EXPECT_FALSE(log.destroyed);
    std::exchange(log.held, nullptr)({});
    EXPECT_TRUE(log.destroyed);
  });
}

}  // namespace
}  // namespace hearth::http::test
