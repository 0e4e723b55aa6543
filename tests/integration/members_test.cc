// A platform of processes, over PostgreSQL and Redis of the test's own: who there is, who is lost, who
// leaves, and how many workers the load needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/sha256.h"
#include "tests/integration/members_fixture.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kSlow =
    "module.exports = (ms) => new Promise((done) => setTimeout(() => done('ok'), ms));";

TEST_F(MembersTest, AreListedWithWhatTheyHaveAndTheLostAreForgotten) {
  const auto gateway = start("gateway");
  const auto first = worker();
  const auto second = worker();
  const auto monitor = start("monitor");
  ASSERT_TRUE(has_workers(*gateway, 2));
  const std::string id = gateway->create_js(kSlow);
  EXPECT_EQ(gateway->invoke(id, "1").status, 200);
  EXPECT_TRUE(eventually([&] { return capacity(*gateway, "instancesIdle") == 1; }, seconds(5)));
  const json::value counted = gateway->get("/capacity").json();
  EXPECT_EQ(counted.at("workers"), 2);
  EXPECT_EQ(counted.at("memory").at("totalMb"), 1'024);
  EXPECT_EQ(counted.at("memory").at("freeMb"), 1'024 - 128);
  EXPECT_EQ(counted.at("memory").at("busyMb"), 0);
  EXPECT_THAT(gateway->get("/metrics").body, HasSubstr("\nhearth_workers 2\n"));
  EXPECT_THAT(monitor->get("/metrics").body, HasSubstr("\nhearth_workers 2\n"));
  EXPECT_EQ(monitor->get("/health").json().at("members"), 4);
  const json::value all = gateway->get("/workers").json();
  EXPECT_EQ(all.at("gateways").as_array().size(), 1U);
  EXPECT_EQ(all.at("monitors").as_array().size(), 1U);
  const ProgramResult table = hearth(*gateway, {"workers"});
  EXPECT_EQ(table.exit_code, 0);
  EXPECT_THAT(table.output, testing::AllOf(HasSubstr(first->endpoint()), HasSubstr(second->endpoint()),
                                           HasSubstr("1 (1 idle)")));

  first->kill();
  const auto killed = std::chrono::steady_clock::now();
  EXPECT_TRUE(has_workers(*gateway, 1)) << "of --worker-timeout, and a second";
  const auto after = std::chrono::steady_clock::now() - killed;
  EXPECT_LE(after, seconds(6));
  RecordProperty("forgotten_after_ms",
                 std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(after).count()));
  EXPECT_EQ(gateway->invoke(id, "1").status, 200) << "what the lost one had announced is dropped";
  EXPECT_TRUE(eventually(
      [&] {
        return monitor->log().find(first->endpoint() + ", ") != std::string::npos &&
               monitor->log().find("is lost") != std::string::npos;
      },
      seconds(6)))
      << monitor->log();
  EXPECT_TRUE(eventually([&] {
    return monitor->get("/metrics").body.find("\nhearth_workers_lost_total 1\n") != std::string::npos;
  }));
  EXPECT_EQ(second->stop(), 0);
  EXPECT_TRUE(has_workers(*gateway, 0, seconds(1))) << "who leaves says so";
  EXPECT_TRUE(eventually([&] { return monitor->log().find("has left") != std::string::npos; }, seconds(3)));
  EXPECT_EQ(gateway->stop(), 0);
  EXPECT_EQ(monitor->stop(), 0);
}

TEST_F(MembersTest, WhatALostWorkerHadAnnouncedIsTakenAway) {
  const auto gateway = start("gateway", {"--worker-timeout", "1s"});
  const auto monitor = start("monitor", {"--worker-timeout", "1s", "--code-sweep-interval", "100ms"});
  const auto lost = worker({"--worker-timeout", "1s"});
  ASSERT_TRUE(has_workers(*gateway, 1));
  EXPECT_TRUE(eventually([&] { return redis_->ask("LLEN hearth:cold").find(":2") != std::string::npos; }));
  lost->kill();
  EXPECT_TRUE(eventually(
      [&] {
        return monitor->get("/metrics").body.find("\nhearth_entries_dropped_total 2\n") != std::string::npos;
      },
      seconds(10)))
      << monitor->get("/metrics").body;
  EXPECT_THAT(redis_->ask("LLEN hearth:cold"), HasSubstr(":0"));
  const std::string metrics = monitor->get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("\nhearth_code_sweeps_failed_total 0\n"));
  EXPECT_THAT(metrics, testing::Not(HasSubstr("\nhearth_code_sweeps_total 0\n")))
      << "code of no function goes";
}

// Of these workers' instances: each server's carry a word made of its data directory. Others' are no concern.
std::string cgroups_of(std::initializer_list<const HearthServer*> workers) {
  std::string found;
  for (const HearthServer* each : workers) {
    base::Sha256 digest;
    digest.add(each->data_dir());
    const std::string tag = "/s" + digest.finish().substr(0, 16) + "/";
    for (const std::string& line : host_state()) {
      found += line.find(tag) == std::string::npos ? "" : line + "\n";
    }
  }
  return found;
}

TEST_F(MembersTest, DrainingOneUnderLoadFailsNoCall) {
  const auto gateway = start("gateway");
  const auto first = worker({}, 2'048);  // each has room for all callers
  const auto second = worker({}, 2'048);
  ASSERT_TRUE(has_workers(*gateway, 2));
  const std::string id = gateway->create_js(kSlow);
  Load load(*gateway, id, 5, 5);
  Load slow(*gateway, id, 2, 700);
  ASSERT_TRUE(load.goes_on(200) && slow.goes_on(2));
  EXPECT_NE(cgroups_of({first.get(), second.get()}), "");
  const std::string leaving = id_of(*gateway, *first);
  const ProgramResult drained = hearth(*gateway, {"workers", "drain", leaving, "--timeout", "20s"});
  EXPECT_EQ(drained.exit_code, 0) << drained.output;
  EXPECT_THAT(drained.output, HasSubstr(leaving + " has left"));
  EXPECT_EQ(first->wait_for_end(seconds(5)), 0) << first->log();
  EXPECT_TRUE(load.goes_on(200) && slow.goes_on(2)) << "the other carries on";
  load.stop();
  slow.stop();
  EXPECT_EQ(slow.failed, 0) << "of " << slow.answered << ": " << slow.last_failure;
  EXPECT_EQ(load.failed, 0) << "of " << load.answered << ": " << load.last_failure;
  EXPECT_EQ(workers(*gateway).size(), 1U);
  EXPECT_EQ(second->stop(), 0);
  EXPECT_EQ(gateway->stop(), 0);
  EXPECT_EQ(cgroups_of({first.get(), second.get()}), "") << "nothing of theirs is left on the host";
}

// Gateway and worker in one process: the worker that leaves takes its gateway along.
TEST_F(MembersTest, OfServersThatShareAPlatformOneLeaves) {
  const auto serve = [&](const std::string& uid_base) {
    return start("serve", {"--advertise", "http://127.0.0.1:" + std::to_string(free_port()), "--memory",
                           "512", "--memory-max", "256", "--uid-base", uid_base});
  };
  const auto first = serve("200000");
  const auto second = serve("210000");
  const auto third = serve("220000");
  ASSERT_TRUE(has_workers(*first, 3));
  EXPECT_EQ(capacity(*second, "workers"), 3);
  const std::string id = first->create_js(kSlow);
  Load load(*first, id, 4, 5);
  ASSERT_TRUE(load.goes_on(100));
  std::string leaving;
  for (const json::value& each : workers(*first)) {
    const std::string member(each.at("id").as_string());
    leaving = second->log().find(member) != std::string::npos ? member : leaving;
  }
  EXPECT_EQ(hearth(*first, {"workers", "drain", leaving}).exit_code, 0);
  EXPECT_EQ(second->wait_for_end(seconds(5)), 0) << second->log();
  EXPECT_EQ(third->post("/workers/http%3A%2F%2F127.0.0.1%3A1/drain", "").status, 404);
  EXPECT_TRUE(load.goes_on(100));
  load.stop();
  EXPECT_EQ(load.failed, 0) << load.last_failure;
  // Also by itself, as its callers see it.
  for (const json::value& each : workers(*third)) {
    const std::string member(each.at("id").as_string());
    if (third->log().find(member) != std::string::npos) {
      EXPECT_EQ(third->post("/workers/" + member + "/drain", "").status, 202);
    }
  }
  EXPECT_EQ(third->wait_for_end(seconds(5)), 0) << third->log();
}

TEST_F(MembersTest, ARollingRestartFailsNoCall) {
  const auto gateway = start("gateway");
  std::vector<std::unique_ptr<HearthServer>> running;
  running.push_back(worker({}, 1'024));
  running.push_back(worker({}, 1'024));
  ASSERT_TRUE(has_workers(*gateway, 2));
  // One of a release to come, that says more of itself.
  redis_->ask(
      "SET hearth:member:worker-newer \"id=worker-newer role=worker release=9.9.9 mood=good "
      "worker.total-mb=64 "
      "worker.gpus=2 uri=http://127.0.0.1:1\" PX 60000");
  redis_->ask("SADD hearth:members worker-newer");
  EXPECT_THAT(hearth(*gateway, {"workers"}).output,
              testing::AllOf(HasSubstr("9.9.9"), HasSubstr("worker-newer")));
  const std::string id = gateway->create_js(kSlow);
  Load load(*gateway, id, 4, 5);
  ASSERT_TRUE(load.goes_on(50));
  for (auto& old : running) {
    auto replacement = worker({}, 1'024);
    ASSERT_TRUE(has_workers(*gateway, 4));
    EXPECT_EQ(hearth(*gateway, {"workers", "drain", old->endpoint()}).exit_code, 0);
    EXPECT_EQ(old->wait_for_end(seconds(5)), 0) << old->log();
    old = std::move(replacement);
    EXPECT_TRUE(load.goes_on(50));
  }
  load.stop();
  EXPECT_EQ(load.failed, 0) << "of " << load.answered << ": " << load.last_failure;
}

// A script of the user's own starts workers; another command drains them.
TEST_F(MembersTest, TheScalerStartsAndDrainsWorkersByCommands) {
  const auto gateway = start("gateway", {"--load-window", "3s", "--worker-timeout", "1s"});
  const std::vector<std::string> small = {"--worker-timeout", "1s", "--load-window", "3s"};
  const auto first = worker(small);
  ASSERT_TRUE(has_workers(*gateway, 1));
  const ScratchFolder folder;
  std::string script = "#!/bin/sh\nset -e\n";
  for (const std::string& variable : environment_) {
    script += "export '" + variable + "'\n";
  }
  const std::string port = std::to_string(free_port());
  script += "setsid '" + hearth_binary() + "' worker --listen 127.0.0.1:" + port +
            " --advertise http://127.0.0.1:" + port + " --data-dir '" + folder.path() +
            "/data' --memory 512 --memory-max 256 --uid-base 250000" +
            " --worker-timeout 1s --load-window 3s > '" + folder.path() + "/log' 2>&1 &\necho $! > '" +
            folder.path() + "/pid'\n";
  const std::string up = folder.write("up.sh", script);
  std::filesystem::permissions(up, std::filesystem::perms(0755));
  const std::string drain = "'" + hearth_binary() + "' workers drain \"$HEARTH_WORKER_ID\"";
  const std::string id = gateway->create_js(kSlow);
  std::thread scaler;
  std::atomic<int> exit_code{-1};
  const std::string pid_file = folder.path() + "/scaler.pid";
  const std::string run = "echo $$ > '" + pid_file + "'; exec '" + hearth_binary() + "' scaler --endpoint " +
                          gateway->endpoint() + " --min 1 --max 2 --interval 200ms --up-after 500ms" +
                          " --down-after 1s --cool-down 4s --up '" + up + "' --down \"$DOWN\"";
  std::string said;
  scaler = std::thread([&] {
    const ProgramResult result = run_program({"/bin/sh", "-c", run}, {}, {"DOWN=" + drain});
    said = result.output;
    exit_code = result.exit_code;
  });
  {
    Load load(*gateway, id, 8, 200);  // 1,024 MB of 128 each, on a worker of 512
    EXPECT_TRUE(has_workers(*gateway, 2, seconds(15))) << gateway->get("/capacity").body;
    EXPECT_GE(capacity(*gateway, "workersNeeded"), 2);
  }
  EXPECT_TRUE(has_workers(*gateway, 1, seconds(20))) << gateway->get("/capacity").body;
  EXPECT_EQ(capacity(*gateway, "workersNeeded"), 0);
  EXPECT_FALSE(eventually([&] { return workers(*gateway).empty(); }, seconds(2))) << "--min";
  ::kill(std::stoi(read_file(pid_file)), SIGTERM);
  scaler.join();
  EXPECT_EQ(exit_code, 0) << said;
  EXPECT_THAT(said, testing::AllOf(HasSubstr("up: "), HasSubstr("down, worker-"), HasSubstr("stopping")));
  // Whichever of the two was drained has ended; the other is told to.
  ::kill(std::stoi(read_file(folder.path() + "/pid")), SIGTERM);
  EXPECT_TRUE(eventually([&] {
    return read_file(folder.path() + "/log").find("stopped") != std::string::npos;
  })) << read_file(folder.path() + "/log");
}

}  // namespace
}  // namespace hearth::test
