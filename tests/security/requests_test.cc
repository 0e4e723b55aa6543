// Attempts 52 to 54, of callers: to hold the server up, to be understood differently, to have bodies kept for
// nothing. What each malformed request is refused with is src/http/request_parser_test.cc's.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "tests/security/fixture.h"

namespace hearth::security {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr const char* kKey = "the platform's key";

class Caller {
 public:
  explicit Caller(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  bool send(const std::string& bytes) {
    return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // What comes until the server closes; with " (open)" at its end where it does not within the bound.
  std::string read_to_close(milliseconds bound) {
    const auto until = Clock::now() + bound;
    std::string all;
    for (;;) {
      pollfd ready{socket_.get(), POLLIN, 0};
      const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()).count();
      if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) != 1) {
        return all + " (open)";
      }
      char bytes[4'096];
      const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
      if (count <= 0) {
        return all;
      }
      all.append(bytes, static_cast<std::size_t>(count));
    }
  }
  bool is_closed() {
    char byte = 0;
    return ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

 private:
  base::UniqueFd socket_;
};

class Requests : public Security {
 protected:
  static void SetUpTestSuite() { start({"--header-timeout", "1s", "--body-timeout", "2s"}); }
};

// 52: on a thousand connections, while others are served.
TEST_F(Requests, SlowHeadsAndSlowBodiesHoldNobodyUp) {
  std::vector<Caller> slow;
  for (int i = 0; i < 1'000; ++i) {
    slow.emplace_back(server().port());
    slow.back().send(
        i % 2 == 0 ? "GET /health HTTP/1.1\r\nX-Slow: "
                   : "POST /functions/neighbour/invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n1");
  }
  const auto began = Clock::now();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(server().invoke("neighbour", "1").status, 200);
    for (Caller& caller : slow) {
      (void)caller.send("x");
    }
  }
  EXPECT_LE(Clock::now() - began, seconds(10));
  const std::size_t waiting = slow.size();
  // Once they send nothing any more all are told so, and closed.
  std::size_t answered = 0;
  const auto until = Clock::now() + seconds(10);
  for (Caller& caller : slow) {
    const std::string answer =
        caller.read_to_close(std::chrono::duration_cast<milliseconds>(until - Clock::now()));
    answered += answer.find(" 408 ") != std::string::npos && !answer.ends_with("(open)") ? 1 : 0;
  }
  EXPECT_EQ(answered, waiting);
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
    Caller caller(server().port());
    (void)caller.send(request + smuggled);
    const std::string answer = caller.read_to_close(seconds(5));
    EXPECT_THAT(answer, testing::ContainsRegex("^HTTP/1.1 (400|413|414|431|501) "));
    EXPECT_FALSE(answer.ends_with("(open)"));
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << "one answer and no second: " << answer;
  }
}

// 54
TEST_F(Requests, WhoHasNoKeyIsRefusedBeforeItsBodyIsRead) {
  const test::HearthServer locked(test::with_flags({"--api-key", kKey, "--uid-base", "320000"}));
  std::vector<Caller> callers;
  for (int i = 0; i < 20; ++i) {
    callers.emplace_back(locked.port());
    callers.back().send(
        "POST /functions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer wrong\r\nContent-Type: "
        "application/json\r\n"
        "Content-Length: 6000000\r\n\r\n");
  }
  for (Caller& caller : callers) {
    const std::string answer = caller.read_to_close(seconds(10));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 ")) << answer;
    EXPECT_FALSE(answer.ends_with("(open)"));
  }
}

}  // namespace
}  // namespace hearth::security
