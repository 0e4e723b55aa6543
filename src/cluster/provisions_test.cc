#include "cluster/provisions.h"

#include <gtest/gtest.h>

#include <memory>

namespace hearth::cluster {
namespace {

ToldProvision provision(const std::string& function, std::uint32_t count) {
  auto version = std::make_shared<model::Version>();
  version->id = "version-of-" + function;
  version->function_id = function;
  version->memory_mb = 256;
  version->environment = {{"LINES", "a b\nc 1 2 3"}};
  return {{version, "name of " + function}, 7, count};
}

TEST(ProvisionsText, IsReadAsItWasWritten) {
  std::string body;
  add_provision(body, provision("a", 3));
  add_provision(body, provision("b", 0));
  const auto read = read_provisions(body);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(*(*read)[0].told.version, *provision("a", 3).told.version);
  EXPECT_EQ((*read)[0].told.function_name, "name of a");
  EXPECT_EQ((*read)[0].revision, 7U);
  EXPECT_EQ((*read)[0].count, 3U);
  EXPECT_EQ((*read)[1].count, 0U);
  EXPECT_TRUE(read_provisions("")->empty());
}

TEST(ProvisionsText, WhatIsMalformedIsNotRead) {
  std::string whole;
  add_provision(whole, provision("a", 3));
  for (std::size_t bytes = 1; bytes < whole.size(); ++bytes) {
    EXPECT_FALSE(read_provisions(whole.substr(0, bytes))) << bytes;
  }
  for (const char* wrong :
       {"a v 1 1\n", "a v -1 1 0\n", "a v 1 x 0\n", "a v 1 1 99999999999999999999\n", "\n"}) {
    EXPECT_FALSE(read_provisions(wrong)) << wrong;
  }
  std::string other = whole;
  other[0] = 'b';
  EXPECT_FALSE(read_provisions(other)) << "the version is of another function";
}

TEST(ProvisionsText, ARequestHasNoMoreThanItMay) {
  std::string body;
  for (std::size_t i = 0; i < kProvisionsMost; ++i) {
    add_provision(body, provision("f" + std::to_string(i), 1));
  }
  EXPECT_TRUE(read_provisions(body));
  add_provision(body, provision("more", 1));
  EXPECT_FALSE(read_provisions(body));
}

TEST(ProvisionsText, CountsAreReadAsTheyWereWritten) {
  const ReadyCounts counts = {{"a", 3}, {"b", 0}};
  EXPECT_EQ(read_ready_counts(to_body(counts)), counts);
  EXPECT_EQ(read_ready_counts(""), ReadyCounts());
  for (const char* wrong : {"a\n", "a x\n", " 1\n", "a -1\n"}) {
    EXPECT_FALSE(read_ready_counts(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace hearth::cluster
