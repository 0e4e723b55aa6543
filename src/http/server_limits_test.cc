// Every bound and time-out of ServerLimits, with short values; each wait is on a socket.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "http/loopback_test_support.h"
#include "http/server.h"

namespace hearth::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

milliseconds since(steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

TEST(ServerLimits, HoldTheHead) {
  FunctionHandler handler;
  ServerLimits limits;
  limits.header_bytes = 1024;
  limits.target_bytes = 128;
  limits.header_count = 3;
  LoopbackServer server(handler, limits);
  const auto status = [&](const std::string& request) {
    Peer peer(server.port());
    peer.send(request);
    const int answered = peer.receive().status;
    EXPECT_TRUE(answered == 200 || peer.closed());
    return answered;
  };
  EXPECT_EQ(status(get("/" + std::string(127, 'x'))), 200);
  EXPECT_EQ(status(get("/" + std::string(128, 'x'))), 414);
  EXPECT_EQ(status("GET /" + std::string(100'000, 'x')), 414);
  EXPECT_EQ(status(get("/", "A: 1\r\nB: 2\r\n")), 200);
  EXPECT_EQ(status(get("/", "A: 1\r\nB: 2\r\nC: 3\r\n")), 431);
  EXPECT_EQ(status(get("/", "A: " + std::string(1024, 'x') + "\r\n")), 431);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nA: " + std::string(100'000, 'x')), 431);
}

TEST(ServerLimits, DefaultsTakeAHeadOf32KiB) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer(server.port());
  const std::string start = "GET / HTTP/1.1\r\nHost: t\r\nA: ";
  peer.send(start + std::string(32 * 1024 - start.size() - 4, 'x') + "\r\n\r\n");
  EXPECT_EQ(peer.receive().status, 200);
}

TEST(ServerLimits, TurnAwayConnectionsOverTheBound) {
  FunctionHandler handler;
  ServerLimits limits;
  limits.connections = 2;
  LoopbackServer server(handler, limits);
  auto first = std::make_unique<Peer>(server.port());
  Peer second(server.port());
  EXPECT_TRUE(server.wait_for_connections(2));
  Peer third(server.port());
  third.send(get("/"));
  const Answer refused = third.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, "too_many_connections");
  EXPECT_TRUE(third.closed());
  third.close();
  first.reset();
  EXPECT_TRUE(server.wait_for_connections(1));
  Peer fourth(server.port());
  fourth.send(get("/"));
  EXPECT_EQ(fourth.receive().status, 200);
}

TEST(ServerLimits, CloseIdleConnections) {
  FunctionHandler handler;
  ServerLimits limits;
  limits.idle_timeout = milliseconds(100);
  LoopbackServer server(handler, limits);
  Peer silent(server.port());
  Peer used(server.port());
  used.send(get("/"));
  EXPECT_EQ(used.receive().status, 200);
  const auto start = steady_clock::now();
  EXPECT_TRUE(used.closed());
  EXPECT_GT(since(start), milliseconds(90));
  EXPECT_TRUE(silent.closed());
}

// The time runs from the first byte; a byte now and then does not renew it.
TEST(ServerLimits, AnswerSlowHeads) {
  FunctionHandler handler;
  ServerLimits limits;
  limits.header_timeout = milliseconds(200);
  LoopbackServer server(handler, limits);
  Peer peer(server.port());
  const auto start = steady_clock::now();
  std::string_view bytes = "GET / HTTP/1.1\r\nHost: test\r\nSlow: loris and more loris and more and more";
  while (!peer.readable_within(20) && !bytes.empty()) {
    peer.send(bytes.substr(0, 1));
    bytes.remove_prefix(1);
  }
  EXPECT_EQ(peer.receive().status, 408);
  EXPECT_GT(since(start), milliseconds(190));
  EXPECT_TRUE(peer.closed());
}

// The time runs between pieces: a slow body that goes on is served.
TEST(ServerLimits, AnswerBodiesThatStop) {
  FunctionHandler handler;
  ServerLimits limits;
  limits.body_timeout = milliseconds(200);
  LoopbackServer server(handler, limits);
  Peer slow(server.port());
  slow.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\n");
  const auto start = steady_clock::now();
  for (int i = 0; i < 6; ++i) {
    EXPECT_FALSE(slow.readable_within(60));
    slow.send("x");
  }
  EXPECT_EQ(slow.receive().status, 200);
  EXPECT_GT(since(start), milliseconds(350));

  Peer stopped(server.port());
  stopped.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\nx");
  const Answer answer = stopped.receive();
  EXPECT_EQ(answer.status, 408);
  EXPECT_EQ(answer.body, "body_timeout");
  EXPECT_TRUE(stopped.closed());
}

// The bytes around the pieces, without an end, are no progress.
TEST(ServerLimits, AnswerChunkLinesThatTrickle) {
  FunctionHandler handler;
  ServerLimits limits;
  limits.body_timeout = milliseconds(200);
  LoopbackServer server(handler, limits);
  Peer peer(server.port());
  peer.send("POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n1;");
  int trickled = 0;
  for (; trickled < 100 && !peer.readable_within(20); ++trickled) {
    peer.send("x");
  }
  EXPECT_LT(trickled, 100);
  EXPECT_EQ(peer.receive().status, 408);
}

TEST(ServerLimits, ClosePeersThatDoNotRead) {
  FunctionHandler handler;
  handler.on_handle = [](Request, Responder responder) {
    responder.send(text_response(200, std::string(16 * 1024 * 1024, 'x')));
  };
  ServerLimits limits;
  limits.write_timeout = milliseconds(200);
  LoopbackServer server(handler, limits);
  Peer peer;
  peer.shrink_receive_buffer();
  peer.connect(server.port());
  peer.send(get("/"));
  EXPECT_TRUE(peer.readable_within(10'000));
  EXPECT_TRUE(server.wait_for_connections(0));
  EXPECT_LT(peer.receive_all().size(), 16U * 1024 * 1024);
}

TEST(ServerLimits, BearAPeerThatReadsSlowly) {
  FunctionHandler handler;
  handler.on_handle = [](Request, Responder responder) {
    responder.send(text_response(200, std::string(8 * 1024 * 1024, 'x')));
  };
  ServerLimits limits;
  limits.write_timeout = milliseconds(300);
  LoopbackServer server(handler, limits);
  Peer peer;
  peer.shrink_receive_buffer();
  peer.connect(server.port());
  peer.send(get("/"));
  EXPECT_EQ(peer.receive().body.size(), 8U * 1024 * 1024);
}

TEST(ServerLimits, GiveUpOnALingeringPeer) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer(server.port());
  peer.send(get("/", "Connection: close\r\n"));
  EXPECT_EQ(peer.receive().status, 200);
  EXPECT_TRUE(peer.closed());
  EXPECT_TRUE(server.wait_for_connections(0)) << "though the peer has not closed its side";
}

TEST(ServerLimits, ServeAThousandConnectionsAndGiveTheirDescriptorsBack) {
  constexpr std::size_t kConnections = 1'000;
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const rlimit enough{std::max<rlim_t>(files.rlim_cur, 2 * kConnections + 200), files.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &enough), 0);
  FunctionHandler handler;
  LoopbackServer server(handler);
  const std::size_t baseline = open_descriptors();
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::size_t i = 0; i < kConnections; ++i) {
    peers.push_back(std::make_unique<Peer>(server.port()));
  }
  for (int round = 0; round < 3; ++round) {
    for (const auto& peer : peers) {
      peer->send(get("/"));
    }
    for (const auto& peer : peers) {
      ASSERT_EQ(peer->receive().status, 200);
    }
  }
  EXPECT_EQ(server.connection_count(), kConnections);
  peers.clear();
  EXPECT_TRUE(server.wait_for_connections(0));
  EXPECT_EQ(open_descriptors(), baseline);
}

// Without descriptors it neither spins nor stops accepting for good.
TEST(ServerLimits, OutliveAWantOfDescriptors) {
  FunctionHandler handler;
  LoopbackServer server(handler);
  Peer peer;
  const int highest = dup(0);
  close(highest);
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const rlimit none{static_cast<rlim_t>(highest), files.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  peer.connect(server.port());
  peer.send(get("/"));
  const bool answered = peer.readable_within(350);
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_FALSE(answered);
  const auto busy_us =
      (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
          1'000'000 +
      after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec;
  EXPECT_LT(busy_us, 50'000);
  EXPECT_EQ(peer.receive().status, 200);
}

}  // namespace
}  // namespace hearth::http::test
