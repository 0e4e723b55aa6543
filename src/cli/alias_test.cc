// hearth alias, and a call that names one.
#include <gmock/gmock.h>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using enum http::Method;

class AliasCommand : public CommandTest {};

constexpr const char* kLive =
    R"({"name":"live","version":3,"weights":{"3":0.9,"4":0.1},"updatedAt":"2027-01-15T07:57:00.250Z"})";
constexpr const char* kOld = R"({"name":"old","version":1,"updatedAt":"2027-01-15T07:57:00.250Z"})";

TEST_F(AliasCommand, ListsThem) {
  expect(kGet, "/functions/hello/aliases", 200, std::string(R"({"aliases":[)") + kLive + "," + kOld + "]}");
  EXPECT_EQ(hearth({"alias", "hello"}), kOk);
  EXPECT_EQ(out(),
            "ALIAS  VERSION  CANARY    CHANGED\n"
            "live   3        10% to 4  2 min ago\n"
            "old    1        -         2 min ago\n");
  expect(kGet, "/functions/hello/aliases", 200, R"({"aliases":[]})");
  EXPECT_EQ(hearth({"alias", "hello"}), kOk);
  EXPECT_THAT(out(), HasSubstr("No aliases"));
  expect(kGet, "/functions/hello/aliases", 200, R"({"aliases":[]})");
  EXPECT_EQ(hearth({"alias", "hello", "--json"}), kOk);
  EXPECT_EQ(out(), "{\"aliases\":[]}\n");
}

TEST_F(AliasCommand, ShowsOne) {
  expect(kGet, "/functions/hello/aliases/live", 200, kLive);
  EXPECT_EQ(hearth({"alias", "hello", "live"}), kOk);
  EXPECT_THAT(out(), HasSubstr("10% to 4"));
  expect(kGet, "/functions/hello/aliases/none", 404,
         R"({"error":{"code":"not_found","message":"\"hello\" has no alias \"none\""}})");
  EXPECT_EQ(hearth({"alias", "hello", "none"}), kNotFound);
  EXPECT_THAT(err(), HasSubstr("'hearth alias hello' shows its aliases"));
}

TEST_F(AliasCommand, PointsItAtVersions) {
  expect(kPut, "/functions/hello/aliases/old", 200, kOld);
  EXPECT_EQ(hearth({"alias", "hello", "old", "--to", "1"}), kOk);
  EXPECT_EQ(script_.bodies.back(), R"({"version":1})");
  expect(kPut, "/functions/hello/aliases/live", 200, kLive);
  EXPECT_EQ(hearth({"alias", "hello", "live", "--to", "3", "--canary", "4", "--weight", "0.1"}), kOk);
  EXPECT_EQ(script_.bodies.back(), R"({"version":3,"canary":{"version":4,"weight":0.1}})");
}

TEST_F(AliasCommand, RemovesIt) {
  expect(kDelete, "/functions/hello/aliases/live", 204, "");
  EXPECT_EQ(hearth({"alias", "hello", "live", "--remove"}), kOk);
  EXPECT_EQ(out(), "removed the alias live\n");
}

TEST_F(AliasCommand, WrongInputsAreRefused) {
  EXPECT_EQ(hearth({"alias"}), kUsage);
  EXPECT_EQ(hearth({"alias", "hello", "--to", "1"}), kUsage);
  EXPECT_EQ(hearth({"alias", "hello", "--remove"}), kUsage);
  EXPECT_EQ(hearth({"alias", "hello", "live", "--to", "0"}), kUsage);
  EXPECT_EQ(hearth({"alias", "hello", "live", "--to", "1", "--remove"}), kUsage);
  EXPECT_EQ(hearth({"alias", "hello", "live", "--canary", "1", "--weight", "0.1"}), kUsage);
  EXPECT_EQ(hearth({"alias", "hello", "live", "--to", "1", "--canary", "2"}), kUsage);
  EXPECT_EQ(hearth({"alias", "hello", "live", "--to", "1", "--weight", "0.1"}), kUsage);
  for (const auto* weight : {"0", "1", "0.", "0.0", "0.1234", "-0.1", "x", "0.1e1"}) {
    EXPECT_EQ(hearth({"alias", "hello", "live", "--to", "1", "--canary", "2", "--weight", weight}), kUsage)
        << weight;
  }
  expect(kGet, "/functions/hello/aliases/live", 200, "[]");
  EXPECT_EQ(hearth({"alias", "hello", "live"}), kRefused);
  expect(kGet, "/functions/hello/aliases", 200, R"({"aliases":[1]})");
  EXPECT_EQ(hearth({"alias", "hello"}), kRefused);
}

class InvokeAlias : public CommandTest {};

TEST_F(InvokeAlias, NamesItAndStaysWithOneVersion) {
  expect(kPost, "/functions/hello/invoke?alias=live", 200, R"({"output":1,"logs":{}})");
  EXPECT_EQ(hearth({"invoke", "hello", "--alias", "live"}), kOk);
  EXPECT_TRUE(script_.headers.back().empty());
  expect(kPost, "/functions/hello/invoke?alias=live", 200, R"({"output":1,"logs":{}})");
  EXPECT_EQ(hearth({"invoke", "hello", "--alias", "live", "--sticky", "user 7"}), kOk);
  ASSERT_EQ(script_.headers.back().size(), 1U);
  EXPECT_EQ(script_.headers.back()[0].name, "X-Hearth-Sticky");
  EXPECT_EQ(script_.headers.back()[0].value, "user 7");
  expect(kPost, "/functions/hello/invoke?mode=async&alias=live", 202, R"({"executionId":"e"})");
  EXPECT_EQ(hearth({"invoke", "hello", "--async", "--alias", "live"}), kOk);
}

TEST_F(InvokeAlias, WrongInputsAreRefused) {
  EXPECT_EQ(hearth({"invoke", "hello", "--alias", "live", "--function-version", "3"}), kUsage);
  EXPECT_EQ(hearth({"invoke", "hello", "--sticky", "x"}), kUsage);
  EXPECT_EQ(hearth({"invoke", "hello", "--alias", "live", "--sticky", ""}), kUsage);
  EXPECT_EQ(hearth({"invoke", "hello", "--alias", ""}), kUsage) << "as of a variable that is not set";
  EXPECT_EQ(hearth({"alias", "hello", ""}), kUsage);
  EXPECT_EQ(hearth({"alias", "", "live"}), kUsage);
}

}  // namespace
}  // namespace hearth::cli
