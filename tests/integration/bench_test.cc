// hearth bench as a user runs it: short runs against a server, a baseline and itself, and what they write.
#include <gmock/gmock.h>
#include <signal.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

ProgramResult bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {hearth_binary(), "bench"});
  return run_program(arguments);
}

json::array samples_in(const std::string& path) {
  return json::parse(read_file(path)).at("samples").as_array();
}

double number(const json::value& sample, const char* field) { return sample.at(field).to_number<double>(); }

bool has_program(const std::string& name) {
  return run_program({"sh", "-c", "command -v " + name}).exit_code == 0;
}

TEST(Bench, ConcurrencyOnAServerThatRuns) {
  const HearthServer server;
  const ScratchFolder folder;
  const std::string out = folder.path();
  const auto run = bench({"concurrency",
                          "--endpoint",
                          server.endpoint(),
                          "--server-pid",
                          std::to_string(server.pid()),
                          "--memory",
                          "128",
                          "--levels",
                          "1..3",
                          "--step",
                          "200ms",
                          "--json",
                          out + "/run.json",
                          "--csv",
                          out + "/run.csv",
                          "--report",
                          out + "/run.html",
                          "--calls",
                          out + "/calls.json",
                          "--calls-max",
                          "50"});
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("against the best lower level"));
  EXPECT_THAT(run.output, HasSubstr("kept 50 calls"));
  EXPECT_THAT(std::string(json::parse(read_file(out + "/run.json")).at("command").as_string()),
              testing::StartsWith("hearth bench concurrency --endpoint "));
  const auto samples = samples_in(out + "/run.json");
  ASSERT_EQ(samples.size(), 3U);
  for (const auto& sample : samples) {
    EXPECT_GT(number(sample, "per_second"), 100);
    EXPECT_EQ(number(sample, "errors"), 0);
    EXPECT_GT(number(sample, "server_cpu_us_per_call"), 1) << "of the server's processes";
    EXPECT_GT(number(sample.at("latency"), "p50_us"), 10);
    EXPECT_NEAR(number(sample, "seconds"), 0.2, 0.02);
  }
  const auto calls = json::parse(read_file(out + "/calls.json")).as_array();
  EXPECT_EQ(calls.size(), 50U);
  for (const auto& call : calls) {
    EXPECT_EQ(call.at("instanceId"), calls[0].at("instanceId")) << "one caller, one instance";
    EXPECT_FALSE(call.at("instanceId").as_string().empty());
  }
  EXPECT_THAT(read_file(out + "/run.html"), HasSubstr("</html>"));
  const std::string csv = read_file(out + "/run.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 4) << "a heading and three samples";
  EXPECT_EQ(server.get("/functions").body, "[]") << "what the tool deployed is gone";
}

TEST(Bench, ComparesWithNodeInPairs) {
  const ScratchFolder folder;
  const auto run = bench({"compare", "hearth:serve,memory=128", "node", "--pairs", "1", "--seconds", "0.3",
                          "--warm-up", "200ms", "--callers", "4", "--json", folder.path() + "/run.json"});
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("hearth : node"));
  EXPECT_THAT(run.output, HasSubstr("server CPU, us a call"));
  const auto samples = samples_in(folder.path() + "/run.json");
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].at("target"), "hearth");
  EXPECT_EQ(samples[1].at("target"), "node");
  EXPECT_GT(number(samples[0], "server_cpu_us_per_call"), 1);
  EXPECT_GT(number(samples[1], "server_cpu_us_per_call"), 1);
}

TEST(Bench, EveryBaselineThatIsHereGivesTheRightAnswers) {
  for (const char* function : {"hello", "echo", "sleep"}) {
    const auto node = bench({"events", "--target", "node", "--function", function, "--step", "100ms"});
    EXPECT_EQ(node.exit_code, 0) << node.output;
    const auto workerd = bench({"events", "--target", "workerd", "--function", function, "--step", "100ms"});
    if (workerd.output.find("npm ci") != std::string::npos) {
      EXPECT_EQ(workerd.exit_code, 2) << "it says how to fetch it";
    } else {
      EXPECT_EQ(workerd.exit_code, 0) << workerd.output;
    }
  }
  const auto nginx = bench({"events", "--target", "nginx", "--step", "100ms"});
  if (has_program("nginx")) {
    EXPECT_EQ(nginx.exit_code, 0) << nginx.output;
  } else {
    EXPECT_EQ(nginx.exit_code, 2);
    EXPECT_THAT(nginx.output, HasSubstr("apt install nginx-light"));
  }
}

TEST(Bench, BackoffSeesTheKeepAlive) {
  const ScratchFolder folder;
  // A scale of 1,800 makes the paper's 15 minutes 500 ms: before them a call is warm, after them cold.
  const auto run = bench({"backoff", "--target", "hearth:serve,memory=128", "--intervals", "3m,60m",
                          "--samples", "1", "--scale", "1800", "--json", folder.path() + "/run.json"});
  ASSERT_EQ(run.exit_code, 0) << run.output;
  const auto samples = samples_in(folder.path() + "/run.json");
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(number(samples[0], "x"), 100);
  EXPECT_EQ(number(samples[0], "cold"), 0);
  EXPECT_EQ(number(samples[1], "x"), 2000);
  EXPECT_EQ(number(samples[1], "cold"), 1);
  EXPECT_GT(number(samples[1].at("latency"), "p50_us"), number(samples[0].at("latency"), "p50_us"));
}

TEST(Bench, FreshFunctionsAreColdAndRemoved) {
  const HearthServer server;
  const ScratchFolder folder;
  const std::string file = folder.path() + "/run.json";
  const auto burst = bench(
      {"coldburst", "--endpoint", server.endpoint(), "--memory", "128", "--functions", "2", "--json", file});
  ASSERT_EQ(burst.exit_code, 0) << burst.output;
  EXPECT_EQ(number(samples_in(file).at(0), "calls"), 2);
  EXPECT_EQ(number(samples_in(file).at(0), "cold"), 2);
  const auto sizes = bench(
      {"codesize", "--endpoint", server.endpoint(), "--memory", "128", "--sizes", "1KB,1MB", "--json", file});
  ASSERT_EQ(sizes.exit_code, 0) << sizes.output;
  EXPECT_EQ(samples_in(file).size(), 4U) << "a deploy and a call of each";
  const auto mixed = bench({"mixed", "--endpoint", server.endpoint(), "--memory", "128", "--functions", "2",
                            "--callers", "2", "--step", "200ms", "--json", file});
  ASSERT_EQ(mixed.exit_code, 0) << mixed.output;
  EXPECT_GE(number(samples_in(file).at(0), "calls"), 2);
  EXPECT_EQ(server.get("/functions").body, "[]");
}

// Two functions over three minutes, of which each is a second: one is called in every minute, one ten times
// in the second.
TEST(Bench, ReplayPlaysATrace) {
  const HearthServer server;
  const ScratchFolder folder;
  folder.write("trace/invocations.csv",
               "HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,timer,1,1,1\no,a,g,http,0,10,0\n");
  folder.write("trace/durations.csv",
               "HashOwner,HashApp,HashFunction,Average,percentile_Average_0,percentile_Average_1,"
               "percentile_Average_25,percentile_Average_50,percentile_Average_75,percentile_Average_99,"
               "percentile_Average_100\no,a,g,3000,3000,3000,3000,3000,3000,3000,3000\n");
  const std::string file = folder.path() + "/run.json";
  std::vector<std::string> command = {
      "replay",       "--endpoint", server.endpoint(), "--trace", folder.path() + "/trace",
      "--time-scale", "60",         "--json",          file};
  const auto run = bench(command);
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("2 functions, 13 calls in 3s"));
  EXPECT_THAT(run.output, HasSubstr("hearth serve --keep-alive 15s"));
  EXPECT_THAT(run.output, HasSubstr("hearth: 13 calls answered, 0 failed; "));
  EXPECT_THAT(run.output, HasSubstr("to idle ones"));
  const auto sample = samples_in(file).at(0);
  EXPECT_EQ(number(sample, "calls"), 13);
  EXPECT_GE(number(sample, "cold"), 2);
  EXPECT_LT(number(sample, "cold"), 13);
  EXPECT_NEAR(number(sample, "seconds"), 3, 0.1);
  EXPECT_GE(number(sample.at("figures"), "slowdown_p50"), 1);
  EXPECT_GT(number(sample.at("figures"), "memory_idle_mb_s"), 128);
  EXPECT_GE(number(sample.at("figures"), "memory_readings"), 4);
  EXPECT_EQ(server.get("/functions").body, "[]");
  command.insert(command.end(), {"--from", "3"});
  const auto behind = bench(command);
  EXPECT_EQ(behind.exit_code, 2);
  EXPECT_THAT(behind.output, HasSubstr("--from 3 is behind the trace's end"));
}

TEST(Bench, PayloadsAreEchoed) {
  const ScratchFolder folder;
  const auto run = bench({"payload", "--target", "node", "--sizes", "1KB,2MB", "--step", "200ms", "--json",
                          folder.path() + "/run.json"});
  ASSERT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("node, MB a second:  1000 B: "));
  const auto samples = samples_in(folder.path() + "/run.json");
  EXPECT_GT(number(samples.at(1), "megabytes_per_second"), number(samples.at(0), "megabytes_per_second"));
}

TEST(Bench, IdleNeedsToKnowTheServer) {
  const HearthServer server;
  const std::vector<std::string> command = {"idle",   "--endpoint", server.endpoint(), "--memory", "128",
                                            "--step", "200ms",      "--quiet",         "300ms"};
  const auto without = bench(command);
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.output, HasSubstr("--server-pid"));
  auto with_pid = command;
  with_pid.insert(with_pid.end(), {"--server-pid", std::to_string(server.pid())});
  const auto run = bench(with_pid);
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("% of a core while nobody calls"));
}

TEST(Bench, ResumesWhatWasCut) {
  const ScratchFolder folder;
  const std::string file = folder.path() + "/run.json";
  const std::vector<std::string> command = {"concurrency", "--target", "node", "--levels",
                                            "1..2",        "--step",   "200ms"};
  auto first = command;
  first.insert(first.end(), {"--json", file});
  ASSERT_EQ(bench(first).exit_code, 0);
  json::value result = json::parse(read_file(file));
  const json::value kept = result.at("samples").at(0);
  result.at("samples").as_array().pop_back();
  folder.write("run.json", json::serialize(result));
  auto again = command;
  again.insert(again.end(), {"--resume", file});
  const auto resumed = bench(again);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  ASSERT_EQ(samples_in(file).size(), 2U);
  EXPECT_EQ(samples_in(file)[0], kept) << "as it was";
  again[4] = "1..3";
  const auto other = bench(again);
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.output, HasSubstr("levels '1..2', and this one has '1..3'"));
  const auto overlay = bench({"overlay", file, file, "--report", folder.path() + "/both.html"});
  EXPECT_EQ(overlay.exit_code, 0) << overlay.output;
  EXPECT_THAT(read_file(folder.path() + "/both.html"), HasSubstr("</html>"));
}

// The framework that the plugin's own test uses; empty when `tools/dev frameworks` has not fetched it.
std::string fetched_framework() {
  for (const char* name : {"serverless", "osls"}) {
    const std::string program =
        std::string(std::getenv("HEARTH_SOURCE_DIR")) + "/plugins/serverless/test/node_modules/.bin/" + name;
    if (std::filesystem::exists(program)) {
      return program;
    }
  }
  return {};
}

TEST(Bench, TheServerlessFrameworkDeploysTheFunction) {
  const std::string framework = fetched_framework();
  if (framework.empty()) {
    GTEST_SKIP() << "neither serverless nor osls is there; 'tools/dev frameworks' fetches them";
  }
  const HearthServer server;
  const ScratchFolder folder;
  const std::string file = folder.path() + "/run.json";
  const std::string told = folder.path() + "/told";
  const std::string noting =
      folder.write("noting", "#!/bin/sh\necho \"$@\" > " + told + "\nexec " + framework + " \"$@\"\n");
  std::filesystem::permissions(noting, std::filesystem::perms(0755));
  const auto run = bench({"events", "--endpoint", server.endpoint(), "--memory", "128", "--step", "200ms",
                          "--deploy", "serverless", "--serverless", noting, "--json", file});
  ASSERT_EQ(run.exit_code, 0) << run.output;
  const auto samples = samples_in(file);
  ASSERT_EQ(samples.size(), 1U);
  EXPECT_GT(number(samples[0], "calls"), 10);
  EXPECT_EQ(number(samples[0], "errors"), 0);
  EXPECT_EQ(read_file(told), "deploy\n");
  EXPECT_EQ(server.get("/functions").body, "[]") << "what the framework deployed is gone";
}

TEST(Bench, AFrameworkThatIsNotThereOrFailsIsAClearError) {
  const HearthServer server;
  const std::vector<std::string> command = {"events",     "--endpoint",  server.endpoint(), "--memory",
                                            "128",        "--step",      "200ms",           "--deploy",
                                            "serverless", "--serverless"};
  const auto with = [&](const std::string& program) {
    auto arguments = command;
    arguments.push_back(program);
    return bench(arguments);
  };
  const auto absent = with("/no/such/serverless");
  EXPECT_EQ(absent.exit_code, 2) << absent.output;
  EXPECT_THAT(absent.output, HasSubstr("--serverless /no/such/serverless: there is no such program"));
  const ScratchFolder folder;
  const std::string broken = folder.write("broken", "#!/bin/sh\necho no such luck\nexit 7\n");
  std::filesystem::permissions(broken, std::filesystem::perms(0755));
  const auto failing = with(broken);
  EXPECT_EQ(failing.exit_code, 4) << failing.output;
  EXPECT_THAT(failing.output, HasSubstr("deploy failed; its last words:\nno such luck"));
  EXPECT_EQ(server.get("/functions").body, "[]");
}

TEST(Bench, CtrlCEndsItAndWritesWhatWasMeasured) {
  const ScratchFolder folder;
  const std::string file = folder.path() + "/run.json";
  const auto run = run_program({"timeout", "--signal=INT", "2", hearth_binary(), "bench", "concurrency",
                                "--target", "node", "--levels", "1..15", "--step", "500ms", "--json", file});
  EXPECT_EQ(run.exit_code, 124) << "timeout's own: " << run.output;
  EXPECT_THAT(run.output, HasSubstr("stopped"));
  const auto samples = samples_in(file);
  EXPECT_GE(samples.size(), 1U);
  EXPECT_LT(samples.size(), 15U);
}

TEST(Bench, FailingFunctionsAreCountedByReason) {
  const HearthServer server;
  const std::string id = server.create_js("module.exports = () => { throw new Error('no'); };");
  const std::string url = server.endpoint() + "/functions/" + id + "/invoke";
  const auto first = bench({"events", "--target", "http:" + url, "--step", "200ms"});
  EXPECT_EQ(first.exit_code, 5) << "its first call is looked at: " << first.output;
  EXPECT_THAT(first.output, HasSubstr("answered 502"));
  // One that fails from its second call on.
  const std::string later =
      server.create_js("let n = 0; module.exports = () => { if (n++) throw new Error('no'); };");
  const auto run =
      bench({"events", "--target", "http:" + server.endpoint() + "/functions/" + later + "/invoke", "--step",
             "200ms"});
  EXPECT_EQ(run.exit_code, 5) << run.output;
  EXPECT_THAT(run.output, HasSubstr("502 function_error"));
  EXPECT_THAT(run.output, HasSubstr("every call failed"));
}

}  // namespace
}  // namespace hearth::test
