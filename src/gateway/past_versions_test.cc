#include "gateway/past_versions.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace hearth::gateway {
namespace {

class PastVersionsTest : public testing::Test {
 protected:
  static model::VersionPtr version(const model::FunctionId& function, std::uint32_t number) {
    model::Version made;
    made.id = function + std::to_string(number);
    made.function_id = function;
    made.number = number;
    return std::make_shared<const model::Version>(made);
  }
  // What a caller hears: the version's id, or the code of an error.
  std::shared_ptr<std::string> find(const model::FunctionId& function, std::uint32_t number) {
    auto heard = std::make_shared<std::string>();
    past_.find(function, number, [heard](const ApiResult<model::VersionPtr>& result) {
      const auto* const found = std::get_if<model::VersionPtr>(&result);
      *heard += found != nullptr ? (*found)->id : std::get<ApiFailure>(result).message;
    });
    return heard;
  }
  // Answers the oldest read.
  void answer(ApiResult<model::VersionPtr> result) {
    auto done = std::move(reads_.front());
    reads_.erase(reads_.begin());
    done(std::move(result));
  }

  std::vector<PastVersions::Found> reads_;
  std::vector<std::string> dropped_;
  PastVersions past_{[this](const model::FunctionId&, std::uint32_t, PastVersions::Found done) {
                       reads_.push_back(std::move(done));
                     },
                     [this](const model::VersionId& id, bool deleted) {
                       dropped_.push_back(id + (deleted ? " deleted" : ""));
                     },
                     2};
};

TEST_F(PastVersionsTest, IsReadOnceForAllThatAsk) {
  const auto first = find("f", 1);
  const auto second = find("f", 1);
  EXPECT_EQ(*first, "");
  ASSERT_EQ(reads_.size(), 1U);
  answer(version("f", 1));
  EXPECT_EQ(*first, "f1");
  EXPECT_EQ(*second, "f1");
  EXPECT_EQ(*find("f", 1), "f1") << "inside the call";
  EXPECT_TRUE(reads_.empty());
}

TEST_F(PastVersionsTest, OneThatWasCurrentNeedsNoRead) {
  past_.keep(version("f", 1));
  past_.keep(version("f", 1));
  EXPECT_EQ(*find("f", 1), "f1");
  EXPECT_TRUE(reads_.empty());
  past_.keep(version("f", 2));
  past_.keep(version("f", 3));
  EXPECT_EQ(dropped_, std::vector<std::string>{"f1"}) << "there is room for two";
  past_.forget("f");
  EXPECT_EQ(dropped_.size(), 3U);
}

TEST_F(PastVersionsTest, AFailureIsTriedAgain) {
  const auto first = find("f", 9);
  answer(ApiFailure{model::ApiErrorCode::kNotFound, "none"});
  EXPECT_EQ(*first, "none");
  find("f", 9);
  EXPECT_EQ(reads_.size(), 1U);
}

TEST_F(PastVersionsTest, TheLeastRecentlyUsedIsDropped) {
  for (std::uint32_t number = 1; number <= 2; ++number) {
    find("f", number);
    answer(version("f", number));
  }
  find("f", 1);
  find("g", 1);
  answer(version("g", 1));
  EXPECT_EQ(dropped_, std::vector<std::string>{"f2"});
  EXPECT_EQ(*find("f", 1), "f1");
}

TEST_F(PastVersionsTest, ARemovedFunctionsAreDroppedAndOthersStay) {
  find("f", 1);
  answer(version("f", 1));
  find("g", 1);
  answer(version("g", 1));
  past_.forget("f");
  EXPECT_EQ(dropped_, std::vector<std::string>{"f1 deleted"});
  EXPECT_EQ(*find("g", 1), "g1");
  find("f", 1);
  EXPECT_EQ(reads_.size(), 1U);
}

TEST_F(PastVersionsTest, WhatIsReadWhileItsFunctionGoesIsNotKept) {
  const auto heard = find("f", 1);
  past_.forget("f");
  answer(version("f", 1));
  EXPECT_EQ(*heard, "f1") << "who asks looks whether the function is there";
  find("f", 1);
  EXPECT_EQ(reads_.size(), 1U);
  EXPECT_TRUE(dropped_.empty());
}

TEST_F(PastVersionsTest, OneThatIsAskedForAgainWhileTheReadOfAForgottenOneIsUnderWay) {
  find("f", 1);
  past_.forget("f");
  const auto later = find("f", 1);
  EXPECT_EQ(reads_.size(), 1U);
  answer(ApiFailure{model::ApiErrorCode::kNotFound, "none"});
  EXPECT_EQ(*later, "none");
}

}  // namespace
}  // namespace hearth::gateway
