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

}  // namespace
}  // namespace hearth::model
