#include "gateway/rollback.h"

#include <gtest/gtest.h>

namespace hearth::gateway {
namespace {

using base::ErrorCode;

TEST(Rollback, IsToTheVersionBeforeUnlessItIsNamed) {
  EXPECT_EQ(*parse_rollback(""), 0U);
  EXPECT_EQ(*parse_rollback(" \n"), 0U);
  EXPECT_EQ(*parse_rollback("{}"), 0U);
  EXPECT_EQ(*parse_rollback(R"({"version": 7, "why": "it was better"})"), 7U);
}

TEST(Rollback, AnythingElseIsRefused) {
  for (const auto* body :
       {R"({"version": 0})", R"({"version": -1})", R"({"version": "7"})", R"({"version": 1.5})",
        R"({"version": 4294967296})", R"({"version": null})", "[7]", "7"}) {
    EXPECT_EQ(parse_rollback(body).error().code, ErrorCode::kInvalidArgument) << body;
  }
  EXPECT_EQ(parse_rollback("{").error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace hearth::gateway
