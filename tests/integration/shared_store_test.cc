// Servers that share one PostgreSQL: what one is told, the others know; and what happens while it is away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "store/postgres/testing/postgres_server.h"
#include "tests/support/hearth_server.h"
#include "tests/support/leftovers.h"

namespace hearth::test {
namespace {

using std::chrono::seconds;
using store::postgres::PostgresServer;
using testing::HasSubstr;
using testing::Not;

std::string answers(const std::string& text) { return "module.exports = () => '" + text + "';"; }

class SharedStore : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    url_ = PostgresServer::shared().make_database();
  }

  std::unique_ptr<HearthServer> serve(std::vector<std::string> more = {}) const {
    HearthServer::Options options;
    options.flags = {"--store-timeout", "1s"};
    options.flags.insert(options.flags.end(), more.begin(), more.end());
    options.environment = {"HEARTH_STORE=" + url_};
    return std::make_unique<HearthServer>(options);
  }

  std::string url_;
};

std::string output(const HearthServer& server, const std::string& id) {
  const Reply reply = server.invoke(id);
  const auto json = reply.json();
  const auto* const object = json.if_object();
  const auto* const output = object == nullptr ? nullptr : object->if_contains("output");
  return output != nullptr && output->is_string() ? std::string(output->as_string())
                                                  : std::to_string(reply.status) + " " + reply.error_code();
}

TEST_F(SharedStore, WhatOneServerHasAcknowledgedTheOtherUses) {
  const auto first = serve();
  const auto second = serve({"--threads", "2"});
  const std::string id = first->create_js(answers("0"), {{"name", "greet"}});
  EXPECT_EQ(output(*second, "greet"), "0");
  for (int i = 1; i <= 20; ++i) {
    const HearthServer& deploying = i % 2 == 0 ? *first : *second;
    const HearthServer& calling = i % 2 == 0 ? *second : *first;
    const std::string zip = zip_of({{"index.js", answers(std::to_string(i))}});
    ASSERT_EQ(deploying.put("/functions/greet/code", zip, "application/zip").status, 200);
    EXPECT_EQ(output(calling, id), std::to_string(i));
  }
  EXPECT_EQ(first->create_zip(zip_of({{"index.js", answers("x")}}), {{"name", "greet"}}).status, 409)
      << "the name is taken on every server";
  EXPECT_EQ(first->del("/functions/greet").status, 204);
  EXPECT_EQ(output(*first, id), "404 not_found");
  EXPECT_EQ(output(*second, id), "404 not_found");
  EXPECT_TRUE(eventually([&] {
    return second->instances({"idle", "leased", "removing"}) == 0;
  })) << "its instances go everywhere";
  EXPECT_EQ(first->stop(), 0);
  EXPECT_EQ(second->stop(), 0);
}

TEST_F(SharedStore, AnAliasThatOneServerHasMovedTheOtherUses) {
  const auto first = serve();
  const auto second = serve({"--threads", "2"});
  const std::string id = first->create_js(answers("1"));
  EXPECT_EQ(first->update_js(id, answers("2")).status, 200);
  EXPECT_EQ(first->update_js(id, answers("3")).status, 200);
  const std::string alias = "/functions/" + id + "/aliases/live";
  for (int i = 0; i < 10; ++i) {
    const HearthServer& changing = i % 2 == 0 ? *first : *second;
    const HearthServer& calling = i % 2 == 0 ? *second : *first;
    const std::string version = std::to_string(1 + i % 3);
    ASSERT_EQ(changing.put(alias, R"({"version": )" + version + "}", "application/json").status, 200);
    const Reply reply = calling.post("/functions/" + id + "/invoke?alias=live", "1");
    EXPECT_EQ(reply.header("X-Hearth-Version"), version) << reply.body;
  }
  EXPECT_EQ(second->del(alias).status, 204);
  EXPECT_EQ(first->get(alias).status, 404);
}

TEST_F(SharedStore, ADeployWaitsForAServerThatIsStoppedNoLongerThanItsLease) {
  const auto first = serve();
  const auto second = serve();
  const std::string id = first->create_js(answers("old"));
  ::kill(second->pid(), SIGSTOP);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(
      first->put("/functions/" + id + "/code", zip_of({{"index.js", answers("new")}}), "application/zip")
          .status,
      200);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(4));
  ::kill(second->pid(), SIGCONT);
  EXPECT_TRUE(eventually([&] { return output(*second, id) == "new"; }, seconds(2)));
  second->kill();
  EXPECT_EQ(
      first->put("/functions/" + id + "/code", zip_of({{"index.js", answers("newer")}}), "application/zip")
          .status,
      200);
  EXPECT_EQ(output(*first, id), "newer");
}

TEST_F(SharedStore, AServerThatStartsKnowsWhatTheOthersDid) {
  std::string id;
  {
    const auto first = serve();
    id = first->create_js(answers("kept"));
    first->kill();
  }
  const auto second = serve();
  EXPECT_EQ(output(*second, id), "kept") << "its code too came from the store";
}

TEST_F(SharedStore, DeploysOfOneFunctionThroughTwoServersAtOnceAreAllCounted) {
  const auto first = serve();
  const auto second = serve();
  const std::string id = first->create_js(answers("0"));
  std::atomic<int> deployed{0};
  const auto deploy = [&](const HearthServer& server, const std::string& name) {
    for (int i = 0; i < 10; ++i) {
      const std::string zip = zip_of({{"index.js", answers(name + std::to_string(i))}});
      const Reply reply = server.put("/functions/" + id + "/code", zip, "application/zip");
      EXPECT_TRUE(reply.status == 200 || reply.error_code() == "conflict") << reply.body;
      deployed += reply.status == 200 ? 1 : 0;
    }
  };
  std::thread other([&] { deploy(*second, "b"); });
  deploy(*first, "a");
  other.join();
  EXPECT_TRUE(eventually(
      [&] {
        return first->get("/functions/" + id).json().at("version") == 1 + deployed &&
               output(*first, id) == output(*second, id);
      },
      seconds(3)));
}

TEST_F(SharedStore, WhileTheStoreIsAwayWarmFunctionsAnswerAndChangesAreRefused) {
  const auto server = serve();
  const auto other = serve();
  const std::string id = server->create_js(answers("warm"));
  EXPECT_EQ(output(*server, id), "warm");
  PostgresServer::shared().kill();
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(output(*server, id), "warm");
  }
  const Reply refused = server->create_zip(zip_of({{"index.js", answers("x")}}));
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(refused.error_code(), "store_unavailable");
  EXPECT_NE(refused.header("Retry-After"), "");
  EXPECT_EQ(server->del("/functions/" + id).status, 503);
  EXPECT_EQ(output(*server, id), "warm") << "it was not deleted";
  PostgresServer::shared().start();
  EXPECT_TRUE(eventually(
      [&] {
        const Reply created =
            server->create_zip(zip_of({{"index.js", answers("later")}}), {{"name", "later"}});
        return created.status == 201;
      },
      seconds(3)))
      << "when it has served for two seconds";
  EXPECT_TRUE(eventually([&] { return output(*other, "later") == "later"; }, seconds(2)));
}

TEST_F(SharedStore, AStoreThatIsStoppedRefusesWithinItsTimeoutAndWarmCallsDoNotWait) {
  const auto server = serve();
  const std::string id = server->create_js(answers("warm"));
  EXPECT_EQ(output(*server, id), "warm");
  PostgresServer::shared().pause();
  std::thread deploy([&] {
    const auto begun = std::chrono::steady_clock::now();
    const Reply reply =
        server->put("/functions/" + id + "/code", zip_of({{"index.js", answers("no")}}), "application/zip");
    EXPECT_EQ(reply.error_code(), "store_unavailable") << reply.body;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(4));
  });
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(output(*server, id), "warm");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(4));
  deploy.join();
  PostgresServer::shared().go_on();
}

std::string submit(const HearthServer& server, const std::string& function) {
  const Reply reply = server.post("/functions/" + function + "/invoke?mode=async", "1");
  EXPECT_EQ(reply.status, 202) << reply.body;
  return reply.status == 202 ? std::string(reply.json().at("executionId").as_string()) : "";
}

// Empty when the server does not say.
std::string state_of(const HearthServer& server, const std::string& execution) {
  const Reply reply = server.get("/executions/" + execution);
  return reply.status == 200 ? std::string(reply.json().at("state").as_string()) : "";
}

TEST_F(SharedStore, ExecutionsAreSeenByAllServersAndWhatOneLeavesAnotherExecutes) {
  const std::vector<std::string> lease = {"--async-lease", "1s"};
  const auto first = serve(lease);
  const auto second = serve(lease);
  second->create_js("module.exports = () => new Promise((done) => setTimeout(() => done(1), 500))",
                    {{"name", "f"}});
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i) {
    ids.push_back(submit(*first, "f"));
    EXPECT_NE(state_of(*second, ids.back()), "");
  }
  EXPECT_TRUE(eventually([&] { return state_of(*second, ids.front()) == "running"; }));
  first->kill();
  for (const std::string& id : ids) {
    EXPECT_TRUE(eventually([&] { return state_of(*second, id) == "done"; }, seconds(20))) << id;
  }
  EXPECT_EQ(second->stop(), 0);
}

TEST_F(SharedStore, WithoutItNothingIsAcceptedAndWhatWasIsExecutedLater) {
  const auto server = serve({"--async-lease", "1s"});
  server->create_js("module.exports = () => new Promise((done) => setTimeout(() => done(1), 300))",
                    {{"name", "f"}});
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(submit(*server, "f"));
  }
  PostgresServer::shared().kill();
  EXPECT_EQ(server->post("/functions/f/invoke?mode=async", "1").status, 503);
  std::this_thread::sleep_for(seconds(2));
  PostgresServer::shared().start();
  for (const std::string& id : ids) {
    EXPECT_TRUE(eventually([&] { return state_of(*server, id) == "done"; }, seconds(30))) << id;
  }
  EXPECT_TRUE(eventually([&] { return server->post("/functions/f/invoke?mode=async", "1").status == 202; }));
}

TEST_F(SharedStore, AWrongStoreIsNamedAtTheStartWithoutItsPassword) {
  const auto start = [](const std::string& store) {
    const ScratchFolder folder;
    return run_program({hearth_binary(), "serve", "--listen", "127.0.0.1:0", "--data-dir",
                        folder.path() + "/d", "--store-timeout", "1s", "--store", store});
  };
  const auto no_url = start("mysql://db/hearth");
  EXPECT_EQ(no_url.exit_code, 2);
  EXPECT_THAT(no_url.output, HasSubstr("postgres://USER@HOST:5432/DATABASE"));
  const auto bad_setting = start("postgres://db/hearth?sslmud=require");
  EXPECT_EQ(bad_setting.exit_code, 2);
  EXPECT_THAT(bad_setting.output, HasSubstr("sslmud"));
  const auto nobody = start("postgres://hearth:secret@127.0.0.1:1/hearth");
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_THAT(nobody.output, testing::AllOf(HasSubstr("the store (PostgreSQL)"), HasSubstr("127.0.0.1"),
                                            Not(HasSubstr("secret")), Not(HasSubstr("data directory"))));
  const auto unknown = start(url_ + "-that-is-not-there");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.output, HasSubstr("does not exist"));
}

}  // namespace
}  // namespace hearth::test
