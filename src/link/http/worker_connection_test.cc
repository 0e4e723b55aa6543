// One connection to a worker, as the link uses it.
#include "link/http/worker_connection.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/raw_server_test_support.h"
#include "link/http/testing/link_fixture.h"

namespace hearth::link {
namespace {

class RecordedEvents final : public WorkerConnectionEvents {
 public:
  void ready(WorkerConnection& /*connection*/) override { told.emplace_back("ready"); }
  void processing(WorkerConnection& /*connection*/) override { told.emplace_back("processing"); }
  void packet(WorkerConnection& /*connection*/, std::string_view packet) override {
    told.push_back("packet " + std::string(packet));
  }
  void answered(WorkerConnection& /*connection*/, WorkerAnswer&& answer) override {
    told.push_back("answered " + std::to_string(answer.status) + (answer.reusable ? "" : " and closed"));
    last = std::move(answer);
  }
  void lost(WorkerConnection& /*connection*/, const base::Error& error) override {
    told.push_back("lost: " + std::string(base::to_string(error.code)));
  }

  std::vector<std::string> told;
  WorkerAnswer last;
};

using Told = std::vector<std::string>;

class WorkerConnectionTest : public LinkTest {
 protected:
  void open_to(std::uint16_t port, const std::string& key = "secret") {
    identity_ = {"g", cluster::cluster_key(key)};
    http::Destination to;
    ASSERT_TRUE(http::numeric_address("127.0.0.1", port, to.address));
    connection_ = std::make_unique<WorkerConnection>(here_, random_, identity_, to, events_);
  }
  void expect_told(const Told& told) {
    EXPECT_TRUE(run_until([&] { return events_.told.size() >= told.size(); }));
    run_for(milliseconds(5));
    EXPECT_EQ(events_.told, told);
  }
  // One that answers the greeting with that.
  void expect_greeting_refused(const std::string& answer) {
    events_.told.clear();
    const http::test::RawServer server;
    open_to(server.port());
    std::unique_ptr<http::test::RawConnection> peer;
    ASSERT_TRUE(run_until([&] { return (peer = server.accept()) != nullptr; }));
    ASSERT_TRUE(run_until([&] { return peer->received().ends_with("\r\n\r\n"); }));
    peer->forget();
    peer->send(answer);
    expect_told({"lost: invalid_argument"});
    EXPECT_EQ(peer->received(), "") << "nothing is said to it any more";
    EXPECT_TRUE(peer->ended());
  }

  RecordedEvents events_;
  Identity identity_;
  std::unique_ptr<WorkerConnection> connection_;
};

TEST_F(WorkerConnectionTest, CarriesOneRequestAfterTheOther) {
  start_worker();
  open_to(port_);
  expect_told({"ready"});
  connection_->request(http::Method::kPost, "/leases", nullptr);
  expect_told({"ready", "answered 200"});
  connection_->request(http::Method::kPost, "/nonsense", std::make_shared<const std::string>("body"));
  expect_told({"ready", "answered 200", "answered 404"});
  EXPECT_EQ(events_.last.meta, "malformed");
}

TEST_F(WorkerConnectionTest, AsksAWorkerToDrain) {
  start_worker();
  open_to(port_);
  expect_told({"ready"});
  connection_->request(http::Method::kPost, cluster::kDrainTarget, nullptr);
  expect_told({"ready", "answered 202"});
  EXPECT_EQ(drains_, 1);
}

TEST_F(WorkerConnectionTest, AnotherKeyIsFoundByTheOneWhoAsks) {
  start_worker("another");
  open_to(port_);
  expect_told({"lost: invalid_argument"});
  EXPECT_TRUE(run_until([this] { return api_->sessions() == 0; }));
}

TEST_F(WorkerConnectionTest, AGreetingHasToProveTheKey) {
  const std::string nonce = "Hearth-Nonce: 00112233445566778899aabbccddeeff\r\n";
  expect_greeting_refused("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  expect_greeting_refused("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + nonce + "\r\n");
  expect_greeting_refused("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + nonce + "Hearth-Proof: \r\n\r\n");
  expect_greeting_refused("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  // The proof of the gateway's own nonce with none of the worker's.
  expect_greeting_refused("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nHearth-Nonce: \r\nHearth-Proof: " +
                          cluster::worker_proof(cluster::cluster_key("secret"), {"", ""}) + "\r\n\r\n");
}

TEST_F(WorkerConnectionTest, ClosedItTellsNothing) {
  start_worker();
  open_to(port_);
  expect_told({"ready"});
  connection_->request(http::Method::kPost, "/leases", nullptr);
  connection_->close();
  expect_told({"ready"});
  connection_.reset();
  open_to(port_);
  connection_.reset();
  expect_told({"ready"});
}

// A server that takes no request without a session says so and closes.
TEST_F(WorkerConnectionTest, WithoutASessionARequestIsRefusedAndTheConnectionClosed) {
  start_worker();
  const auto peer = http::test::RawConnection::to(port_);
  peer->send("POST /execute/i/0/1/v/r HTTP/1.1\r\nHost: w\r\nContent-Length: 2\r\n\r\n{}");
  ASSERT_TRUE(run_until([&] { return peer->ended(); }));
  EXPECT_TRUE(peer->received().starts_with("HTTP/1.1 401 "));
  EXPECT_NE(peer->received().find("Connection: close"), std::string::npos);
  EXPECT_TRUE(executor_.asked.empty());
}

// What one connection has sent is worth nothing on another.
TEST_F(WorkerConnectionTest, ARecordedConversationIsRefusedWhenItIsReplayed) {
  start_worker();
  const http::test::RawServer between;
  open_to(between.port());
  std::unique_ptr<http::test::RawConnection> to_link;
  ASSERT_TRUE(run_until([&] { return (to_link = between.accept()) != nullptr; }));
  auto to_worker = http::test::RawConnection::to(port_);
  std::vector<std::string> sent;
  const auto pass_on = [&] {
    if (!to_link->received().empty()) {
      sent.push_back(to_link->received());
      to_worker->send(sent.back());
      to_link->forget();
    }
    to_link->send(to_worker->received());
    to_worker->forget();
    return sent.size();
  };
  ASSERT_TRUE(run_until([&] { return pass_on() == 1 && !events_.told.empty(); }));
  connection_->request(http::Method::kPost, cluster::kDrainTarget, nullptr);
  ASSERT_TRUE(run_until([&] { return pass_on() == 2 && events_.told.size() == 2; }));
  EXPECT_EQ(drains_, 1);
  // To a process that has begun anew and would drain once more.
  stop_worker();
  start_worker();
  to_worker = http::test::RawConnection::to(port_);
  to_worker->send(sent[0]);
  ASSERT_TRUE(run_until([&] { return to_worker->received().starts_with("HTTP/1.1 200 "); }));
  to_worker->forget();
  to_worker->send(sent[1]);
  ASSERT_TRUE(run_until([&] { return to_worker->ended(); }));
  EXPECT_TRUE(to_worker->received().starts_with("HTTP/1.1 401 "));
  EXPECT_EQ(drains_, 1);
}

}  // namespace
}  // namespace hearth::link
