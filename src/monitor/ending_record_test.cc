#include "monitor/ending_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::monitor {
namespace {

using model::ExecutionState;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class EndingRecord : public testing::Test {
 protected:
  EndingRecord() {
    function_.id = "0197c5a2-0000-4000-8000-000000000001";
    function_.name = "hello";
  }
  std::string record(ExecutionState state, std::size_t most_bytes = 6UL << 20U) const {
    return ending_record({id_, function_, 3, state, 2, 1'769'860'800'123, 1'769'860'801'456, input_, result_},
                         most_bytes);
  }

  model::ExecutionId id_ = "0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e8f";
  model::Function function_;
  std::string input_ = R"({"name": "Ada"})";
  model::ExecutionResult result_{R"({"hello":"Ada"})", "", {}, {}};
};

constexpr const char* kBegin =
    R"({"executionId":"0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e8f",)"
    R"("functionId":"0197c5a2-0000-4000-8000-000000000001","functionName":"hello","version":3,)";

TEST_F(EndingRecord, OfOneThatIsDoneHasWhatWentInAndCameOut) {
  EXPECT_EQ(record(ExecutionState::kDone),
            std::string(kBegin) +
                R"("state":"done","attempts":2,"submittedAt":"2026-01-31T12:00:00.123Z",)"
                R"("endedAt":"2026-01-31T12:00:01.456Z","input":{"name": "Ada"},"output":{"hello":"Ada"}})");
}

TEST_F(EndingRecord, OfADeadOneHasTheError) {
  result_ = {"", "function_error", {"TypeError", "no \"luck\"", "at index.js:1"}, {}};
  input_ = " \n";
  EXPECT_EQ(record(ExecutionState::kDead),
            std::string(kBegin) +
                R"("state":"dead","attempts":2,"submittedAt":"2026-01-31T12:00:00.123Z",)"
                R"("endedAt":"2026-01-31T12:00:01.456Z","input":null,"error":{"code":"function_error",)"
                R"("message":"no \"luck\"","type":"TypeError","stack":"at index.js:1"}})");
}

TEST_F(EndingRecord, WhatIsTooLongForItIsLeftOutTheInputFirst) {
  input_ = '"' + std::string(600, 'i') + '"';
  result_.output = '"' + std::string(600, 'o') + '"';
  const std::size_t whole = record(ExecutionState::kDone).size();
  EXPECT_THAT(record(ExecutionState::kDone, whole), Not(HasSubstr("truncated")));
  const std::string shorter = record(ExecutionState::kDone, whole - 1);
  EXPECT_THAT(shorter, AllOf(HasSubstr(R"("truncated":true)"), HasSubstr("\"output\":\"ooo"),
                             Not(HasSubstr("input"))));
  EXPECT_THAT(record(ExecutionState::kDone, shorter.size() - 1),
              AllOf(HasSubstr(R"("truncated":true)"), Not(HasSubstr("output")), Not(HasSubstr("input"))));
}

TEST_F(EndingRecord, AnErrorThatIsTooLongHasItsBeginning) {
  result_ = {"", "function_error", {"TypeError", std::string(5'000, 'm'), std::string(5'000, 's')}, {}};
  const std::string least = record(ExecutionState::kDead, 4'000);
  EXPECT_LT(least.size(), 2'000U);
  EXPECT_THAT(least, AllOf(HasSubstr(R"("truncated":true)"), HasSubstr("mmm"), Not(HasSubstr("sss"))));
}

}  // namespace
}  // namespace hearth::monitor
