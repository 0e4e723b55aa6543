// The commands about the platform's processes: workers, workers drain, capacity.
#include <gmock/gmock.h>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using enum http::Method;

std::string worker(const std::string& id, const std::string& state, const std::string& instances) {
  return R"({"id":")" + id + R"(","role":"worker","state":")" + state + R"(","uri":"http://10.0.0.2:8081",)" +
         R"("version":"0.1.0","startedAt":"2027-01-15T07:57:00Z","memory":{"totalMb":2048,"freeMb":1536,)" +
         R"("busyMb":128},"coldAllocations":1,"versions":2,"instances":{)" + instances + "}}";
}

std::string list(const std::string& workers) {
  return R"({"workers":[)" + workers + R"(],"gateways":[],"monitors":[]})";
}

class Workers : public CommandTest {};

TEST_F(Workers, AreATable) {
  expect(kGet, "/workers", 200, list(worker("worker-a", "serving", R"("idle":3,"running":1,"starting":0)")));
  EXPECT_EQ(hearth({"workers"}), kOk);
  EXPECT_EQ(out(),
            "ID        ROLE    STATE    VERSION  MEMORY   FREE     BUSY    INSTANCES              FUNCTIONS  "
            "STARTED    URI\n"
            "worker-a  worker  serving  0.1.0    2048 MB  1536 MB  128 MB  4 (3 idle, 1 running)  2          "
            "3 min ago  http://10.0.0.2:8081\n");
}

TEST_F(Workers, InOtherShapes) {
  expect(kGet, "/workers", 200, list(""));
  EXPECT_EQ(hearth({"workers", "--json"}), kOk);
  EXPECT_EQ(out(), list("") + "\n");
  expect(kGet, "/workers", 200, list(""));
  EXPECT_EQ(hearth({"workers"}), kOk);
  EXPECT_THAT(out(), HasSubstr("hearth worker --help"));
  expect(kGet, "/workers", 200, R"({"workers":7})");
  EXPECT_EQ(hearth({"workers"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("not a list of workers"));
}

TEST_F(Workers, DrainWaitsUntilItHasLeftAndTellsItsProgress) {
  expect(kGet, "/workers", 200, list(worker("worker-a", "serving", R"("running":2)")));
  expect(kPost, "/workers/worker-a/drain", 202, R"({"state":"draining"})");
  expect(kGet, "/workers", 200, list(worker("worker-a", "draining", R"("running":2)")));
  expect(kGet, "/workers", 200, list(worker("worker-a", "draining", R"("running":2)")));
  expect(kGet, "/workers", 200, list(worker("worker-a", "draining", R"("running":1)")));
  expect(kGet, "/workers", 200, list(worker("worker-b", "serving", "")));
  waits_left_ = 3;
  EXPECT_EQ(hearth({"workers", "drain", "worker-a"}), kOk);
  EXPECT_EQ(out(), "worker-a has left\n");
  EXPECT_EQ(err(), "worker-a drains: 2 (2 running) instances\nworker-a drains: 1 (1 running) instances\n");
}

TEST_F(Workers, DrainFollowsTheIdOfWhoWasAtTheUri) {
  expect(kGet, "/workers", 200, list(worker("worker-a", "serving", "")));
  expect(kPost, "/workers/worker-a/drain", 202, "{}");
  expect(kGet, "/workers", 200, list(worker("worker-b", "serving", "")));
  EXPECT_EQ(hearth({"workers", "drain", "http://10.0.0.2:8081", "--json"}), kOk);
  EXPECT_EQ(out(), R"({"id":"worker-a","state":"left"})"
                   "\n");
  EXPECT_EQ(err(), "");
}

TEST_F(Workers, DrainOfNobodyIsNotFound) {
  expect(kGet, "/workers", 200, list(worker("worker-a", "serving", "")));
  EXPECT_EQ(hearth({"workers", "drain", "worker-x"}), kNotFound);
  EXPECT_THAT(err(), HasSubstr("there is no worker 'worker-x'"));
  EXPECT_THAT(err(), HasSubstr("hearth workers"));
  EXPECT_THAT(err(), Not(HasSubstr("hearth list")));
}

TEST_F(Workers, DrainThatIsRefusedSaysWhy) {
  expect(kGet, "/workers", 200, list(worker("worker-a", "serving", "")));
  expect(kPost, "/workers/worker-a/drain",
         Reply{503, R"({"error":{"code":"worker_unreachable","message":"it does not answer"}})", "", "1"});
  EXPECT_EQ(hearth({"workers", "drain", "worker-a"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("it does not answer (503 worker_unreachable)"));
}

TEST_F(Workers, DrainHasABound) {
  expect(kGet, "/workers", 200, list(worker("worker-a", "serving", "")));
  expect(kPost, "/workers/worker-a/drain", 202, "{}");
  for (int i = 0; i < 5; ++i) {
    expect(kGet, "/workers", 200, list(worker("worker-a", "draining", R"("running":1)")));
  }
  waits_left_ = 100;
  EXPECT_EQ(hearth({"workers", "drain", "worker-a", "--timeout", "2s"}), kUnreachable);
  EXPECT_THAT(err(), HasSubstr("has not left within 2s; it goes on draining"));
}

TEST_F(Workers, TheCommandLineIsChecked) {
  EXPECT_EQ(hearth({"workers", "drain"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("ID is required"));
  EXPECT_EQ(hearth({"workers", "drian", "worker-a"}), kUsage);
  EXPECT_EQ(hearth({"workers", "drain", "worker-a", "--timeout", "soon"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--timeout: \"soon\" is no duration"));
  EXPECT_EQ(hearth({"workers", "drain", "--help"}), kOk);
  EXPECT_THAT(out(), HasSubstr("Longest wait for it to leave"));
}

TEST_F(Workers, CapacityIsInWords) {
  const std::string body =
      R"({"workers":2,"workersDraining":1,"workersNeeded":3,"memory":{"totalMb":2048,"freeMb":512,"busyMb":1536,)"
      R"("waitedForMb":128},"coldAllocations":1,"instancesIdle":4,"calls":{"waiting":5,"running":6}})";
  expect(kGet, "/capacity", 200, body);
  EXPECT_EQ(hearth({"capacity"}), kOk);
  EXPECT_EQ(out(),
            "workers    2, 1 more draining; the load of the last minutes needs 3\n"
            "memory     2.0 GB: 512 MB free, 1.5 GB busy; callers wait for 128 MB\n"
            "instances  4 idle, and 1 cold allocations\n"
            "calls      6 running, 5 waiting\n");
  expect(kGet, "/capacity", 200, body);
  EXPECT_EQ(hearth({"capacity", "--json"}), kOk);
  EXPECT_EQ(out(), body + "\n");
  expect(kGet, "/capacity", 200, "[]");
  EXPECT_EQ(hearth({"capacity"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("not a report of capacity"));
}

TEST_F(Workers, AreCompletedInEveryShell) {
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(hearth({"completion", shell}), kOk);
    for (const auto* word : {"workers", "capacity", "scaler", "drain", "cool-down"}) {
      EXPECT_THAT(out(), HasSubstr(word)) << shell;
    }
  }
}

}  // namespace
}  // namespace hearth::cli
