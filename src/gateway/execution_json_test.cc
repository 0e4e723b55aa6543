#include "gateway/execution_json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace hearth::gateway {
namespace {

namespace json = boost::json;
using model::AsyncExecution;
using model::ExecutionState;

http::RequestHead head_of(std::string target, std::string prefer) {
  http::RequestHead head;
  head.target = std::move(target);
  if (!prefer.empty()) {
    head.headers.push_back({"Prefer", std::move(prefer)});
  }
  return head;
}

TEST(ExecutionJson, WhoAsksForAsync) {
  EXPECT_TRUE(asks_for_async(head_of("/f?mode=async", "")));
  EXPECT_FALSE(asks_for_async(head_of("/f?mode=sync", "respond-async")));
  EXPECT_FALSE(asks_for_async(head_of("/f", "")));
  EXPECT_TRUE(asks_for_async(head_of("/f?version=1", "respond-async")));
  for (const char* prefer :
       {"respond-async", "Respond-Async", " wait=10 , respond-async ", "respond-async;x=1"}) {
    EXPECT_TRUE(asks_for_async(head_of("/f", prefer))) << prefer;
  }
  for (const char* prefer : {"respond-asynchronous", "wait=10", ",", " ", "return=respond-async"}) {
    EXPECT_FALSE(asks_for_async(head_of("/f", prefer))) << prefer;
  }
}

AsyncExecution sample() {
  AsyncExecution execution;
  execution.id = "id";
  execution.function_id = "f";
  execution.submitted_ms = 1'000;
  execution.due_ms = 2'000;
  execution.input_bytes = 7;
  execution.attempts = {{1, 1'000, 1'500, "worker_lost", "gone \"away\"", false}};
  execution.result.output = "{\"a\":1}";
  execution.result.error_code = "timeout";
  execution.result.error = {"Type", "message", "stack"};
  execution.result.logs.chunks = {{model::LogStream::kErr, "text\n"}};
  return execution;
}

TEST(ExecutionJson, APendingOneIsDueAndHasNoResult) {
  EXPECT_EQ(json::parse(execution_json(sample(), true)),
            json::parse(R"({"id":"id","functionId":"f","version":null,"kind":"call",
    "state":"pending","submittedAt":"1970-01-01T00:00:01.000Z","dueAt":"1970-01-01T00:00:02.000Z","startedAt":null,
    "endedAt":null,"inputBytes":7,"attempts":[{"number":1,"startedAt":"1970-01-01T00:00:01.000Z",
    "endedAt":"1970-01-01T00:00:01.500Z","code":"worker_lost","message":"gone \"away\"","counts":false}]})"));
}

TEST(ExecutionJson, AMessageToAWebhookSaysWhatItTellsOf) {
  AsyncExecution execution = sample();
  EXPECT_FALSE(json::parse(execution_json(execution, false)).as_object().contains("parentId"));
  execution.kind = model::ExecutionKind::kWebhook;
  execution.parent_id = "parent";
  const auto shown = json::parse(execution_json(execution, false));
  EXPECT_EQ(shown.at("kind"), "webhook");
  EXPECT_EQ(shown.at("parentId"), "parent");
}

TEST(ExecutionJson, WhatHasEndedHasItsResultAndLogsTogether) {
  AsyncExecution execution = sample();
  execution.state = ExecutionState::kDone;
  execution.executed_version = 3;
  const auto done = json::parse(execution_json(execution, true));
  EXPECT_EQ(done.at("output"), json::parse("{\"a\":1}"));
  EXPECT_EQ(done.at("logs"), json::parse(R"([{"stream":"stderr","text":"text\n"}])"));
  EXPECT_EQ(done.at("version"), 3);
  EXPECT_TRUE(done.at("dueAt").is_null());
  EXPECT_FALSE(done.as_object().contains("error"));
  execution.state = ExecutionState::kDead;
  const auto dead = json::parse(execution_json(execution, true));
  EXPECT_EQ(dead.at("error"),
            json::parse(R"({"code":"timeout","message":"message","type":"Type","stack":"stack"})"));
  EXPECT_FALSE(dead.as_object().contains("output"));
  execution.result.error = {};  // as the store lists it
  const auto listed = json::parse(execution_json(execution, false));
  EXPECT_EQ(listed.at("error"), json::parse(R"({"code":"timeout"})"));
  EXPECT_FALSE(listed.as_object().contains("logs"));
}

}  // namespace
}  // namespace hearth::gateway
