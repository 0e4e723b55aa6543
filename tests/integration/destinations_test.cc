// Destinations on the real server: whom an execution's end is told, whatever happens in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>
#include <string>
#include <vector>

#include "store/postgres/testing/postgres_server.h"
#include "tests/integration/webhook_receiver.h"
#include "tests/support/hearth_server.h"
#include "webhook/curl/tls_server_test_support.h"
#include "webhook/notice.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kMayFail =
    "module.exports = (input) => { if (input && input.fail) { throw new TypeError('no luck'); }"
    " return {got: input}; }";
constexpr const char* kEcho = "module.exports = (input) => input;";

HearthServer::Options quick(std::vector<std::string> more = {}, const std::string& data_dir = "") {
  std::vector<std::string> flags = {"--async-retry-delay", "50ms", "--async-retries", "0"};
  flags.insert(flags.end(), more.begin(), more.end());
  return with_flags(std::move(flags), data_dir);
}

void set_async(const HearthServer& server, const std::string& function, const json::value& settings) {
  const Reply reply =
      server.put("/functions/" + function + "/async", json::serialize(settings), "application/json");
  ASSERT_EQ(reply.status, 200) << reply.body;
}

std::string submit(const HearthServer& server, const std::string& function, const std::string& body) {
  const Reply reply = server.post("/functions/" + function + "/invoke?mode=async", body);
  EXPECT_EQ(reply.status, 202) << reply.body;
  return reply.status == 202 ? std::string(reply.json().at("executionId").as_string()) : "";
}

json::value show(const HearthServer& server, const std::string& id) {
  const Reply reply = server.get("/executions/" + id);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.json();
}

// Once it has ended.
json::value ended(const HearthServer& server, const std::string& id) {
  json::value last;
  EXPECT_TRUE(eventually(
      [&] {
        last = show(server, id);
        const auto& state = last.at("state").as_string();
        return state != "pending" && state != "running";
      },
      seconds(20)))
      << json::serialize(last);
  return last;
}

json::array list(const HearthServer& server, const std::string& filter = "") {
  const Reply reply = server.get("/executions?limit=1000" + filter);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.status == 200 ? reply.json().at("executions").as_array() : json::array();
}

// The id of what tells of that execution.
std::string told_of(const HearthServer& server, const std::string& parent) {
  std::string id;
  EXPECT_TRUE(eventually([&] {
    for (const auto& each : list(server)) {
      const auto* const of = each.as_object().if_contains("parentId");
      if (of != nullptr && *of == json::value(parent)) {
        id = each.at("id").as_string();
      }
    }
    return !id.empty();
  }));
  return id;
}

TEST(Destinations, AnotherFunctionIsExecutedWithTheRecordOfSuccessAndOfFailure) {
  const HearthServer server(quick());
  const std::string first = server.create_js(kMayFail, {{"name", "first"}});
  server.create_js(kEcho, {{"name", "good"}});
  server.create_js(kEcho, {{"name", "bad"}});
  set_async(server, "first", {{"onSuccess", {{"function", "good"}}}, {"onFailure", {{"function", "bad"}}}});
  const std::string done = submit(server, "first", R"({"n": 1})");
  const std::string dead = submit(server, "first", R"({"fail": true})");
  const auto after_done = ended(server, told_of(server, done));
  EXPECT_EQ(after_done.at("kind"), "call");
  EXPECT_EQ(after_done.at("state"), "done");
  const auto& record = after_done.at("output");
  EXPECT_EQ(record.at("executionId"), json::value(done));
  EXPECT_EQ(record.at("functionId"), json::value(first));
  EXPECT_EQ(record.at("functionName"), "first");
  EXPECT_EQ(record.at("version"), 1);
  EXPECT_EQ(record.at("state"), "done");
  EXPECT_EQ(record.at("attempts"), 1);
  EXPECT_EQ(record.at("input"), json::parse(R"({"n": 1})"));
  EXPECT_EQ(record.at("output"), json::parse(R"({"got": {"n": 1}})"));
  const auto after_dead = ended(server, told_of(server, dead));
  EXPECT_EQ(after_dead.at("output").at("state"), "dead");
  EXPECT_EQ(after_dead.at("output").at("error").at("code"), "function_error");
  EXPECT_THAT(std::string(after_dead.at("output").at("error").at("message").as_string()),
              HasSubstr("no luck"));
  EXPECT_EQ(list(server, "&function=good").size(), 1U);
  EXPECT_EQ(list(server, "&function=bad").size(), 1U);
}

TEST(Destinations, AWebhookThatFailsTwiceIsToldAtLastAndCanTellWhoSaysSo) {
  Receiver receiver;
  receiver.answer({500, 503});
  const HearthServer server(quick());
  server.create_js(kMayFail, {{"name", "f"}});
  set_async(server, "f", {{"onSuccess", {{"url", receiver.url("/hook?token=1")}, {"secret", "s3cret"}}}});
  const std::string id = submit(server, "f", "1");
  const auto requests = receiver.wait_for(3);
  const auto shown = ended(server, told_of(server, id));
  ASSERT_EQ(requests.size(), 3U);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto& head = requests[i].head;
    EXPECT_EQ(head.method, http::Method::kPost);
    EXPECT_EQ(head.target, "/hook?token=1");
    EXPECT_EQ(head.header("Content-Type"), "application/json");
    EXPECT_EQ(head.header("X-Hearth-Event"), "execution.done");
    EXPECT_EQ(head.header("X-Hearth-Execution-Id"), id);
    EXPECT_EQ(head.header("X-Hearth-Delivery-Id"), std::string(shown.at("id").as_string()));
    EXPECT_EQ(head.header("X-Hearth-Attempt"), std::to_string(i + 1));
    const auto timestamp = std::stoll(std::string(head.header("X-Hearth-Timestamp").value()));
    EXPECT_EQ(head.header("X-Hearth-Signature"), webhook::signature("s3cret", timestamp, requests[i].body));
    EXPECT_EQ(json::parse(requests[i].body).at("output"), json::parse(R"({"got": 1})"));
  }
  EXPECT_EQ(shown.at("state"), "done");
  EXPECT_EQ(shown.at("kind"), "webhook");
  EXPECT_EQ(shown.at("output"), json::parse(R"({"status": 200})"));
  ASSERT_EQ(shown.at("attempts").as_array().size(), 2U);
  EXPECT_EQ(shown.at("attempts").as_array()[0].at("code"), "webhook_failed");
  EXPECT_EQ(shown.at("attempts").as_array()[1].at("message"), "HTTP 503");
  std::string metrics;
  EXPECT_TRUE(eventually([&] {
    metrics = server.get("/metrics").body;
    return metrics.find("hearth_webhooks_ended_total{state=\"done\"} 1\n") != std::string::npos;
  })) << metrics;
  EXPECT_THAT(metrics, HasSubstr("hearth_webhook_attempts_total 3\n"));
  EXPECT_THAT(metrics, HasSubstr("hearth_executions_ended_total{state=\"done\"} 1\n"));
}

TEST(Destinations, WebhooksThatHangHoldNoCallUp) {
  Receiver receiver;
  receiver.hold();
  const HearthServer server(quick({"--webhook-timeout", "300ms", "--webhook-retries", "1",
                                   "--async-concurrency", "2", "--webhook-concurrency", "2"}));
  server.create_js(kEcho, {{"name", "f"}});
  set_async(server, "f", {{"onSuccess", {{"url", receiver.url()}}}});
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(submit(server, "f", std::to_string(i)));
  }
  for (const std::string& id : ids) {
    EXPECT_EQ(ended(server, id).at("state"), "done");
  }
  const auto shown = ended(server, told_of(server, ids[0]));
  EXPECT_EQ(shown.at("state"), "dead");
  EXPECT_EQ(shown.at("error").at("code"), "webhook_failed");
  EXPECT_THAT(std::string(shown.at("error").at("message").as_string()), HasSubstr("timed out"));
}

TEST(Destinations, OfAServerThatNobodyVouchesForNothingIsBelieved) {
  const webhook::test::TlsServer receiver("IP:127.0.0.1");
  const std::string url = "https://127.0.0.1:" + std::to_string(receiver.port()) + "/?token=s3cret";
  const ScratchFolder folder;
  std::string delivery;
  {
    const HearthServer server(quick({"--webhook-retries", "0"}, folder.path() + "/data"));
    server.create_js(kEcho, {{"name", "f"}});
    set_async(server, "f", {{"onSuccess", {{"url", url}}}});
    delivery = told_of(server, submit(server, "f", "1"));
    const auto shown = ended(server, delivery);
    EXPECT_EQ(shown.at("state"), "dead");
    EXPECT_THAT(json::serialize(shown), HasSubstr("certificate"));
    EXPECT_THAT(json::serialize(shown), testing::Not(HasSubstr("s3cret")));
  }
  const std::string authority = folder.write("ca.pem", receiver.pem());
  const HearthServer server(quick({"--webhook-ca", authority}, folder.path() + "/data"));
  EXPECT_EQ(server.post("/executions/" + delivery + "/redrive", "").status, 200);
  EXPECT_EQ(ended(server, delivery).at("state"), "done");
}

TEST(Destinations, WhatWasNotTakenWhenTheServerWasKilledIsToldAgain) {
  Receiver receiver;
  receiver.hold();
  const ScratchFolder folder;
  const std::string data = folder.path() + "/data";
  std::string id;
  {
    HearthServer server(quick({}, data));
    server.create_js(kEcho, {{"name", "f"}});
    set_async(server, "f", {{"onSuccess", {{"url", receiver.url()}}}});
    id = submit(server, "f", "1");
    receiver.wait_for(1);
    server.kill();
  }
  receiver.let_go();
  const HearthServer server(quick({}, data));
  const auto requests = receiver.wait_for(2);
  EXPECT_EQ(requests[0].body, requests[1].body);
  EXPECT_EQ(requests[1].head.header("X-Hearth-Execution-Id"), id);
  EXPECT_EQ(ended(server, told_of(server, id)).at("state"), "done");
}

// Wherever the kill falls: what is done has been told, or is told after the restart.
TEST(Destinations, KilledUnderLoadItTellsOfEachExecution) {
  Receiver receiver;
  const ScratchFolder folder;
  const std::string data = folder.path() + "/data";
  std::vector<std::string> ids;
  for (int round = 0; round < 3; ++round) {
    HearthServer server(quick({}, data));
    if (round == 0) {
      server.create_js(kEcho, {{"name", "f"}});
      set_async(server, "f", {{"onSuccess", {{"url", receiver.url()}}}});
    }
    for (int i = 0; i < 40; ++i) {
      ids.push_back(submit(server, "f", std::to_string(i)));
    }
    receiver.wait_for(static_cast<std::size_t>(round * 40 + 5));
    server.kill();
  }
  const HearthServer server(quick({}, data));
  EXPECT_TRUE(eventually(
      [&] { return list(server, "&state=pending").empty() && list(server, "&state=running").empty(); },
      seconds(30)));
  std::set<std::string> told;
  for (const auto& request : receiver.wait_for(ids.size())) {
    told.insert(std::string(request.head.header("X-Hearth-Execution-Id").value()));
  }
  EXPECT_EQ(told, std::set<std::string>(ids.begin(), ids.end()));
  EXPECT_EQ(list(server).size(), 2 * ids.size()) << "one message each, though it may be sent twice";
}

TEST(Destinations, OnASharedStoreAnotherServerTellsWhatAKilledOneDidNot) {
  using store::postgres::PostgresServer;
  if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
    GTEST_SKIP() << reason;
  }
  const std::string url = PostgresServer::shared().make_database();
  const auto shared = [&] {
    auto options = quick({"--store-timeout", "1s", "--async-lease", "1s"});
    options.environment = {"HEARTH_STORE=" + url};
    return options;
  };
  Receiver receiver;
  receiver.hold();
  HearthServer first(shared());
  first.create_js(kEcho, {{"name", "f"}});
  first.create_js(kEcho, {{"name", "next"}});
  set_async(first, "f", {{"onSuccess", {{"url", receiver.url()}, {"secret", "s3cret"}}}});
  const std::string id = submit(first, "f", "1");
  receiver.wait_for(1);
  const HearthServer second(shared());
  first.kill();
  receiver.let_go();
  const auto again = receiver.wait_for(2)[1];
  EXPECT_EQ(again.head.header("X-Hearth-Attempt"), "2");
  const auto timestamp = std::stoll(std::string(again.head.header("X-Hearth-Timestamp").value()));
  EXPECT_EQ(again.head.header("X-Hearth-Signature"), webhook::signature("s3cret", timestamp, again.body));
  EXPECT_EQ(ended(second, told_of(second, id)).at("state"), "done");
  set_async(second, "f", {{"onSuccess", {{"function", "next"}}}});
  EXPECT_EQ(ended(second, told_of(second, submit(second, "f", "2"))).at("output").at("output"), 2);
}

TEST(Destinations, AStopWaitsForTheAnswerThatIsOnItsWay) {
  Receiver receiver;
  receiver.hold();
  const ScratchFolder folder;
  HearthServer server(quick({}, folder.path() + "/data"));
  server.create_js(kEcho, {{"name", "f"}});
  set_async(server, "f", {{"onSuccess", {{"url", receiver.url()}}}});
  const std::string id = submit(server, "f", "1");
  receiver.wait_for(1);
  ::kill(server.pid(), SIGTERM);
  EXPECT_TRUE(eventually([&] {
    return server.log().find("asked to leave") != std::string::npos ||
           server.log().find("stop") != std::string::npos;
  }));
  receiver.let_go();
  EXPECT_EQ(server.wait_for_end(), 0);
  const HearthServer again(quick({}, folder.path() + "/data"));
  EXPECT_EQ(ended(again, told_of(again, id)).at("state"), "done");
  EXPECT_EQ(receiver.count(), 1U);
}

TEST(Destinations, ALoopIsStoppedAtItsDepth) {
  const HearthServer server(quick({"--max-depth", "3"}));
  server.create_js(kEcho, {{"name", "f"}});
  set_async(server, "f", {{"onSuccess", {{"function", "f"}}}, {"onFailure", {{"function", "f"}}}});
  submit(server, "f", "1");
  EXPECT_TRUE(eventually([&] { return list(server, "&state=dead").size() == 1; }));
  const auto dead = list(server, "&state=dead");
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].at("error").at("code"), "loop_detected");
  EXPECT_EQ(list(server, "&state=done").size(), 4U);
  EXPECT_EQ(list(server).size(), 5U) << "nothing follows";
}

TEST(Destinations, AMendedAddressIsUsedByARedrive) {
  Receiver receiver;
  const HearthServer server(quick({"--webhook-retries", "0"}));
  server.create_js(kMayFail, {{"name", "f"}});
  set_async(server, "f", {{"onFailure", {{"url", "http://127.0.0.1:1/"}}}});
  const std::string delivery = told_of(server, submit(server, "f", R"({"fail": 1})"));
  EXPECT_EQ(ended(server, delivery).at("state"), "dead");
  set_async(server, "f", {{"onFailure", {{"url", receiver.url()}}}});
  EXPECT_EQ(server.post("/executions/" + delivery + "/redrive", "").status, 200);
  EXPECT_EQ(ended(server, delivery).at("state"), "done");
  EXPECT_EQ(receiver.wait_for(1)[0].head.header("X-Hearth-Event"), "execution.dead");
  set_async(server, "f", {{"retries", 0}});
  EXPECT_EQ(server.del("/executions/" + delivery).error_code(), "conflict");
}

TEST(Destinations, TheFunctionsOwnLimitsHold) {
  const HearthServer server(with_flags({"--async-retry-delay", "50ms", "--async-retries", "9"}));
  server.create_js(kMayFail, {{"name", "f"}});
  set_async(server, "f", {{"retries", 1}});
  EXPECT_EQ(ended(server, submit(server, "f", R"({"fail": 1})")).at("attempts").as_array().size(), 2U);
  server.create_js("module.exports = () => new Promise((done) => setTimeout(() => done(1), 2000));",
                   {{"name", "slow"}});
  set_async(server, "slow", {{"maxBacklog", 1}});
  submit(server, "slow", "1");
  const Reply refused = server.post("/functions/slow/invoke?mode=async", "1");
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.body, HasSubstr("maxBacklog"));
}

}  // namespace
}  // namespace hearth::test
