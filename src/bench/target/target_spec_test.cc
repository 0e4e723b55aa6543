// Target specs, and what the test functions are sent and answer.
#include "bench/target/target_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "bench/target/process_cpu.h"
#include "bench/target/program_run.h"
#include "bench/target/server_process.h"
#include "bench/target/serverless_deploy.h"
#include "bench/target/target.h"
#include "bench/target/test_function.h"

namespace hearth::bench {
namespace {

using testing::HasSubstr;

TEST(TargetSpec, NamesAlone) {
  EXPECT_EQ(parse_target("hearth")->kind, TargetKind::kHearth);
  EXPECT_EQ(parse_target("node")->kind, TargetKind::kNode);
  EXPECT_EQ(parse_target("nginx")->kind, TargetKind::kNginx);
  EXPECT_EQ(parse_target("workerd:")->kind, TargetKind::kWorkerd);
  EXPECT_EQ(parse_target("workerd")->name, "workerd");
}

TEST(TargetSpec, Settings) {
  const auto spec =
      parse_target(R"(hearth:memory=256,serve="--threads 1 --dns 'a,b'",concurrency=4,name=mine)");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->name, "mine");
  EXPECT_EQ(spec->memory_mb, 256U);
  EXPECT_EQ(spec->concurrency, 4U);
  EXPECT_EQ(spec->serve_flags, "--threads 1 --dns 'a,b'");
  EXPECT_EQ(parse_target("hearth:serve")->serve_flags, "");
  EXPECT_EQ(parse_target("hearth:serve,memory=128")->memory_mb, 128U);
  EXPECT_EQ(parse_target("hearth:serve=--hot-wait 0")->serve_flags, "--hot-wait 0");
  EXPECT_EQ(parse_target("node:function=echo")->function, FunctionKind::kEcho);
  EXPECT_EQ(parse_target("node:sleep=20")->function, FunctionKind::kSleep);
  EXPECT_EQ(parse_target("node:sleep=20")->sleep_ms, 20U);
}

TEST(TargetSpec, Urls) {
  for (const char* text : {"http:http://127.0.0.1:9/a,b=c", "http://127.0.0.1:9/a,b=c"}) {
    const auto spec = parse_target(text);
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->kind, TargetKind::kHttp);
    EXPECT_EQ(spec->url, "http://127.0.0.1:9/a,b=c");
    EXPECT_EQ(spec->name, "127.0.0.1:9/a,b=c");
  }
}

TEST(TargetSpec, WrongOnesSayWhatIsKnown) {
  const auto message = [](const char* text) {
    const auto spec = parse_target(text);
    return spec ? std::string("was taken") : spec.error().message;
  };
  EXPECT_THAT(message("lambda"), HasSubstr("there are: hearth, node, nginx, workerd, http:URL"));
  EXPECT_THAT(message(""), HasSubstr("unknown"));
  EXPECT_THAT(message("http:"), HasSubstr("a URL is missing"));
  EXPECT_THAT(message("hearth:colour=red"),
              HasSubstr("there are: concurrency function memory name serve sleep"));
  EXPECT_THAT(message("nginx:memory=1"), HasSubstr("no key"));
  EXPECT_THAT(message("hearth:memory"), HasSubstr("not key=value"));
  EXPECT_THAT(message("hearth:memory=0"), HasSubstr("from 1"));
  EXPECT_THAT(message("hearth:memory=1x"), HasSubstr("whole number"));
  EXPECT_THAT(message("hearth:function=goodbye"), HasSubstr("hello, echo, sleep"));
  EXPECT_THAT(message("hearth:serve=\"--a"), HasSubstr("not closed"));
  EXPECT_THAT(message("hearth:serve=\"--a\"x"), HasSubstr("not closed"));
  EXPECT_THAT(message("hearth:name="), HasSubstr("empty"));
}

TEST(TargetSpec, NamesMustDiffer) {
  EXPECT_TRUE(parse_targets({"hearth", "node", "hearth:name=b"}));
  const auto twice = parse_targets({"hearth", "hearth:serve"});
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message, HasSubstr("name="));
}

TEST(TargetSpec, NginxAnswersAConstant) {
  const auto target = make_target(parse_target("nginx:function=echo").value(), {});
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, base::ErrorCode::kUnsupported);
}

TEST(SplitWords, HonoursQuotes) {
  EXPECT_EQ(split_words(R"( --a 'b  c'  --d="e f" "" )").value(),
            (std::vector<std::string>{"--a", "b  c", "--d=e f", ""}));
  EXPECT_TRUE(split_words("")->empty());
  EXPECT_FALSE(split_words("'a"));
}

TEST(TestFunction, BodiesHaveTheirSize) {
  EXPECT_EQ(request_body({}), R"({"name":"Ada"})");
  EXPECT_EQ(request_body({FunctionKind::kSleep, 70, 0}), R"({"sleepMs":70})");
  for (const std::uint64_t bytes : {100U, 1000U, 6'000'000U}) {
    EXPECT_EQ(request_body({FunctionKind::kEcho, 0, bytes}).size(), bytes);
  }
  EXPECT_EQ(request_body({FunctionKind::kEcho, 0, 3}), R"({"name":"Ada"})") << "not less than that";
}

TEST(TestFunction, AnswersAreChecked) {
  EXPECT_TRUE(check_answer({}, R"({ "message" : "Hello, Ada!" })", false));
  EXPECT_TRUE(check_answer({}, R"({"output":{"message":"Hello, Ada!"},"logs":{}})", true));
  EXPECT_FALSE(check_answer({}, R"({"message":"Hello, Ada!"})", true));
  EXPECT_FALSE(check_answer({}, R"({"message":"Hello, Bob!"})", false));
  EXPECT_FALSE(check_answer({}, "<html>", false));
  const TestFunction echo{FunctionKind::kEcho, 0, 300};
  EXPECT_TRUE(check_answer(echo, request_body(echo), false));
  EXPECT_TRUE(check_answer({FunctionKind::kSleep, 70, 0}, R"({"sleptMs":70})", false));
}

TEST(TestFunction, CodeIsTheBaselinesOwn) {
  EXPECT_THAT(std::string(source_of(FunctionKind::kHello).code), HasSubstr("Hello, ${"));
  EXPECT_THAT(std::string(source_of(FunctionKind::kEcho).code), HasSubstr("return input;"));
  EXPECT_THAT(std::string(source_of(FunctionKind::kSleep, "node").code), HasSubstr("setTimeout"));
  EXPECT_THAT(std::string(source_of(FunctionKind::kSleep, "python").code), HasSubstr("asyncio"));
  EXPECT_EQ(source_of(FunctionKind::kHello, "python").name, "index.py");
}

TEST(PostRequest, IsWholeAndCarriesTheKey) {
  EXPECT_EQ(post_request("h:1", "/x", "", "{}"),
            "POST /x HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_THAT(post_request("h", "/", "secret", ""), HasSubstr("\r\nAuthorization: Bearer secret\r\n"));
}

TEST(ProcessCpu, CountsWhatThisProcessUses) {
  const auto processes = server_processes(::getpid());
  ASSERT_FALSE(processes.empty());
  const std::uint64_t before = cpu_ns(processes);
  volatile std::uint64_t sum = 0;
  while (cpu_ns(processes) < before + 20'000'000) {  // a kernel that counts in ticks has moved two of them
    for (int i = 0; i < 1'000'000; ++i) {
      sum = sum + 1;
    }
  }
  EXPECT_EQ(cpu_ns({}), 0U);
  EXPECT_EQ(cpu_ns({1 << 22}), 0U) << "a process that is gone";
}

TEST(ServerProcess, AProgramThatEndsSaysWhy) {
  ServerProcess process;
  const auto started = process.start({"sh", "-c", "echo no such luck; exit 3"}, free_port());
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("no such luck"));
  EXPECT_EQ(process.pid(), 0);
  process.stop();
}

TEST(RunToEnd, KeepsWhatAProgramSaysAndHowItEnds) {
  const TemporaryFolder folder;
  folder.write("here", "");
  const auto run = run_to_end({"sh", "-c", "ls; echo $A $HOME_IS; exit 3"}, folder.path(),
                              {"A=b c", "HOME_IS=x"}, std::chrono::seconds(20));
  ASSERT_TRUE(run);
  EXPECT_EQ(run->exit_code, 3);
  EXPECT_EQ(run->output, "here\nb c x\n");
  EXPECT_EQ(run_to_end({"no-such-program"}, folder.path(), {}, std::chrono::seconds(20))->exit_code, 127);
  const auto late = run_to_end({"sleep", "60"}, folder.path(), {}, std::chrono::seconds(0));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, base::ErrorCode::kTimeout);
}

TEST(ServerlessDeploy, WritesAService) {
  const ServerlessWish wish{"", "http://h:1", "", FunctionKind::kEcho, 256, 4};
  const std::string file = service_file(wish, "b01");
  EXPECT_THAT(file, HasSubstr("endpoint: 'http://h:1'\n  stage: b01\n  memorySize: 256\n  concurrency: 4\n"));
  EXPECT_THAT(file, HasSubstr("patterns: ['!node_modules/**']\n"));
  EXPECT_THAT(file, HasSubstr("functions:\n  echo:\n    handler: index\n"));
  EXPECT_EQ(deployed_name(wish, "b01"), "hearth-bench-b01-echo");
  EXPECT_THAT(service_file({}, "b"), testing::Not(HasSubstr("concurrency")));
}

TEST(ServerlessDeploy, AProgramThatIsNotThereIsToldFirst) {
  const auto found = find_serverless("/no/such/serverless", {});
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("--serverless /no/such/serverless"));
  EXPECT_EQ(find_serverless("/bin/sh", {}).value(), "/bin/sh");
}

TEST(ServerlessDeploy, AFrameworkThatIsNowhereIsToldWithWhereToGetIt) {
  if (!find_program("serverless").empty() || !find_program("osls").empty()) {
    GTEST_SKIP() << "this machine has a framework in PATH";
  }
  const TemporaryFolder folder;
  const auto found = find_serverless("", {folder.path()});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, base::ErrorCode::kNotFound);
  EXPECT_THAT(found.error().message, HasSubstr("npm install serverless@3 (or osls)"));
  folder.write("osls", "");
  EXPECT_FALSE(find_serverless("", {folder.path()})) << "a file that cannot be run";
  const std::string program = folder.path() + "/osls";
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  EXPECT_EQ(find_serverless("", {"/no/such/folder", folder.path()}).value(), program);
}

TEST(FindProgram, LooksInPath) {
  EXPECT_THAT(find_program("sh"), testing::EndsWith("/sh"));
  EXPECT_EQ(find_program("no-such-program-anywhere"), "");
}

}  // namespace
}  // namespace hearth::bench
