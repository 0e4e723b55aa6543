#include "http/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::http {
namespace {

struct Parsed {
  RequestHead head;
  std::string body;
  bool ended = false;
  bool keep_alive = false;
  bool expects_continue = false;
  Refusal refusal;
  std::size_t consumed = 0;
};

// Hands the bytes over as two arrivals split at `split`, the way a connection does.
Parsed parse(const std::string& bytes, std::size_t split, HeadLimits limits = {}) {
  RequestParser parser(limits);
  Parsed parsed;
  for (std::size_t available = split;; available = bytes.size()) {
    for (;;) {
      const std::string_view view =
          std::string_view(bytes).substr(parsed.consumed, available - parsed.consumed);
      const RequestParser::Step step = parser.next(view);
      parsed.consumed += step.consumed;
      parsed.body.append(step.piece);
      if (step.kind == RequestParser::Kind::kHead) {
        parsed.head = parser.head();
        parsed.keep_alive = parser.keep_alive();
        parsed.expects_continue = parser.expects_continue();
      } else if (step.kind == RequestParser::Kind::kEnd) {
        parsed.ended = true;
        return parsed;
      } else if (step.kind == RequestParser::Kind::kRefused) {
        parsed.refusal = parser.refusal();
        return parsed;
      } else if (step.kind == RequestParser::Kind::kNeedMore) {
        break;
      }
    }
    if (available == bytes.size()) {
      return parsed;
    }
  }
}

Parsed parse(const std::string& bytes, HeadLimits limits = {}) { return parse(bytes, bytes.size(), limits); }

const std::string kHost = "Host: h\r\n";

TEST(RequestParser, TakesAHeadApart) {
  const Parsed parsed = parse(
      "POST /a/b?c=d HTTP/1.1\r\nHost: h:1\r\nX-Thing:  spaced value \r\nEmpty:\r\nContent-Length: "
      "3\r\n\r\nxyz");
  ASSERT_TRUE(parsed.ended) << parsed.refusal.message;
  EXPECT_EQ(parsed.head.method, Method::kPost);
  EXPECT_EQ(parsed.head.path(), "/a/b");
  EXPECT_EQ(parsed.head.query(), "c=d");
  EXPECT_EQ(parsed.head.header("x-thing"), "spaced value");
  EXPECT_EQ(parsed.head.header("empty"), "");
  EXPECT_EQ(parsed.head.header("absent"), std::nullopt);
  EXPECT_EQ(parsed.head.content_length, 3U);
  EXPECT_FALSE(parsed.head.chunked);
  EXPECT_EQ(parsed.body, "xyz");
}

TEST(RequestParser, KnowsItsMethods) {
  const std::vector<std::pair<std::string, Method>> methods = {
      {"GET", Method::kGet},         {"HEAD", Method::kHead},   {"POST", Method::kPost},
      {"PUT", Method::kPut},         {"PATCH", Method::kPatch}, {"DELETE", Method::kDelete},
      {"OPTIONS", Method::kOptions}, {"BREW", Method::kOther},  {"get", Method::kOther},
  };
  for (const auto& [name, method] : methods) {
    EXPECT_EQ(parse(name + " / HTTP/1.1\r\n" + kHost + "\r\n").head.method, method) << name;
  }
}

TEST(RequestParser, GivesTheSameForEverySplit) {
  const std::string fixed = "\r\nPOST /x HTTP/1.1\r\n" + kHost + "Content-Length: 5\r\nA: b\r\n\r\nhello";
  const std::string chunked = "PUT /x HTTP/1.1\r\n" + kHost +
                              "Transfer-Encoding: Chunked\r\nA: b\r\n\r\n"
                              "3;ext=\"a b\"\r\nhel\r\n02\r\nlo\r\n0;last\r\nTrailer: t\r\n\r\n";
  for (const std::string& request : {fixed, chunked}) {
    const std::string with_next = request + "GET /next";
    for (std::size_t split = 0; split <= with_next.size(); ++split) {
      const Parsed parsed = parse(with_next, split);
      ASSERT_TRUE(parsed.ended) << split << ": " << parsed.refusal.message;
      EXPECT_EQ(parsed.body, "hello") << split;
      EXPECT_EQ(parsed.head.header("A"), "b") << split;
      EXPECT_EQ(parsed.head.header("Trailer"), std::nullopt) << split;
      EXPECT_EQ(parsed.consumed, request.size()) << split;
    }
  }
}

TEST(RequestParser, TakesSingleBytes) {
  const std::string empty = "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  const std::string chunked =
      "POST / HTTP/1.1\r\n" + kHost +
      "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n1\r\nc\r\n000\r\nT: u\r\n\r\n";
  for (const std::string& request : {empty, chunked}) {
    RequestParser parser{HeadLimits{}};
    std::string body;
    std::size_t used = 0;
    RequestParser::Step step;
    for (std::size_t available = 1; available <= request.size(); ++available) {
      do {
        step = parser.next(std::string_view(request).substr(used, available - used));
        used += step.consumed;
        body.append(step.piece);
      } while (step.kind == RequestParser::Kind::kHead || step.kind == RequestParser::Kind::kBody);
    }
    EXPECT_EQ(step.kind, RequestParser::Kind::kEnd);
    EXPECT_EQ(body, request == empty ? "" : "abc");
  }
}

TEST(RequestParser, CanBeUsedAgain) {
  RequestParser parser{HeadLimits{}};
  for (int i = 0; i < 3; ++i) {
    const std::string request = "GET /" + std::to_string(i) + " HTTP/1.1\r\n" + kHost + "\r\n";
    EXPECT_EQ(parser.next(request).kind, RequestParser::Kind::kHead);
    EXPECT_EQ(parser.head().target, "/" + std::to_string(i));
    EXPECT_EQ(parser.head().headers.size(), 1U);
    EXPECT_EQ(parser.next({}).kind, RequestParser::Kind::kEnd);
    parser.reset();
  }
}

// As a connection does: the head goes to the handler, and what is left of it comes back.
TEST(RequestParser, TakesTheMemoryOfAHeadBackAndNothingElse) {
  const std::string first = "GET /a/longer/target/than/fits HTTP/1.1\r\n" + kHost + "A: 1\r\nB: 2\r\n\r\n";
  const std::string second = "GET / HTTP/1.1\r\n" + kHost + "\r\n";
  for (const bool answered_meanwhile : {false, true}) {
    RequestParser parser{HeadLimits{}};
    ASSERT_EQ(parser.next(first).kind, RequestParser::Kind::kHead);
    RequestHead taken = std::move(parser.head());
    const Header* const memory = taken.headers.data();
    if (answered_meanwhile) {
      parser.reset();
      parser.take_memory(std::move(taken));
    } else {
      parser.take_memory(std::move(taken));
      parser.reset();
    }
    ASSERT_EQ(parser.next(second).kind, RequestParser::Kind::kHead);
    EXPECT_EQ(parser.head().target, "/");
    ASSERT_EQ(parser.head().headers.size(), 1U);
    EXPECT_EQ(parser.head().headers.data(), memory);
    EXPECT_EQ(parser.head().headers[0], (Header{"Host", "h"}));
  }
}

TEST(RequestParser, KeepsNoMemoryOfALargeHead) {
  RequestParser parser{HeadLimits{}};
  std::string request = "GET /" + std::string(300, 't') + " HTTP/1.1\r\n" + kHost;
  for (int i = 0; i < 20; ++i) {
    request += "X-" + std::to_string(i) + ": v\r\n";
  }
  ASSERT_EQ(parser.next(request + "\r\n").kind, RequestParser::Kind::kHead);
  RequestHead taken = std::move(parser.head());
  parser.take_memory(std::move(taken));
  parser.reset();
  EXPECT_EQ(parser.head().headers.capacity(), 0U);
  EXPECT_LT(parser.head().target.capacity(), 300U);
}

TEST(RequestParser, FollowsTheRulesOfKeepAlive) {
  const auto keep_alive = [](const std::string& version, const std::string& connection) {
    return parse("GET / HTTP/" + version + "\r\n" + kHost + connection + "\r\n").keep_alive;
  };
  EXPECT_TRUE(keep_alive("1.1", ""));
  EXPECT_FALSE(keep_alive("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keep_alive("1.1", "Connection: x, Close\r\n"));
  EXPECT_FALSE(keep_alive("1.0", ""));
  EXPECT_TRUE(keep_alive("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\n\r\n").ended);
}

TEST(RequestParser, AcceptsTheAbsoluteForm) {
  EXPECT_EQ(parse("GET http://a.b:80/c?d HTTP/1.1\r\n" + kHost + "\r\n").head.target, "/c?d");
  EXPECT_EQ(parse("GET HTTP://a.b HTTP/1.1\r\n" + kHost + "\r\n").head.target, "/");
  EXPECT_EQ(parse("GET http://a.b?d HTTP/1.1\r\n" + kHost + "\r\n").head.target, "/?d");
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n").head.target, "*");
}

TEST(RequestParser, KnowsTheOneExpectation) {
  EXPECT_TRUE(parse("POST / HTTP/1.1\r\n" + kHost + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n")
                  .expects_continue);
  EXPECT_FALSE(
      parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").expects_continue);
  EXPECT_EQ(parse("POST / HTTP/1.1\r\n" + kHost + "Expect: cake\r\n\r\n").refusal.status, 417);
}

struct Malformed {
  std::string bytes;
  int status;
  std::string reason;
};

class MalformedRequest : public testing::TestWithParam<Malformed> {};

// Refused whole, and refused alike wherever the bytes are cut.
TEST_P(MalformedRequest, IsRefused) {
  const Malformed& malformed = GetParam();
  for (std::size_t split = 0; split <= malformed.bytes.size(); ++split) {
    const Parsed parsed = parse(malformed.bytes, split);
    EXPECT_EQ(parsed.refusal.status, malformed.status) << malformed.bytes << " split at " << split;
    EXPECT_EQ(parsed.refusal.reason, malformed.reason) << malformed.bytes << " split at " << split;
    EXPECT_FALSE(parsed.ended);
    if (parsed.refusal.status != malformed.status) {
      break;
    }
  }
}

std::string with(const std::string& headers) { return "POST / HTTP/1.1\r\n" + kHost + headers + "\r\n"; }
std::string chunks(const std::string& body) { return with("Transfer-Encoding: chunked\r\n") + body; }

INSTANTIATE_TEST_SUITE_P(
    Smuggling, MalformedRequest,
    testing::Values(
        Malformed{with("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400, "bad_content_length"},
        Malformed{with("Content-Length: 3\r\nTransfer-Encoding: gzip\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Content-Length: 3\r\nContent-Length: 3\r\n"), 400, "bad_content_length"},
        Malformed{with("Content-Length: 3\r\nContent-Length: 4\r\n"), 400, "bad_content_length"},
        Malformed{with("Content-Length: 3, 3\r\n"), 400, "bad_content_length"},
        Malformed{with("Content-Length: -3\r\n"), 400, "bad_content_length"},
        Malformed{with("Content-Length: +3\r\n"), 400, "bad_content_length"},
        Malformed{with("Content-Length: 0x3\r\n"), 400, "bad_content_length"},
        Malformed{with("Content-Length: 3 3\r\n"), 400, "bad_content_length"},
        Malformed{with("Content-Length:\r\n"), 400, "bad_content_length"},
        Malformed{with("Content-Length: 18446744073709551616\r\n"), 400, "bad_content_length"},
        Malformed{with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400,
                  "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 400,
                  "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: chunked, chunked\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: chunked, gzip\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: gzip, chunked\r\n"), 501, "unknown_transfer_coding"},
        Malformed{with("Transfer-Encoding: gzip\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: identity\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: xchunked\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: \"chunked\"\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: chunked;q=1\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding:\r\n"), 400, "bad_transfer_encoding"},
        Malformed{with("Transfer-Encoding: \vchunked\r\n"), 400, "bad_header_value"},
        Malformed{with("Transfer-Encoding : chunked\r\n"), 400, "bad_header_name"},
        Malformed{with("Transfer-Encoding\r\n"), 400, "bad_header_name"},
        Malformed{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad_transfer_encoding"},
        Malformed{"GET / HTTP/1.1\nHost: h\n\n", 400, "bare_line_feed"},
        Malformed{"GET / HTTP/1.1\r\nHost: h\n\r\n", 400, "bare_line_feed"},
        Malformed{"GET / HTTP/1.1\r\nHost: h\r\nA: b\nContent-Length: 3\r\n\r\n", 400, "bare_line_feed"},
        Malformed{with("A: b\rContent-Length: 3\r\n"), 400, "bad_request"},
        Malformed{with("A: b\r\n folded\r\n"), 400, "folded_header"},
        Malformed{with("A: b\r\n\tContent-Length: 3\r\n"), 400, "folded_header"},
        Malformed{"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400, "folded_header"}));

INSTANTIATE_TEST_SUITE_P(
    Heads, MalformedRequest,
    testing::Values(Malformed{"GET / HTTP/1.1\r\n\r\n", 400, "bad_host"},
                    Malformed{"GET / HTTP/1.1\r\n" + kHost + kHost + "\r\n", 400, "bad_host"},
                    Malformed{"GET / HTTP/1.0\r\n" + kHost + kHost + "\r\n", 400, "bad_host"},
                    Malformed{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "bad_host"},
                    Malformed{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad_host"},
                    Malformed{with("A : b\r\n"), 400, "bad_header_name"},
                    Malformed{with(": b\r\n"), 400, "bad_header_name"},
                    Malformed{with("A b: c\r\n"), 400, "bad_header_name"},
                    Malformed{with("A\x80: c\r\n"), 400, "bad_header_name"},
                    Malformed{with(std::string("A: b\0c\r\n", 8)), 400, "bad_header_value"},
                    Malformed{with("A: b\x7f\r\n"), 400, "bad_header_value"},
                    Malformed{"GET /\x80 HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_target"},
                    Malformed{"GET /\x01 HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_request_line"},
                    Malformed{"GET /a b HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_request_line"},
                    Malformed{"GET  / HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_request_line"},
                    Malformed{"GET /  HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_request_line"},
                    Malformed{" GET / HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_request_line"},
                    Malformed{"GET nowhere HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_target"},
                    Malformed{"GET * HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_target"},
                    Malformed{"CONNECT a:1 HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_target"},
                    Malformed{"GE(T / HTTP/1.1\r\n" + kHost + "\r\n", 400, "bad_request_line"},
                    Malformed{"GET / http/1.1\r\n" + kHost + "\r\n", 400, "bad_request_line"},
                    Malformed{"GET / HTTP/1.1 \r\n" + kHost + "\r\n", 400, "bad_request_line"},
                    Malformed{"GET /\r\n\r\n", 400, "bad_request_line"},
                    Malformed{"\r\n\r\nGET / HTTP/1.1\r\n", 400, "bad_request_line"},
                    Malformed{"GET / HTTP/2.0\r\n" + kHost + "\r\n", 505, "http_version"},
                    Malformed{"GET / HTTP/1.2\r\n" + kHost + "\r\n", 505, "http_version"},
                    Malformed{"GET / HTTP/0.9\r\n" + kHost + "\r\n", 505, "http_version"},
                    Malformed{"GET / HTTP/1.11\r\n" + kHost + "\r\n", 505, "http_version"},
                    Malformed{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version"}));

INSTANTIATE_TEST_SUITE_P(Chunks, MalformedRequest,
                         testing::Values(Malformed{chunks("x\r\n"), 400, "bad_chunk"},
                                         Malformed{chunks("-1\r\n"), 400, "bad_chunk"},
                                         Malformed{chunks("0x1\r\na\r\n\r\n"), 400, "bad_chunk"},
                                         Malformed{chunks("\r\n"), 400, "bad_chunk"},
                                         Malformed{chunks("10000000000000000\r\n"), 400, "bad_chunk"},
                                         Malformed{chunks("1\r\nab\r\n0\r\n"), 400, "bad_chunk"},
                                         Malformed{chunks("1 \r\na\r\n"), 400, "bad_chunk"},
                                         Malformed{chunks("1;a=\"b\r\na\"\r\n0\r\n\r\n"), 400, "bad_chunk"},
                                         Malformed{chunks("1\na\n0\n\n\r\n"), 400, "bad_chunk"},
                                         Malformed{chunks("0\r\nA : b\r\n\r\n"), 400, "bad_trailer"},
                                         Malformed{chunks("0\r\nA: b\x01\r\n\r\n"), 400, "bad_trailer"}));

TEST(RequestParserLimits, HoldTheHead) {
  const HeadLimits limits{.header_bytes = 256, .target_bytes = 64, .header_count = 4};
  const auto target = [&](std::size_t bytes) {
    return parse("GET /" + std::string(bytes - 1, 'x') + " HTTP/1.1\r\n" + kHost + "\r\n", limits);
  };
  EXPECT_TRUE(target(64).ended);
  EXPECT_EQ(target(65).refusal.status, 414);
  EXPECT_EQ(target(129).refusal.status, 414);
  EXPECT_EQ(parse("GET /" + std::string(200, 'x'), limits).refusal.status, 414)
      << "without waiting for the line's end";

  const std::string start = "GET / HTTP/1.1\r\n" + kHost + "A: ";
  const auto whole = [&](std::size_t bytes) {
    return parse(start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n", limits);
  };
  EXPECT_TRUE(whole(256).ended);
  EXPECT_EQ(whole(257).refusal.status, 431);
  EXPECT_EQ(parse(start + std::string(256, 'x'), limits).refusal.status, 431)
      << "without waiting for its end";

  EXPECT_TRUE(parse("GET / HTTP/1.1\r\n" + kHost + "A: 1\r\nA: 2\r\nA: 3\r\n\r\n", limits).ended);
  EXPECT_EQ(
      parse("GET / HTTP/1.1\r\n" + kHost + "A: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\n\r\n", limits).refusal.reason,
      "too_many_headers");
}

TEST(RequestParserLimits, HoldChunkLinesAndTrailers) {
  const HeadLimits limits{.header_bytes = 2048, .target_bytes = 64, .header_count = 4};
  const std::string long_name(kChunkLineBytes + 1, 'x');
  EXPECT_EQ(parse(chunks("1;" + long_name), limits).refusal.reason, "bad_chunk") << "without its end";
  EXPECT_EQ(parse(chunks("1;" + long_name + "\r\na\r\n"), limits).refusal.reason, "bad_chunk");
  const std::string chunk = "1;" + std::string(1000, 'x') + "\r\na\r\n";
  EXPECT_EQ(parse(chunks(chunk + chunk + chunk), limits).refusal.reason, "chunk_extensions_too_large");
  EXPECT_TRUE(parse(chunks(chunk + chunk + "0\r\n\r\n"), limits).ended);

  EXPECT_EQ(parse(chunks("0\r\nA: " + std::string(3000, 'x')), limits).refusal.status, 431);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 4; ++i) {
    trailers += "A: b\r\n";
  }
  EXPECT_TRUE(parse(chunks(trailers + "\r\n"), limits).ended);
  EXPECT_EQ(parse(chunks(trailers + "A: b\r\n\r\n"), limits).refusal.reason, "too_many_headers");
}

}  // namespace
}  // namespace hearth::http
