#include "http/answer_head.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::http {
namespace {

const std::string kHead =
    "HTTP/1.1 503 Service Unavailable\r\nDate: today\r\nContent-Length: 12\r\nHearth-Meta: \t draining \t\r\n"
    "hearth-meta: again\r\nEmpty:\r\n\r\n";

TEST(AnswerHead, IsTakenApart) {
  AnswerHead head;
  ASSERT_EQ(read_answer_head(kHead + "body", head), HeadState::kComplete);
  EXPECT_EQ(head.status, 503);
  EXPECT_EQ(head.content_length, 12U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.bytes, kHead.size());
}

TEST(AnswerHead, FieldsAreFoundByNameWithoutRegardToCase) {
  AnswerHead head;
  ASSERT_EQ(read_answer_head(kHead, head), HeadState::kComplete);
  EXPECT_EQ(head.header("Hearth-Meta"), "draining") << "the first of that name";
  EXPECT_EQ(head.header("DATE"), "today");
  EXPECT_EQ(head.header("Empty"), "");
  EXPECT_FALSE(head.header("Hearth"));
  EXPECT_FALSE(head.header("earth-Meta"));
  EXPECT_FALSE(head.header("today"));
  EXPECT_FALSE(head.header("HTTP/1.1 503 Service Unavailable"));
}

TEST(AnswerHead, CutAnywhereItIsNotComplete) {
  for (std::size_t end = 0; end < kHead.size(); ++end) {
    AnswerHead head;
    EXPECT_EQ(read_answer_head(kHead.substr(0, end), head), HeadState::kIncomplete) << end;
  }
}

TEST(AnswerHead, TheShortestThereIs) {
  AnswerHead head;
  head.content_length = 9;
  head.keep_alive = false;
  ASSERT_EQ(read_answer_head("HTTP/1.1 102\r\n\r\nHTTP/1.1 200 OK", head), HeadState::kComplete);
  EXPECT_EQ(head.status, 102);
  EXPECT_EQ(head.content_length, 0U) << "nothing is left of another head";
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.bytes, 16U);
  EXPECT_FALSE(head.header("HTTP/1.1 200"));
}

TEST(AnswerHead, AConnectionThatEndsIsNoticed) {
  for (const std::string value : {"close", "Close", " CLOSE\t"}) {
    AnswerHead head;
    ASSERT_EQ(read_answer_head("HTTP/1.1 200 OK\r\nconnection:" + value + "\r\n\r\n", head),
              HeadState::kComplete);
    EXPECT_FALSE(head.keep_alive) << value;
  }
  AnswerHead head;
  ASSERT_EQ(read_answer_head("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", head),
            HeadState::kComplete);
  EXPECT_TRUE(head.keep_alive);
}

TEST(AnswerHead, OtherFirstLinesAreRefused) {
  for (const std::string line : {"HTTP/1.0 200 OK",
                                 "HTTP/2 200 OK",
                                 "http/1.1 200 OK",
                                 "HTTP/1.1  200 OK",
                                 "HTTP/1.1 20 OK",
                                 "HTTP/1.1 20",
                                 "HTTP/1.1 2000 OK",
                                 "HTTP/1.1 200OK",
                                 "HTTP/1.1 200\tOK",
                                 "HTTP/1.1 2x0 OK",
                                 "HTTP/1.1 +20 OK",
                                 "HTTP/1.1 -20 OK",
                                 "HTTP/1.1 099 OK",
                                 "HTTP/1.1 600 OK",
                                 "HTTP/1.1 ",
                                 "HTTP/1.1",
                                 "ICY 200 OK",
                                 " HTTP/1.1 200 OK",
                                 "",
                                 "HTTP/1.1 200 OK\nContent-Length: 5",
                                 "HTTP/1.1 200 O\rK",
                                 "HTTP/1.1 200 O\x01K"}) {
    AnswerHead head;
    EXPECT_EQ(read_answer_head(line + "\r\n\r\n", head), HeadState::kMalformed) << line;
    EXPECT_EQ(read_answer_head(line + "\r\nContent-Length: 5\r\n\r\n", head), HeadState::kMalformed) << line;
  }
}

TEST(AnswerHead, ABodyMayComeInChunks) {
  AnswerHead head;
  const std::string text = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n";
  ASSERT_EQ(read_answer_head(text, head), HeadState::kComplete);
  EXPECT_TRUE(head.chunked);
  ASSERT_EQ(read_answer_head("HTTP/1.1 200 OK\r\n\r\n", head), HeadState::kComplete);
  EXPECT_FALSE(head.chunked);
}

TEST(AnswerHead, MalformedFieldsAreRefused) {
  for (const std::string& fields : std::vector<std::string>{
           "Content-Length: 1\r\nContent-Length: 1",
           "Content-Length: 1\r\nA: b\r\ncontent-length: 2",
           "Content-Length:",
           "Content-Length: -1",
           "Content-Length: +1",
           "Content-Length: 1, 1",
           "Content-Length: 1 1",
           "Content-Length: 0x1",
           "Content-Length: 1.0",
           "Content-Length: 18446744073709551616",
           "Transfer-Encoding: chunked, chunked",
           "transfer-encoding: identity",
           "Content-Length: 1\r\nTransfer-Encoding: chunked",
           "Transfer-Encoding: chunked\r\nContent-Length: 1",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
           "no colon",
           ": no name",
           "Name : space",
           "A: b\r\n folded: c",
           "A: b\nContent-Length: 5",
           "A: b\rC: d",
           "A: \x01",
           "A: \x7f",
           std::string("A: b\0c", 6),
           std::string("A\0: b", 5),
       }) {
    AnswerHead head;
    EXPECT_EQ(read_answer_head("HTTP/1.1 200 OK\r\n" + fields + "\r\n\r\n", head), HeadState::kMalformed)
        << fields;
  }
}

TEST(AnswerHead, TheLargestLengthIsTaken) {
  AnswerHead head;
  ASSERT_EQ(read_answer_head("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", head),
            HeadState::kComplete);
  EXPECT_EQ(head.content_length, UINT64_MAX);
}

TEST(AnswerHead, BareLineEndsNeverComplete) {
  AnswerHead head;
  EXPECT_EQ(read_answer_head("HTTP/1.1 200 OK\nContent-Length: 5\n\n", head), HeadState::kIncomplete);
}

TEST(AnswerHead, ALargerOneIsRefusedAsSoonAsItIsSeen) {
  const std::string begin = "HTTP/1.1 200 OK\r\nA: ";
  const std::string most = begin + std::string(kAnswerHeadBytes - begin.size() - 4, 'x') + "\r\n\r\n";
  AnswerHead head;
  EXPECT_EQ(read_answer_head(most + "body", head), HeadState::kComplete);
  EXPECT_EQ(head.bytes, kAnswerHeadBytes);
  EXPECT_EQ(read_answer_head(begin + "x" + most.substr(begin.size()), head), HeadState::kMalformed);
  const std::string endless = begin + std::string(kAnswerHeadBytes, 'x');
  EXPECT_EQ(read_answer_head(endless.substr(0, kAnswerHeadBytes - 1), head), HeadState::kIncomplete);
  EXPECT_EQ(read_answer_head(endless.substr(0, kAnswerHeadBytes), head), HeadState::kMalformed);
}

}  // namespace
}  // namespace hearth::http
