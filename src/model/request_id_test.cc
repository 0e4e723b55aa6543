#include "model/request_id.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::model {
namespace {

TEST(RequestId, IsTheTextThatItWasMadeOf) {
  EXPECT_TRUE(RequestId().empty());
  EXPECT_EQ(RequestId(), "");
  const std::string longest(RequestId::kMaxBytes, 'x');
  const RequestId id(longest);
  EXPECT_EQ(id, longest);
  EXPECT_EQ(id.size(), longest.size());
  EXPECT_NE(id, RequestId("x"));
}

TEST(RequestId, IsGivenOnWhole) {
  RequestId id("first, and longer");
  const RequestId copy = id;
  id = "second";
  EXPECT_EQ(id, "second");
  EXPECT_EQ(copy, "first, and longer");
  EXPECT_EQ(RequestId(copy), copy);
}

TEST(RequestIdDeathTest, MayNotBeTooLong) {
  EXPECT_DEATH(RequestId(std::string(RequestId::kMaxBytes + 1, 'x')), "kMaxBytes");
}

TEST(RequestId, TellsHowManyCallsLedToIt) {
  EXPECT_EQ(depth_of("0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e8f"), 0U);
  EXPECT_EQ(depth_of(with_depth("0197c5a2", 16)), 16U);
  EXPECT_EQ(with_depth("0197c5a2", 16), "0197c5a2.16");
  EXPECT_EQ(with_depth("0197c5a2", 0), "0197c5a2");
  for (const char* wrong : {"", ".3", "a.", "a.b", "a.-1", "a.1.2", "a.99999999999"}) {
    EXPECT_EQ(depth_of(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(depth_of(std::string(65, 'a')), std::nullopt);
}

}  // namespace
}  // namespace hearth::model
