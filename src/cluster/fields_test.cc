#include "cluster/fields.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace hearth::cluster {
namespace {

constexpr std::size_t kMany = 100;

std::string all_bytes() {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) {
    text.push_back(static_cast<char>(byte));
  }
  return text;
}

TEST(Fields, ComeBackInTheirOrderWithAnyBytesAsValues) {
  std::string text;
  add_field(text, "first", "1 2\n3");
  add_field(text, "empty", "");
  add_field(text, "bytes", all_bytes());
  add_field(text, "first", "again 7\n");
  const auto fields = read_fields(text, kMany);
  ASSERT_TRUE(fields);
  ASSERT_EQ(fields->size(), 4U);
  EXPECT_EQ((*fields)[0].name, "first");
  EXPECT_EQ((*fields)[0].value, "1 2\n3");
  EXPECT_EQ((*fields)[1].name, "empty");
  EXPECT_EQ((*fields)[1].value, "");
  EXPECT_EQ((*fields)[2].value, all_bytes());
  EXPECT_EQ((*fields)[3].value, "again 7\n");
}

TEST(Fields, NothingIsAListToo) {
  const auto fields = read_fields("", 0);
  ASSERT_TRUE(fields);
  EXPECT_TRUE(fields->empty());
}

TEST(Fields, WhatIsMalformedIsRefused) {
  for (const std::string_view text :
       {"name", "name 1", "name 2\nx", "name\nx", "name \nx", "name x\n", "name -1\nx", "name +1\nx",
        "name 1 \nx", "name  1\nx", "name 0x1\nx", " 1\nx", "\n", "name 1\nxy",
        "name 99999999999999999999\nx", "name 18446744073709551615\nx"}) {
    EXPECT_FALSE(read_fields(text, kMany)) << text;
  }
}

TEST(Fields, CutAnywhereInsideTheLastTheyAreRefused) {
  std::string text;
  add_field(text, "a", "one");
  const std::size_t whole = text.size();
  add_field(text, "b", "two\n");
  for (std::size_t end = 0; end < text.size(); ++end) {
    const bool between = end == 0 || end == whole;
    EXPECT_EQ(read_fields(std::string_view(text).substr(0, end), kMany).has_value(), between) << end;
  }
}

TEST(Fields, MoreThanAreTakenAreRefused) {
  std::string text;
  add_field(text, "a", "");
  add_field(text, "b", "");
  EXPECT_TRUE(read_fields(text, 2));
  EXPECT_FALSE(read_fields(text, 1));
}

}  // namespace
}  // namespace hearth::cluster
