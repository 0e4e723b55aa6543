#include "cli/cli.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using enum http::Method;

constexpr const char* kHealth = R"({"status":"ok","version":"0.1.0"})";

class Cli : public CommandTest {};

TEST_F(Cli, HelpNamesEveryCommandAndExitCode) {
  EXPECT_EQ(hearth({"--help"}), kOk);
  for (const auto* word :
       {"deploy", "invoke", "list", "show", "logs", "delete", "status", "version", "versions", "rollback",
        "completion", "HEARTH_ENDPOINT", "HEARTH_API_KEY", "Exit codes", "  5  "}) {
    EXPECT_THAT(out(), HasSubstr(word));
  }
  EXPECT_EQ(err(), "");
}

TEST_F(Cli, HelpOfACommandHasExamplesInEverySpelling) {
  for (const auto& arguments :
       {std::vector<std::string>{"deploy", "--help"}, {"help", "deploy"}, {"deploy", "-h"}}) {
    EXPECT_EQ(hearth(arguments), kOk);
    EXPECT_THAT(out(), HasSubstr("--env-file"));
    EXPECT_THAT(out(), HasSubstr("Examples:"));
  }
}

TEST_F(Cli, NoCommandIsUsageAndShowsHelp) {
  EXPECT_EQ(hearth({}), kUsage);
  EXPECT_EQ(out(), "");
  EXPECT_THAT(err(), HasSubstr("Usage: hearth"));
}

TEST_F(Cli, MisspeltCommandIsSuggested) {
  EXPECT_EQ(hearth({"--timeout", "5s", "lsit"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("no command 'lsit'"));
  EXPECT_THAT(err(), HasSubstr("did you mean 'hearth list'?"));
  EXPECT_EQ(hearth({"frobnicate"}), kUsage);
  EXPECT_EQ(err().find("did you mean"), std::string::npos);
}

TEST_F(Cli, MisspeltOptionIsSuggested) {
  EXPECT_EQ(hearth({"deploy", "x", "--memroy", "4"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("did you mean --memory?"));
  EXPECT_THAT(err(), HasSubstr("hearth deploy --help"));
}

TEST_F(Cli, MissingArgumentIsUsage) {
  EXPECT_EQ(hearth({"invoke"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("NAME is required"));
}

TEST_F(Cli, EndpointAndKeyComeFromOptionThenEnvironmentThenDefault) {
  expect(kGet, "/health", 200, kHealth);
  hearth({"status"});
  EXPECT_EQ(script_.connection.endpoint, "http://127.0.0.1:8080");
  EXPECT_EQ(script_.connection.api_key, "");

  variables_ = {{"HEARTH_ENDPOINT", "http://a:1"}, {"HEARTH_API_KEY", "k"}};
  expect(kGet, "/health", 200, kHealth);
  hearth({"status"});
  EXPECT_EQ(script_.connection.endpoint, "http://a:1");
  EXPECT_EQ(script_.connection.api_key, "k");

  expect(kGet, "/health", 200, kHealth);
  hearth({"status", "--endpoint", "http://b:2", "--api-key=given"});
  EXPECT_EQ(script_.connection.endpoint, "http://b:2");
  EXPECT_EQ(script_.connection.api_key, "given");
}

TEST_F(Cli, TimeoutHasADefaultPerCommandAndIsChecked) {
  expect(kGet, "/health", 200, kHealth);
  hearth({"status"});
  EXPECT_EQ(script_.connection.timeout, std::chrono::seconds(60));
  expect(kPost, "/functions/f/invoke", 200, R"({"output":1})");
  hearth({"invoke", "f"});
  EXPECT_GT(script_.connection.timeout, std::chrono::seconds(900));
  expect(kGet, "/health", 200, kHealth);
  hearth({"--timeout", "250ms", "status"});
  EXPECT_EQ(script_.connection.timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(hearth({"--timeout", "soon", "status"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("\"soon\" is no duration"));
}

TEST_F(Cli, NoConnectionAndNoAnswerAreUnreachable) {
  expect(kGet, "/functions", base::Error{base::ErrorCode::kIo, "nothing listens"});
  EXPECT_EQ(hearth({"list"}), kUnreachable);
  EXPECT_THAT(err(), HasSubstr("nothing listens"));
  expect(kGet, "/functions", base::Error{base::ErrorCode::kTimeout, "no answer"});
  EXPECT_EQ(hearth({"list"}), kUnreachable);
}

TEST_F(Cli, MalformedEndpointIsUsage) {
  expect(kGet, "/functions", base::Error{base::ErrorCode::kInvalidArgument, "no endpoint"});
  EXPECT_EQ(hearth({"list"}), kUsage);
}

TEST_F(Cli, RefusalsCarryTheServersWordsAndAdvice) {
  expect(kGet, "/functions", 401, R"({"error":{"code":"unauthorized","message":"no key"}})");
  EXPECT_EQ(hearth({"list"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("hearth: no key (401 unauthorized)"));
  EXPECT_THAT(err(), HasSubstr("HEARTH_API_KEY"));
  expect(kGet, "/functions",
         Reply{503, R"({"error":{"code":"shutting_down","message":"stopping"}})", "", "7"});
  EXPECT_EQ(hearth({"list"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("try again in 7 s"));
  expect(kGet, "/functions", 500, "<html>");
  EXPECT_EQ(hearth({"list"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("the server refused (500)"));
}

TEST_F(Cli, JsonModePrintsTheServersErrorOnStdout) {
  const std::string body = R"({"error":{"code":"not_found","message":"no such function"}})";
  expect(kGet, "/functions/x", 404, body);
  EXPECT_EQ(hearth({"show", "x", "--json"}), kNotFound);
  EXPECT_EQ(out(), body + "\n");
}

TEST_F(Cli, AnswerOfAnotherKindOfServerIsTold) {
  expect(kGet, "/functions", 200, "hello");
  EXPECT_EQ(hearth({"list"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("not a list of functions"));
}

TEST_F(Cli, LocalCommandsOfMainRunWithTheirOwnOptions) {
  std::string listen;
  Command serve;
  serve.name = "serve";
  serve.summary = "Run the server";
  serve.speaks_to_server = false;
  serve.add_options = [&](CLI::App& app) { app.add_option_group("Server")->add_option("--listen", listen); };
  serve.run = [](Context&) { return 42; };
  EXPECT_EQ(hearth({"serve", "--listen", "h:1"}, {serve}), 42);
  EXPECT_EQ(listen, "h:1");
  EXPECT_EQ(hearth({"serve", "--json"}, {serve}), kUsage) << "it takes no global options behind its name";
  EXPECT_EQ(hearth({"serve", "--lisetn", "h:1"}, {serve}), kUsage);
  EXPECT_THAT(err(), HasSubstr("did you mean --listen?"));
  EXPECT_EQ(hearth({"completion", "bash"}, {serve}), kOk);
  EXPECT_THAT(out(), HasSubstr("serve) options=\"--listen\""));
  EXPECT_EQ(hearth({"serv"}, {serve}), kUsage);
  EXPECT_THAT(err(), HasSubstr("did you mean 'hearth serve'?"));
}

TEST_F(Cli, CompletionScriptsNameCommandsAndOptions) {
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(hearth({"completion", shell}), kOk);
    EXPECT_THAT(out(), HasSubstr("deploy"));
    EXPECT_THAT(out(), HasSubstr("env-file"));
    EXPECT_THAT(out(), HasSubstr("endpoint"));
    EXPECT_EQ(out().find('@' + std::string("names")), std::string::npos);
  }
  EXPECT_EQ(hearth({"completion", "tcsh"}), kUsage);
}

}  // namespace
}  // namespace hearth::cli
