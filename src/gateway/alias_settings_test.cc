#include "gateway/alias_settings.h"

#include <gtest/gtest.h>

namespace hearth::gateway {
namespace {

TEST(AliasSettings, NameAVersion) {
  EXPECT_EQ(*parse_alias("live", R"({"version": 3})"), (model::Alias{"live", 3, std::nullopt, 0}));
  EXPECT_EQ(*parse_alias("live", R"({"version": 3, "canary": null})"),
            (model::Alias{"live", 3, std::nullopt, 0}));
}

TEST(AliasSettings, NameACanary) {
  const auto weighted = [](const std::string& weight) {
    const auto alias = parse_alias("live", R"({"version":3,"canary":{"version":4,"weight":)" + weight + "}}");
    return alias && alias->canary ? alias->canary->per_mille : 0;
  };
  EXPECT_EQ(weighted("0.1"), 100U);
  EXPECT_EQ(weighted("0.001"), 1U);
  EXPECT_EQ(weighted("0.999"), 999U);
  EXPECT_EQ(weighted("0.290"), 290U);
  EXPECT_EQ(weighted("5e-1"), 500U);
  for (const auto* wrong : {"0", "1", "0.0", "1.0", "-0.1", "0.0001", "0.1234", "1.5", "\"0.1\"", "null"}) {
    EXPECT_EQ(weighted(wrong), 0U) << wrong;
  }
  for (int per_mille = 1; per_mille < 1'000; ++per_mille) {
    const std::string text = std::to_string(1'000 + per_mille);
    EXPECT_EQ(weighted("0." + text.substr(1)), static_cast<std::uint32_t>(per_mille));
  }
}

TEST(AliasSettings, WhatIsWrongIsSaid) {
  for (const auto* body :
       {"[]", "{}", R"({"version": 0})", R"({"version": "1"})", R"({"version": 1.5})",
        R"({"version": 4294967296})", R"({"version": 1, "canary": 2})", R"({"version": 1, "canary": {}})",
        R"({"version": 1, "canary": {"version": 2}})", R"({"version": 1, "canary": {"weight": 0.5}})",
        R"({"version": 1, "canary": {"version": 1, "weight": 0.5}})"}) {
    const auto alias = parse_alias("live", body);
    ASSERT_FALSE(alias.ok()) << body;
    EXPECT_EQ(alias.error().code, base::ErrorCode::kInvalidArgument) << body;
  }
  EXPECT_EQ(parse_alias("live", "{").error().code, base::ErrorCode::kCorrupt);
  EXPECT_EQ(parse_alias("live", "").error().code, base::ErrorCode::kCorrupt);
  EXPECT_EQ(parse_alias("1st", R"({"version": 1})").error().code, base::ErrorCode::kInvalidArgument);
}

TEST(AliasSettings, APublicationMayNameAnAlias) {
  EXPECT_EQ(*parse_publication(""), "");
  EXPECT_EQ(*parse_publication(" \n"), "");
  EXPECT_EQ(*parse_publication("{}"), "");
  EXPECT_EQ(*parse_publication(R"({"alias": "live"})"), "live");
  for (const auto* body : {"[]", R"({"alias": 1})", R"({"alias": ""})", R"({"alias": "a b"})"}) {
    EXPECT_EQ(parse_publication(body).error().code, base::ErrorCode::kInvalidArgument) << body;
  }
  EXPECT_EQ(parse_publication("{").error().code, base::ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace hearth::gateway
