// Several servers, each on its loop, of which one listens and deals the connections out.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/reactor.h"
#include "http/loopback_test_support.h"

namespace hearth::http::test {
namespace {

// A server that does not listen, on a loop and a thread of its own; its answers say which it is.
class SecondServer {
 public:
  SecondServer(const std::string& name, ServerLimits limits) : server_(reactor_, limits, handler_) {
    handler_.on_handle = [name](const Request& /*request*/, Responder responder) {
      responder.send(text_response(200, name));
    };
    thread_ = std::thread([this] { reactor_.run(); });
  }
  SecondServer(const SecondServer&) = delete;
  SecondServer& operator=(const SecondServer&) = delete;
  ~SecondServer() {
    reactor_.post([this] {
      server_.stop();
      reactor_.stop();
    });
    thread_.join();
  }

  Server& server() { return server_; }

 private:
  base::Reactor reactor_;
  FunctionHandler handler_;
  Server server_;
  std::thread thread_;
};

class ServerDeal : public testing::Test {
 protected:
  ServerDeal() {
    limits_.connections = 4;
    first_handler_.on_handle = [](const Request& /*request*/, Responder responder) {
      responder.send(text_response(200, "first"));
    };
    second_ = std::make_unique<SecondServer>("second", limits_);
    first_ = std::make_unique<LoopbackServer>(first_handler_, limits_);
    first_->on_loop([this] { first_->server().deal_to({&second_->server()}); });
  }
  ~ServerDeal() override { first_.reset(); }
  ServerDeal(const ServerDeal&) = delete;
  ServerDeal& operator=(const ServerDeal&) = delete;

  std::string who(Peer& peer) {
    peer.send(get("/"));
    return peer.receive().body;
  }

  ServerLimits limits_;
  FunctionHandler first_handler_;
  std::unique_ptr<SecondServer> second_;
  std::unique_ptr<LoopbackServer> first_;
};

TEST_F(ServerDeal, AConnectionGoesToWhoHasTheFewestAndStaysThere) {
  std::vector<std::unique_ptr<Peer>> peers;
  std::map<std::string, int> answers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(std::make_unique<Peer>(first_->port()));
    const std::string name = who(*peers.back());
    EXPECT_EQ(who(*peers.back()), name);
    ++answers[name];
  }
  EXPECT_EQ(answers, (std::map<std::string, int>{{"first", 2}, {"second", 2}}));
  EXPECT_EQ(second_->server().connection_count(), 2U);
}

TEST_F(ServerDeal, TheBoundIsOneForAll) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(std::make_unique<Peer>(first_->port()));
    EXPECT_NE(who(*peers.back()), "");
  }
  Peer fifth(first_->port());
  fifth.send(get("/"));
  const Answer refused = fifth.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, "too_many_connections");
}

TEST_F(ServerDeal, WhatHasClosedCountsNoMore) {
  for (int i = 0; i < 20; ++i) {
    Peer peer(first_->port());
    ASSERT_NE(who(peer), "") << i;
    peer.close();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (first_->server().connection_count() + second_->server().connection_count() > 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      first_->on_loop([] {});
    }
  }
}

}  // namespace
}  // namespace hearth::http::test
