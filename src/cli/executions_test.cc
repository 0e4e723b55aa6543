// hearth executions, execution, cancel, redrive.
#include <gmock/gmock.h>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using enum http::Method;

constexpr const char* kMissing = R"({"error":{"code":"not_found","message":"no e1"}})";
constexpr const char* kEnded = R"({"error":{"code":"conflict","message":"it has ended"}})";

class Executions : public CommandTest {};

constexpr const char* kThree =
    R"({"executions":[{"id":"e3","functionId":"f1","version":null,"state":"pending","endedAt":null,)"
    R"("submittedAt":"2027-01-15T07:59:30Z","dueAt":"2027-01-15T08:00:05Z",)"
    R"("attempts":[{"number":1,"code":"timeout","message":"m","counts":true}]},)"
    R"({"id":"e2","functionId":"f1","kind":"webhook","version":2,"state":"dead","submittedAt":"2027-01-15T07:57:00Z",)"
    R"("endedAt":"2027-01-15T07:59:00Z","attempts":[{"number":1},{"number":2,"code":"exited"}],)"
    R"("error":{"code":"not_found"}},)"
    R"({"id":"e1","functionId":"f2","version":1,"state":"done","submittedAt":"2027-01-15T06:00:00Z",)"
    R"("endedAt":"2027-01-15T06:00:00Z","attempts":[{"number":1,"code":"exited"}]}],"before":"e1"})";

TEST_F(Executions, AreATable) {
  expect(kGet, "/executions", 200, kThree);
  EXPECT_EQ(hearth({"executions"}), kOk);
  EXPECT_EQ(out(),
            "ID  FUNCTION  KIND     VERSION  STATE    FAILED  SUBMITTED  ENDED     ERROR\n"
            "e3  f1        call     -        pending  1       30 s ago   -         timeout\n"
            "e2  f1        webhook  2        dead     2       3 min ago  60 s ago  not_found\n"
            "e1  f2        call     1        done     1       2 h ago    2 h ago   -\n");
  EXPECT_EQ(err(), "older ones: hearth executions --before e1\n");
}

TEST_F(Executions, AreChosen) {
  expect(kGet, "/executions?state=dead&function=a%20b&limit=5&before=e9", 200, kThree);
  EXPECT_EQ(hearth({"executions", "a b", "--state", "dead", "--limit", "5", "--before", "e9"}), kOk);
  EXPECT_EQ(err(), "older ones: hearth executions a b --state dead --limit 5 --before e1\n");
  expect(kGet, "/executions?function=f", 200, kThree);
  EXPECT_EQ(hearth({"executions", "--function", "f"}), kOk);
}

TEST_F(Executions, AreIdsOrJson) {
  expect(kGet, "/executions", 200, kThree);
  EXPECT_EQ(hearth({"executions", "--quiet"}), kOk);
  EXPECT_EQ(out(), "e3\ne2\ne1\n");
  expect(kGet, "/executions", 200, kThree);
  EXPECT_EQ(hearth({"executions", "--json"}), kOk);
  EXPECT_EQ(out(), std::string(kThree) + "\n");
  EXPECT_EQ(err(), "");
}

TEST_F(Executions, MayBeNone) {
  expect(kGet, "/executions", 200, R"({"executions":[]})");
  EXPECT_EQ(hearth({"executions"}), kOk);
  EXPECT_THAT(out(), HasSubstr("hearth invoke NAME --async"));
  expect(kGet, "/executions?state=dead", 200, R"({"executions":[]})");
  EXPECT_EQ(hearth({"executions", "--state", "dead"}), kOk);
  EXPECT_EQ(out(), "No such executions.\n");
  EXPECT_EQ(err(), "");
}

TEST_F(Executions, RefusalsAndWrongCommandLines) {
  expect(kGet, "/executions?function=f", 200, R"({"executions":[]})");
  EXPECT_EQ(hearth({"executions", "f"}), kOk) << "executions outlive their function";
  EXPECT_EQ(out(), "No such executions.\n");
  expect(kGet, "/executions", 503, R"({"error":{"code":"store_unavailable","message":"no store"}})");
  EXPECT_EQ(hearth({"executions"}), kRefused);
  expect(kGet, "/executions", 200, "[]");
  EXPECT_EQ(hearth({"executions"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("not a list of executions"));
  EXPECT_EQ(hearth({"executions", "--state", "asleep"}), kUsage);
  EXPECT_EQ(hearth({"executions", "--limit", "0"}), kUsage);
  EXPECT_EQ(hearth({"executions", "--limit", "1001"}), kUsage);
  EXPECT_EQ(hearth({"executions", "--function", ""}), kUsage);
}

TEST_F(Executions, ControlCharactersDoNotReachTheTerminal) {
  const std::string evil = R"({"executions":[{"id":"e\u001b[2J","state":"\u0007"}],"before":"\u001bc"})";
  expect(kGet, "/executions", 200, evil);
  hearth({"executions"});
  EXPECT_THAT(out() + err(), Not(HasSubstr("\033")));
  expect(kGet, "/executions", 200, evil);
  hearth({"executions", "--quiet"});
  EXPECT_EQ(out(), "e?[2J\n");
  expect(kGet, "/executions", 400, R"({"error":{"code":"\u001bc","message":"\u001bc"}})");
  hearth({"executions"});
  EXPECT_THAT(err(), Not(HasSubstr("\033")));
}

class ExecutionShown : public CommandTest {};

TEST_F(ExecutionShown, AMessageSaysWhatItTellsOf) {
  expect(kGet, "/executions/e2", 200,
         R"({"id":"e2","functionId":"f","kind":"webhook","parentId":"e1","state":"pending","attempts":[]})");
  EXPECT_EQ(hearth({"execution", "e2"}), kOk);
  EXPECT_THAT(out(), HasSubstr("kind       webhook\ntells of   e1\n"));
}

constexpr const char* kDone =
    R"({"id":"e1","functionId":"f1","version":3,"state":"done","submittedAt":"2027-01-15T07:58:00.123Z","dueAt":null,)"
    R"("startedAt":"2027-01-15T07:59:00Z","endedAt":"2027-01-15T07:59:01Z","attempts":[{"number":1,)"
    R"("startedAt":"2027-01-15T07:58:00.500Z","endedAt":"2027-01-15T07:58:00.512Z","code":"no_capacity",)"
    R"("message":"full\nindeed","counts":false}],"output":{"a":1.10},)"
    R"("logs":[{"stream":"stdout","text":"one\ntwo\n"},{"stream":"stderr","text":"bad"}],"logsTruncated":true})";

TEST_F(ExecutionShown, HasFieldsAttemptsLogsAndOutput) {
  expect(kGet, "/executions/e1", 200, kDone);
  EXPECT_EQ(hearth({"execution", "e1"}), kOk);
  EXPECT_EQ(out(),
            "id         e1\nfunction   f1\nversion    3\nstate      done\n"
            "submitted  2027-01-15T07:58:00.123Z  (119 s ago)\n"
            "started    2027-01-15T07:59:00Z  (60 s ago)\nended      2027-01-15T07:59:01Z  (59 s ago)\n"
            "\nFAILED  STARTED    TOOK     COUNTS  ERROR        MESSAGE\n"
            "1       119 s ago  12.0 ms  no      no_capacity  full?indeed\n"
            "\nlogs\n  | one\n  | two\n  ! bad\n"
            "  (the function wrote more than the log's limit; the rest is lost)\n"
            "\noutput\n{\"a\":1.10}\n");
}

TEST_F(ExecutionShown, SaysWhenItIsDue) {
  expect(kGet, "/executions/e1", 200,
         R"({"id":"e1","functionId":"f1","version":null,"state":"pending","dueAt":"2027-01-15T08:00:05Z"})");
  EXPECT_EQ(hearth({"execution", "e1"}), kOk);
  EXPECT_EQ(out(),
            "id         e1\nfunction   f1\nstate      pending\ndue        2027-01-15T08:00:05Z  (in 5 s)\n");
}

TEST_F(ExecutionShown, SaysWhyItIsDead) {
  const std::string dead =
      R"({"id":"e1","functionId":"f1","state":"dead","error":{"code":"function_error","message":"no\u001b[2J",)"
      R"("type":"Error","stack":"at a\n\tat b"}})";
  expect(kGet, "/executions/e1", 200, dead);
  EXPECT_EQ(hearth({"execution", "e1"}), kOk);
  EXPECT_THAT(out(), HasSubstr("error      function_error\n"));
  EXPECT_THAT(out(), HasSubstr("\nerror\nError: no?[2J\nat a\n\tat b\n"));
  expect(kGet, "/executions/e1", 200, dead);
  EXPECT_EQ(hearth({"execution", "e1", "--output"}), kFunctionFailed);
  EXPECT_EQ(out(), "");
  EXPECT_THAT(err(), HasSubstr("hearth: function 'f1' failed (function_error)\nError: no"));
}

TEST_F(ExecutionShown, IsOutputOrJson) {
  expect(kGet, "/executions/e1", 200, kDone);
  EXPECT_EQ(hearth({"execution", "e1", "--output"}), kOk);
  EXPECT_EQ(out(), "{\"a\":1.10}\n");
  expect(kGet, "/executions/e1", 200, kDone);
  EXPECT_EQ(hearth({"execution", "e1", "--json"}), kOk);
  EXPECT_EQ(out(), std::string(kDone) + "\n");
}

TEST_F(ExecutionShown, HasNoOutputBeforeItsEnd) {
  const std::string running = R"({"id":"e1","state":"running"})";
  expect(kGet, "/executions/e1", 200, running);
  EXPECT_EQ(hearth({"execution", "e1", "--output"}), kUnreachable);
  EXPECT_EQ(out(), "");
  EXPECT_THAT(err(), HasSubstr("has not ended: it is running"));
  expect(kGet, "/executions/e1", 200, running);
  EXPECT_EQ(hearth({"execution", "e1", "--output", "--json"}), kUnreachable);
  EXPECT_EQ(out(), running + "\n");
}

TEST_F(ExecutionShown, RefusalsAndWrongCommandLines) {
  expect(kGet, "/executions/a%2Fb", 404, kMissing);
  EXPECT_EQ(hearth({"execution", "a/b"}), kNotFound);
  EXPECT_EQ(err(), "hearth: no e1 (404 not_found)\n  'hearth executions' shows those that there are\n");
  expect(kGet, "/executions/e1", 200, R"({"executions":[]})");
  EXPECT_EQ(hearth({"execution", "e1"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("not an execution"));
  EXPECT_EQ(hearth({"execution"}), kUsage);
  EXPECT_EQ(hearth({"execution", ""}), kUsage);
}

class Cancel : public CommandTest {};

TEST_F(Cancel, SaysWhatItCancelled) {
  const std::string body = R"({"id":"e1","state":"cancelled"})";
  expect(kDelete, "/executions/e1", 200, body);
  EXPECT_EQ(hearth({"cancel", "e1"}), kOk);
  EXPECT_EQ(out(), "cancelled e1\n");
  expect(kDelete, "/executions/e1", 200, body);
  EXPECT_EQ(hearth({"cancel", "e1", "--json"}), kOk);
  EXPECT_EQ(out(), body + "\n");
}

TEST_F(Cancel, RefusalsAndWrongCommandLines) {
  expect(kDelete, "/executions/e1", 404, kMissing);
  EXPECT_EQ(hearth({"cancel", "e1"}), kNotFound);
  EXPECT_THAT(err(), HasSubstr("hearth executions"));
  expect(kDelete, "/executions/e1", 409, kEnded);
  EXPECT_EQ(hearth({"cancel", "e1"}), kRefused);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(err(), "hearth: it has ended (409 conflict)\n");
  EXPECT_EQ(hearth({"cancel"}), kUsage);
  EXPECT_EQ(hearth({"cancel", ""}), kUsage);
}

class Redrive : public CommandTest {};

TEST_F(Redrive, IsOfOne) {
  const std::string body = R"({"id":"e1","state":"pending"})";
  expect(kPost, "/executions/e1/redrive", 200, body);
  EXPECT_EQ(hearth({"redrive", "e1"}), kOk);
  EXPECT_EQ(out(), "e1 is pending again\n");
  expect(kPost, "/executions/e1/redrive", 200, body);
  EXPECT_EQ(hearth({"redrive", "e1", "--json"}), kOk);
  EXPECT_EQ(out(), body + "\n");
}

TEST_F(Redrive, IsOfAllThatAreDead) {
  expect(kPost, "/executions/redrive", 200, R"({"redriven":12})");
  EXPECT_EQ(hearth({"redrive", "--dead"}), kOk);
  EXPECT_EQ(out(), "12 executions are pending again\n");
  expect(kPost, "/executions/redrive?function=a%2Fb", 200, R"({"redriven":1})");
  EXPECT_EQ(hearth({"redrive", "--dead", "--function", "a/b"}), kOk);
  EXPECT_EQ(out(), "1 execution is pending again\n");
  expect(kPost, "/executions/redrive", 200, R"({"redriven":0})");
  EXPECT_EQ(hearth({"redrive", "--dead", "--json"}), kOk);
  EXPECT_EQ(out(), "{\"redriven\":0}\n");
}

TEST_F(Redrive, RefusalsAreTold) {
  expect(kPost, "/executions/e1/redrive", 404, kMissing);
  EXPECT_EQ(hearth({"redrive", "e1"}), kNotFound);
  EXPECT_THAT(err(), HasSubstr("hearth executions"));
  expect(kPost, "/executions/e1/redrive", 409, kEnded);
  EXPECT_EQ(hearth({"redrive", "e1"}), kRefused);
  expect(kPost, "/executions/e1/redrive",
         Reply{503, R"({"error":{"code":"queue_full","message":"full"}})", "", "1"});
  EXPECT_EQ(hearth({"redrive", "e1"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("try again in 1 s"));
  expect(kPost, "/executions/redrive?function=f", 404, R"({"error":{"code":"not_found","message":"no f"}})");
  EXPECT_EQ(hearth({"redrive", "--dead", "--function", "f"}), kNotFound);
  EXPECT_THAT(err(), HasSubstr("hearth list"));
  expect(kPost, "/executions/redrive", 200, "{}");
  EXPECT_EQ(hearth({"redrive", "--dead"}), kRefused);
}

TEST_F(Redrive, WrongCommandLinesRedriveNothing) {
  EXPECT_EQ(hearth({"redrive"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--dead"));
  EXPECT_EQ(hearth({"redrive", ""}), kUsage);
  EXPECT_EQ(hearth({"redrive", "e1", "--dead"}), kUsage);
  EXPECT_EQ(hearth({"redrive", "e1", "--function", "f"}), kUsage);
  EXPECT_EQ(hearth({"redrive", "--function", "f"}), kUsage);
  EXPECT_EQ(hearth({"redrive", "--dead", "--function", ""}), kUsage);
}

class ExecutionCommands : public CommandTest {};

TEST_F(ExecutionCommands, AreCompletedInEveryShell) {
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(hearth({"completion", shell}), kOk);
    for (const auto* word : {"executions", "execution", "cancel", "redrive", "async", "idempotency-key",
                             "wait", "state", "dead", "output", "executions --quiet --limit 50"}) {
      EXPECT_THAT(out(), HasSubstr(word)) << shell;
    }
    EXPECT_THAT(out(), Not(HasSubstr("@list_ids@"))) << shell;
    EXPECT_THAT(out(), Not(HasSubstr("@takes_execution@"))) << shell;
  }
}

TEST_F(ExecutionCommands, HaveHelpWithExamples) {
  for (const auto* command : {"executions", "execution", "cancel", "redrive", "invoke"}) {
    EXPECT_EQ(hearth({command, "--help"}), kOk);
    EXPECT_THAT(out(), HasSubstr("Examples:\n  hearth "));
  }
  EXPECT_EQ(hearth({"--help"}), kOk);
  EXPECT_THAT(out(), HasSubstr("redrive"));
}

}  // namespace
}  // namespace hearth::cli
