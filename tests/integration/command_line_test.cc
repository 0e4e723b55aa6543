// The command line against a real server: every command, the exit codes, and the examples as a
// newcomer deploys them.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

std::string source_folder() {
  const char* folder = std::getenv("HEARTH_SOURCE_DIR");
  return folder == nullptr ? "." : folder;
}

class CommandLine : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<HearthServer>(); }
  static void TearDownTestSuite() { server_.reset(); }

  static ProgramResult hearth(std::vector<std::string> words, const std::string& input = {}) {
    words.insert(words.begin(), hearth_binary());
    return run_program(words, input, {"HEARTH_ENDPOINT=" + server_->endpoint()});
  }

  static inline std::unique_ptr<HearthServer> server_;
};

// Whether everything in `expected` is in `actual` too.
bool holds(const json::value& actual, const json::value& expected) {
  if (!expected.is_object() || !actual.is_object()) {
    return actual == expected;
  }
  for (const auto& entry : expected.as_object()) {
    const auto* found = actual.as_object().if_contains(entry.key());
    if (found == nullptr || !holds(*found, entry.value())) {
      return false;
    }
  }
  return true;
}

TEST_F(CommandLine, FromDeployToDelete) {
  const ScratchFolder folder;
  folder.write(
      "greet/index.js",
      "module.exports = (x) => { console.log('seen', x.n); return { n: x.n, who: process.env.WHO }; };");
  folder.write("greet/.hearthignore", "*.log\n");
  folder.write("greet/debug.log", "not for the zip");
  const std::string path = folder.path() + "/greet";
  const auto deployed = hearth({"deploy", path, "--env", "WHO=me", "--memory", "256"});
  ASSERT_EQ(deployed.exit_code, 0) << deployed.output;

  const auto invoked = hearth({"invoke", "greet", "--data", R"({"n": 7})"});
  EXPECT_EQ(invoked.exit_code, 0) << invoked.output;
  EXPECT_EQ(json::parse(invoked.output), json::parse(R"({"n": 7, "who": "me"})"));

  EXPECT_NE(hearth({"list"}).output.find("greet"), std::string::npos);
  const auto shown = hearth({"show", "greet", "--json"});
  EXPECT_EQ(json::parse(shown.output).at("memorySize"), 256) << shown.output;
  EXPECT_NE(hearth({"logs", "greet"}).output.find("seen 7"), std::string::npos);
  EXPECT_NE(hearth({"status"}).output.find("0.1.0"), std::string::npos);
  EXPECT_EQ(hearth({"version"}).exit_code, 0);
  EXPECT_EQ(hearth({"completion", "bash"}).exit_code, 0);

  folder.write("greet/index.js", "module.exports = () => 'second';");
  EXPECT_EQ(hearth({"deploy", path}).exit_code, 0);
  EXPECT_NE(hearth({"invoke", "greet"}).output.find("second"), std::string::npos);
  EXPECT_EQ(json::parse(hearth({"show", "greet", "--json"}).output).at("version"), 2);

  EXPECT_EQ(hearth({"delete", "greet", "--yes"}).exit_code, 0);
  EXPECT_EQ(hearth({"show", "greet"}).exit_code, 3);
}

TEST_F(CommandLine, ExitCodesTellWhatWentWrong) {
  const ScratchFolder folder;
  folder.write("throws/index.js", "module.exports = () => { throw new RangeError('too far'); };");
  ASSERT_EQ(hearth({"deploy", folder.path() + "/throws"}).exit_code, 0);
  const auto failed = hearth({"invoke", "throws"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_NE(failed.output.find("RangeError"), std::string::npos);
  EXPECT_NE(failed.output.find("too far"), std::string::npos);
  EXPECT_EQ(hearth({"invoke"}).exit_code, 2);
  EXPECT_EQ(hearth({"deploy", folder.path() + "/nothing"}).exit_code, 2);
  EXPECT_EQ(hearth({"invoke", "nobody"}).exit_code, 3);
  const auto unreachable = hearth({"list", "--endpoint", "http://127.0.0.1:" + std::to_string(free_port())});
  EXPECT_EQ(unreachable.exit_code, 4);
  EXPECT_NE(unreachable.output.find("hearth serve"), std::string::npos) << unreachable.output;
  EXPECT_EQ(hearth({"deploy", folder.path() + "/throws", "--memory", "99999"}).exit_code, 5);
}

TEST_F(CommandLine, TheExamplesDoWhatTheySay) {
  struct Example {
    const char* name;
    std::vector<std::string> flags;
  };
  const std::vector<Example> examples = {{"hello", {}},
                                         {"json-transform", {}},
                                         {"markdown", {}},
                                         {"primes", {"--handler", "index.count"}},
                                         {"words", {"--runtime", "python", "--handler", "app.count"}},
                                         {"fan-in", {}}};
  for (const auto& example : examples) {
    const std::string folder = source_folder() + "/examples/" + example.name;
    if (std::filesystem::exists(folder + "/package.json") &&
        !std::filesystem::exists(folder + "/node_modules")) {
      std::cout << example.name
                << " is left out: its npm packages are not there (tools/dev examples fetches them)\n";
      continue;
    }
    std::vector<std::string> deploy{"deploy", folder};
    deploy.insert(deploy.end(), example.flags.begin(), example.flags.end());
    const auto deployed = hearth(deploy);
    ASSERT_EQ(deployed.exit_code, 0) << deployed.output;
    const auto answer = hearth({"invoke", example.name, "--data", "@" + folder + "/sample.json"});
    ASSERT_EQ(answer.exit_code, 0) << example.name << ": " << answer.output;
    const json::value expected = json::parse(read_file(folder + "/expected.json"));
    EXPECT_TRUE(holds(json::parse(answer.output), expected)) << example.name << ": " << answer.output;
  }
}

TEST_F(CommandLine, ASimulationRepeatsItselfAndWritesItsFiles) {
  const ScratchFolder folder;
  const std::vector<std::string> simulate = {"simulate",
                                             "--workers",
                                             "5",
                                             "--functions",
                                             "50",
                                             "--rate",
                                             "20",
                                             "--day",
                                             "20s",
                                             "--warm-up",
                                             "5s",
                                             "--duration",
                                             "20s",
                                             "--seed",
                                             "7",
                                             "--json",
                                             folder.path() + "/run.json"};
  const auto first = hearth(simulate);
  ASSERT_EQ(first.exit_code, 0) << first.output;
  EXPECT_NE(first.output.find("The first bottleneck: "), std::string::npos) << first.output;
  const std::string json_text = read_file(folder.path() + "/run.json");
  EXPECT_EQ(json::parse(json_text).at("settings").at("seed"), 7);
  ASSERT_EQ(hearth(simulate).exit_code, 0);
  EXPECT_EQ(read_file(folder.path() + "/run.json"), json_text);
}

TEST_F(CommandLine, ASimulationSaysWhatIsWrongWithItsFlags) {
  const auto workers = hearth({"simulate", "--workers", "0"});
  EXPECT_EQ(workers.exit_code, 2);
  EXPECT_NE(workers.output.find("--workers"), std::string::npos) << workers.output;
  const auto late = hearth({"simulate", "--duration", "10s", "--lose-at", "20s"});
  EXPECT_EQ(late.exit_code, 2);
  EXPECT_NE(late.output.find("--lose-at 20s is not within --duration 10s"), std::string::npos) << late.output;
  const auto file = hearth({"simulate", "--duration", "1s", "--json", "/nowhere/at/all.json"});
  EXPECT_EQ(file.exit_code, 2);
  EXPECT_NE(file.output.find("/nowhere/at/all.json cannot be written"), std::string::npos) << file.output;
  const auto word = hearth({"simulate", "--round-trip", "soon"});
  EXPECT_EQ(word.exit_code, 2);
  EXPECT_NE(word.output.find("--round-trip"), std::string::npos) << word.output;
}

TEST_F(CommandLine, ASimulationPlaysATraceWithEachPolicy) {
  const ScratchFolder folder;
  folder.write("trace/invocations.csv",
               "HashOwner,HashApp,HashFunction,Trigger,1,2,3,4\no,a,f,timer,1,1,0,1\no,a,g,http,0,3,0,0\n");
  const std::vector<std::string> simulate = {"simulate", "--trace", folder.path() + "/trace", "--json",
                                             folder.path() + "/run.json"};
  const auto both = hearth(simulate);
  ASSERT_EQ(both.exit_code, 0) << both.output;
  EXPECT_NE(both.output.find("fixed      adaptive     ratio"), std::string::npos) << both.output;
  const json::value report = json::parse(read_file(folder.path() + "/run.json"));
  EXPECT_EQ(report.at("functions_called"), 2);
  EXPECT_EQ(report.at("policies").at(1).at("calls"), 6);
  auto one = simulate;
  one.insert(one.end(), {"--policy", "adaptive", "--memory", "2048", "--arrivals", "once"});
  ASSERT_EQ(hearth(one).exit_code, 0);
  const json::value other = json::parse(read_file(folder.path() + "/run.json"));
  EXPECT_EQ(other.at("policies").as_array().size(), 1U);
  EXPECT_EQ(other.at("policies").at(0).at("calls"), 4);
  EXPECT_EQ(other.at("settings").at("memory_mb"), 2'048);
  one.insert(one.end(), {"--overcommit", "1,2.5"});
  const auto overcommitted = hearth(one);
  ASSERT_EQ(overcommitted.exit_code, 0) << overcommitted.output;
  EXPECT_NE(overcommitted.output.find("adaptive x 2.5"), std::string::npos) << overcommitted.output;
}

TEST_F(CommandLine, ASimulationSaysWhatIsWrongWithItsTrace) {
  const ScratchFolder folder;
  folder.write("wrong/invocations.csv", "HashOwner,HashApp,HashFunction,Trigger,1,2\no,a,f,timer,1,x\n");
  const std::string wrong = folder.path() + "/wrong";
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--trace", wrong}, "invocations.csv:2:15: column 2: \"x\" is no whole number"},
      {{"--trace", "/nowhere/at/all"}, "/nowhere/at/all: No such file or directory"},
      {{"--trace", folder.path()}, "has no file *invocations*.csv"},
      {{"--trace", wrong, "--zipf", "1"}, "--zipf excludes --trace"},
      {{"--trace", wrong, "--arrivals", "never"}, "--arrivals"},
      {{"--trace", wrong, "--keep-alive-longest", "1m"},
       "--keep-alive-longest 1m is shorter than --keep-alive"},
      {{"--policy", "fixed"}, "--policy requires --trace"},
      {{"--trace", wrong, "--overcommit", "1,0.5"}, "--overcommit"},
      {{"--overcommit", "2"}, "--overcommit requires --trace"},
  };
  for (const auto& [flags, message] : cases) {
    std::vector<std::string> words{"simulate"};
    words.insert(words.end(), flags.begin(), flags.end());
    const auto result = hearth(words);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_NE(result.output.find(message), std::string::npos) << result.output;
  }
}

}  // namespace
}  // namespace hearth::test
