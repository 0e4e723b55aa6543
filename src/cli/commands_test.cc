// The commands that ask and print: list, show, logs, delete, status, version.
#include <gmock/gmock.h>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using enum http::Method;

constexpr const char* kHello =
    R"({"id":"f81d4fae-7dec-41d0-a765-00a0c91e6bf6","name":"hello","displayName":"Hello","memorySize":128,)"
    R"("runtime":"node","handler":"index","timeout":30000,"environment":{"A":"1"},"concurrency":1,"version":3,)"
    R"("codeSize":1536,"codeSha256":"ab12","state":"active","createdAt":"2027-01-15T06:00:00Z",)"
    R"("updatedAt":"2027-01-15T07:57:00.250Z"})";

class Commands : public CommandTest {};

TEST_F(Commands, ListIsATable) {
  expect(kGet, "/functions", 200,
         "[" + std::string(kHello) + R"(,{"id":"x-y","memorySize":1024,"timeout":500}])");
  EXPECT_EQ(hearth({"list"}), kOk);
  EXPECT_EQ(
      out(),
      "NAME   RUNTIME  MEMORY   TIME-OUT  VERSION  CODE    UPDATED    ID\n"
      "hello  node     128 MB   30s       3        1.5 KB  2 min ago  f81d4fae-7dec-41d0-a765-00a0c91e6bf6\n"
      "-               1024 MB  500ms     0        0 B                x-y\n");
}

TEST_F(Commands, ListInOtherShapes) {
  const std::string body = "[" + std::string(kHello) + "]";
  expect(kGet, "/functions", 200, body);
  hearth({"list", "--json"});
  EXPECT_EQ(out(), body + "\n");
  expect(kGet, "/functions", 200, body);
  hearth({"list", "-q"});
  EXPECT_EQ(out(), "hello\n");
  expect(kGet, "/functions", 200, "[]");
  hearth({"list"});
  EXPECT_THAT(out(), HasSubstr("hearth deploy DIR"));
}

TEST_F(Commands, ControlCharactersDoNotReachTheTerminal) {
  expect(kGet, "/functions", 200, R"([{"id":"i","name":"a\u001b[2Jb"}])");
  hearth({"list"});
  EXPECT_THAT(out(), HasSubstr("a?[2Jb"));
}

TEST_F(Commands, ShowPrintsEverySetting) {
  expect(kGet, "/functions/hello", 200, kHello);
  EXPECT_EQ(hearth({"show", "hello"}), kOk);
  for (const auto* part : {"128 MB", "30s", "1.5 KB", "sha256 ab12", "A=1", "index", "2 min ago", "active"}) {
    EXPECT_THAT(out(), HasSubstr(part));
  }
}

TEST_F(Commands, NamesAreEncodedInPaths) {
  expect(kGet, "/functions/a%2Fb%20%C3%BC", 404, R"({"error":{"code":"not_found","message":"none"}})");
  EXPECT_EQ(hearth({"show", "a/b ü"}), kNotFound);
  EXPECT_THAT(err(), HasSubstr("hearth list"));
}

constexpr const char* kLogs =
    R"({"entries":[{"sequence":7,"requestId":"r7","time":"2027-01-15T07:00:00Z","outcome":"returned","durationMs":1.5,)"
    R"("cold":true,"lines":[{"stream":"stdout","text":"one\ntwo\n"},{"stream":"stderr","text":"bad"}]}],"next":7})";

TEST_F(Commands, LogsShowHeadingsAndLines) {
  expect(kGet, "/functions/hello/logs?limit=5", 200, kLogs);
  EXPECT_EQ(hearth({"logs", "hello", "--limit", "5"}), kOk);
  EXPECT_EQ(out(), "2027-01-15T07:00:00Z  returned  1.50 ms  cold  r7\n  | one\n  | two\n  ! bad\n");
}

TEST_F(Commands, LogsFollowFromTheCursor) {
  expect(kGet, "/functions/hello/logs?limit=100", 200, kLogs);
  expect(kGet, "/functions/hello/logs?limit=100&after=7", 200, R"({"entries":[],"next":7})");
  expect(kGet, "/functions/hello/logs?limit=100&after=7", 200,
         R"({"entries":[{"sequence":9,"outcome":"threw","truncated":true}],"next":9})");
  expect(kGet, "/functions/hello/logs?limit=100&after=9", 404,
         R"({"error":{"code":"not_found","message":"gone"}})");
  waits_left_ = 3;
  EXPECT_EQ(hearth({"logs", "hello", "--follow"}), kNotFound);
  EXPECT_THAT(out(), HasSubstr("threw"));
  EXPECT_THAT(out(), HasSubstr("the rest is lost"));
}

TEST_F(Commands, LogsLimitIsChecked) { EXPECT_EQ(hearth({"logs", "hello", "--limit", "0"}), kUsage); }

TEST_F(Commands, DeleteTriesEveryNameAndReportsTheFirstFailure) {
  expect(kDelete, "/functions/a", 404, R"({"error":{"code":"not_found","message":"no a"}})");
  expect(kDelete, "/functions/b", 204, "");
  EXPECT_EQ(hearth({"delete", "a", "b", "--yes"}), kNotFound);
  EXPECT_EQ(out(), "deleted b\n");
  EXPECT_THAT(err(), HasSubstr("no a"));
}

TEST_F(Commands, DeleteAsksOnATerminalAndRefusesWithoutOne) {
  EXPECT_EQ(hearth({"delete", "a"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--yes"));
  in_is_terminal_ = true;
  in_.str("n\n");
  EXPECT_EQ(hearth({"delete", "a"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("Nothing was deleted"));
  in_.clear();
  in_.str("y\n");
  expect(kDelete, "/functions/a", 204, "");
  EXPECT_EQ(hearth({"delete", "a"}), kOk);
}

TEST_F(Commands, StatusReadsTheHealthReport) {
  const std::string body =
      R"({"status":"ok","version":"0.1.0","uptimeSeconds":7500,"memory":{"totalMb":8192,"freeMb":7168},)"
      R"("instances":{"idle":2,"running":1,"starting":0,"cold":5},"functions":4})";
  expect(kGet, "/health", 200, body);
  EXPECT_EQ(hearth({"status"}), kOk);
  EXPECT_EQ(out(),
            "server     ok at http://127.0.0.1:8080\nversion    0.1.0\nup for     2 h\n"
            "memory     8.0 GB for instances, 7.0 GB of it not set aside\n"
            "instances  3 (2 idle, 1 running), and room set aside for 5 more\nfunctions  4\n");
  out_is_terminal_ = true;
  expect(kGet, "/health", 200, body);
  hearth({"status", "--json"});
  EXPECT_THAT(out(), HasSubstr("\n  \"memory\": {\n    \"totalMb\": 8192,"));
}

TEST_F(Commands, VersionIsKnownWithoutAServer) {
  expect(kGet, "/health", 200, R"({"version":"9.9"})");
  EXPECT_EQ(hearth({"version"}), kOk);
  EXPECT_THAT(out(), HasSubstr("server  9.9"));
  expect(kGet, "/health", base::Error{base::ErrorCode::kIo, "refused"});
  EXPECT_EQ(hearth({"version", "--json"}), kOk);
  EXPECT_THAT(out(), HasSubstr(R"("server":null)"));
}

}  // namespace
}  // namespace hearth::cli
