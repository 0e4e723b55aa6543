#include "monitor/retry_plan.h"

#include <gtest/gtest.h>

namespace hearth::monitor {
namespace {

constexpr std::int64_t kNow = 1'000'000'000;

FailedTry failed(std::uint32_t failures) {
  FailedTry made;
  made.failures = failures;
  made.attempts = failures;
  made.accepted_ms = kNow;
  made.now_ms = kNow;
  return made;
}

TEST(RetryPlan, TheFunctionsFailuresAreTriedAgainSoOftenAndNoMore) {
  EXPECT_EQ(retry_at({}, failed(1)), kNow + 1'000);
  EXPECT_EQ(retry_at({}, failed(2)), kNow + 2'000);
  EXPECT_EQ(retry_at({}, failed(3)), std::nullopt);
  RetryOptions none;
  none.retries = 0;
  EXPECT_EQ(retry_at(none, failed(1)), std::nullopt);
}

TEST(RetryPlan, TheDelayHasALongestAndAJitter) {
  RetryOptions many;
  many.retries = 1'000;
  EXPECT_EQ(retry_at(many, failed(1'000)), kNow + kLongestDelay.count());
  FailedTry early = failed(1);
  early.jitter = 0.5;
  EXPECT_EQ(retry_at({}, early), kNow + 500);
}

TEST(RetryPlan, WhatThePlatformFailsIsTriedUntilItIsTooOld) {
  FailedTry lost = failed(0);
  lost.counts = false;
  lost.attempts = 50;
  EXPECT_EQ(retry_at({}, lost), kNow + kLongestPlatformDelay.count());
  const auto age = std::chrono::milliseconds(std::chrono::hours(6)).count();
  lost.accepted_ms = kNow + kLongestPlatformDelay.count() - age;
  EXPECT_TRUE(retry_at({}, lost));
  --lost.accepted_ms;
  EXPECT_EQ(retry_at({}, lost), std::nullopt);
}

TEST(RetryPlan, WhatTheFunctionHasOfItsOwnCounts) {
  using model::ExecutionKind;
  const RetryOptions servers;
  EXPECT_EQ(with_policy(servers, ExecutionKind::kCall, {}).retries, servers.retries);
  EXPECT_EQ(with_policy(servers, ExecutionKind::kCall, {}).max_age, servers.max_age);
  model::AsyncPolicy own;
  own.retries = 0;
  own.max_age_s = 60;
  EXPECT_EQ(with_policy(servers, ExecutionKind::kCall, own).retries, 0U);
  EXPECT_EQ(with_policy(servers, ExecutionKind::kCall, own).max_age, std::chrono::seconds(60));
  EXPECT_EQ(with_policy(servers, ExecutionKind::kWebhook, own).retries, servers.retries);
  EXPECT_EQ(with_policy(servers, ExecutionKind::kWebhook, own).max_age, std::chrono::seconds(60));
}

TEST(RetryPlan, TheFunctionsFailuresEndWithItsAgeToo) {
  RetryOptions young;
  young.max_age = std::chrono::milliseconds(999);
  EXPECT_EQ(retry_at(young, failed(1)), std::nullopt);
}

}  // namespace
}  // namespace hearth::monitor
