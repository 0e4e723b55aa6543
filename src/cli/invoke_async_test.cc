// hearth invoke --async: a call that is handed over, and with --wait followed to its end.
#include <gmock/gmock.h>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;
using enum http::Method;

constexpr const char* kPath = "/functions/f/invoke?mode=async";
constexpr const char* kAccepted = R"({"executionId":"e1"})";

class InvokeAsync : public CommandTest {
 protected:
  void hand_over() { expect(kPost, kPath, 202, kAccepted); }
  // The answers of the execution until it has ended.
  void see(const std::string& state, const std::string& more = "") {
    expect(kGet, "/executions/e1", 200,
           R"({"id":"e1","functionId":"i","state":")" + state + "\"" + more + "}");
  }
  int wait(int pauses) {
    waits_left_ = pauses;
    return hearth({"invoke", "f", "--async", "--wait"});
  }
};

TEST_F(InvokeAsync, PrintsTheIdAlone) {
  hand_over();
  EXPECT_EQ(hearth({"invoke", "f", "--async", "-d", "{}"}), kOk);
  EXPECT_EQ(out(), "e1\n");
  EXPECT_EQ(err(), "");
  EXPECT_THAT(script_.bodies, ElementsAre("{}"));
  EXPECT_THAT(script_.headers, ElementsAre(IsEmpty()));
  EXPECT_THAT(pauses_, IsEmpty());
}

TEST_F(InvokeAsync, NamesVersionAndKey) {
  expect(kPost, "/functions/a%2Fb/invoke?mode=async&version=3", 202, kAccepted);
  EXPECT_EQ(hearth({"invoke", "a/b", "--async", "--function-version", "3", "--idempotency-key", "order 42"}),
            kOk);
  EXPECT_THAT(script_.headers, ElementsAre(ElementsAre(http::Header{"Idempotency-Key", "order 42"})));
}

TEST_F(InvokeAsync, JsonIsTheAnswer) {
  hand_over();
  EXPECT_EQ(hearth({"invoke", "f", "--async", "--json"}), kOk);
  EXPECT_EQ(out(), std::string(kAccepted) + "\n");
}

TEST_F(InvokeAsync, RefusalsAreTold) {
  const std::vector<std::pair<Reply, int>> refusals = {
      {{400, R"({"error":{"code":"bad_json","message":"no JSON"}})", "", ""}, kRefused},
      {{404, R"({"error":{"code":"not_found","message":"no f"}})", "", ""}, kNotFound},
      {{409, R"({"error":{"code":"conflict","message":"the key has another input"}})", "", ""}, kRefused},
      {{429, R"({"error":{"code":"too_many_requests","message":"its backlog is full"}})", "", "1"}, kRefused},
      {{503, R"({"error":{"code":"queue_full","message":"the backlog is full"}})", "", "2"}, kRefused}};
  for (const auto& [reply, code] : refusals) {
    expect(kPost, kPath, reply);
    EXPECT_EQ(hearth({"invoke", "f", "--async", "--wait"}), code);
    EXPECT_EQ(out(), "");
    EXPECT_THAT(err(), HasSubstr("(" + std::to_string(reply.status) + " "));
  }
  EXPECT_EQ(err(), "hearth: the backlog is full (503 queue_full)\n  try again in 2 s\n");
  expect(kPost, kPath, base::Error{base::ErrorCode::kIo, "nobody listens"});
  EXPECT_EQ(hearth({"invoke", "f", "--async"}), kUnreachable);
}

TEST_F(InvokeAsync, AServerThatKnowsNoneIsNotTakenForOneThatAccepted) {
  expect(kPost, kPath, 200, R"({"output":1,"logs":{}})");
  EXPECT_EQ(hearth({"invoke", "f", "--async", "--json"}), kRefused);
  EXPECT_EQ(out(), "");
  EXPECT_THAT(err(), HasSubstr("not an accepted execution"));
}

TEST_F(InvokeAsync, WrongCommandLinesAskNobody) {
  EXPECT_EQ(hearth({"invoke", "f", "--async", "--logs"}), kUsage);
  EXPECT_EQ(hearth({"invoke", "f", "--async", "--trace"}), kUsage);
  EXPECT_EQ(hearth({"invoke", "f", "--wait"}), kUsage);
  EXPECT_EQ(hearth({"invoke", "f", "--idempotency-key", "k"}), kUsage);
  EXPECT_EQ(hearth({"invoke", "f", "--async", "--idempotency-key", ""}), kUsage);
  EXPECT_EQ(hearth({"invoke", "f", "--async", "--idempotency-key", std::string(256, 'k')}), kUsage);
  EXPECT_THAT(err(), HasSubstr("1 to 255 bytes"));
}

TEST_F(InvokeAsync, AKeyMayHave255Bytes) {
  hand_over();
  EXPECT_EQ(hearth({"invoke", "f", "--async", "--idempotency-key", std::string(255, 'k')}), kOk);
}

TEST_F(InvokeAsync, WaitPrintsTheOutputAsInvokeDoes) {
  hand_over();
  see("pending");
  see("running");
  see("done", R"(,"output": {"a":12345678901234567890.10},"logs":[])");
  EXPECT_EQ(wait(3), kOk);
  EXPECT_EQ(out(), "{\"a\":12345678901234567890.10}\n");
  EXPECT_EQ(err(), "execution e1\n");
  EXPECT_THAT(pauses_, ElementsAre(50ms, 100ms, 200ms));
}

TEST_F(InvokeAsync, WaitLooksEverySecondAtLast) {
  hand_over();
  for (int i = 0; i < 6; ++i) {
    see("running");
  }
  see("done", R"(,"output":1)");
  EXPECT_EQ(wait(7), kOk);
  EXPECT_THAT(pauses_, ElementsAre(50ms, 100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms));
}

TEST_F(InvokeAsync, WaitTellsTheFunctionsErrorAsInvokeDoes) {
  hand_over();
  see("dead", R"json(,"error":{"code":"function_error","message":"no x","type":"TypeError",)json"
              R"json("stack":"TypeError: no x\n    at handler (index.js:1:1)"})json");
  EXPECT_EQ(wait(1), kFunctionFailed);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(err(),
            "execution e1\nhearth: function 'f' failed (function_error)\nTypeError: no x\n"
            "    at handler (index.js:1:1)\n");
}

TEST_F(InvokeAsync, WaitEndsAsInvokeWould) {
  const std::vector<std::pair<std::string, int>> ends = {
      {"timeout", kFunctionFailed}, {"out_of_memory", kFunctionFailed}, {"init_error", kFunctionFailed},
      {"no_capacity", kRefused},    {"not_found", kNotFound},           {"internal", kRefused},
      {"of_a_later_time", kRefused}};
  for (const auto& [code, exit_code] : ends) {
    hand_over();
    see("dead", R"(,"error":{"message":"m","code":")" + code + "\"}");
    EXPECT_EQ(wait(1), exit_code) << code;
    EXPECT_THAT(err(), HasSubstr(code));
  }
}

TEST_F(InvokeAsync, WaitTellsThatItWasCancelled) {
  hand_over();
  see("cancelled");
  EXPECT_EQ(wait(1), kRefused);
  EXPECT_EQ(err(), "execution e1\nhearth: the execution was cancelled\n");
}

TEST_F(InvokeAsync, WaitIsJsonOfTheExecution) {
  hand_over();
  see("dead", R"(,"error":{"code":"exited"})");
  waits_left_ = 1;
  EXPECT_EQ(hearth({"invoke", "f", "--async", "--wait", "--json"}), kFunctionFailed);
  EXPECT_EQ(out(), R"({"id":"e1","functionId":"i","state":"dead","error":{"code":"exited"}})"
                   "\n");
}

TEST_F(InvokeAsync, WaitCanBeStopped) {
  hand_over();
  see("running");
  EXPECT_EQ(wait(1), kUnreachable);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(err(),
            "execution e1\nhearth: the execution has not ended: it is running\n"
            "  'hearth execution e1' shows how it goes on\n");
}

TEST_F(InvokeAsync, WaitTellsWhatGoesWrong) {
  hand_over();
  expect(kGet, "/executions/e1", 404, R"({"error":{"code":"not_found","message":"no e1"}})");
  EXPECT_EQ(wait(1), kNotFound);
  EXPECT_THAT(err(), HasSubstr("hearth executions"));
  hand_over();
  expect(kGet, "/executions/e1", base::Error{base::ErrorCode::kTimeout, "no answer"});
  EXPECT_EQ(wait(1), kUnreachable);
  hand_over();
  expect(kGet, "/executions/e1", 200, R"({"id":"e1"})");
  EXPECT_EQ(wait(1), kRefused) << "whether it has ended is not guessed";
}

}  // namespace
}  // namespace hearth::cli
