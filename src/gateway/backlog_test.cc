#include "gateway/backlog.h"

#include <gtest/gtest.h>

namespace hearth::gateway {
namespace {

using model::ApiErrorCode;

TEST(Backlog, AdmitsUpToEachOfItsBoundsAndSaysWhich) {
  Backlog backlog({4, 100, 2});
  EXPECT_EQ(backlog.admit("a", 10), std::nullopt);
  EXPECT_EQ(backlog.admit("a", 10), std::nullopt);
  const auto of_a = backlog.admit("a", 10);
  ASSERT_TRUE(of_a);
  EXPECT_EQ(of_a->code, ApiErrorCode::kTooManyRequests);
  EXPECT_NE(of_a->message.find("--async-function-backlog"), std::string::npos);
  const auto bytes = backlog.admit("b", 81);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->code, ApiErrorCode::kQueueFull);
  EXPECT_NE(bytes->message.find("--async-backlog-bytes"), std::string::npos);
  EXPECT_EQ(backlog.admit("b", 80), std::nullopt);
  EXPECT_EQ(backlog.admit("c", 0), std::nullopt);
  const auto all = backlog.admit("d", 0);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->code, ApiErrorCode::kQueueFull);
  EXPECT_EQ(backlog.executions(), 4U) << "what is refused is not counted";
  EXPECT_EQ(backlog.input_bytes(), 100U);
}

TEST(Backlog, ADiskThatIsNearlyFullTakesNothingMore) {
  Backlog backlog({10, 100'000, 10, 1'000});
  EXPECT_EQ(backlog.admit("a", 50'000), std::nullopt) << "nobody knows what is left";
  backlog.set_room(1'009);
  const auto full = backlog.admit("a", 10);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->code, ApiErrorCode::kQueueFull);
  EXPECT_NE(full->message.find("1009 bytes (--async-min-free-disk)"), std::string::npos);
  backlog.set_room(10'000);
  int admitted = 0;
  while (admitted < 10 && !backlog.admit("a", 1'000)) {
    ++admitted;
  }
  EXPECT_EQ(admitted, 3) << "what was admitted since then is counted";
  backlog.set_room(std::nullopt);
  EXPECT_EQ(backlog.admit("a", 1'000), std::nullopt);
}

TEST(Backlog, AFunctionsOwnBoundIsForIt) {
  Backlog backlog({10, 100, 2});
  EXPECT_EQ(backlog.admit("a", 1, 1), std::nullopt);
  const auto of_a = backlog.admit("a", 1, 1);
  ASSERT_TRUE(of_a);
  EXPECT_EQ(of_a->code, ApiErrorCode::kTooManyRequests);
  EXPECT_NE(of_a->message.find("maxBacklog"), std::string::npos);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(backlog.admit("b", 1, 3), std::nullopt) << "more than others may have";
  }
  EXPECT_TRUE(backlog.admit("b", 1, 3));
}

TEST(Backlog, WhatHasEndedMakesRoom) {
  Backlog backlog({2, 100, 1});
  EXPECT_EQ(backlog.admit("a", 60), std::nullopt);
  EXPECT_TRUE(backlog.admit("a", 1));
  backlog.remove("a", 60);
  EXPECT_EQ(backlog.admit("a", 100), std::nullopt);
  backlog.remove("unknown", 5);
  EXPECT_EQ(backlog.executions(), 1U);
}

TEST(Backlog, WhatHasEndedBeforeItIsAddedIsNotCounted) {
  Backlog backlog({10, 100, 3});
  EXPECT_EQ(backlog.admit("a", 5), std::nullopt);
  backlog.remove("b", 7);
  EXPECT_EQ(backlog.executions(), 1U) << "of others it takes nothing away";
  EXPECT_EQ(backlog.input_bytes(), 5U);
  backlog.add("b", 1, 7);
  EXPECT_EQ(backlog.executions(), 1U);
  EXPECT_EQ(backlog.input_bytes(), 5U);
  backlog.add("b", 3, 7);
  EXPECT_EQ(backlog.executions(), 4U);
  EXPECT_EQ(backlog.admit("b", 1)->code, ApiErrorCode::kTooManyRequests);
}

TEST(Backlog, BeginsWithWhatTheStoreHolds) {
  Backlog backlog({10, 100, 3});
  backlog.begin_with({{"a", 3, 50}, {"b", 1, 10}});
  EXPECT_EQ(backlog.executions(), 4U);
  EXPECT_EQ(backlog.input_bytes(), 60U);
  EXPECT_EQ(backlog.admit("a", 1)->code, ApiErrorCode::kTooManyRequests);
  backlog.add("a", 2, 10);
  EXPECT_EQ(backlog.executions(), 6U) << "what was accepted before is, whatever the limits say";
}

}  // namespace
}  // namespace hearth::gateway
