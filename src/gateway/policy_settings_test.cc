#include "gateway/policy_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::gateway {
namespace {

using testing::HasSubstr;

std::string wrong_limits(const std::string& body) {
  const auto read = parse_concurrency(body);
  return read ? "accepted" : read.error().message;
}

std::string wrong_async(const std::string& body) {
  const auto read = parse_async(body, {});
  return read ? "accepted" : read.error().message;
}

TEST(PolicySettings, LimitsAreReadAndShown) {
  const auto read = parse_concurrency(
      R"({"maxConcurrency":10,"reservedConcurrency":3,"provisionedConcurrency":2,"more":true})");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, (model::Concurrency{10, 3, 2}));
  EXPECT_EQ(concurrency_json(*read),
            R"({"maxConcurrency":10,"reservedConcurrency":3,"provisionedConcurrency":2})");
}

TEST(PolicySettings, WhatIsLeftOutHasItsDefault) {
  EXPECT_EQ(*parse_concurrency("{}"), model::Concurrency());
  EXPECT_EQ(*parse_concurrency(R"({"maxConcurrency":null})"), model::Concurrency());
  EXPECT_EQ(parse_concurrency(R"({"maxConcurrency":0})")->maximum, 0U) << "it takes no calls at all";
  EXPECT_EQ(concurrency_json({}),
            R"({"maxConcurrency":null,"reservedConcurrency":0,"provisionedConcurrency":0})");
  EXPECT_EQ(*parse_async("{}", {}), model::AsyncPolicy());
}

TEST(PolicySettings, WrongLimitsAreNamed) {
  EXPECT_THAT(wrong_limits("nonsense"), HasSubstr("not JSON"));
  EXPECT_THAT(wrong_limits("[]"), HasSubstr("object"));
  EXPECT_THAT(wrong_limits(R"({"maxConcurrency":-1})"), HasSubstr("\"maxConcurrency\" is a whole number"));
  EXPECT_THAT(wrong_limits(R"({"maxConcurrency":100001})"), HasSubstr("from 0 to 100000"));
  EXPECT_THAT(wrong_limits(R"({"reservedConcurrency":"3"})"), HasSubstr("\"reservedConcurrency\""));
  EXPECT_THAT(wrong_limits(R"({"provisionedConcurrency":1001})"), HasSubstr("from 0 to 1000"));
  EXPECT_THAT(wrong_limits(R"({"maxConcurrency":2,"reservedConcurrency":3})"), HasSubstr("at most"));
  EXPECT_THAT(wrong_limits(R"({"maxConcurrency":2,"provisionedConcurrency":3})"), HasSubstr("at most"));
}

TEST(PolicySettings, WhatBecomesOfExecutionsIsReadAndShownWithoutTheSecret) {
  const auto read =
      parse_async(R"({"retries":0,"maxAge":60,"maxBacklog":5,"onSuccess":{"function":"next"},)"
                  R"("onFailure":{"url":"https://example.org:8443/hook?token=a","secret":"s3cret"}})",
                  {});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->on_success, (model::Destination{"next", "", ""}));
  EXPECT_EQ(read->on_failure, (model::Destination{"", "https://example.org:8443/hook?token=a", "s3cret"}));
  EXPECT_EQ(async_json(*read),
            R"({"retries":0,"maxAge":60,"maxBacklog":5,"onSuccess":{"function":"next"},)"
            R"("onFailure":{"url":"https://example.org:8443/hook?token=a","signed":true}})");
}

TEST(PolicySettings, ASecretStaysWithItsUrlUntilAnotherIsGiven) {
  model::AsyncPolicy before;
  before.on_success = model::Destination{"", "http://a/", "old"};
  EXPECT_EQ(parse_async(R"({"onSuccess":{"url":"http://a/"}})", before)->on_success->secret, "old");
  EXPECT_EQ(parse_async(R"({"onSuccess":{"url":"http://a/","secret":"new"}})", before)->on_success->secret,
            "new");
  EXPECT_EQ(parse_async(R"({"onSuccess":{"url":"http://b/"}})", before)->on_success->secret, "");
  EXPECT_EQ(parse_async(R"({"onFailure":{"url":"http://a/"}})", before)->on_failure->secret, "");
}

TEST(PolicySettings, WrongDestinationsAreNamed) {
  EXPECT_THAT(wrong_async(R"({"retries":101})"), HasSubstr("from 0 to 100"));
  EXPECT_THAT(wrong_async(R"({"maxAge":0})"), HasSubstr("\"maxAge\""));
  EXPECT_THAT(wrong_async(R"({"onSuccess":"next"})"), HasSubstr("\"onSuccess\" is {\"function\""));
  EXPECT_THAT(wrong_async(R"({"onSuccess":{}})"), HasSubstr("\"onSuccess\" is {\"function\""));
  EXPECT_THAT(wrong_async(R"({"onFailure":{"function":"a","url":"http://b"}})"), HasSubstr("\"onFailure\""));
  EXPECT_THAT(wrong_async(R"({"onFailure":{"function":"a","secret":"b"}})"), HasSubstr("\"onFailure\""));
  for (const char* url : {"ftp://a/", "http://", "a/b", "http://user@a/", "http://a/#part", "http://a b/"}) {
    EXPECT_THAT(wrong_async(std::string(R"({"onSuccess":{"url":")") + url + "\"}}"), HasSubstr("\"url\""))
        << url;
  }
}

}  // namespace
}  // namespace hearth::gateway
