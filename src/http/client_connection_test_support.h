// The loop's client connection before a server that a test plays byte by byte. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/run_until.h"
#include "http/client_connection.h"
#include "http/loopback_test_support.h"
#include "http/raw_server_test_support.h"

namespace hearth::http::test {

inline constexpr std::uint64_t kBodyLimit = 16 * 1024 * 1024;

// Writes down what it is told, and does at each what the test wants.
class RecordedEvents final : public ClientEvents {
 public:
  void connected() override { tell("connected"); }
  void interim(int status) override { tell("interim " + std::to_string(status)); }
  void piece(std::string_view bytes) override { tell("piece " + std::string(bytes)); }
  void answered(const AnswerHead& head, std::string&& body) override {
    last_body = std::move(body);
    last_meta = std::string(head.header("Hearth-Meta").value_or(""));
    tell("answered " + std::to_string(head.status) + (head.keep_alive ? "" : " and closed"));
  }
  void lost(const base::Error& error) override { tell("lost: " + std::string(base::to_string(error.code))); }

  std::vector<std::string> told;
  std::string last_body;
  std::string last_meta;
  std::function<void(const std::string&)> on_event = [](const std::string&) {};

 private:
  void tell(std::string event) {
    told.push_back(std::move(event));
    on_event(told.back());
  }
};

using Told = std::vector<std::string>;

class ClientConnectionTest : public testing::Test {
 protected:
  void TearDown() override { close(); }
  // Open, it is its own: the loop keeps it.
  void close() {
    if (client_) {
      client_->close();
    }
  }
  void open_to(std::uint16_t port) {
    close();
    SocketAddress address;
    ASSERT_TRUE(numeric_address("127.0.0.1", port, address));
    client_ = ClientConnection::open(reactor_, {address}, kBodyLimit, events_);
    EXPECT_TRUE(events_.told.empty()) << "told from inside a call";
  }
  // Connected to the test's own server.
  void open() {
    open_to(server_.port());
    ASSERT_TRUE(wait_for(1));
    peer_ = server_.accept();
    ASSERT_TRUE(peer_);
  }
  // The same, with a request under way that has arrived.
  void ask() {
    open();
    client_->send(get("/"), nullptr);
    ASSERT_TRUE(base::run_until(reactor_, [this] { return peer_->received() == get("/"); }));
    EXPECT_EQ(events_.told, Told{"connected"});
  }
  bool wait_for(std::size_t events) {
    return base::run_until(reactor_, [&] { return events_.told.size() >= events; });
  }
  // Nothing more has come than that.
  void expect_told(const Told& told) {
    EXPECT_TRUE(wait_for(told.size()));
    reactor_.poll();
    EXPECT_EQ(events_.told, told);
  }

  base::Reactor reactor_;
  RawServer server_;
  RecordedEvents events_;
  std::shared_ptr<ClientConnection> client_;
  std::unique_ptr<RawConnection> peer_;
};

inline constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nHearth-Meta: m\r\n\r\nhello";

}  // namespace hearth::http::test
