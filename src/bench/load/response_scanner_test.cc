// Answers cut at every byte, and what is none.
#include "bench/load/response_scanner.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "bench/load/answer_text.h"

namespace hearth::bench {
namespace {

struct Case {
  const char* what;
  std::string bytes;
  int status;
  std::string body;
  bool keep_alive = true;
};

std::vector<Case> good_answers() {
  const std::string big(3000, 'b');
  return {
      {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
      {"another case of letters", "HTTP/1.1 200 OK\r\ncontent-LENGTH:5  \r\n\r\nhello", 200, "hello"},
      {"no body", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", 204, ""},
      {"length of 0", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503, ""},
      {"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", 200, "ab", false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, "ab", false},
      {"HTTP/1.0 that stays", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", 200,
       "ab"},
      {"chunks",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
       200, "Wiki0123456789"},
      {"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: x\r\nU: y\r\n\r\n",
       200, "a"},
      {"a chunk with line ends",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n0\r\r\n0\r\n\r\n", 200, "\r\n0\r"},
      {"an interim answer first",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x"},
      {"large", "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + big, 200, big},
  };
}

void expect_answer(const Case& wanted, const ResponseScanner& scanner) {
  ASSERT_TRUE(scanner.done());
  EXPECT_EQ(scanner.status(), wanted.status);
  EXPECT_EQ(scanner.keep_alive(), wanted.keep_alive);
  EXPECT_EQ(scanner.body_bytes(), wanted.body.size());
  EXPECT_EQ(scanner.body_begin(), wanted.body.substr(0, ResponseScanner::kKeptBytes));
  const std::size_t kept = std::min(wanted.body.size(), ResponseScanner::kKeptBytes);
  EXPECT_EQ(scanner.body_end(), wanted.body.substr(wanted.body.size() - kept));
}

TEST(ResponseScanner, TakesAnswersInOnePiece) {
  for (const Case& one : good_answers()) {
    SCOPED_TRACE(one.what);
    ResponseScanner scanner;
    EXPECT_EQ(scanner.feed(one.bytes + "HTTP/1.1 "), one.bytes.size()) << "what follows is not its own";
    expect_answer(one, scanner);
  }
}

TEST(ResponseScanner, TakesAnswersCutAtEveryByte) {
  for (const Case& one : good_answers()) {
    for (std::size_t cut = 0; cut <= one.bytes.size(); ++cut) {
      SCOPED_TRACE(one.what + std::string(", cut at ") + std::to_string(cut));
      ResponseScanner scanner;
      EXPECT_EQ(scanner.feed(one.bytes.substr(0, cut)), cut);
      if (cut < one.bytes.size()) {
        EXPECT_FALSE(scanner.done());
        scanner.feed(one.bytes.substr(cut));
      }
      expect_answer(one, scanner);
    }
  }
}

TEST(ResponseScanner, TakesAnswersByteByByteAndOneAfterTheOther) {
  ResponseScanner scanner;
  for (const Case& one : good_answers()) {
    SCOPED_TRACE(one.what);
    scanner.reset();
    for (const char byte : one.bytes) {
      EXPECT_EQ(scanner.feed({&byte, 1}), 1U);
    }
    expect_answer(one, scanner);
  }
}

TEST(ResponseScanner, AnAnswerWithoutALengthEndsWithTheConnection) {
  ResponseScanner scanner;
  scanner.feed("HTTP/1.1 200 OK\r\n\r\nsome");
  scanner.feed(" text");
  EXPECT_FALSE(scanner.done());
  EXPECT_TRUE(scanner.end());
  EXPECT_FALSE(scanner.keep_alive());
  EXPECT_EQ(scanner.body_begin(), "some text");
}

TEST(ResponseScanner, KeepsTheInstanceOfEachAnswerForItself) {
  const std::string end = "\r\nContent-Length: 0\r\n\r\n";
  ResponseScanner scanner;
  scanner.feed("HTTP/1.1 200 OK\r\nx-hearth-INSTANCE:  i-1 " + end);
  EXPECT_EQ(scanner.instance(), "i-1");
  scanner.reset();
  scanner.feed("HTTP/1.1 200 OK" + end);
  EXPECT_EQ(scanner.instance(), "");
  scanner.reset();
  scanner.feed("HTTP/1.1 200 OK\r\nX-Hearth-Instance: " + std::string(100, 'i') + end);
  EXPECT_TRUE(scanner.done());
  EXPECT_EQ(scanner.instance(), std::string(ResponseScanner::kInstanceBytes, 'i'));
}

TEST(ResponseScanner, ACutAnswerIsBroken) {
  for (const Case& one : good_answers()) {
    for (std::size_t cut = 0; cut < one.bytes.size(); ++cut) {
      ResponseScanner scanner;
      scanner.feed(one.bytes.substr(0, cut));
      EXPECT_FALSE(scanner.end()) << one.what << ", cut at " << cut;
      EXPECT_TRUE(scanner.broken());
    }
  }
}

TEST(ResponseScanner, RefusesWhatIsNoAnswer) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::vector<std::string> broken = {
      "SSH-2.0-OpenSSH_9\r\n\r\n",
      "HTTP/2 200 OK yes\r\n\r\n",
      "HTTP/1.1 2x0 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      chunked + "x\r\n",
      chunked + "\r\n",
      chunked + "fffffffffffffffff\r\n",
      chunked + "1\r\nab\r\n",
      std::string(ResponseScanner::kHeadBytes + 1, 'a'),
  };
  for (const std::string& bytes : broken) {
    ResponseScanner scanner;
    scanner.feed(bytes);
    EXPECT_TRUE(scanner.broken()) << bytes.substr(0, 100);
  }
}

constexpr std::string_view kWarm =
    R"({"output":{"message":"Hello"},"logs":{"name":"invoke","duration":0.358,"subLogs":[{"name":"findInstance",)"
    R"("duration":0.003,"subLogs":[]},{"name":"execute.warm","duration":0.348,"subLogs":[{"name":"run","duration":0.334,)"
    R"("subLogs":[{"name":"handler","duration":12.019,"subLogs":[]}]}]}]}})";

TEST(AnswerText, FindsStartAndDurationInTheLogs) {
  EXPECT_EQ(start_in(kWarm), Start::kWarm);
  EXPECT_EQ(start_in(R"(,{"name":"execute.cold","duration":1})"), Start::kCold);
  EXPECT_EQ(start_in(R"({"message":"Hello"})"), Start::kUnknown);
  EXPECT_EQ(start_in(""), Start::kUnknown);
  EXPECT_DOUBLE_EQ(handler_ms_in(kWarm), 12.019);
  EXPECT_DOUBLE_EQ(handler_ms_in("{}"), 0);
}

TEST(AnswerText, FindsWhyACallFailed) {
  EXPECT_EQ(reason_in(503, R"({"error":{"code":"no_capacity","message":"x"}})"), "503 no_capacity");
  EXPECT_EQ(reason_in(404, "not here"), "HTTP 404");
  EXPECT_EQ(reason_in(502, R"({"error":{"code":")" + std::string(100, 'x')), "HTTP 502");
  EXPECT_EQ(reason_in(500, ""), "HTTP 500");
}

}  // namespace
}  // namespace hearth::bench
