// The life of instances and of the server: keep-alive, deletion, capacity, restarts, shutdown.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"
#include "tests/support/leftovers.h"

namespace hearth::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kCount = "let n = 0; module.exports = () => ++n;";
constexpr const char* kSleep = "module.exports = (ms) => new Promise(r => setTimeout(r, ms, 'done'));";

TEST(Life, AnIdleInstanceGoesAfterItsKeepAliveAndTheNextCallIsCold) {
  HearthServer server(with_flags({"--keep-alive", "500ms"}));
  const std::string id = server.create_js(kCount);
  EXPECT_EQ(server.invoke(id).json().at("output"), 1);
  EXPECT_EQ(server.invoke(id).json().at("output"), 2);
  EXPECT_TRUE(eventually([&] { return server.instances({"idle", "leased", "removing"}) == 0; }));
  EXPECT_EQ(server.invoke(id).json().at("output"), 1);
}

TEST(Life, WithTheAdaptivePolicyToo) {
  HearthServer server(with_flags({"--keep-alive", "500ms", "--keep-alive-policy", "adaptive"}));
  const std::string id = server.create_js(kCount);
  EXPECT_EQ(server.invoke(id).json().at("output"), 1);
  EXPECT_EQ(server.invoke(id).json().at("output"), 2);
  EXPECT_TRUE(eventually([&] { return server.instances({"idle", "leased", "removing"}) == 0; }));
  EXPECT_NE(server.get("/metrics").body.find("hearth_instances_prewarmed_total 0"), std::string::npos);
}

TEST(Life, ADeletedFunctionsInstancesGoAtOnce) {
  HearthServer server;
  const std::string id = server.create_js(kCount);
  server.invoke(id);
  EXPECT_EQ(server.del("/functions/" + id).status, 204);
  EXPECT_TRUE(eventually([&] { return server.instances({"idle", "leased", "removing"}) == 0; }, seconds(2)));
}

TEST(Life, ADeletionLetsTheRunningCallFinish) {
  HearthServer server;
  const std::string id = server.create_js(kSleep);
  std::thread caller([&] { EXPECT_EQ(server.invoke(id, "500").json().at("output"), "done"); });
  EXPECT_TRUE(server.wait_for_instances("running", 1));
  EXPECT_EQ(server.del("/functions/" + id).status, 204);
  caller.join();
}

TEST(Life, AnIdleInstanceGivesWayToAnotherFunctionsCall) {
  HearthServer server(with_flags({"--memory", "1024"}));
  const std::string first = server.create_js(kCount, {{"memorySize", 1'024}});
  const std::string second = server.create_js(kCount, {{"memorySize", 512}});
  EXPECT_EQ(server.invoke(first).status, 200);
  EXPECT_EQ(server.invoke(second).status, 200);
  EXPECT_EQ(server.invoke(first).json().at("output"), 1) << "it was evicted, and evicts in its turn";
}

TEST(Life, WithoutCapacityTheAnswerIs503AndSaysWhenToComeBack) {
  HearthServer server(with_flags({"--memory", "1024"}));
  const std::string first = server.create_js(kSleep, {{"memorySize", 1'024}});
  const std::string second = server.create_js(kCount);
  std::thread caller([&] { EXPECT_EQ(server.invoke(first, "700").status, 200); });
  EXPECT_TRUE(server.wait_for_instances("running", 1));
  const Reply refused = server.invoke(second);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.error_code(), "no_capacity");
  EXPECT_EQ(refused.header("Retry-After"), "1");
  caller.join();
  EXPECT_EQ(server.invoke(second).status, 200);
}

TEST(Life, EvictNeverIsThePapersBehaviour) {
  HearthServer server(with_flags({"--memory", "1024", "--evict", "never"}));
  const std::string first = server.create_js(kCount, {{"memorySize", 1'024}});
  const std::string second = server.create_js(kCount);
  EXPECT_EQ(server.invoke(first).status, 200);
  EXPECT_EQ(server.invoke(second).error_code(), "no_capacity");
}

TEST(Life, QueueTimeoutWaitsAndTheQueueIsBounded) {
  HearthServer server(with_flags({"--memory", "1024", "--queue-timeout", "5s", "--queue-depth", "1"}));
  const std::string id = server.create_js(kSleep, {{"memorySize", 1'024}});
  EXPECT_EQ(server.invoke(id, "1").status, 200);
  std::thread running([&] { EXPECT_EQ(server.invoke(id, "1000").status, 200); });
  EXPECT_TRUE(server.wait_for_instances("running", 1));
  std::thread waiting([&] { EXPECT_EQ(server.invoke(id, "1").status, 200); });
  EXPECT_TRUE(eventually([&] { return server.health().at("calls").at("waiting").to_number<int>() == 1; }));
  EXPECT_EQ(server.invoke(id, "1").error_code(), "queue_full");
  running.join();
  waiting.join();
}

TEST(Life, ATimeoutCountsFromTheHandlersStartNotFromTheColdStarts) {
  HearthServer server;
  // Loading takes longer than the time-out, and the handler is still given all of it.
  const std::string id = server.create_js(
      "const end = Date.now() + 1000; while (Date.now() < end) {} module.exports = () => new Promise(r => "
      "setTimeout(r, "
      "300, 'done'));",
      {{"timeout", 600}});
  const Reply reply = server.invoke(id);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("output"), "done");
}

TEST(Life, AnInitThatNeverEndsIsCutOff) {
  HearthServer server(with_flags({"--init-timeout", "500ms"}));
  const std::string id = server.create_js("for (;;) {}");
  const Reply reply = server.invoke(id);
  EXPECT_EQ(reply.status, 504);
  EXPECT_EQ(reply.error_code(), "init_timeout");
}

TEST(Life, ARedeployFailsNoCall) {
  HearthServer server;
  const std::string id = server.create_js("module.exports = () => 0;");
  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::atomic<int> newest = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      const auto client = server.connect();
      while (!stop) {
        const int at_least = newest;
        const auto reply = client->request(http::Method::kPost, "/functions/" + id + "/invoke", "null");
        const bool good = reply && reply->status == 200;
        const int version = good ? std::stoi(reply->body.substr(10)) : -1;
        if (!good || version < at_least) {
          ++failed;
          ADD_FAILURE() << (reply ? reply->body : reply.error().message) << " after version " << at_least;
        }
      }
    });
  }
  for (int version = 1; version <= 10; ++version) {
    const std::string js = "module.exports = () => " + std::to_string(version) + ";";
    EXPECT_EQ(server.put("/functions/" + id + "/code", zip_of({{"index.js", js}}), "application/zip").status,
              200);
    newest = version;
  }
  stop = true;
  for (auto& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(failed, 0);
}

TEST(Life, FunctionsSurviveAKillAndLeftoversGoAtTheNextStart) {
  const auto before = host_state();
  const ScratchFolder folder;
  std::string id;
  {
    HearthServer server(with_flags({}, folder.path() + "/data"));
    id = server.create_js(kCount, {{"name", "kept"}});
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 5; ++caller) {
      callers.emplace_back([&] {
        const auto client = server.connect();
        while (client->request(http::Method::kPost, "/functions/kept/invoke", "null")) {
        }
      });
    }
    EXPECT_TRUE(eventually([&] { return server.instances({"leased", "running"}) > 0; }));
    server.kill();
    for (auto& caller : callers) {
      caller.join();
    }
  }
  {
    HearthServer server(with_flags({}, folder.path() + "/data"));
    const Reply kept = server.get("/functions/kept");
    ASSERT_EQ(kept.status, 200) << kept.body << server.log();
    EXPECT_EQ(kept.json().at("id"), boost::json::value(id));
    const Reply answer = server.invoke(id);
    ASSERT_EQ(answer.status, 200) << answer.body << server.log();
    EXPECT_EQ(answer.json().at("output"), 1);
  }
  EXPECT_TRUE(eventually([&] { return leftovers(before, host_state()).empty(); }))
      << leftovers(before, host_state());
}

TEST(Life, ASecondServerOnTheSameFolderIsRefused) {
  HearthServer server;
  const auto second =
      run_program({hearth_binary(), "serve", "--listen", "127.0.0.1:" + std::to_string(free_port()),
                   "--data-dir", server.data_dir()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.output.find(server.data_dir()), std::string::npos) << second.output;
  EXPECT_NE(second.output.find(std::to_string(server.pid())), std::string::npos) << second.output;
  const std::string id = server.create_js(kCount);
  EXPECT_EQ(server.invoke(id).status, 200);
}

TEST(Life, SigtermLetsTheRunningCallFinishAndRefusesNewOnes) {
  HearthServer server;
  const std::string id = server.create_js(kSleep);
  std::thread caller([&] { EXPECT_EQ(server.invoke(id, "800").json().at("output"), "done"); });
  EXPECT_TRUE(server.wait_for_instances("running", 1));
  EXPECT_EQ(server.stop(), 0);
  caller.join();
}

TEST(Life, SigtermIsBoundedByTheDrainTimeout) {
  HearthServer server(with_flags({"--drain-timeout", "300ms"}));
  const std::string id = server.create_js(kSleep);
  std::thread caller([&] { EXPECT_EQ(server.invoke(id, "20000").error_code(), "exited"); });
  EXPECT_TRUE(server.wait_for_instances("running", 1));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(server.stop(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(4));
  caller.join();
}

TEST(Life, AConnectionThatWaitsGetsOneMoreAnswerAfterSigterm) {
  HearthServer server(with_flags({"--drain-grace", "5s"}));
  const std::string id = server.create_js("module.exports = (input) => input;");
  const auto client = server.connect();
  const std::string target = "/functions/" + id + "/invoke";
  ASSERT_EQ(client->request(http::Method::kPost, target, "1")->status, 200);
  ::kill(server.pid(), SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto last = client->request(http::Method::kPost, target, "2");
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_EQ(last->status, 200);
  EXPECT_TRUE(std::ranges::any_of(last->headers, [](const http::Header& header) {
    return header.name == "Connection" && header.value == "close";
  }));
  EXPECT_EQ(server.wait_for_end(seconds(4)), 0) << "nobody is left to wait for";
}

TEST(Life, OnlyTheLauncherIsRootOnceTheServerListens) {
  HearthServer server;
  const std::string status = read_file("/proc/" + std::to_string(server.pid()) + "/status");
  EXPECT_EQ(status.find("Uid:\t0\t"), std::string::npos) << status;
  EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos) << status;
  EXPECT_NE(status.find("CapPrm:\t0000000000000000"), std::string::npos) << status;
}

// The kernel lets a process with threads wait about 10 ms whenever its table of descriptors has to grow.
TEST(Life, TheTableOfDescriptorsIsMadeAtTheStart) {
  HearthServer server;
  const std::string process = "/proc/" + std::to_string(server.pid());
  const auto number_after = [](const std::string& text, const std::string& label) {
    return std::stoul(text.substr(text.find(label) + label.size()));
  };
  const auto limit = number_after(read_file(process + "/limits"), "Max open files");
  EXPECT_GE(number_after(read_file(process + "/status"), "FDSize:"), std::min(limit, 65'536UL));
}

TEST(Life, BeyondLoopbackAKeyIsNeeded) {
  const ScratchFolder folder;
  const auto refused =
      run_program({hearth_binary(), "serve", "--listen", "0.0.0.0:0", "--data-dir", folder.path() + "/d"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.output.find("--api-key"), std::string::npos) << refused.output;
}

TEST(Life, WithAKeyEveryRouteButHealthAsksForIt) {
  HearthServer server(with_flags({"--api-key", "secret"}));
  EXPECT_EQ(server.get("/health").status, 200);
  EXPECT_EQ(server.get("/functions").error_code(), "unauthorized");
  EXPECT_EQ(server.post("/functions", std::string(1'000, 'x')).status, 401);
  const auto client = server.connect();
  client->set_header({"Authorization", "Bearer wrong"});
  EXPECT_EQ(client->request(http::Method::kGet, "/functions")->status, 401);
  const auto other = server.connect();
  other->set_header({"Authorization", "Bearer secret"});
  EXPECT_EQ(other->request(http::Method::kGet, "/functions")->status, 200);
}

}  // namespace
}  // namespace hearth::test
