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

TEST(Ids, TimeOrderedGuidsAreInTheOrderOfTheirTimes) {
  SystemRandom random;
  std::string before;
  for (const std::int64_t ms :
       {0LL, 1LL, 255LL, 256LL, 1'795'840'000'000LL, 1'795'840'000'001LL, (1LL << 48) - 1}) {
    const std::string guid = make_time_ordered_guid(random, ms);
    EXPECT_TRUE(is_guid(guid)) << guid;
    EXPECT_EQ(guid[14], '7');
    EXPECT_GT(guid, before);
    EXPECT_NE(guid, make_time_ordered_guid(random, ms));
    before = guid;
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
