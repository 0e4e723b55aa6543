#include "http/response_writer.h"

#include <gtest/gtest.h>

namespace hearth::http {
namespace {

Response with_header(HeaderName name, std::string value) {
  Response response;
  response.headers.push_back({name, std::move(value)});
  return response;
}

TEST(ResponseWriter, WritesTheHead) {
  Response response = with_header("Location", "/functions/1");
  response.status = 201;
  response.body = {"ab", "", "cde"};
  std::string head = "left over";
  write_head(response, "Date: now\r\n", Persistence::kImplied, head);
  EXPECT_EQ(head,
            "HTTP/1.1 201 Created\r\nDate: now\r\nContent-Type: application/json\r\nContent-Length: 5\r\n"
            "Location: /functions/1\r\n\r\n");
}

TEST(ResponseWriter, WritesNoLengthWhereThereIsNoBody) {
  Response response;
  response.status = 204;
  response.content_type = {};
  std::string head;
  write_head(response, "", Persistence::kClose, head);
  EXPECT_EQ(head, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  response.status = 200;
  write_head(response, "", Persistence::kKeepAlive, head);
  EXPECT_EQ(head, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseWriter, FindsWhatMustNotBeSent) {
  EXPECT_EQ(response_fault(with_header("X-A", "b c; d=\"e\"")), "");
  for (const std::string& value : {std::string("a\rb"), std::string("a\nb"), std::string("a\0b", 3)}) {
    EXPECT_NE(response_fault(with_header("X-A", value)), "");
  }
  for (const int status : {0, 101, 199, 600}) {
    Response response;
    response.status = status;
    EXPECT_NE(response_fault(response), "") << status;
  }
}

TEST(HeaderName, IsATokenThatTheServerDoesNotSendItself) {
  EXPECT_TRUE(HeaderName::may_be_sent("X-Hearth-Instance"));
  for (const char* name : {"Content-Length", "connection", "DATE", "Transfer-Encoding", "content-type", "A B",
                           "", "A:", "A\r\nB"}) {
    EXPECT_FALSE(HeaderName::may_be_sent(name)) << name;
  }
}

TEST(DateLine, FollowsTheSecond) {
  DateLine date;
  EXPECT_EQ(date.at(784111777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(date.at(784111777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(date.at(784111778), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
}

}  // namespace
}  // namespace hearth::http
