// What every function store promises of what is said of a function beside its versions, whatever it is built
// on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/conformance.h"

namespace hearth::store {
namespace {

class PolicyConformance : public testing::TestWithParam<StoreBackend> {
 protected:
  FunctionStore& functions() { return store_->functions(); }
  void reopen() { store_->reopen(); }

  model::Function create() {
    model::Function function = sample_function(1);
    EXPECT_TRUE(functions().create(function).ok());
    return function;
  }

 private:
  std::unique_ptr<StoreUnderTest> store_ = GetParam().make();
};

model::AsyncPolicy whole_policy() {
  return {0, 60, 7, model::Destination{"n\"ext", "", ""}, model::Destination{"", "https://a/b?c=d", "s\n"}};
}

TEST_P(PolicyConformance, AFunctionBeginsWithNone) {
  const auto function = create();
  EXPECT_EQ(functions().find(function.id)->concurrency, model::Concurrency());
  EXPECT_EQ(functions().find(function.id)->async, model::AsyncPolicy());
}

TEST_P(PolicyConformance, WhatWasSetIsFoundWithTheFunction) {
  model::Function function = create();
  const model::Concurrency limits{10, 3, 2};
  ASSERT_TRUE(functions().change(function.id, limits, 70).ok());
  const auto changed = functions().change(function.id, whole_policy(), 71);
  ASSERT_TRUE(changed.ok()) << changed.error().message;
  function.concurrency = limits;
  function.async = whole_policy();
  function.updated_ms = 71;
  function.revision += 2;
  EXPECT_EQ(*changed, function);
  EXPECT_EQ(*functions().find(function.name), function);
  EXPECT_THAT(*functions().list(), testing::ElementsAre(function));
  reopen();
  EXPECT_EQ(*functions().find(function.id), function);
}

TEST_P(PolicyConformance, AMaximumOfZeroIsNotNone) {
  const auto function = create();
  EXPECT_EQ(functions().change(function.id, model::Concurrency{0, 0, 0}, 70)->concurrency.maximum, 0U);
  EXPECT_EQ(functions().change(function.id, model::Concurrency(), 71)->concurrency.maximum, std::nullopt);
}

TEST_P(PolicyConformance, TheyAreTheFunctionsNotTheVersions) {
  model::Function function = create();
  ASSERT_TRUE(functions().change(function.id, whole_policy(), 70).ok());
  const auto deployed = functions().add_version(sample_version(function), 71);
  ASSERT_TRUE(deployed.ok());
  EXPECT_EQ(deployed->async, whole_policy());
  EXPECT_EQ(functions().change(function.id, model::AsyncPolicy(), 72)->current, deployed->current);
}

TEST_P(PolicyConformance, OfAFunctionThatIsGoneNothingIsSaid) {
  const auto refused = functions().change("nothing", model::Concurrency{1, 0, 0}, 70);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Backends, PolicyConformance, testing::ValuesIn(store_backends()),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace hearth::store
