// A server with TLS and the loop's client with it, on one thread; and peers that do not speak it.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/read_log.h"
#include "base/testing/run_until.h"
#include "http/client_connection.h"
#include "http/loopback_test_support.h"
#include "http/raw_server_test_support.h"
#include "http/server.h"

namespace hearth::http::test {
namespace {

using std::chrono::milliseconds;
using Told = std::vector<std::string>;

constexpr std::uint64_t kBodyLimit = 64 * 1024 * 1024;

class RecordedEvents final : public ClientEvents {
 public:
  void connected() override { told.emplace_back("connected"); }
  void interim(int status) override { told.push_back("interim " + std::to_string(status)); }
  void piece(std::string_view bytes) override { pieces.append(bytes); }
  void answered(const AnswerHead& head, std::string&& body) override {
    last_body = std::move(body);
    told.push_back("answered " + std::to_string(head.status) + (head.keep_alive ? "" : " and closed"));
  }
  void lost(const base::Error& error) override {
    told.push_back("lost: " + std::string(base::to_string(error.code)));
    why = error.message;
  }

  Told told;
  std::string last_body;
  std::string pieces;
  std::string why;
};

class ServerTls : public testing::Test {
 protected:
  ServerTls() {
    limits_.header_timeout = milliseconds(200);
    handler_.on_plan = [](const RequestHead&) { return Buffer{kBodyLimit}; };
    handler_.on_handle = [this](Request request, Responder responder) {
      last_head_ = std::move(request.head);
      last_binding_ = last_head_.channel_binding;
      if (last_head_.target == "/held") {
        held_ = std::move(responder);
      } else {
        responder.send(text_response(200, std::move(request.body)));
      }
    };
  }
  ~ServerTls() override {
    if (client_) {
      client_->close();
    }
  }
  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;

  void start(bool with_tls = true) {
    server_ = std::make_unique<Server>(reactor_, limits_, handler_);
    EXPECT_TRUE(server_->listen("127.0.0.1:0").ok());
    if (with_tls) {
      server_->use_tls(*TlsContext::of_server());
    }
    server_->start();
  }
  std::shared_ptr<ClientConnection> open_to(std::uint16_t port, bool with_tls = true) {
    Destination to{{}, with_tls ? *TlsContext::of_client() : nullptr};
    EXPECT_TRUE(numeric_address("127.0.0.1", port, to.address));
    client_ = ClientConnection::open(reactor_, to, kBodyLimit, events_);
    return client_;
  }
  void expect_told(const Told& told) {
    EXPECT_TRUE(base::run_until(reactor_, [&] { return events_.told.size() >= told.size(); }));
    reactor_.poll();
    EXPECT_EQ(events_.told, told) << events_.why;
  }
  // A request that the handler holds.
  void ask_and_hold() {
    start();
    open_to(server_->port());
    expect_told({"connected"});
    client_->send(get("/held"), nullptr);
    ASSERT_TRUE(base::run_until(reactor_, [this] { return last_head_.target == "/held"; }));
  }
  bool connections_become(std::size_t count, milliseconds most = base::kTestPatience) {
    return base::run_until(
        reactor_, [&] { return server_->connection_count() == count; }, most);
  }

  base::Reactor reactor_;
  ServerLimits limits_;
  FunctionHandler handler_;
  RequestHead last_head_;
  std::string last_binding_;
  Responder held_;
  std::unique_ptr<Server> server_;
  RecordedEvents events_;
  std::shared_ptr<ClientConnection> client_;
};

TEST_F(ServerTls, RequestsAndAnswersGoThroughOnOneConnection) {
  start();
  open_to(server_->port());
  Told told = {"connected"};
  expect_told(told);
  for (const std::size_t bytes : {0, 1, 16 * 1024, 16 * 1024 + 1, 1'000'000, 20'000'000}) {
    const auto body = std::make_shared<const std::string>(bytes, 'b');
    client_->send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n",
                  body);
    told.emplace_back("answered 200");
    expect_told(told);
    EXPECT_EQ(events_.last_body, *body);
  }
  EXPECT_EQ(server_->connection_count(), 1U);
}

TEST_F(ServerTls, TheHandlerIsToldOfTheClientsChannel) {
  ask_and_hold();
  EXPECT_EQ(last_binding_.size(), 32U);
  EXPECT_EQ(last_binding_, client_->channel_binding());
}

TEST_F(ServerTls, AnAdmissionIsHeardBeforeTheAnswerAndWithIt) {
  ask_and_hold();
  EXPECT_TRUE(held_.send_processing());
  expect_told({"connected", "interim 102"});
  EXPECT_TRUE(held_.send_processing());
  held_.send(text_response(200, "done"));
  expect_told({"connected", "interim 102", "interim 102", "answered 200"});
  EXPECT_EQ(events_.last_body, "done");
}

TEST_F(ServerTls, PiecesOfAnAnswerComeAsTheyAreWritten) {
  ask_and_hold();
  held_.begin(text_response(200, ""));
  std::string all;
  for (int i = 0; i < 50; ++i) {
    // More at once than the kernel takes, and what is left is followed by more.
    const std::string piece(1 + static_cast<std::size_t>(i) * 20'000, static_cast<char>('a' + i % 26));
    all += piece;
    held_.write(piece, /*last=*/false);
    if (i % 10 == 0) {
      EXPECT_TRUE(base::run_until(reactor_, [&] { return events_.pieces == all; }));
    }
  }
  held_.write("", /*last=*/true);
  expect_told({"connected", "answered 200"});
  EXPECT_EQ(events_.pieces, all);
}

// Nothing stands before the end in the socket, as a farewell of TLS would.
TEST_F(ServerTls, APeerThatHasHalfClosedIsNotThereThoughTheLoopDoesNotKnow) {
  ask_and_hold();
  client_->half_close();
  EXPECT_FALSE(held_.send_processing());
  EXPECT_FALSE(held_.gone()) << "the loop has been told already: the test shows nothing";
  EXPECT_TRUE(base::run_until(reactor_, [this] { return client_->arrived(); }));
  held_.send(text_response(503, "too late"));
  EXPECT_TRUE(base::run_until(reactor_, [this] { return events_.told.size() >= 2; }));
}

TEST_F(ServerTls, APeerThatHasClosedIsNotThere) {
  ask_and_hold();
  client_->close();
  EXPECT_FALSE(held_.send_processing());
  EXPECT_FALSE(held_.gone());
  EXPECT_TRUE(connections_become(0));
  EXPECT_TRUE(held_.gone());
}

TEST_F(ServerTls, APeerThatTakesNothingIsNotThere) {
  ask_and_hold();
  constexpr int kMany = 2'000'000;
  int told = 0;
  while (told < kMany && held_.send_processing()) {
    ++told;
  }
  ASSERT_LT(told, kMany);
  EXPECT_FALSE(held_.send_processing());
  EXPECT_TRUE(base::run_until(
      reactor_, [&] { return !events_.told.empty() && events_.told.back().starts_with("lost"); }));
  EXPECT_EQ(std::ranges::count(events_.told, "interim 102"), told) << "who was there heard it";
}

TEST_F(ServerTls, APlainRequestIsClosedAndToldOnceOfMany) {
  const base::ReadLog log;
  start();
  for (int i = 0; i < 3; ++i) {
    const auto plain = RawConnection::to(server_->port());
    plain->send(get("/health"));
    EXPECT_TRUE(base::run_until(reactor_, [&] { return plain->ended(); }));
    EXPECT_EQ(plain->received().find("HTTP/1.1"), std::string::npos) << "no answer without TLS";
    EXPECT_TRUE(connections_become(0));
  }
  EXPECT_EQ(log.count("does not speak TLS"), 1) << log.text();
  EXPECT_EQ(log.count("http request"), 1) << log.text();
}

TEST_F(ServerTls, APlainClientLosesItsConnection) {
  start();
  open_to(server_->port(), /*with_tls=*/false);
  expect_told({"connected"});
  client_->send(get("/"), nullptr);
  ASSERT_TRUE(base::run_until(reactor_, [this] { return events_.told.size() == 2; }));
  EXPECT_TRUE(events_.told[1].starts_with("lost")) << events_.told[1];
  EXPECT_EQ(last_head_.target, "");
}

TEST_F(ServerTls, AClientWithTlsFindsAPlainServer) {
  start(/*with_tls=*/false);
  open_to(server_->port());
  expect_told({"lost: corrupt"});
  EXPECT_NE(events_.why.find("TLS"), std::string::npos);
  EXPECT_EQ(last_head_.target, "");
}

TEST_F(ServerTls, AClientWhoseServerGoesInTheMiddleOfTheHandshakeLosesIt) {
  const RawServer server;
  open_to(server.port());
  std::unique_ptr<RawConnection> peer;
  ASSERT_TRUE(base::run_until(reactor_, [&] { return (peer = server.accept()) != nullptr; }));
  ASSERT_TRUE(base::run_until(reactor_, [&] { return !peer->received().empty(); }));
  peer->close();
  expect_told({"lost: io"});
}

TEST_F(ServerTls, AHandshakeThatComesToNothingHasTheTimeOfAHead) {
  start();
  const auto silent = RawConnection::to(server_->port());
  const auto half = RawConnection::to(server_->port());
  half->send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));  // the beginning of a ClientHello
  ASSERT_TRUE(connections_become(2));
  base::run_for(reactor_, limits_.header_timeout / 2);
  EXPECT_EQ(server_->connection_count(), 2U);
  EXPECT_TRUE(connections_become(0, milliseconds(1'000))) << "not that of an idle connection";
}

TEST_F(ServerTls, AfterTheHandshakeAConnectionMayBeIdleForLonger) {
  start();
  open_to(server_->port());
  expect_told({"connected"});
  base::run_for(reactor_, 3 * limits_.header_timeout);
  EXPECT_EQ(server_->connection_count(), 1U);
  client_->send(get("/"), nullptr);
  expect_told({"connected", "answered 200"});
}

TEST_F(ServerTls, WhoIsTurnedAwayIsToldSoOverTls) {
  limits_.connections = 1;
  start();
  open_to(server_->port());
  expect_told({"connected"});
  const auto first = client_;
  open_to(server_->port());
  ASSERT_TRUE(base::run_until(reactor_, [this] { return events_.told.size() >= 3; }));
  EXPECT_EQ(events_.told[1], "connected");
  EXPECT_TRUE(events_.told[2].starts_with("lost")) << "it had asked nothing: " << events_.told[2];
  first->close();
}

TEST_F(ServerTls, DrainingAndStoppingEndConnectionsInTheMiddleOfTheHandshake) {
  start();
  const auto silent = RawConnection::to(server_->port());
  ASSERT_TRUE(connections_become(1));
  bool drained = false;
  server_->drain([&] { drained = true; });
  EXPECT_TRUE(base::run_until(reactor_, [&] { return drained; }));
  EXPECT_TRUE(silent->ended());
}

}  // namespace
}  // namespace hearth::http::test
