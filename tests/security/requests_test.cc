// Attempts 52 to 54, of callers: to hold the server up, to be understood differently, to have bodies kept for
// nothing. What each malformed request is refused with is src/http/request_parser_test.cc's.
#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

#include "http/loopback_test_support.h"
#include "tests/security/fixture.h"

namespace hearth::security {
namespace {

using http::test::Peer;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr const char* kKey = "the platform's key";

class Requests : public Security {
 protected:
  static void SetUpTestSuite() { start({"--header-timeout", "1s", "--body-timeout", "2s"}); }
};

// 52: on a thousand connections, while others are served.
TEST_F(Requests, SlowHeadsAndSlowBodiesHoldNobodyUp) {
  std::vector<Peer> slow;
  for (int i = 0; i < 1'000; ++i) {
    slow.emplace_back(server().port());
    slow.back().send(
        i % 2 == 0 ? "GET /health HTTP/1.1\r\nX-Slow: "
                   : "POST /functions/neighbour/invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n1");
  }
  const auto began = Clock::now();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(server().invoke("neighbour", "1").status, 200);
    for (Peer& peer : slow) {
      (void)peer.try_send("x");
    }
  }
  EXPECT_LE(Clock::now() - began, seconds(10));
  // Once they send nothing any more all are told so, and closed.
  for (Peer& peer : slow) {
    ASSERT_EQ(peer.receive().status, 408);
    ASSERT_TRUE(peer.closed());
  }
  EXPECT_LE(Clock::now() - began, seconds(20));
}

// 53: each is refused and its connection closed, whatever follows.
TEST_F(Requests, WhatCouldBeUnderstoodDifferentlyIsRefusedAndTheConnectionClosed) {
  const std::string post = "POST /functions/neighbour/invoke HTTP/1.1\r\nHost: a\r\n";
  const std::string smuggled = "GET /functions HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::vector<std::string> requests = {
      post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
      post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n1\r\n1\r\n0\r\n\r\n",
      post + "Transfer-Encoding: xchunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
      post + "Transfer-Encoding : chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
      post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n11",
      post + "Content-Length: +1\r\n\r\n1",
      post + "Content-Length: 0x1\r\n\r\n1",
      post + "Content-Length: 1, 1\r\n\r\n1",
      post + "Transfer-Encoding: chunked\r\n\r\n1\n1\n0\n\n",
      post + "Transfer-Encoding: chunked\r\n\r\n0x1\r\n1\r\n0\r\n\r\n",
      "POST /functions/neighbour/invoke HTTP/1.1\nHost: a\nContent-Length: 1\n\n1",
      post + "X: a\r\n folded\r\n\r\n",
      post + "X: a\rContent-Length: 1\r\n\r\n1",
      "GET /" + std::string(64 << 10, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(128 << 10, 'a') + "\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(64 << 10, 'a') + "\r\n1\r\n0\r\n\r\n"};
  for (const std::string& request : requests) {
    SCOPED_TRACE(request.substr(0, 200));
    Peer peer(server().port());
    (void)peer.try_send(request + smuggled);
    EXPECT_THAT(peer.receive().status, testing::AnyOf(400, 413, 414, 431, 501));
    EXPECT_TRUE(peer.closed()) << "one answer and no second";
  }
}

// 54
TEST_F(Requests, WhoHasNoKeyIsRefusedBeforeItsBodyIsRead) {
  const test::HearthServer locked(test::with_flags({"--api-key", kKey, "--uid-base", "320000"}));
  std::vector<Peer> callers;
  for (int i = 0; i < 20; ++i) {
    callers.emplace_back(locked.port());
    callers.back().send(
        "POST /functions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer wrong\r\nContent-Type: "
        "application/json\r\n"
        "Content-Length: 6000000\r\n\r\n");
  }
  for (Peer& caller : callers) {
    ASSERT_EQ(caller.receive().status, 401);
    ASSERT_TRUE(caller.closed());
  }
}

}  // namespace
}  // namespace hearth::security
