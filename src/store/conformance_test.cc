// What every function store promises, whatever it is built on.
#include "store/conformance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FunctionStoreConformance : public testing::TestWithParam<StoreBackend> {
 protected:
  FunctionStore& functions() { return store_->functions(); }
  void reopen() { store_->reopen(); }

  // `code` of the error of a result, for one-line expectations.
  template <typename T>
  static std::string code_of(const base::Result<T>& result) {
    return result.ok() ? "ok" : std::string(base::to_string(result.error().code));
  }

  // Runs `work(thread)` on four threads at once.
  template <typename Work>
  static void on_four_threads(Work work) {
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&work, i] { work(i); });
    }
    for (auto& thread : threads) {
      thread.join();
    }
  }

 private:
  std::unique_ptr<StoreUnderTest> store_ = GetParam().make();
};

TEST_P(FunctionStoreConformance, WhatWasCreatedIsFoundByIdAndByName) {
  const model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(function).ok());
  ASSERT_TRUE(functions().find(function.id).ok());
  EXPECT_EQ(*functions().find(function.id), function);
  EXPECT_EQ(*functions().find(function.name), function);
}

TEST_P(FunctionStoreConformance, TextsAndNumbersComeBackAsTheyWere) {
  model::Function function = sample_function(1);
  function.display_name = "two words, \"quotes\", ünïcode 🔥, '; DROP TABLE functions; --";
  function.current.environment = {{"JSON", R"({"a": ["b\\", null]})"},
                                  {"LINES", "one\ntwo\r\n\ttab"},
                                  {"NUL", std::string("a\0b", 3)},
                                  {"LATIN1", "caf\xe9"},
                                  {"EMPTY", ""}};
  function.current.memory_mb = UINT32_MAX;
  function.current.timeout_ms = UINT32_MAX;
  function.current.code_bytes = 1ULL << 40U;
  ASSERT_TRUE(functions().create(function).ok());
  ASSERT_TRUE(functions().find(function.id).ok());
  EXPECT_EQ(*functions().find(function.id), function);
}

TEST_P(FunctionStoreConformance, AnUnknownFunctionIsNotFound) {
  EXPECT_EQ(code_of(functions().find("nothing")), "not_found");
  EXPECT_THAT(functions().find("nothing").error().message, HasSubstr("nothing"));
  EXPECT_EQ(code_of(functions().remove("nothing")), "not_found");
  EXPECT_EQ(code_of(functions().add_version(sample_version(sample_function(1)), 1)), "not_found");
}

TEST_P(FunctionStoreConformance, ManyFunctionsMayHaveNoName) {
  for (int i = 0; i < 3; ++i) {
    model::Function function = sample_function(i);
    function.name.clear();
    ASSERT_TRUE(functions().create(function).ok());
    EXPECT_EQ(*functions().find(function.id), function);
  }
  EXPECT_EQ(code_of(functions().find("")), "not_found");
}

TEST_P(FunctionStoreConformance, ANameIsGivenOnce) {
  const model::Function first = sample_function(1);
  model::Function second = sample_function(2);
  second.name = first.name;
  ASSERT_TRUE(functions().create(first).ok());
  const auto refused = functions().create(second);
  EXPECT_EQ(code_of(refused), "already_exists");
  EXPECT_THAT(refused.error().message, HasSubstr(first.name));
  EXPECT_EQ(code_of(functions().find(second.id)), "not_found");
  EXPECT_EQ(functions().list()->size(), 1U);
}

TEST_P(FunctionStoreConformance, AnIdIsGivenOnceAndARefusalLeavesNothing) {
  const model::Function first = sample_function(1);
  model::Function same_id = sample_function(2);
  same_id.id = first.id;
  model::Function same_version_id = sample_function(3);
  same_version_id.current.id = first.current.id;
  ASSERT_TRUE(functions().create(first).ok());
  EXPECT_EQ(code_of(functions().create(same_id)), "already_exists");
  EXPECT_EQ(code_of(functions().create(same_version_id)), "already_exists");
  EXPECT_THAT(*functions().list(), ElementsAre(first));
}

TEST_P(FunctionStoreConformance, AnIdWinsOverANameThatLooksTheSame) {
  const model::Function first = sample_function(1);
  model::Function namesake = sample_function(0);
  namesake.name = first.id;
  ASSERT_TRUE(functions().create(namesake).ok());
  ASSERT_TRUE(functions().create(first).ok());
  EXPECT_EQ(*functions().find(first.id), first);
}

TEST_P(FunctionStoreConformance, TheListIsOrderedByCreationThenId) {
  model::Function late = sample_function(1);
  late.created_ms = 3'000;
  model::Function twin_b = sample_function(3);
  model::Function twin_a = sample_function(2);
  twin_a.created_ms = twin_b.created_ms = 2'000;
  EXPECT_TRUE(functions().list()->empty());
  for (const auto& function : {late, twin_b, twin_a}) {
    ASSERT_TRUE(functions().create(function).ok());
  }
  EXPECT_THAT(*functions().list(), ElementsAre(twin_a, twin_b, late));
}

TEST_P(FunctionStoreConformance, ANewVersionBecomesTheCurrentOne) {
  model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(function).ok());
  const model::Version next = sample_version(function);
  const auto added = functions().add_version(next, 99);
  ASSERT_TRUE(added.ok());
  function.current = next;
  function.updated_ms = 99;
  function.revision = 2;
  EXPECT_EQ(*added, function);
  EXPECT_EQ(*functions().find(function.id), function);
  EXPECT_THAT(*functions().list(), ElementsAre(function));
}

TEST_P(FunctionStoreConformance, PastVersionsAreListedNewestFirst) {
  model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(sample_function(2)).ok());
  ASSERT_TRUE(functions().create(function).ok());
  std::vector<model::Version> all = {function.current};
  for (int i = 0; i < 4; ++i) {
    function.current = sample_version(function);
    ASSERT_TRUE(functions().add_version(function.current, 99).ok());
    all.insert(all.begin(), function.current);
  }
  EXPECT_EQ(*functions().versions(function.id, 0, 10), all);
  EXPECT_THAT(*functions().versions(function.id, 0, 2), ElementsAre(all[0], all[1]));
  EXPECT_THAT(*functions().versions(function.id, 4, 2), ElementsAre(all[2], all[3]));
  EXPECT_TRUE(functions().versions(function.id, 1, 10)->empty());
  EXPECT_EQ(code_of(functions().versions("nothing", 0, 10)), "not_found");
}

TEST_P(FunctionStoreConformance, AVersionIsFoundByItsNumber) {
  const model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(function).ok());
  const model::Version next = sample_version(function);
  ASSERT_TRUE(functions().add_version(next, 99).ok());
  EXPECT_EQ(*functions().find_version(function.id, 1), function.current);
  EXPECT_EQ(*functions().find_version(function.id, 2), next);
  EXPECT_EQ(code_of(functions().find_version(function.id, 3)), "not_found");
  EXPECT_EQ(code_of(functions().find_version(function.id, 0)), "not_found");
  EXPECT_EQ(code_of(functions().find_version("nothing", 1)), "not_found");
}

TEST_P(FunctionStoreConformance, AVersionThatIsNotTheNextOneIsRefused) {
  const model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(function).ok());
  model::Version same = sample_version(function);
  same.number = 1;
  model::Version skipping = sample_version(function);
  skipping.number = 3;
  EXPECT_EQ(code_of(functions().add_version(same, 99)), "busy");
  EXPECT_EQ(code_of(functions().add_version(skipping, 99)), "busy");
  EXPECT_EQ(*functions().find(function.id), function);
}

TEST_P(FunctionStoreConformance, AVersionThatCannotBeStoredChangesNothing) {
  const model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(function).ok());
  model::Version next = sample_version(function);
  next.id = function.current.id;
  EXPECT_FALSE(functions().add_version(next, 99).ok());
  EXPECT_EQ(*functions().find(function.id), function);
}

TEST_P(FunctionStoreConformance, ARemovedFunctionIsGoneWithItsVersionsAndItsNameIsFree) {
  model::Function function = sample_function(1);
  const model::Function other = sample_function(2);
  ASSERT_TRUE(functions().create(function).ok());
  ASSERT_TRUE(functions().create(other).ok());
  ASSERT_TRUE(functions().add_version(sample_version(function), 99).ok());
  ASSERT_TRUE(functions().remove(function.id).ok());
  EXPECT_EQ(code_of(functions().find(function.id)), "not_found");
  EXPECT_EQ(code_of(functions().find(function.name)), "not_found");
  EXPECT_EQ(code_of(functions().remove(function.id)), "not_found");
  EXPECT_THAT(*functions().list(), ElementsAre(other));
  EXPECT_TRUE(functions().create(function).ok());  // its version ids are free too
}

TEST_P(FunctionStoreConformance, RemovalIsByIdOnly) {
  const model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(function).ok());
  EXPECT_EQ(code_of(functions().remove(function.name)), "not_found");
  EXPECT_TRUE(functions().find(function.id).ok());
}

TEST_P(FunctionStoreConformance, RemovalNamesTheCodeThatNobodyElseHas) {
  const model::Function function = sample_function(1);
  model::Version next = sample_version(function);
  next.code_digest = std::string(64, 'b');
  model::Function other = sample_function(2);
  other.current.code_digest = next.code_digest;
  ASSERT_TRUE(functions().create(function).ok());
  ASSERT_TRUE(functions().add_version(next, 99).ok());
  ASSERT_TRUE(functions().create(other).ok());
  EXPECT_THAT(*functions().remove(function.id), ElementsAre(function.current.code_digest));
  EXPECT_THAT(*functions().remove(other.id), ElementsAre(next.code_digest));
}

TEST_P(FunctionStoreConformance, EverythingIsThereAfterARestart) {
  model::Function kept = sample_function(1);
  const model::Function removed = sample_function(2);
  ASSERT_TRUE(functions().create(kept).ok());
  ASSERT_TRUE(functions().create(removed).ok());
  kept.current = sample_version(kept);
  kept.updated_ms = 99;
  kept.revision = 2;
  ASSERT_TRUE(functions().add_version(kept.current, 99).ok());
  ASSERT_TRUE(functions().remove(removed.id).ok());
  reopen();
  EXPECT_THAT(*functions().list(), ElementsAre(kept));
}

TEST_P(FunctionStoreConformance, FourThreadsCreateFindAndRemove) {
  constexpr int kEach = 25;
  std::atomic<int> wrong = 0;
  on_four_threads([&](int thread) {
    for (int i = 0; i < kEach; ++i) {
      const model::Function function = sample_function(thread * kEach + i);
      wrong += functions().create(function).ok() ? 0 : 1;
      const auto found = functions().find(function.name);
      wrong += found.ok() && *found == function ? 0 : 1;
      wrong += functions().list().ok() ? 0 : 1;
      wrong += i % 2 == 0 || functions().remove(function.id).ok() ? 0 : 1;
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(functions().list()->size(), 4U * 13U);
}

TEST_P(FunctionStoreConformance, OneOfFourGetsTheName) {
  std::atomic<int> created = 0;
  std::atomic<int> refused = 0;
  on_four_threads([&](int thread) {
    model::Function function = sample_function(thread);
    function.name = "wanted";
    const auto result = functions().create(function);
    created += result.ok() ? 1 : 0;
    refused += code_of(result) == "already_exists" ? 1 : 0;
  });
  EXPECT_EQ(created, 1);
  EXPECT_EQ(refused, 3);
}

TEST_P(FunctionStoreConformance, OneOfFourDeploysTheNextVersion) {
  const model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(function).ok());
  std::atomic<int> deployed = 0;
  std::atomic<int> refused = 0;
  on_four_threads([&](int thread) {
    model::Version next = sample_version(function);
    next.id += std::to_string(thread);
    const auto result = functions().add_version(next, 99);
    deployed += result.ok() ? 1 : 0;
    refused += code_of(result) == "busy" ? 1 : 0;
  });
  EXPECT_EQ(deployed, 1);
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(functions().find(function.id)->current.number, 2U);
}

INSTANTIATE_TEST_SUITE_P(Backends, FunctionStoreConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
