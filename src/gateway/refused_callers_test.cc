#include "gateway/refused_callers.h"

#include <gtest/gtest.h>

#include <vector>

namespace hearth::gateway {
namespace {

using std::chrono::milliseconds;

const base::TimePoint kStart{std::chrono::hours(1)};

TEST(RefusedCallers, CountEachConnectionOnceASecond) {
  RefusedCallers refused;
  const int a = 0;
  const int b = 0;
  EXPECT_EQ(refused.memory_mb(kStart), 0U);
  for (int i = 0; i < 100; ++i) {
    refused.add(&a, 128, kStart + milliseconds(i));
  }
  refused.add(&b, 512, kStart + milliseconds(100));
  refused.add(&b, 256, kStart + milliseconds(100));
  EXPECT_EQ(refused.memory_mb(kStart + milliseconds(500)), 640U) << "the largest of what each wanted";
  refused.add(&b, 256, kStart + milliseconds(1'500));
  EXPECT_EQ(refused.memory_mb(kStart + milliseconds(1'500)), 256U);
  EXPECT_EQ(refused.memory_mb(kStart + milliseconds(2'501)), 0U);
}

TEST(RefusedCallers, AreBounded) {
  RefusedCallers refused;
  const std::vector<char> connections(RefusedCallers::kMost + 10);
  for (const char& each : connections) {
    refused.add(&each, 1, kStart);
  }
  EXPECT_EQ(refused.memory_mb(kStart), RefusedCallers::kMost);
  refused.memory_mb(kStart + milliseconds(1'001));
  refused.add(&connections.back(), 1, kStart + milliseconds(1'001));
  EXPECT_EQ(refused.memory_mb(kStart + milliseconds(1'001)), 1U);
}

}  // namespace
}  // namespace hearth::gateway
