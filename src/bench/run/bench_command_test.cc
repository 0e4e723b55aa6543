// The command line: help, and everything that can be wrong with it. No server is there.
#include "bench/run/bench_command.h"

#include <gmock/gmock.h>

#include "bench/run/subcommand.h"
#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::bench {
namespace {

using testing::HasSubstr;

class Bench : public cli::CommandTest {
 protected:
  int bench(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "bench");
    // Port 9 of loopback: nothing listens on it.
    variables_["HEARTH_ENDPOINT"] = "http://127.0.0.1:9";
    return hearth(std::move(arguments), {bench_command()});
  }
};

TEST_F(Bench, EverySubcommandHasHelpWithExamples) {
  EXPECT_EQ(bench({"--help"}), cli::kOk);
  const std::string all = out();
  for (const char* name : {"concurrency", "backoff", "keepalive", "coldburst", "payload", "codesize", "mixed",
                           "replay", "runtimes", "events", "compare", "idle", "overlay"}) {
    EXPECT_THAT(all, HasSubstr(std::string("\n  ") + name + " "));
    EXPECT_EQ(bench({name, "--help"}), cli::kOk) << name;
    EXPECT_THAT(out(), HasSubstr("Example")) << name;
    EXPECT_THAT(out(), HasSubstr(std::string("hearth bench ") + name)) << name;
  }
}

TEST(Subcommands, SayWhatSizesAreOf) {
  EXPECT_EQ(codesize_subcommand().x_name, "code size");
  EXPECT_EQ(payload_subcommand().x_name, "body size");
  EXPECT_EQ(codesize_subcommand().x_unit, "bytes");
  EXPECT_EQ(payload_subcommand().x_unit, "bytes");
}

TEST_F(Bench, WrongInputIsToldBeforeAnythingIsMeasured) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> wrong = {
      {{}, "hearth bench compare"},
      {{"speed"}, "speed"},
      {{"concurrency", "--levels", "0..3"}, "a number from 1"},
      {{"concurrency", "--levels", "5..1"}, "upwards"},
      {{"concurrency", "--rate", "0"}, "no rate"},
      {{"concurrency", "--rate", "0/s"}, "no rate"},
      {{"concurrency", "--rate", "fast"}, "no rate"},
      {{"concurrency", "--step", "10"}, "--step"},
      {{"concurrency", "--step", "0"}, "at least 1ms"},
      {{"concurrency", "--repeat", "0"}, "--repeat"},
      {{"concurrency", "--target", "lambda"}, "there are: hearth, node, nginx, workerd"},
      {{"concurrency", "--target", "nginx", "--function", "echo"}, "nginx answers a constant"},
      {{"concurrency", "--json", "/no/such/folder/x.json"}, "there is no folder"},
      {{"concurrency", "--resume", "/no/such.json"}, "cannot be read"},
      {{"concurrency", "--function", "goodbye"}, "goodbye"},
      {{"backoff", "--intervals", "30m..1m"}, "upwards"},
      {{"payload", "--sizes", "0"}, "a size"},
      {{"compare"}, "TARGET is required"},
      {{"compare", "node", "nginx", "--reference", "hearth"}, "no target has that name"},
      {{"coldburst", "--target", "http://127.0.0.1:9/"}, "only hearth takes"},
      {{"overlay", "/no/such.json", "--report", "/tmp/x.html"}, "cannot be read"},
      {{"coldburst", "--deploy", "serverless"}, "tests of one function"},
      {{"concurrency", "--resume", "/dev/null"}, "no result of hearth bench"},
      {{"overlay", "/no/such.json"}, "--report FILE.html"},
      {{"replay"}, "--trace is required"},
      {{"replay", "--trace", "/no/such/folder"}, "/no/such/folder: No such file or directory"},
      {{"replay", "--trace", "/proc/self/fdinfo"}, "has no file *invocations*.csv"},
      {{"replay", "--trace", "/tmp", "--time-scale", "0"}, "--time-scale"},
      {{"replay", "--trace", "/tmp", "--functions", "0"}, "--functions"},
      {{"replay", "--trace", "/tmp", "--pick", "best"}, "--pick"},
      {{"replay", "--trace", "/tmp", "--target", "hearth:function=echo"}, "comes from the trace"},
  };
  for (const auto& [arguments, message] : wrong) {
    EXPECT_EQ(bench(arguments), cli::kUsage) << (arguments.size() > 2 ? arguments[2] : message);
    EXPECT_THAT(err(), HasSubstr(message));
    EXPECT_EQ(out(), "");
  }
}

TEST_F(Bench, WithoutAServerItSaysSo) {
  EXPECT_EQ(bench({"concurrency", "--levels", "1", "--step", "100ms"}), cli::kUnreachable);
  EXPECT_THAT(err(), HasSubstr("http://127.0.0.1:9"));
}

}  // namespace
}  // namespace hearth::bench
