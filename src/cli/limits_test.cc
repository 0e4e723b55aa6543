// hearth limits.
#include <gmock/gmock.h>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using enum http::Method;

class LimitsCommand : public CommandTest {};

constexpr const char* kPath = "/functions/hello/limits";
constexpr const char* kNone = R"({"maxConcurrency":null,"reservedConcurrency":0,"provisionedConcurrency":0})";
constexpr const char* kSome =
    R"({"maxConcurrency":10,"reservedConcurrency":4,"provisionedConcurrency":2,"provisionedReady":1})";

TEST_F(LimitsCommand, ShowsThem) {
  expect(kGet, kPath, 200, kNone);
  EXPECT_EQ(hearth({"limits", "hello"}), kOk);
  EXPECT_EQ(out(),
            "MAXIMUM  RESERVED  PROVISIONED  READY\n"
            "-        0         0            0\n");
  expect(kGet, kPath, 200, kSome);
  EXPECT_EQ(hearth({"limits", "hello", "--json"}), kOk);
  EXPECT_EQ(out(), std::string(kSome) + "\n");
}

TEST_F(LimitsCommand, ChangesWhatIsNamedAndNothingElse) {
  expect(kGet, kPath, 200, kSome);
  expect(kPut, kPath, 200, kSome);
  EXPECT_EQ(hearth({"limits", "hello", "--max-concurrency", "12"}), kOk);
  EXPECT_EQ(script_.bodies.back(),
            R"({"maxConcurrency":12,"reservedConcurrency":4,"provisionedConcurrency":2})");
  expect(kGet, kPath, 200, kSome);
  expect(kPut, kPath, 200, kSome);
  EXPECT_EQ(hearth({"limits", "hello", "--max-concurrency", "none", "--reserved-concurrency", "0"}), kOk);
  EXPECT_EQ(script_.bodies.back(),
            R"({"maxConcurrency":null,"reservedConcurrency":0,"provisionedConcurrency":2})");
  expect(kGet, kPath, 200, kNone);
  expect(kPut, kPath, 200, kSome);
  EXPECT_EQ(hearth({"limits", "hello", "--provisioned-concurrency", "3"}), kOk);
  EXPECT_EQ(script_.bodies.back(),
            R"({"maxConcurrency":null,"reservedConcurrency":0,"provisionedConcurrency":3})");
}

TEST_F(LimitsCommand, TakesThemAllAway) {
  expect(kDelete, kPath, 200, kNone);
  EXPECT_EQ(hearth({"limits", "hello", "--reset"}), kOk);
  EXPECT_THAT(out(), HasSubstr("-        0         0            0"));
}

TEST_F(LimitsCommand, WrongInputsAreRefused) {
  EXPECT_EQ(hearth({"limits"}), kUsage);
  EXPECT_EQ(hearth({"limits", ""}), kUsage);
  EXPECT_EQ(hearth({"limits", "hello", "--max-concurrency", "few"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("a number of calls, or 'none'"));
  EXPECT_EQ(hearth({"limits", "hello", "--reserved-concurrency", "-1"}), kUsage);
  EXPECT_EQ(hearth({"limits", "hello", "--reset", "--max-concurrency", "1"}), kUsage);
  expect(kGet, kPath, 200, "[]");
  EXPECT_EQ(hearth({"limits", "hello"}), kRefused);
}

}  // namespace
}  // namespace hearth::cli
