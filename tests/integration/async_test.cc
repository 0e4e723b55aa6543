// Asynchronous executions on the real server: accepted, executed at least once, seen by everybody.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/async_calls.h"

namespace hearth::test {
namespace {

constexpr const char* kEcho = "module.exports = (input) => { console.log('got', input); return [input, 1]; }";
// Throws as often as the input says, by the id of its execution.
constexpr const char* kFails =
    "const seen = {}; module.exports = ({times}, context) => {"
    " const id = context.requestId; seen[id] = (seen[id] || 0) + 1; console.log('try', seen[id]);"
    " if (seen[id] <= times) { throw new TypeError('no luck'); } return seen[id]; }";

TEST(Async, IsAcceptedShownAndDone) {
  const HearthServer server;
  const std::string function = server.create_js(kEcho, {{"name", "echo"}});
  const Reply reply = server.post("/functions/echo/invoke?mode=async", R"({"n": 1})");
  ASSERT_EQ(reply.status, 202) << reply.body;
  const std::string id(reply.json().at("executionId").as_string());
  EXPECT_EQ(reply.header("Location"), "/executions/" + id);
  EXPECT_EQ(show(server, id).at("id"), json::value(id)) << "from the instant of the 202";
  const auto done = ended(server, id);
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_EQ(done.at("output"), json::parse(R"([{"n": 1}, 1])"));
  EXPECT_EQ(done.at("functionId"), json::value(function));
  EXPECT_EQ(done.at("version"), 1);
  EXPECT_EQ(done.at("logs").as_array().at(0).at("stream"), "stdout");
  EXPECT_NE(json::serialize(done.at("logs")).find("got"), std::string::npos);
  EXPECT_TRUE(done.at("attempts").as_array().empty());
  EXPECT_TRUE(done.at("dueAt").is_null());
  EXPECT_LE(done.at("submittedAt").as_string(), done.at("startedAt").as_string());
  EXPECT_LE(done.at("startedAt").as_string(), done.at("endedAt").as_string());
  EXPECT_NE(server.get("/functions/echo/logs?requestId=" + id).body.find("got"), std::string::npos);
}

TEST(Async, TheHeaderPreferAsksForItToo) {
  const HearthServer server;
  server.create_js(kEcho, {{"name", "echo"}});
  const auto ask = [&](const std::string& target, const std::string& prefer) {
    return post_with(server, {"Prefer", prefer}, target, "1").status;
  };
  EXPECT_EQ(ask("/functions/echo/invoke", "respond-async"), 202);
  EXPECT_EQ(ask("/functions/echo/invoke", "wait=5, Respond-Async;x=1"), 202);
  EXPECT_EQ(ask("/functions/echo/invoke", "return=minimal"), 200);
  EXPECT_EQ(ask("/functions/echo/invoke?mode=sync", "respond-async"), 200) << "the mode is said";
}

TEST(Async, WhatIsWrongIsRefusedBeforeThereIsAnExecution) {
  const HearthServer server;
  server.create_js(kEcho, {{"name", "echo"}});
  const auto refused = [&](const std::string& target, const std::string& body) {
    const Reply reply = server.post(target, body);
    return fmt::format("{} {}", reply.status, reply.error_code());
  };
  EXPECT_EQ(refused("/functions/echo/invoke?mode=async", "{\"a\":"), "400 bad_json");
  EXPECT_EQ(refused("/functions/echo/invoke?mode=async", "1 2"), "400 bad_json");
  EXPECT_EQ(refused("/functions/echo/invoke?mode=later", "1"), "400 bad_request");
  EXPECT_EQ(refused("/functions/echo/invoke?mode=async&version=x", "1"), "400 bad_request");
  EXPECT_EQ(refused("/functions/echo/invoke?mode=async&version=2", "1"), "404 not_found");
  EXPECT_EQ(refused("/functions/nobody/invoke?mode=async", "1"), "404 not_found");
  EXPECT_EQ(server.get("/executions?state=broken").status, 400);
  EXPECT_EQ(server.get("/executions?limit=0").status, 400);
  EXPECT_EQ(server.get("/executions?limit=1001").status, 400);
  EXPECT_EQ(server.get("/executions/nothing").status, 404);
  EXPECT_EQ(server.del("/executions/nothing").status, 404);
  EXPECT_EQ(server.post("/executions/nothing/redrive", "").status, 404);
  EXPECT_EQ(server.post("/executions/redrive?function=nobody", "").status, 404);
  EXPECT_EQ(count(server, ""), 0U);
}

TEST(Async, AnEmptyBodyIsNoInput) {
  const HearthServer server;
  server.create_js("module.exports = (input) => typeof input", {{"name", "kind"}});
  EXPECT_EQ(ended(server, submit(server, "kind", "")).at("output"), "undefined");
}

TEST(Async, AKeyMakesARepeatedSubmissionTheSameExecution) {
  const HearthServer server;
  server.create_js(kEcho, {{"name", "echo"}});
  const auto send = [&](const std::string& key, const std::string& body) {
    return post_with(server, {"Idempotency-Key", key}, "/functions/echo/invoke?mode=async", body);
  };
  const auto first = send("k", "1");
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(send("k", "1").body, first.body);
  EXPECT_NE(send("other", "1").body, first.body);
  EXPECT_EQ(send("k", "2").status, 409);
  EXPECT_EQ(send(std::string(256, 'k'), "1").status, 400);
  EXPECT_EQ(count(server, ""), 2U);
}

TEST(Async, WhatFailsIsTriedAgainAndThenDead) {
  const HearthServer server(quick());
  server.create_js(kFails, {{"name", "fails"}});
  const auto twice = ended(server, submit(server, "fails", R"({"times": 2})"));
  EXPECT_EQ(twice.at("state"), "done");
  EXPECT_EQ(twice.at("output"), 3);
  ASSERT_EQ(twice.at("attempts").as_array().size(), 2U);
  EXPECT_EQ(twice.at("attempts").as_array()[0].at("code"), "function_error");
  EXPECT_EQ(twice.at("attempts").as_array()[0].at("message"), "TypeError: no luck");
  EXPECT_EQ(twice.at("attempts").as_array()[1].at("number"), 2);

  const std::string id = submit(server, "fails", R"({"times": 3})");
  const auto dead = ended(server, id);
  EXPECT_EQ(dead.at("state"), "dead");
  EXPECT_EQ(dead.at("attempts").as_array().size(), 3U);
  EXPECT_EQ(dead.at("error").at("code"), "function_error");
  EXPECT_EQ(dead.at("error").at("message"), "no luck");
  EXPECT_EQ(dead.at("error").at("type"), "TypeError");
  EXPECT_NE(json::serialize(dead.at("logs")).find("try"), std::string::npos);
  EXPECT_EQ(count(server, "state=dead&function=fails"), 1U);
  const std::string metrics = server.get("/metrics").body;
  for (const char* line :
       {"hearth_executions_accepted_total 2", "hearth_executions_ended_total{state=\"done\"} 1",
        "hearth_executions_ended_total{state=\"dead\"} 1", "hearth_execution_attempts_total 6",
        "hearth_execution_retries_total 4", "hearth_executions_backlog 0"}) {
    EXPECT_NE(metrics.find(fmt::format("\n{}\n", line)), std::string::npos) << line;
  }
  EXPECT_EQ(server.del("/executions/" + id).status, 409) << "it has ended";

  EXPECT_EQ(server.post("/executions/" + id + "/redrive", "").status, 200);
  EXPECT_EQ(ended(server, id).at("output"), 4) << "with retries of its own";
  EXPECT_EQ(server.post("/executions/" + id + "/redrive", "").status, 409) << "it is done";
}

TEST(Async, AllDeadOnesAreRedriven) {
  const HearthServer server(quick({"--async-retries", "0"}));
  server.create_js("module.exports = (input) => { throw new Error('first') }", {{"name", "fails"}});
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(submit(server, "fails", "1"));
  }
  for (const std::string& id : ids) {
    EXPECT_EQ(ended(server, id).at("state"), "dead");
  }
  EXPECT_EQ(server.update_js("fails", "module.exports = (input) => input").status, 200);
  EXPECT_EQ(server.post("/executions/redrive?function=fails", "").json().at("redriven"), 5);
  for (const std::string& id : ids) {
    EXPECT_EQ(ended(server, id).at("state"), "done");
  }
  EXPECT_EQ(server.post("/executions/redrive", "").json().at("redriven"), 0);
}

TEST(Async, ACancelledOneIsNotListenedTo) {
  const HearthServer server(quick({}, "", "1h"));
  server.create_js(
      "module.exports = async ({ms}) => { await new Promise((done) => setTimeout(done, ms));"
      " throw new Error('late'); }",
      {{"name", "slow"}});
  const std::string running = submit(server, "slow", R"({"ms": 500})");
  EXPECT_TRUE(eventually([&] { return show(server, running).at("state") == "running"; }));
  EXPECT_EQ(server.del("/executions/" + running).json().at("state"), "cancelled");
  const std::string waiting = submit(server, "slow", R"({"ms": 1})");
  EXPECT_TRUE(eventually([&] { return show(server, waiting).at("attempts").as_array().size() == 1; }));
  EXPECT_EQ(show(server, waiting).at("state"), "pending");
  EXPECT_FALSE(show(server, waiting).at("dueAt").is_null());
  EXPECT_EQ(server.del("/executions/" + waiting).json().at("state"), "cancelled");
  EXPECT_EQ(server.del("/executions/" + waiting).status, 409);
  std::this_thread::sleep_for(milliseconds(800));
  EXPECT_EQ(show(server, running).at("state"), "cancelled");
  EXPECT_EQ(count(server, "state=cancelled"), 2U);
}

TEST(Async, ADeletedFunctionsExecutionsAreDeadAndSayWhy) {
  const HearthServer server(quick({}, "", "500ms"));
  const std::string function = server.create_js(kFails, {{"name", "fails"}});
  const std::string id = submit(server, "fails", R"({"times": 1})");
  EXPECT_TRUE(eventually([&] { return show(server, id).at("attempts").as_array().size() == 1; }));
  EXPECT_EQ(server.del("/functions/fails").status, 204);
  const auto dead = ended(server, id);
  EXPECT_EQ(dead.at("state"), "dead");
  EXPECT_EQ(dead.at("error").at("code"), "not_found");
  EXPECT_EQ(count(server, "function=" + function), 1U) << "it outlives its function";
}

TEST(Async, TheCurrentVersionIsExecutedUnlessOneIsNamed) {
  const HearthServer server;
  server.create_js("module.exports = () => 1", {{"name", "f"}});
  server.update_js("f", "module.exports = () => 2");
  EXPECT_EQ(ended(server, submit(server, "f", "")).at("output"), 2);
  const auto past = ended(server, submit(server, "f", "", "&version=1"));
  EXPECT_EQ(past.at("output"), 1);
  EXPECT_EQ(past.at("version"), 1);
}

TEST(Async, OneFunctionsFloodDoesNotDelayAnother) {
  const HearthServer server(quick({"--async-concurrency", "4", "--memory", "2048"}));
  server.create_js("module.exports = () => new Promise((done) => setTimeout(done, 200))",
                   {{"name", "flood"}});
  server.create_js("module.exports = () => 1", {{"name", "other"}});
  for (int i = 0; i < 60; ++i) {
    submit(server, "flood", "1");
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ended(server, submit(server, "other", "1")).at("state"), "done");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(2)) << "the flood takes six";
}

TEST(Async, AKillLosesNothing) {
  const ScratchFolder folder;
  const std::string data = folder.path() + "/data";
  std::set<std::string> accepted;
  {
    HearthServer server(quick({}, data));
    server.create_js("module.exports = () => new Promise((done) => setTimeout(() => done(1), 5))",
                     {{"name", "f"}});
    std::atomic<bool> killed = false;
    std::mutex mutex;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 8; ++caller) {
      callers.emplace_back([&] {
        const auto client = server.connect();
        while (!killed) {
          const auto reply = client->request(http::Method::kPost, "/functions/f/invoke?mode=async", "1");
          if (reply && reply->status == 202) {
            const std::lock_guard lock(mutex);
            accepted.insert(std::string(json::parse(reply->body).at("executionId").as_string()));
          }
        }
      });
    }
    std::this_thread::sleep_for(seconds(1));
    server.kill();
    killed = true;
    for (auto& caller : callers) {
      caller.join();
    }
  }
  ASSERT_GT(accepted.size(), 100U);
  const HearthServer server(quick({}, data));
  EXPECT_TRUE(eventually([&] { return count(server, "state=pending") + count(server, "state=running") == 0; },
                         seconds(60)));
  std::size_t again = 0;
  for (const std::string& id : accepted) {
    const auto execution = show(server, id);
    ASSERT_EQ(execution.at("state"), "done") << json::serialize(execution);
    again += execution.at("attempts").as_array().size();
  }
  EXPECT_LE(again, 256U) << "at most what somebody held a lease on: four for each that is executed at once";
  EXPECT_EQ(count(server, "state=done"), count(server, ""));
  EXPECT_LE(count(server, "") - accepted.size(), 8U) << "beside what was not answered any more";
}

TEST(Async, AStopLetsWhatRunsFinishAndKeepsTheRest) {
  const ScratchFolder folder;
  const std::string data = folder.path() + "/data";
  std::vector<std::string> ids;
  {
    HearthServer server(quick({"--async-concurrency", "4"}, data));
    server.create_js("module.exports = () => new Promise((done) => setTimeout(() => done(1), 300))",
                     {{"name", "f"}});
    for (int i = 0; i < 10; ++i) {
      ids.push_back(submit(server, "f", "1"));
    }
    EXPECT_TRUE(eventually([&] { return count(server, "state=running") == 2; }));
    EXPECT_EQ(server.stop(), 0);
  }
  const HearthServer server(quick({}, data));
  std::size_t failed = 0;
  for (const std::string& id : ids) {
    const auto execution = ended(server, id);
    EXPECT_EQ(execution.at("state"), "done");
    failed += execution.at("attempts").as_array().size();
  }
  EXPECT_EQ(failed, 0U) << "nothing was cut off";
}

TEST(Async, OverSeveralLoopsToo) {
  const HearthServer server(quick({"--threads", "2"}));
  server.create_js(kEcho, {{"name", "echo"}});
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    ids.push_back(submit(server, "echo", std::to_string(i)));
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ended(server, ids[static_cast<std::size_t>(i)]).at("output").as_array()[0], i);
  }
}

TEST(Async, WhatEndedLongAgoGoes) {
  const HearthServer server(quick({"--async-retention-count", "0"}));
  server.create_js(kEcho, {{"name", "echo"}});
  const std::string id = submit(server, "echo", "1");
  EXPECT_TRUE(eventually([&] { return server.get("/executions/" + id).status == 404; }, seconds(25)));
}

}  // namespace
}  // namespace hearth::test
