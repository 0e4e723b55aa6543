// What every function store promises of aliases, whatever it is built on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/conformance.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AliasConformance : public testing::TestWithParam<StoreBackend> {
 protected:
  FunctionStore& functions() { return store_->functions(); }
  void reopen() { store_->reopen(); }

  // A function at its third version.
  model::Function create_three(int number = 1) {
    model::Function function = sample_function(number);
    EXPECT_TRUE(functions().create(function).ok());
    for (int i = 0; i < 2; ++i) {
      const auto next = functions().add_version(sample_version(function), 50);
      EXPECT_TRUE(next.ok());
      function = next ? *next : function;
    }
    return function;
  }
  template <typename T>
  static std::string code_of(const base::Result<T>& result) {
    return result.ok() ? "ok" : std::string(base::to_string(result.error().code));
  }

 private:
  std::unique_ptr<StoreUnderTest> store_ = GetParam().make();
};

TEST_P(AliasConformance, AFunctionBeginsWithNoneAtItsFirstRevision) {
  const auto function = create_three();
  EXPECT_TRUE(function.aliases.empty());
  EXPECT_EQ(function.revision, 3U);
}

TEST_P(AliasConformance, WhatWasSetIsFoundWithTheFunction) {
  model::Function function = create_three();
  const model::Alias live{"live", 3, model::Canary{2, 125}, 70};
  const model::Alias old{"Old-1_a", 1, std::nullopt, 71};
  ASSERT_TRUE(functions().change(function.id, live, 70).ok());
  const auto changed = functions().change(function.id, old, 71);
  ASSERT_TRUE(changed.ok()) << changed.error().message;
  function.aliases = {{"live", live}, {"Old-1_a", old}};
  function.updated_ms = 71;
  function.revision += 2;
  EXPECT_EQ(*changed, function);
  EXPECT_EQ(*functions().find(function.id), function);
  EXPECT_EQ(*functions().find(function.name), function);
  EXPECT_THAT(*functions().list(), ElementsAre(function));
  reopen();
  EXPECT_EQ(*functions().find(function.id), function);
}

TEST_P(AliasConformance, SettingItAgainPointsItElsewhere) {
  const model::Function function = create_three();
  ASSERT_TRUE(functions().change(function.id, model::Alias{"live", 1, model::Canary{2, 1}, 0}, 70).ok());
  const auto changed = functions().change(function.id, model::Alias{"live", 2, std::nullopt, 0}, 71);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->aliases, (model::Aliases{{"live", {"live", 2, std::nullopt, 71}}}));
  EXPECT_EQ(changed->revision, function.revision + 2);
}

TEST_P(AliasConformance, NewVersionsLeaveThemAlone) {
  const model::Function function = create_three();
  const auto with_alias = functions().change(function.id, model::Alias{"live", 3, std::nullopt, 0}, 70);
  ASSERT_TRUE(with_alias.ok());
  const auto deployed = functions().add_version(sample_version(*with_alias), 80);
  ASSERT_TRUE(deployed.ok());
  EXPECT_EQ(deployed->aliases, with_alias->aliases);
  EXPECT_EQ(deployed->revision, with_alias->revision + 1);
  EXPECT_EQ(deployed->current.number, 4U);
}

TEST_P(AliasConformance, RemovedItIsGone) {
  const model::Function function = create_three();
  ASSERT_TRUE(functions().change(function.id, model::Alias{"live", 3, std::nullopt, 0}, 70).ok());
  ASSERT_TRUE(functions().change(function.id, model::Alias{"old", 1, std::nullopt, 0}, 71).ok());
  const auto changed = functions().change(function.id, model::RemovedAlias{"live"}, 72);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->aliases, (model::Aliases{{"old", {"old", 1, std::nullopt, 71}}}));
  EXPECT_EQ(changed->revision, function.revision + 3);
  EXPECT_EQ(*functions().find(function.id), *changed);
}

TEST_P(AliasConformance, WhatIsNotThereIsNotFoundAndChangesNothing) {
  const model::Function function = create_three();
  EXPECT_EQ(code_of(functions().change("nothing", model::Alias{"live", 1, std::nullopt, 0}, 70)),
            "not_found");
  const auto no_version = functions().change(function.id, model::Alias{"live", 4, std::nullopt, 0}, 70);
  EXPECT_EQ(code_of(no_version), "not_found");
  EXPECT_THAT(no_version.error().message, HasSubstr("no version 4"));
  EXPECT_EQ(code_of(functions().change(function.id, model::Alias{"live", 1, model::Canary{9, 5}, 0}, 70)),
            "not_found");
  EXPECT_EQ(code_of(functions().change(function.id, model::Alias{"live", 0, std::nullopt, 0}, 70)),
            "not_found");
  EXPECT_EQ(code_of(functions().change("nothing", model::RemovedAlias{"live"}, 70)), "not_found");
  const auto no_alias = functions().change(function.id, model::RemovedAlias{"live"}, 70);
  EXPECT_EQ(code_of(no_alias), "not_found");
  EXPECT_THAT(no_alias.error().message, HasSubstr("\"live\""));
  EXPECT_EQ(*functions().find(function.id), function);
}

TEST_P(AliasConformance, AnAliasIsOfOneFunctionAndGoesWithIt) {
  const model::Function function = create_three();
  const model::Function other = create_three(2);
  ASSERT_TRUE(functions().change(function.id, model::Alias{"live", 3, model::Canary{1, 5}, 0}, 70).ok());
  EXPECT_EQ(code_of(functions().change(other.id, model::RemovedAlias{"live"}, 70)), "not_found");
  EXPECT_TRUE(functions().find(other.id)->aliases.empty());
  const auto removed = functions().remove(function.id);
  ASSERT_TRUE(removed.ok()) << removed.error().message;
  ASSERT_TRUE(functions().create(sample_function(1)).ok());
  EXPECT_TRUE(functions().find(function.id)->aliases.empty());
}

TEST_P(AliasConformance, AFunctionHasSoManyAndNoMore) {
  const model::Function function = create_three();
  for (std::size_t i = 0; i < model::kAliasesPerFunction; ++i) {
    ASSERT_TRUE(
        functions().change(function.id, model::Alias{"a" + std::to_string(i), 1, std::nullopt, 0}, 70).ok());
  }
  const auto refused = functions().change(function.id, model::Alias{"more", 1, std::nullopt, 0}, 70);
  EXPECT_EQ(code_of(refused), "exhausted");
  EXPECT_THAT(refused.error().message, HasSubstr("50"));
  EXPECT_EQ(functions().find(function.id)->aliases.size(), model::kAliasesPerFunction);
  EXPECT_TRUE(functions().change(function.id, model::Alias{"a7", 2, std::nullopt, 0}, 71).ok())
      << "that is none more";
}

TEST_P(AliasConformance, EachOfManyChangesAtOnceCounts) {
  const model::Function function = create_three();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint32_t i = 0; i < 9; ++i) {
        const model::Alias alias{"a" + std::to_string(thread), 1 + i % 3, std::nullopt, 0};
        wrong += functions().change(function.id, alias, 70).ok() ? 0 : 1;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(functions().find(function.id)->revision, function.revision + 36);
  EXPECT_EQ(functions().find(function.id)->aliases.size(), 4U);
}

INSTANTIATE_TEST_SUITE_P(Backends, AliasConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
