#include "gateway/answer.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "gateway/utf8.h"

namespace hearth::gateway {
namespace {

boost::json::value body_of(const http::Response& response) {
  return boost::json::parse(response.body[0] + response.body[1] + response.body[2]);
}

TEST(Answer, AnOutputStandsUntouchedBesideTheTimedSteps) {
  model::Execution execution;
  execution.outcome.output = R"({"a":[1, 2]})";
  execution.steps.run_us = 1'234;
  const auto response = execution_response(std::move(execution), {}, 2'000);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body[1], R"({"a":[1, 2]})");
  const auto body = body_of(response);
  EXPECT_EQ(body.at("logs").at("name"), "invoke");
  EXPECT_EQ(body.at("logs").at("duration"), 2.0);
  EXPECT_EQ(body.at("logs").at("subLogs").at(1).at("name"), "execute.warm");
  EXPECT_EQ(body.at("logs").at("subLogs").at(1).at("subLogs").at(0).at("duration"), 1.234);
}

TEST(Answer, DurationsHaveThreeDigitsBehindThePoint) {
  model::Execution execution;
  execution.outcome.output = "1";
  execution.steps.run_us = 7;
  execution.steps.handler_us = 0;
  const auto response = execution_response(std::move(execution), {30, 1'040, 0}, 1'000'500);
  EXPECT_EQ(response.body[2], R"(,"logs":{"name":"invoke","duration":1000.500,"subLogs":[)"
                              R"({"name":"findInstance","duration":0.030,"subLogs":[]},)"
                              R"({"name":"execute.warm","duration":1.040,"subLogs":[)"
                              R"({"name":"run","duration":0.007,"subLogs":[)"
                              R"({"name":"handler","duration":0.000,"subLogs":[]}]}]}]}})");
}

TEST(Answer, AColdStartShowsItsSteps) {
  model::Execution execution;
  execution.outcome.output = "1";
  execution.steps.cold = true;
  execution.steps.boot_us = 70'000;
  const auto body = body_of(execution_response(std::move(execution), {}, 100'000));
  const auto& cold = body.at("logs").at("subLogs").at(1);
  EXPECT_EQ(cold.at("name"), "execute.cold");
  EXPECT_EQ(cold.at("subLogs").at(2).at("name"), "boot");
  EXPECT_EQ(cold.at("subLogs").at(2).at("duration"), 70.0);
}

TEST(Answer, AStartOfAPrestartedInstanceHasNoBoot) {
  model::Execution execution;
  execution.outcome.output = "1";
  execution.steps.cold = execution.steps.prestarted = true;
  execution.steps.sandbox_us = 400;
  const auto body = body_of(execution_response(std::move(execution), {}, 3'000));
  const auto& steps = body.at("logs").at("subLogs").at(1).at("subLogs").as_array();
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps.at(1).at("name"), "assign");
  EXPECT_EQ(steps.at(1).at("duration"), 0.4);
  EXPECT_EQ(steps.at(2).at("name"), "init");
}

TEST(Answer, AFailureCarriesCodeTypeStackAndSteps) {
  model::Execution execution;
  execution.outcome = {model::OutcomeKind::kThrew, "", {"TypeError", "no \"x\"", "at y\n"}};
  const auto response = execution_response(std::move(execution), {}, 10);
  EXPECT_EQ(response.status, 502);
  const auto body = body_of(response);
  EXPECT_EQ(body.at("error").at("code"), "function_error");
  EXPECT_EQ(body.at("error").at("message"), "no \"x\"");
  EXPECT_EQ(body.at("error").at("type"), "TypeError");
  EXPECT_EQ(body.at("error").at("stack"), "at y\n");
  EXPECT_EQ(body.at("logs").at("name"), "invoke");
}

TEST(Answer, EveryOutcomeThatFailsHasACodeAndAMessage) {
  for (int kind = 1; kind <= static_cast<int>(model::kLastOutcome); ++kind) {
    model::Execution execution;
    execution.outcome.kind = static_cast<model::OutcomeKind>(kind);
    execution.outcome.error.message = kind <= 1 ? "m" : "";
    const auto response = execution_response(std::move(execution), {}, 10);
    EXPECT_GE(response.status, 400);
    EXPECT_FALSE(body_of(response).at("error").at("code").as_string().empty());
  }
}

TEST(Answer, ServiceUnavailableSaysWhenToComeBack) {
  const auto response = error_response(model::ApiErrorCode::kNoCapacity, "full");
  EXPECT_EQ(response.status, 503);
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].name.text(), "Retry-After");
}

TEST(Answer, StringsAreEscapedAndMendedToUtf8) {
  std::string out;
  append_json_string(out, std::string("a\"\\\n\x01\xff\xc3\xa9", 8));
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\"");
}

TEST(Answer, Utf8IsToldFromWhatIsNot) {
  EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\xa5"));
  for (const char* bad :
       {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\x80", "\xfe"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Answer, AFunctionShowsItsFields) {
  model::Function function;
  function.id = "1";
  function.display_name = "My \"f\"";
  function.current.environment = {{"A", "x"}, {"B", "y"}};
  function.created_ms = 1'769'860'800'123;
  const auto body = boost::json::parse(function_json(function, "blob:x"));
  EXPECT_TRUE(body.at("name").is_null());
  EXPECT_EQ(body.at("displayName"), "My \"f\"");
  EXPECT_EQ(body.at("memorySize"), 128);
  EXPECT_EQ(body.at("environment").at("B"), "y");
  EXPECT_EQ(body.at("createdAt"), "2026-01-31T12:00:00.123Z");
  EXPECT_TRUE(body.at("aliases").as_array().empty());
}

TEST(AliasJson, SaysTheVersionAndTheShares) {
  model::Alias alias{"live", 3, std::nullopt, 1'769'860'800'123};
  EXPECT_EQ(alias_json(alias), R"({"name":"live","version":3,"updatedAt":"2026-01-31T12:00:00.123Z"})");
  alias.canary = model::Canary{4, 100};
  EXPECT_EQ(
      alias_json(alias),
      R"({"name":"live","version":3,"weights":{"3":0.9,"4":0.1},"updatedAt":"2026-01-31T12:00:00.123Z"})");
  alias.canary->per_mille = 5;
  EXPECT_NE(alias_json(alias).find(R"({"3":0.995,"4":0.005})"), std::string::npos);
  EXPECT_EQ(aliases_json({}), "[]");
  EXPECT_EQ(aliases_json({{"a", alias}, {"b", alias}}),
            "[" + alias_json(alias) + "," + alias_json(alias) + "]");
}

}  // namespace
}  // namespace hearth::gateway
