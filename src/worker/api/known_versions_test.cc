#include "worker/api/known_versions.h"

#include <gtest/gtest.h>

#include <memory>

namespace hearth::worker {
namespace {

cluster::ToldVersion told(const std::string& id, const std::string& name = "f") {
  auto version = std::make_shared<model::Version>();
  version->id = id;
  return {version, name};
}

TEST(KnownVersions, WhatWasToldIsFound) {
  KnownVersions versions;
  EXPECT_EQ(versions.find("a"), nullptr);
  versions.add(told("a", "one"));
  versions.add(told("b", "other"));
  ASSERT_NE(versions.find("a"), nullptr);
  EXPECT_EQ(versions.find("a")->version->id, "a");
  EXPECT_EQ(versions.find("a")->function_name, "one");
  EXPECT_EQ(versions.find("b")->function_name, "other");
  EXPECT_EQ(versions.find(""), nullptr);
  EXPECT_EQ(versions.find("aa"), nullptr);
}

TEST(KnownVersions, ToldAgainItIsTheFirst) {
  KnownVersions versions(2);
  versions.add(told("a"));
  const auto first = versions.find("a")->version;
  versions.add(told("a"));
  EXPECT_EQ(versions.find("a")->version, first);
  versions.add(told("b"));
  EXPECT_NE(versions.find("a"), nullptr) << "it took one place, not two";
}

TEST(KnownVersions, TheLongestUnusedIsForgotten) {
  KnownVersions versions(3);
  for (const char* id : {"a", "b", "c"}) {
    versions.add(told(id));
  }
  versions.find("a");
  versions.add(told("b"));  // counts as a use
  versions.add(told("d"));
  EXPECT_EQ(versions.find("c"), nullptr);
  EXPECT_NE(versions.find("a"), nullptr);
  EXPECT_NE(versions.find("b"), nullptr);
  EXPECT_NE(versions.find("d"), nullptr);
  versions.add(told("c"));
  EXPECT_NE(versions.find("c"), nullptr) << "told again, known again";
  EXPECT_EQ(versions.find("a"), nullptr);
}

TEST(KnownVersions, ManyComeAndGo) {
  KnownVersions versions(16);
  for (int i = 0; i < 1'000; ++i) {
    versions.add(told("v" + std::to_string(i)));
    versions.find("v0");
  }
  EXPECT_NE(versions.find("v0"), nullptr);
  EXPECT_NE(versions.find("v999"), nullptr);
  EXPECT_EQ(versions.find("v984"), nullptr);
}

}  // namespace
}  // namespace hearth::worker
