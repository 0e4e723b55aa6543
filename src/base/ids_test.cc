#include "base/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace hearth::base {
namespace {

TEST(Ids, GuidsAreWellFormedAndDiffer) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string guid = make_guid(random);
    EXPECT_TRUE(is_guid(guid)) << guid;
    EXPECT_EQ(guid[14], '4');
    EXPECT_TRUE(seen.insert(guid).second);
  }
}

TEST(Ids, WhatIsNoGuidIsSaidSo) {
  EXPECT_FALSE(is_guid(""));
  EXPECT_FALSE(is_guid("F81D4FAE-7DEC-41D0-A765-00A0C91E6BF6"));
  EXPECT_FALSE(is_guid("f81d4fae-7dec-41d0-a765-00a0c91e6bf"));
  EXPECT_FALSE(is_guid("f81d4fae07dec-41d0-a765-00a0c91e6bf6"));
}

TEST(Ids, InstanceNamesFitWithoutAllocation) {
  SeededRandom random(7);
  const std::string name = make_instance_name(random);
  EXPECT_EQ(name.size(), 15U);
  EXPECT_EQ(name[0], 'i');
  EXPECT_NE(name, make_instance_name(random));
}

}  // namespace
}  // namespace hearth::base
