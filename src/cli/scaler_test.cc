// What the scaler asks, runs and says.
#include "cli/scaler.h"

#include <gmock/gmock.h>

#include <map>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using enum http::Method;

constexpr const char* kCrowded =
    R"({"workers":1,"workersDraining":0,"workersNeeded":3,"memory":{"totalMb":1024,"freeMb":0,"busyMb":1024,)"
    R"("waitedForMb":512},"calls":{"waiting":4,"running":8}})";
constexpr const char* kQuiet = R"({"workers":3,"workersNeeded":1,"memory":{"totalMb":3072,"freeMb":3072}})";
constexpr const char* kWorkers =
    R"({"workers":[{"id":"worker-a","role":"worker","state":"serving","uri":"http://a:1","memory":{"busyMb":512}},)"
    R"({"id":"worker-b","role":"worker","state":"serving","uri":"http://b:1","memory":{"busyMb":128}}]})";

class ScalerTest : public CommandTest {
 protected:
  // Runs it on the script's answers; it stops after `looks`.
  int scale(int looks, ScalerSettings settings = {}) {
    settings.up = "up";
    settings.down = "down";
    Command command;
    command.name = "scale";
    command.run = [&](Context& context) {
      Scaler scaler(context, settings,
                    {[this](const ShellCommand& shell) {
                       run_.push_back(shell.line);
                       environment_.clear();
                       environment_.insert(shell.environment.begin(), shell.environment.end());
                       return result_;
                     },
                     [this] { return now_ += seconds(5); }});
      return scaler.run();
    };
    waits_left_ = looks - 1;
    return hearth({"--endpoint", "http://h:1", "scale"}, {command});
  }
  static ScalerSettings once() {
    ScalerSettings settings;
    settings.once = true;
    return settings;
  }

  std::vector<std::string> run_;
  std::map<std::string, std::string> environment_;
  ShellResult result_;
  base::TimePoint now_{std::chrono::hours(1)};
};

TEST_F(ScalerTest, StartsWorkersWhenMoreAreNeededForAWhile) {
  for (int i = 0; i < 4; ++i) {
    expect(kGet, "/capacity", 200, kCrowded);
  }
  EXPECT_EQ(scale(4), kOk);
  EXPECT_THAT(run_, ElementsAre("up")) << "at the third look, after 10 s, and then it cools down";
  EXPECT_EQ(environment_["HEARTH_WORKERS"], "1");
  EXPECT_EQ(environment_["HEARTH_WORKERS_NEEDED"], "3");
  EXPECT_EQ(environment_["HEARTH_ENDPOINT"], "http://h:1");
  EXPECT_THAT(out(), HasSubstr("1 workers, 3 needed"));
  EXPECT_THAT(out(), HasSubstr("stopping"));
}

TEST_F(ScalerTest, TakesTheLeastBusyAway) {
  expect(kGet, "/capacity", 200, kQuiet);
  expect(kGet, "/workers", 200, kWorkers);
  EXPECT_EQ(scale(1, once()), kOk);
  EXPECT_THAT(run_, ElementsAre("down"));
  EXPECT_EQ(environment_["HEARTH_WORKER_ID"], "worker-b");
  EXPECT_EQ(environment_["HEARTH_WORKER_URI"], "http://b:1");
}

TEST_F(ScalerTest, ACommandThatFailsIsReportedAndNotTriedAgainAtOnce) {
  result_ = {3, false, true};
  for (int i = 0; i < 10; ++i) {
    expect(kGet, "/capacity", 200, kCrowded);
  }
  EXPECT_EQ(scale(10), kOk);
  EXPECT_THAT(run_, ElementsAre("up"));
  EXPECT_THAT(err(), HasSubstr("the command ended with 3: up"));
  expect(kGet, "/capacity", 200, kCrowded);
  result_ = {143, true, true};
  EXPECT_EQ(scale(1, once()), kUsage);
  EXPECT_THAT(err(), HasSubstr("did not end within 1m"));
}

TEST_F(ScalerTest, NothingIsDoneWhileTheCapacityIsUnknown) {
  expect(kGet, "/capacity", 200, kCrowded);
  expect(kGet, "/capacity", 200, kCrowded);
  expect(kGet, "/capacity", base::Error{base::ErrorCode::kIo, "nothing listens"});
  expect(kGet, "/capacity", base::Error{base::ErrorCode::kIo, "nothing listens"});
  expect(kGet, "/capacity", 503, R"({"error":{"code":"messaging_unavailable","message":"no Redis"}})");
  expect(kGet, "/capacity", 200, "{}");
  expect(kGet, "/capacity", 200, kCrowded);
  EXPECT_EQ(scale(7), kOk);
  EXPECT_THAT(run_, IsEmpty());
  const std::string told = err();
  EXPECT_EQ(told.find("nothing listens"), told.rfind("nothing listens")) << "said once";
  EXPECT_THAT(told, HasSubstr("http://h:1 answered 503: no Redis"));
  EXPECT_THAT(out(), HasSubstr("known again"));
  expect(kGet, "/capacity", base::Error{base::ErrorCode::kIo, "nothing listens"});
  EXPECT_EQ(scale(1, once()), kUnreachable);
}

TEST_F(ScalerTest, ADryRunRunsNothing) {
  ScalerSettings settings = once();
  settings.dry_run = true;
  expect(kGet, "/capacity", 200, kCrowded);
  EXPECT_EQ(scale(1, settings), kOk);
  EXPECT_THAT(run_, IsEmpty());
  EXPECT_THAT(out(), HasSubstr("up: up"));
}

TEST_F(ScalerTest, WithoutAWorkerToTakeAwayNothingIsRun) {
  expect(kGet, "/capacity", 200, kQuiet);
  expect(kGet, "/workers", 200, R"({"workers":[]})");
  EXPECT_EQ(scale(1, once()), kNotFound);
  EXPECT_THAT(run_, IsEmpty());
}

TEST_F(ScalerTest, TheCommandLineIsChecked) {
  EXPECT_EQ(hearth({"scaler", "--up", "x"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--down is required"));
  EXPECT_EQ(hearth({"scaler", "--up", "x", "--down", "y", "--min", "3", "--max", "2"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--min is more than --max"));
  EXPECT_EQ(hearth({"scaler", "--up", "x", "--down", "y", "--interval", "soon"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--interval"));
  EXPECT_EQ(hearth({"scaler", "--up", "x", "--down", "y", "--interval", "0"}), kUsage);
  EXPECT_EQ(hearth({"scaler", "--up", "x", "--down", "y", "--max", "-1"}), kUsage);
  expect(kGet, "/capacity", 200, R"({"workers":1,"workersNeeded":1})");
  EXPECT_EQ(hearth({"scaler", "--up", "false", "--down", "false", "--once", "--cool-down", "0"}), kOk);
  EXPECT_THAT(out(), HasSubstr("nothing to do"));
}

TEST_F(ScalerTest, RunsARealCommand) {
  expect(kGet, "/capacity", 200, kCrowded);
  EXPECT_EQ(hearth({"scaler", "--up", "exit $HEARTH_WORKERS_NEEDED", "--down", "false", "--once"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("ended with 3"));
}

}  // namespace
}  // namespace hearth::cli
