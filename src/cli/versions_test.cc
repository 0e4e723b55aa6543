// hearth versions, hearth rollback, and a call of a past version.
#include <gmock/gmock.h>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using enum http::Method;

class Versions : public CommandTest {};

constexpr const char* kTwo =
    R"({"versions":[{"version":8,"current":true,"memorySize":256,"runtime":"node","handler":"index","timeout":30000,)"
    R"("codeSize":1536,"codeSha256":"0123456789abcdef","createdAt":"2027-01-15T07:57:00.250Z"},)"
    R"({"version":7,"current":false,"memorySize":128,"runtime":"python","handler":"app.main","timeout":500,)"
    R"("codeSize":10,"codeSha256":"ff","createdAt":null}],"before":7})";

TEST_F(Versions, AreATable) {
  expect(kGet, "/functions/hello/versions", 200, kTwo);
  EXPECT_EQ(hearth({"versions", "hello"}), kOk);
  EXPECT_EQ(out(),
            "VERSION           RUNTIME  HANDLER   MEMORY  TIME-OUT  CODE    SHA256        MADE\n"
            "8        current  node     index     256 MB  30s       1.5 KB  0123456789ab  2 min ago\n"
            "7                 python   app.main  128 MB  500ms     10 B    ff            -\n");
  EXPECT_THAT(err(), HasSubstr("hearth versions hello --before 7"));
}

TEST_F(Versions, GoOnAndAreJson) {
  const std::string none = R"({"versions":[]})";
  expect(kGet, "/functions/hello/versions?before=7", 200, none);
  EXPECT_EQ(hearth({"versions", "hello", "--before", "7", "--json"}), kOk);
  EXPECT_EQ(out(), none + "\n");
  EXPECT_EQ(err(), "");
}

TEST_F(Versions, AnAnswerThatIsNoListIsNotGuessed) {
  expect(kGet, "/functions/hello/versions", 200, "[]");
  EXPECT_EQ(hearth({"versions", "hello"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("list of versions"));
}

class Rollback : public CommandTest {};

TEST_F(Rollback, IsToTheVersionBefore) {
  expect(kPost, "/functions/hello/rollback", 200, R"({"id":"i","name":"hello","version":9})");
  EXPECT_EQ(hearth({"rollback", "hello"}), kOk);
  EXPECT_EQ(script_.bodies.back(), "{}");
  EXPECT_EQ(out(), "rolled hello back: version 9 has the code and the settings of version 7\n");
}

TEST_F(Rollback, IsToTheOneThatIsNamed) {
  expect(kPost, "/functions/hello/rollback", 200, R"({"id":"i","name":"hello","version":9})");
  EXPECT_EQ(hearth({"rollback", "hello", "--to", "3"}), kOk);
  EXPECT_EQ(script_.bodies.back(), R"({"version":3})");
  EXPECT_EQ(out(), "rolled hello back: version 9 has the code and the settings of version 3\n");
}

TEST_F(Rollback, WrongInputsAreRefused) {
  EXPECT_EQ(hearth({"rollback", "hello", "--to", "0"}), kUsage);
  EXPECT_EQ(hearth({"rollback"}), kUsage);
  expect(kPost, "/functions/hello/rollback", 404,
         R"({"error":{"code":"not_found","message":"it has no version 40"}})");
  EXPECT_EQ(hearth({"rollback", "hello", "--to", "40"}), kNotFound);
  EXPECT_THAT(err(), HasSubstr("it has no version 40"));
}

class InvokeVersion : public CommandTest {};

TEST_F(InvokeVersion, NamesIt) {
  expect(kPost, "/functions/hello/invoke?version=3", 200, R"({"output":1,"logs":{}})");
  EXPECT_EQ(hearth({"invoke", "hello", "--function-version", "3"}), kOk);
  EXPECT_EQ(out(), "1\n");
  EXPECT_EQ(hearth({"invoke", "hello", "--function-version", "0"}), kUsage);
}

}  // namespace
}  // namespace hearth::cli
