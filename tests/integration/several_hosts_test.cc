// Gateways and workers as processes of their own, over PostgreSQL and Redis: who finds whom, what it costs,
// and how they come and go. What happens when parts of it break is in tests/faults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "messaging/redis/testing/redis_process.h"
#include "store/postgres/testing/postgres_server.h"
#include "tests/support/hearth_server.h"
#include "tests/support/leftovers.h"

namespace hearth::test {
namespace {

using messaging::RedisProcess;
using std::chrono::milliseconds;
using std::chrono::seconds;
using store::postgres::PostgresServer;
using testing::HasSubstr;

using Clock = std::chrono::steady_clock;
using ServerPtr = std::unique_ptr<HearthServer>;

class SeveralHosts : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    store_ = PostgresServer::shared().make_database();
    redis_ = std::make_unique<RedisProcess>();
  }

  HearthServer::Options options(const std::string& role, std::vector<std::string> more) const {
    HearthServer::Options made;
    made.program = {hearth_binary(), role};
    made.flags = {"--store",       store_,
                  "--messaging",   "redis://127.0.0.1:" + std::to_string(redis_->url().port),
                  "--cluster-key", "key"};
    made.flags.insert(made.flags.end(), more.begin(), more.end());
    return made;
  }
  ServerPtr gateway(std::vector<std::string> more = {}) const {
    return std::make_unique<HearthServer>(options("gateway", std::move(more)));
  }
  ServerPtr worker(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--uid-base", std::to_string(600'000 + 20'000 * workers_++)});
    auto made = options("worker", std::move(more));
    made.advertise = true;
    return std::make_unique<HearthServer>(made);
  }

  std::uint64_t commands() const {
    const std::string text = redis_->ask("INFO stats");
    const std::string name = "total_commands_processed:";
    return std::stoull(text.substr(text.find(name) + name.size()));
  }

  std::string store_;
  std::unique_ptr<RedisProcess> redis_;
  int workers_ = 0;
};

std::string instance_of(const Reply& reply) { return reply.header("X-Hearth-Instance"); }

TEST_F(SeveralHosts, AFunctionIsDeployedOnOneGatewayAndRunsForBoth) {
  const auto host = worker();
  const auto one = gateway();
  const auto two = gateway();
  const std::string id = one->create_js(
      "module.exports = (x) => { console.log('said', x.n); if (x.n === 2) throw new TypeError('two'); "
      "return {n: x.n, env: process.env.MODE}; };",
      {{"name", "greet"}, {"environment", {{"MODE", "a=b\n\"c\""}}}});
  const Reply first = one->invoke("greet", R"({"n":1})");
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.json().at("output").at("env"), "a=b\n\"c\"");
  EXPECT_THAT(first.body, HasSubstr("execute.cold"));
  const Reply failed = two->invoke(id, R"({"n":2})");
  EXPECT_EQ(failed.status, 502);
  EXPECT_EQ(failed.error_code(), "function_error");
  EXPECT_THAT(failed.body, HasSubstr("TypeError"));
  EXPECT_THAT(two->get("/functions/greet/logs").body, HasSubstr("said 2"));
  EXPECT_EQ(two->invoke(id, "not json").status, 400);
  EXPECT_EQ(one->del("/functions/greet").status, 204);
  EXPECT_EQ(two->invoke(id).status, 404);
  EXPECT_TRUE(eventually([&] { return host->instances({"idle", "leased", "running", "removing"}) == 0; }));
  EXPECT_EQ(one->stop(), 0);
  EXPECT_EQ(host->stop(), 0);
  EXPECT_EQ(two->invoke(id).status, 404);
}

TEST_F(SeveralHosts, SteadyLoadNeedsNoMessaging) {
  const auto host = worker();
  const auto entry = gateway();
  const std::string id = entry->create_js("module.exports = (x) => x;");
  ASSERT_EQ(entry->invoke(id).status, 200);
  constexpr int kCalls = 2'000;
  const auto client = entry->connect();
  const std::uint64_t before = commands();
  for (int i = 0; i < kCalls; ++i) {
    ASSERT_EQ(client->request(http::Method::kPost, "/functions/" + id + "/invoke", "1")->status, 200);
  }
  const auto a_call = static_cast<double>(commands() - before) / kCalls;
  EXPECT_LE(a_call, 0.1);
  RecordProperty("redis_commands_a_call", std::to_string(a_call));
}

TEST_F(SeveralHosts, TwoGatewaysInTurnUseOneInstanceAndTwoRoundTripsACall) {
  const auto host = worker();
  const std::vector<ServerPtr> gateways = [&] {
    std::vector<ServerPtr> made;
    made.push_back(gateway());
    made.push_back(gateway());
    return made;
  }();
  const std::string id = gateways[0]->create_js("module.exports = (x) => x;");
  std::set<std::string> instances = {instance_of(gateways[0]->invoke(id))};
  // What the processes do by themselves, without a call: looks and the subscription's answers.
  std::this_thread::sleep_for(seconds(1));
  const std::uint64_t start = commands();
  std::this_thread::sleep_for(seconds(6));
  const std::uint64_t idle = commands() - start;
  const std::uint64_t before = commands();
  constexpr int kCalls = 6;
  for (std::size_t i = 0; i < kCalls; ++i) {
    const Reply reply = gateways[(i + 1) % 2]->invoke(id);
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(reply.body, HasSubstr("execute.warm"));
    instances.insert(instance_of(reply));
    std::this_thread::sleep_for(seconds(1));
  }
  const std::uint64_t used = commands() - before;
  EXPECT_EQ(instances.size(), 1U);
  // A take and an announcement; each is a script whose own commands Redis counts too: 2 and 5.
  EXPECT_LE(used, idle + 7 * kCalls + 4) << "idle: " << idle;
}

TEST_F(SeveralHosts, NoGatewayKeepsAnotherFromAFunctionsInstances) {
  const auto host = worker({"--memory", "1024"});
  const auto one = gateway();
  const auto two = gateway();
  const std::string id = one->create_js(
      "module.exports = (x) => new Promise((r) => setTimeout(() => r(x), 2));", {{"memorySize", 1024}});
  ASSERT_EQ(one->invoke(id).status, 200);
  std::atomic<bool> stopping = false;
  std::map<const HearthServer*, std::atomic<int>> done;
  done[one.get()] = 0;
  done[two.get()] = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    const HearthServer& through = i < 3 ? *one : *two;  // three against one
    callers.emplace_back([&, at = &through] {
      const auto client = at->connect();
      while (!stopping) {
        const auto reply = client->request(http::Method::kPost, "/functions/" + id + "/invoke", "1");
        done.at(at) += reply && reply->status == 200 ? 1 : 0;
      }
    });
  }
  std::this_thread::sleep_for(seconds(3));
  stopping = true;
  for (auto& caller : callers) {
    caller.join();
  }
  EXPECT_GT(done.at(one.get()), 20);
  EXPECT_GT(done.at(two.get()), 20) << "against " << done.at(one.get());
}

TEST_F(SeveralHosts, AnIdleInstanceAnywhereGivesWayToACallOfAnotherFunction) {
  const auto first = worker({"--memory", "1024"});
  const auto second = worker({"--memory", "1024"});
  const auto entry = gateway();
  const std::string a = entry->create_js("module.exports = () => 'a';", {{"memorySize", 1024}});
  const std::string b = entry->create_js("module.exports = () => 'b';", {{"memorySize", 1024}});
  const std::string c = entry->create_js("module.exports = () => 'c';", {{"memorySize", 1024}});
  EXPECT_EQ(entry->invoke(a).status, 200);
  EXPECT_EQ(entry->invoke(b).status, 200);
  std::this_thread::sleep_for(milliseconds(500));
  const Reply reply = entry->invoke(c);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(first->instances({"idle", "leased"}) + second->instances({"idle", "leased"}), 2)
      << "one of the two went";
}

TEST_F(SeveralHosts, LeasesComeBackFromAGatewayThatLeavesAndFromOneThatDies) {
  const auto host = worker();
  const auto other = gateway();
  const std::string id = other->create_js("module.exports = (x) => x;");
  for (const bool killed : {false, true}) {
    auto leaving = gateway();
    ASSERT_EQ(leaving->invoke(id).status, 200);
    EXPECT_EQ(host->instances("leased"), 1);
    if (killed) {
      leaving->kill();
    } else {
      EXPECT_EQ(leaving->stop(), 0);
    }
    EXPECT_TRUE(host->wait_for_instances("leased", 0, milliseconds(150))) << "before it would have idled";
    const Reply reply = other->invoke(id);
    EXPECT_EQ(reply.status, 200);
    if (killed) {
      EXPECT_THAT(reply.body, HasSubstr("execute.warm"));
    }
    EXPECT_TRUE(host->wait_for_instances("leased", 0));
  }
}

TEST_F(SeveralHosts, EveryRoleIsRestartedUnderLoadAndNoCallFails) {
  ServerPtr workers[] = {worker(), worker()};
  ServerPtr gateways[] = {gateway(), gateway()};
  const std::string id = gateways[0]->create_js("module.exports = (x) => x;");
  std::atomic<bool> stopping = false;
  std::atomic<int> failed = 0;
  std::atomic<int> answered = 0;
  std::mutex mutex;
  std::vector<std::string> endpoints = {gateways[0]->endpoint(), gateways[1]->endpoint()};
  std::string last;
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      while (!stopping) {
        std::string endpoint;
        {
          const std::lock_guard lock(mutex);
          endpoint = endpoints[i % endpoints.size()];
        }
        http::Client client(endpoint, seconds(20));
        for (bool open = true; open && !stopping;) {
          const auto reply = client.request(http::Method::kPost, "/functions/" + id + "/invoke", "1");
          const bool ok = reply && reply->status == 200;
          answered += ok ? 1 : 0;
          if (!ok) {
            const std::lock_guard lock(mutex);
            ++failed;
            last = reply ? reply->body : reply.error().message;
          }
          const auto connection = ok ? reply->header("Connection") : std::nullopt;
          const std::lock_guard lock(mutex);
          open = ok && connection.value_or("") != "close" &&
                 std::ranges::find(endpoints, endpoint) != endpoints.end();
        }
      }
    });
  }
  const auto replace = [&](ServerPtr& server, bool is_gateway) {
    auto next = is_gateway ? gateway() : worker();
    if (is_gateway) {  // as a load balancer is told before a gateway goes
      const std::lock_guard lock(mutex);
      std::ranges::replace(endpoints, server->endpoint(), next->endpoint());
    }
    std::this_thread::sleep_for(milliseconds(300));
    EXPECT_EQ(server->stop(), 0);
    server = std::move(next);
    std::this_thread::sleep_for(milliseconds(300));
  };
  for (ServerPtr& each : workers) {
    replace(each, false);
  }
  for (ServerPtr& each : gateways) {
    replace(each, true);
  }
  stopping = true;
  for (auto& caller : callers) {
    caller.join();
  }
  EXPECT_GT(answered, 1'000);
  EXPECT_EQ(failed, 0) << last;
}

TEST_F(SeveralHosts, AWorkerWithAnotherKeyIsNotUsed) {
  auto made = options("worker", {});
  made.flags[5] = "another key";
  made.advertise = true;
  const HearthServer host(made);
  const auto entry = gateway();
  const std::string id = entry->create_js("module.exports = (x) => x;");
  const Reply reply = entry->invoke(id);
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_THAT(entry->log(), HasSubstr("--cluster-key"));
}

TEST_F(SeveralHosts, RolesSayWhatTheyNeed) {
  const auto said = [](std::vector<std::string> words) {
    words.insert(words.begin(), hearth_binary());
    const ProgramResult result = run_program(words);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    return result.output;
  };
  EXPECT_THAT(said({"gateway"}), HasSubstr("--store postgres://"));
  EXPECT_THAT(said({"worker", "--store", store_}), HasSubstr("--messaging redis://"));
  const std::vector<std::string> both = {"--store", store_, "--messaging", "redis://127.0.0.1:1"};
  const auto with = [&](std::string role, std::vector<std::string> more) {
    std::vector<std::string> words = {std::move(role)};
    words.insert(words.end(), both.begin(), both.end());
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  EXPECT_THAT(said(with("worker", {})), HasSubstr("--advertise"));
  EXPECT_THAT(said(with("worker", {"--advertise", "http://0.0.0.0:1"})), HasSubstr("what others reach"));
  EXPECT_THAT(said(with("worker", {"--listen", "0.0.0.0:0", "--advertise", "http://10.0.0.1:1"})),
              HasSubstr("--cluster-key"));
  EXPECT_THAT(said(with("serve", {"--threads", "2", "--advertise", "http://127.0.0.1:1"})),
              HasSubstr("--threads"));
  EXPECT_THAT(said({"serve", "--messaging", "redis://x"}), HasSubstr("--store"));
  EXPECT_THAT(said({"serve", "--advertise", "http://127.0.0.1:1"}), HasSubstr("--messaging"));
  EXPECT_THAT(said(with("gateway", {"--messaging", "http://x"})), HasSubstr("redis://"));
}

}  // namespace
}  // namespace hearth::test
