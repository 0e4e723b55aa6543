#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using enum http::Method;

class Invoke : public CommandTest {
 protected:
  void answer(int status, const std::string& body) {
    expect(kPost, "/functions/f/invoke", Reply{status, body, "r1", ""});
  }
};

TEST_F(Invoke, PrintsTheOutputAloneWithItsDigitsUntouched) {
  answer(
      200,
      R"({"output": {"a":12345678901234567890.10,"b":[]}, "logs":{"name":"invoke","duration":1,"subLogs":[]}})");
  EXPECT_EQ(hearth({"invoke", "f", "--data", "{}"}), kOk);
  EXPECT_EQ(out(), "{\"a\":12345678901234567890.10,\"b\":[]}\n");
  EXPECT_EQ(err(), "");
  EXPECT_THAT(script_.bodies, ElementsAre("{}"));
}

TEST_F(Invoke, IsPrettyOnATerminal) {
  out_is_terminal_ = true;
  answer(200, R"({"output":{"a":1}})");
  hearth({"invoke", "f"});
  EXPECT_EQ(out(), "{\n  \"a\": 1\n}\n");
}

TEST_F(Invoke, InputComesFromOptionFileOrStdin) {
  const std::string path = testing::TempDir() + "hearth-invoke-input.json";
  std::ofstream(path) << "[1]";
  answer(200, R"({"output":1})");
  hearth({"invoke", "f", "--data", "@" + path});
  std::remove(path.c_str());

  in_.str("[2]");
  answer(200, R"({"output":1})");
  hearth({"invoke", "f", "-d", "-"});

  in_.clear();
  in_.str("[3]");
  in_is_data_ = true;
  answer(200, R"({"output":1})");
  hearth({"invoke", "f"});

  in_is_data_ = false;
  answer(200, R"({"output":1})");
  hearth({"invoke", "f"});
  EXPECT_THAT(script_.bodies, ElementsAre("[1]", "[2]", "[3]", ""));
}

TEST_F(Invoke, MissingInputFileIsUsage) {
  EXPECT_EQ(hearth({"invoke", "f", "--data", "@/nowhere/x.json"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("/nowhere/x.json"));
}

TEST_F(Invoke, FunctionErrorPrintsTypeMessageAndStackOnce) {
  answer(502, R"json({"error":{"code":"function_error","message":"no x","type":"TypeError",)json"
              R"json("stack":"TypeError: no x\n    at handler (index.js:1:1)"},"logs":{}})json");
  EXPECT_EQ(hearth({"invoke", "f"}), kFunctionFailed);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(err(),
            "hearth: function 'f' failed (function_error)\nTypeError: no x\n    at handler (index.js:1:1)\n");
}

TEST_F(Invoke, EveryWayAFunctionFailsIsExitOne) {
  const std::vector<std::pair<int, std::string>> failures = {
      {504, "timeout"}, {502, "out_of_memory"}, {502, "exited"}, {502, "init_error"}};
  for (const auto& [status, code] : failures) {
    answer(status, "{\"error\":{\"code\":\"" + code + "\",\"message\":\"m\"}}");
    EXPECT_EQ(hearth({"invoke", "f"}), kFunctionFailed);
    EXPECT_THAT(err(), HasSubstr(code));
  }
}

TEST_F(Invoke, RefusalsAreNotTheFunctions) {
  answer(404, R"({"error":{"code":"not_found","message":"none"}})");
  EXPECT_EQ(hearth({"invoke", "f", "--logs", "--trace"}), kNotFound);
  answer(503, R"({"error":{"code":"no_capacity","message":"full"}})");
  EXPECT_EQ(hearth({"invoke", "f"}), kRefused);
  answer(400, R"({"error":{"code":"bad_json","message":"no JSON"}})");
  EXPECT_EQ(hearth({"invoke", "f", "--data", "{"}), kRefused);
}

TEST_F(Invoke, JsonPrintsTheWholeAnswerAlsoOfAFailure) {
  answer(200, R"({"output":1,"logs":{}})");
  EXPECT_EQ(hearth({"--json", "invoke", "f"}), kOk);
  EXPECT_EQ(out(), "{\"output\":1,\"logs\":{}}\n");
  answer(502, R"({"error":{"code":"exited"}})");
  EXPECT_EQ(hearth({"--json", "invoke", "f"}), kFunctionFailed);
  EXPECT_EQ(out(), "{\"error\":{\"code\":\"exited\"}}\n");
}

TEST_F(Invoke, TraceIsAnIndentedTableOnStderr) {
  answer(200, R"({"output":1,"logs":{"name":"invoke","duration":42.5,"subLogs":[)"
              R"({"name":"find","duration":0.25,"subLogs":[{"name":"pop","duration":0.1,"subLogs":[]}]}]}})");
  EXPECT_EQ(hearth({"invoke", "f", "--trace"}), kOk);
  EXPECT_EQ(out(), "1\n");
  EXPECT_EQ(err(), "STEP     TIME\ninvoke   42.5 ms\n  find   0.25 ms\n    pop  0.10 ms\n");
}

TEST_F(Invoke, LogsAreThoseOfThisCallAndMayComeALittleLater) {
  const std::string path = "/functions/f/logs?limit=100&requestId=r1";
  answer(200, R"({"output":1})");
  expect(kGet, path, 200, R"({"entries":[{"requestId":"other","lines":[{"stream":"stdout","text":"no"}]}]})");
  expect(kGet, path, 200, R"({"entries":[{"requestId":"r1","lines":[{"stream":"stdout","text":"mine"}]}]})");
  waits_left_ = 1;
  EXPECT_EQ(hearth({"invoke", "f", "--logs"}), kOk);
  EXPECT_EQ(err(), "  | mine\n");
  EXPECT_EQ(out(), "1\n");
}

}  // namespace
}  // namespace hearth::cli
