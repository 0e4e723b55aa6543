#include "gateway/json_check.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::gateway {
namespace {

TEST(JsonCheck, JsonIsJson) {
  for (const char* text : {"null", " {\"a\": [1, 2.5e3, true, \"\\u00e9\"]} \n", "\"x\"", "-1", "[]", "{}"}) {
    EXPECT_TRUE(check_json(text)) << text;
  }
  EXPECT_TRUE(check_json("\"" + std::string(1'000'000, 'x') + "\""));
}

TEST(JsonCheck, WhatIsNotJsonIsToldWhy) {
  for (const char* text :
       {"", " ", "{", "{a: 1}", "[1,]", "nul", "1 2", "\"\n\"", "{\"a\": 1}}", "'a'", "// c\n1"}) {
    const auto checked = check_json(text);
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error().code, base::ErrorCode::kCorrupt);
    EXPECT_NE(checked.error().message.find("the body is not JSON: "), std::string::npos);
  }
}

TEST(JsonCheck, AHundredDeepAndNoDeeper) {
  EXPECT_TRUE(check_json(std::string(100, '[') + std::string(100, ']')));
  EXPECT_FALSE(check_json(std::string(101, '[') + std::string(101, ']')));
}

}  // namespace
}  // namespace hearth::gateway
