// Chunked answers at the loop's client connection.
#include <gtest/gtest.h>

#include <string>

#include "http/client_connection_test_support.h"

namespace hearth::http::test {
namespace {

TEST_F(ClientConnectionTest, ThePiecesOfAChunkedAnswerAreToldAsTheyCome) {
  ask();
  peer_->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nHearth-Meta: m\r\n\r\n5\r\nhello\r\n");
  ASSERT_TRUE(wait_for(2));
  EXPECT_EQ(events_.told.back(), "piece hello");
  peer_->send("3\r\nyo");
  ASSERT_TRUE(wait_for(3));
  EXPECT_EQ(events_.told.back(), "piece yo") << "what has come of a chunk";
  peer_->send("u\r\n0\r\n\r\n");
  expect_told({"connected", "piece hello", "piece yo", "piece u", "answered 200"});
  EXPECT_EQ(events_.last_body, "");
  EXPECT_EQ(events_.last_meta, "m");
  client_->send(get("/"), nullptr);
  peer_->send(kAnswer);
  ASSERT_TRUE(wait_for(6));
  EXPECT_EQ(events_.last_body, "hello") << "the connection goes on";
}

TEST_F(ClientConnectionTest, AChunkedAnswerMayComeByteByByte) {
  ask();
  for (const char byte :
       std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")) {
    peer_->send(std::string_view(&byte, 1));
    reactor_.poll();
  }
  expect_told({"connected", "piece a", "piece b", "answered 200"});
}

TEST_F(ClientConnectionTest, NoPieceComesOfAConnectionThatIsClosedFromInsideOne) {
  ask();
  events_.on_event = [this](const std::string& event) {
    if (event == "piece a") {
      client_->close();
    }
  };
  peer_->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  expect_told({"connected", "piece a"});
}

TEST_F(ClientConnectionTest, AChunkedAnswerThatBreaksOffIsLost) {
  ask();
  peer_->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
  ASSERT_TRUE(wait_for(2));
  peer_->close();
  expect_told({"connected", "piece hel", "lost: io"});
}

}  // namespace
}  // namespace hearth::http::test
