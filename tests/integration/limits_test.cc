// Limits of how many calls of a function run at once, on the real server: a burst is held to its limit
// exactly, what is reserved is there, and asynchronous executions wait for their turn.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "tests/support/hearth_server.h"
#include "tests/support/leftovers.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

// Returns when it began and when it ended.
constexpr const char* kTakesItsTime =
    "module.exports = async (ms) => { const began = Date.now(); await new Promise(r => setTimeout(r, ms)); "
    "return [began, Date.now()]; };";

// A connection with a call on its way, of which nothing is read until it is asked for.
class WaitingCall {
 public:
  explicit WaitingCall(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval bound{30, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }

  void send(const std::string& id, const std::string& body) {
    const std::string request = "POST /functions/" + id + "/invoke HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
    connected_ = connected_ && ::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
                                   static_cast<ssize_t>(request.size());
  }

  // Up to the end of the connection; empty when there is none.
  std::string answer() {
    std::string all;
    char buffer[4'096];
    while (connected_) {
      const ssize_t got = ::recv(socket_.get(), buffer, sizeof(buffer), 0);
      if (got <= 0) {
        break;
      }
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  base::UniqueFd socket_;
  bool connected_ = false;
};

// Sends so many calls at once; how many were answered with each status.
std::map<std::string, int> burst(const HearthServer& server, const std::string& id, int calls,
                                 const std::string& body) {
  std::vector<std::unique_ptr<WaitingCall>> all;
  all.reserve(static_cast<std::size_t>(calls));
  for (int i = 0; i < calls; ++i) {
    all.push_back(std::make_unique<WaitingCall>(server.port()));
  }
  for (const auto& call : all) {
    call->send(id, body);
  }
  std::map<std::string, int> statuses;
  for (const auto& call : all) {
    const std::string answer = call->answer();
    ++statuses[answer.size() > 12 ? answer.substr(9, 3) : "none"];
    const bool named = answer.find("maxConcurrency") != std::string::npos &&
                       answer.find("Retry-After: ") != std::string::npos &&
                       answer.find("too_many_requests") != std::string::npos;
    EXPECT_TRUE(named || answer.find(" 429 ") == std::string::npos) << answer;
  }
  return statuses;
}

// The most of these that overlap.
int most_at_once(const std::vector<std::pair<std::int64_t, std::int64_t>>& spans) {
  std::vector<std::pair<std::int64_t, int>> events;
  for (const auto& [began, ended] : spans) {
    events.emplace_back(began, 1);
    events.emplace_back(ended, -1);
  }
  std::sort(events.begin(), events.end());  // of one moment the ends first
  int now = 0;
  int most = 0;
  for (const auto& [when, change] : events) {
    now += change;
    most = std::max(most, now);
  }
  return most;
}

Reply limit(const HearthServer& server, const std::string& id, const std::string& limits) {
  return server.put("/functions/" + id + "/limits", limits, "application/json");
}

class LimitsOnLoops : public testing::TestWithParam<const char*> {};

TEST_P(LimitsOnLoops, ABurstOfAThousandCallsOnALimitOfTenHasTenAtOnceAndNotOneLess) {
  const HostScope scope{.uid_base = 310'000, .alone = false, .own_network = false};
  const auto before = host_state(scope);
  {
    HearthServer server(with_flags(
        {"--memory", "2048", "--threads", GetParam(), "--uid-base", std::to_string(scope.uid_base)}));
    const std::string id = server.create_js(kTakesItsTime);
    ASSERT_EQ(limit(server, id, R"({"maxConcurrency":10})").status, 200);
    EXPECT_EQ(burst(server, id, 1'000, "3000"), (std::map<std::string, int>{{"200", 10}, {"429", 990}}));
  }
  EXPECT_EQ(leftovers(before, host_state(scope)), "");
}

INSTANTIATE_TEST_SUITE_P(Threads, LimitsOnLoops, testing::Values("1", "2"));

TEST(Limits, CallersWhoComeAgainKeepTheLimitFull) {
  HearthServer server(with_flags({"--memory", "2048"}));
  const std::string id = server.create_js(kTakesItsTime);
  ASSERT_EQ(limit(server, id, R"({"maxConcurrency":5})").status, 200);
  std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>> spans(20);
  std::vector<std::thread> callers;
  callers.reserve(spans.size());
  for (auto& mine : spans) {
    callers.emplace_back([&server, &mine, &id] {
      const auto client = server.connect();
      while (mine.size() < 5) {
        const auto reply = client->request(http::Method::kPost, "/functions/" + id + "/invoke", "100");
        ASSERT_TRUE(reply.ok());
        if (reply->status == 200) {
          const auto output = json::parse(reply->body).at("output");
          mine.emplace_back(output.at(0).to_number<std::int64_t>(), output.at(1).to_number<std::int64_t>());
        } else {
          ASSERT_EQ(reply->status, 429) << reply->body;
          std::this_thread::sleep_for(std::chrono::milliseconds(5));  // as a caller would
        }
      }
    });
  }
  for (auto& caller : callers) {
    caller.join();
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> all;
  for (const auto& mine : spans) {
    all.insert(all.end(), mine.begin(), mine.end());
  }
  EXPECT_EQ(most_at_once(all), 5);
}

TEST(Limits, WhatIsReservedIsThereWhileOthersFlood) {
  HearthServer server(with_flags({"--memory", "1024", "--memory-max", "128"}));
  const std::string mine = server.create_js(kTakesItsTime);
  const std::string other = server.create_js(kTakesItsTime);
  ASSERT_EQ(limit(server, mine, R"({"reservedConcurrency":3})").status, 200);
  std::vector<std::unique_ptr<WaitingCall>> flood;
  for (int i = 0; i < 20; ++i) {
    flood.push_back(std::make_unique<WaitingCall>(server.port()));
    flood.back()->send(other, "3000");
  }
  ASSERT_TRUE(server.wait_for_instances("running", 5)) << "eight fit, three are reserved";
  EXPECT_EQ(burst(server, mine, 3, "10"), (std::map<std::string, int>{{"200", 3}}));
  std::map<std::string, int> statuses;
  for (const auto& call : flood) {
    const std::string answer = call->answer();
    ++statuses[answer.substr(9, 3)];
    EXPECT_TRUE(answer.find(" 429 ") == std::string::npos ||
                answer.find("reservedConcurrency") != std::string::npos);
  }
  EXPECT_EQ(statuses, (std::map<std::string, int>{{"200", 5}, {"429", 15}}));
}

TEST(Limits, AsynchronousExecutionsWaitForTheirTurn) {
  HearthServer server(with_flags({"--memory", "2048"}));
  const std::string id = server.create_js(kTakesItsTime);
  ASSERT_EQ(limit(server, id, R"({"maxConcurrency":2})").status, 200);
  std::vector<std::string> executions;
  for (int i = 0; i < 20; ++i) {
    const auto accepted = server.post("/functions/" + id + "/invoke?mode=async", "50");
    ASSERT_EQ(accepted.status, 202) << accepted.body;
    executions.emplace_back(accepted.json().at("executionId").as_string());
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> spans;
  for (const auto& execution : executions) {
    json::value shown;
    ASSERT_TRUE(eventually([&] {
      shown = server.get("/executions/" + execution).json();
      return shown.at("state") == "done";
    })) << json::serialize(shown);
    EXPECT_TRUE(shown.at("attempts").as_array().empty());
    const auto& output = shown.at("output");
    spans.emplace_back(output.at(0).to_number<std::int64_t>(), output.at(1).to_number<std::int64_t>());
  }
  EXPECT_EQ(most_at_once(spans), 2);
}

TEST(Limits, ALimitHoldsAtOnceForWhatRunsAlready) {
  HearthServer server(with_flags({"--memory", "2048", "--threads", "2"}));
  const std::string id = server.create_js(kTakesItsTime);
  WaitingCall first(server.port());
  WaitingCall second(server.port());
  first.send(id, "1500");
  second.send(id, "1500");
  ASSERT_TRUE(server.wait_for_instances("running", 2));
  ASSERT_EQ(limit(server, id, R"({"maxConcurrency":2})").status, 200);
  EXPECT_EQ(server.invoke(id, "1").status, 429);
  EXPECT_THAT(first.answer(), testing::HasSubstr(" 200 "));
  EXPECT_THAT(second.answer(), testing::HasSubstr(" 200 "));
  EXPECT_EQ(server.invoke(id, "1").status, 200);
}

TEST(Limits, TheyAreShownChangedKeptOverARestartAndTakenAway) {
  ScratchFolder folder;
  std::string id;
  const std::string some =
      R"({"maxConcurrency":0,"reservedConcurrency":0,"provisionedConcurrency":0,"provisionedReady":0})";
  {
    HearthServer server(with_flags({}, folder.path()));
    id = server.create_js(kTakesItsTime);
    EXPECT_EQ(limit(server, id, R"({"maxConcurrency":0})").body, some);
    EXPECT_EQ(server.get("/functions/" + id + "/limits").body, some);
    EXPECT_EQ(server.get("/functions/" + id).json().at("limits"), json::parse(some));
    EXPECT_EQ(server.update_js(id, "module.exports = () => 1;").status, 200);
    EXPECT_EQ(server.invoke(id).status, 429) << "a deploy leaves them alone";
  }
  HearthServer server(with_flags({}, folder.path()));
  EXPECT_EQ(server.invoke(id).status, 429);
  EXPECT_EQ(server.del("/functions/" + id + "/limits").status, 200);
  EXPECT_EQ(server.invoke(id).status, 200);
}

TEST(Limits, WrongOnesAreRefusedAndChangeNothing) {
  HearthServer server(with_flags({"--memory", "1024"}));
  const std::string id = server.create_js(kTakesItsTime);
  EXPECT_EQ(limit(server, id, "nonsense").error_code(), "bad_json");
  EXPECT_EQ(limit(server, id, R"({"maxConcurrency":-1})").error_code(), "bad_request");
  EXPECT_EQ(limit(server, id, R"({"maxConcurrency":1,"reservedConcurrency":2})").error_code(), "bad_request");
  const auto too_much = limit(server, id, R"({"reservedConcurrency":9})");
  EXPECT_EQ(too_much.error_code(), "bad_request");
  EXPECT_THAT(too_much.body, testing::HasSubstr("1152 MB; of the 1024 MB"));
  EXPECT_EQ(limit(server, "none", "{}").status, 404);
  EXPECT_EQ(server.post("/functions/" + id + "/limits", "{}").status, 405);
  EXPECT_EQ(server.invoke(id, "1").status, 200);
}

}  // namespace
}  // namespace hearth::test
