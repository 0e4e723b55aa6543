#include "dispatch/function_cache.h"

#include <gtest/gtest.h>

namespace hearth::dispatch {
namespace {

model::FunctionPtr function(const std::string& id, const std::string& name, std::int64_t created_ms = 0,
                            std::uint32_t number = 1, std::uint64_t revision = 1) {
  auto made = std::make_shared<model::Function>();
  made->id = id;
  made->name = name;
  made->created_ms = created_ms;
  made->current.number = number;
  made->revision = revision;
  return made;
}

TEST(FunctionCache, FindsByIdAndByName) {
  FunctionCache cache;
  cache.put(function("1", "one"));
  cache.put(function("2", ""));
  EXPECT_EQ(cache.find("1")->id, "1");
  EXPECT_EQ(cache.find("one")->id, "1");
  EXPECT_EQ(cache.find("2")->id, "2");
  EXPECT_EQ(cache.find(""), nullptr);
  EXPECT_EQ(cache.find("three"), nullptr);
}

TEST(FunctionCache, PutReplacesAndRemoveForgetsBothNames) {
  FunctionCache cache;
  EXPECT_EQ(cache.put(function("1", "one")), nullptr);
  EXPECT_EQ(cache.put(function("1", "uno", 0, 2))->name, "one");
  EXPECT_EQ(cache.find("one"), nullptr);
  EXPECT_NE(cache.find("uno"), nullptr);
  EXPECT_NE(cache.remove("1"), nullptr);
  EXPECT_EQ(cache.find("uno"), nullptr);
  EXPECT_EQ(cache.remove("1"), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(FunctionCache, WhatIsToldTwiceOrLateChangesNothing) {
  FunctionCache cache;
  cache.put(function("1", "one", 0, 2));
  EXPECT_EQ(cache.put(function("1", "again", 0, 2)), nullptr);
  EXPECT_EQ(cache.put(function("1", "older", 0, 1)), nullptr);
  EXPECT_EQ(cache.find("1")->name, "one");
  cache.remove("1");
  EXPECT_EQ(cache.put(function("1", "one", 0, 3)), nullptr);
  EXPECT_EQ(cache.find("1"), nullptr) << "it has been removed";
  EXPECT_EQ(cache.remove("2"), nullptr);
  cache.put(function("2", "two"));
  EXPECT_EQ(cache.find("2"), nullptr) << "its removal was told before its creation";
}

TEST(FunctionCache, ANewerRevisionOfTheSameVersionReplacesTheOlder) {
  FunctionCache cache;
  cache.put(function("1", "one", 0, 2, 5));
  EXPECT_EQ(cache.put(function("1", "late", 0, 2, 4)), nullptr);
  EXPECT_EQ(cache.put(function("1", "same", 0, 2, 5)), nullptr);
  EXPECT_EQ(cache.put(function("1", "older", 0, 1, 9)), nullptr) << "its aliases changed before the deploy";
  const auto replaced = cache.put(function("1", "aliased", 0, 2, 6));
  ASSERT_TRUE(replaced) << "its aliases have changed since";
  EXPECT_EQ(replaced->name, "one");
  EXPECT_EQ(cache.put(function("1", "deployed", 0, 3, 6))->name, "aliased")
      << "by a release without revisions";
  EXPECT_EQ(cache.find("1")->name, "deployed");
}

TEST(FunctionCache, RemembersARemovalAmongAThousandOthers) {
  FunctionCache cache;
  cache.remove("first");
  for (int i = 0; i < 1'000; ++i) {
    cache.put(function(std::to_string(i), ""));
    cache.remove(std::to_string(i));
  }
  cache.put(function("first", ""));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(FunctionCache, ANameThatAYoungerFunctionTookStaysIts) {
  FunctionCache cache;
  cache.put(function("old", "name"));
  cache.put(function("new", "name"));
  cache.remove("old");
  EXPECT_EQ(cache.find("name")->id, "new");
}

TEST(FunctionCache, ListsInTheOrderOfCreation) {
  FunctionCache cache;
  cache.put(function("b", "", 2));
  cache.put(function("c", "", 1));
  cache.put(function("a", "", 2));
  std::string order;
  for (const auto& entry : cache.list()) {
    order += entry->id;
  }
  EXPECT_EQ(order, "cab");
}

}  // namespace
}  // namespace hearth::dispatch
