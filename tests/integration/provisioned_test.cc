// Provisioned concurrency on the real server: so many instances of a function are there, whoever calls or
// does not.
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/json/object.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kSleeps =
    "module.exports = async (input) => { await new Promise((r) => setTimeout(r, input)); return process.pid; "
    "}";

// Ends a process of an instance, whichever: their users' ids begin there.
bool kill_one_from(unsigned uid_base) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    std::ifstream status(entry.path() / "status");
    std::string word;
    unsigned uid = 0;
    while (status >> word && word != "Uid:") {
    }
    if (status >> uid && uid >= uid_base && uid < uid_base + 10'000) {
      return ::kill(std::stoi(name), SIGKILL) == 0;
    }
  }
  return false;
}

class Provisioned : public testing::Test {
 protected:
  static std::string path(const std::string& id) { return "/functions/" + id + "/limits"; }
  static Reply provide(HearthServer& server, const std::string& id, int count) {
    return server.put(path(id), R"({"provisionedConcurrency":)" + std::to_string(count) + "}",
                      "application/json");
  }
  static std::int64_t ready(HearthServer& server, const std::string& id) {
    return server.get(path(id)).json().at("provisionedReady").to_number<std::int64_t>();
  }
  static bool wait_until_ready(HearthServer& server, const std::string& id, std::int64_t count) {
    return eventually([&] { return ready(server, id) == count; }, seconds(20));
  }
  // So many calls at once, each of so long; how many of them were warm.
  static int warm_of(HearthServer& server, const std::string& id, int calls, int ms = 300) {
    std::vector<std::string> bodies(static_cast<std::size_t>(calls));
    std::vector<std::thread> threads;
    for (std::string& body : bodies) {
      threads.emplace_back([&] { body = server.invoke(id, std::to_string(ms)).body; });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    int warm = 0;
    for (const std::string& body : bodies) {
      EXPECT_NE(body.find("output"), std::string::npos) << body;
      warm += body.find("execute.warm") != std::string::npos ? 1 : 0;
    }
    return warm;
  }
  static std::string metric(HearthServer& server, const std::string& name) {
    const std::string text = server.get("/metrics").body;
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos
               ? ""
               : text.substr(at + name.size() + 2, text.find('\n', at + 1) - at - name.size() - 2);
  }
};

TEST_F(Provisioned, FirstCallsAreWarmAndStayWarmBeyondTheKeepAlive) {
  HearthServer server(with_flags({"--keep-alive", "1s", "--prestart", "0"}));
  const std::string id = server.create_js(kSleeps);
  EXPECT_EQ(ready(server, id), 0);
  const Reply put = provide(server, id, 3);
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_TRUE(put.json().as_object().contains("provisionedReady")) << put.body;
  ASSERT_TRUE(wait_until_ready(server, id, 3));
  EXPECT_EQ(server.get("/functions/" + id).json().at("limits").at("provisionedReady"), 3);
  EXPECT_EQ(metric(server, "hearth_provisioned_wanted"), "3");
  EXPECT_EQ(metric(server, "hearth_provisioned_ready"), "3");
  EXPECT_EQ(warm_of(server, id, 3), 3);

  // One of an ordinary function says when the keep-alive has passed.
  const std::string other = server.create_js("module.exports = () => 1");
  ASSERT_EQ(server.invoke(other).status, 200);
  ASSERT_TRUE(eventually([&] { return metric(server, "hearth_instances_expired_total") == "1"; }));
  EXPECT_EQ(ready(server, id), 3);
  EXPECT_EQ(warm_of(server, id, 3), 3);

  ASSERT_EQ(provide(server, id, 1).status, 200);
  EXPECT_EQ(ready(server, id), 1);
  ASSERT_TRUE(eventually([&] { return metric(server, "hearth_instances_expired_total") == "3"; }));
  EXPECT_EQ(ready(server, id), 1);
  ASSERT_EQ(server.del(path(id)).status, 200);
  EXPECT_TRUE(eventually([&] { return metric(server, "hearth_instances_expired_total") == "4"; }));
}

TEST_F(Provisioned, OneThatIsKilledComesBack) {
  constexpr unsigned kUidBase = 740'000;
  HearthServer server(with_flags({"--prestart", "0", "--uid-base", std::to_string(kUidBase)}));
  const std::string id = server.create_js(kSleeps);
  ASSERT_EQ(provide(server, id, 2).status, 200);
  ASSERT_TRUE(wait_until_ready(server, id, 2));
  ASSERT_TRUE(kill_one_from(kUidBase));
  ASSERT_TRUE(eventually([&] { return metric(server, "hearth_instances_started_total") == "3"; }));
  ASSERT_TRUE(wait_until_ready(server, id, 2));
  EXPECT_EQ(warm_of(server, id, 2), 2);
}

TEST_F(Provisioned, OneThatEndsInACallComesBack) {
  HearthServer server(with_flags({"--prestart", "0"}));
  const std::string id =
      server.create_js("module.exports = (input) => input === 'die' ? process.exit(3) : 1");
  ASSERT_EQ(provide(server, id, 1).status, 200);
  ASSERT_TRUE(wait_until_ready(server, id, 1));
  EXPECT_EQ(metric(server, "hearth_instances_started_total"), "1");
  EXPECT_EQ(server.invoke(id, R"("die")").status, 502);
  ASSERT_TRUE(eventually([&] { return metric(server, "hearth_instances_started_total") == "2"; }));
  ASSERT_TRUE(wait_until_ready(server, id, 1));
  EXPECT_NE(server.invoke(id).body.find("execute.warm"), std::string::npos);
}

TEST_F(Provisioned, AFloodOfAnotherFunctionDoesNotEvictThem) {
  HearthServer server(
      with_flags({"--memory", "1024", "--memory-max", "512", "--prestart", "0", "--queue-timeout", "20s"}));
  const std::string id = server.create_js(kSleeps);
  const std::string flood = server.create_js(kSleeps);
  ASSERT_EQ(provide(server, id, 3).status, 200);
  ASSERT_TRUE(wait_until_ready(server, id, 3));
  EXPECT_LT(warm_of(server, flood, 16, 50), 16);
  EXPECT_EQ(ready(server, id), 3);
  EXPECT_EQ(warm_of(server, id, 3), 3);
  EXPECT_EQ(metric(server, "hearth_instances_evicted_total"), "0");
}

TEST_F(Provisioned, OfNewCodeTheyAreStartedAndTheOldOnesGo) {
  HearthServer server(with_flags({"--prestart", "0"}));
  const std::string id = server.create_js(kSleeps);
  ASSERT_EQ(provide(server, id, 2).status, 200);
  ASSERT_TRUE(wait_until_ready(server, id, 2));
  ASSERT_EQ(server.update_js(id, "module.exports = () => 'new'").status, 200);
  ASSERT_TRUE(wait_until_ready(server, id, 2));
  const Reply reply = server.invoke(id);
  EXPECT_NE(reply.body.find("execute.warm"), std::string::npos) << reply.body;
  EXPECT_EQ(reply.json().at("output"), "new");
  EXPECT_TRUE(eventually([&] { return server.instances({"idle", "leased"}) == 2; }));
  ASSERT_EQ(server.del("/functions/" + id).status, 204);
  EXPECT_TRUE(server.wait_for_instances("idle", 0));
}

TEST_F(Provisioned, ComeBackWithTheServer) {
  const ScratchFolder data;
  std::string id;
  {
    HearthServer server(with_flags({"--prestart", "0"}, data.path()));
    id = server.create_js(kSleeps);
    ASSERT_EQ(provide(server, id, 2).status, 200);
    ASSERT_TRUE(wait_until_ready(server, id, 2));
    EXPECT_EQ(server.stop(), 0);
  }
  HearthServer server(with_flags({"--prestart", "0"}, data.path()));
  ASSERT_TRUE(wait_until_ready(server, id, 2));
  EXPECT_EQ(warm_of(server, id, 2), 2);
}

TEST_F(Provisioned, AreDividedOverTheLoops) {
  HearthServer server(with_flags({"--threads", "2", "--prestart", "0"}));
  const std::string id = server.create_js(kSleeps);
  ASSERT_EQ(provide(server, id, 3).status, 200);
  ASSERT_TRUE(wait_until_ready(server, id, 3));
  EXPECT_EQ(warm_of(server, id, 3), 3);
  EXPECT_EQ(metric(server, "hearth_instances_started_total"), "3");
}

TEST_F(Provisioned, AsManyAreReadyAsFit) {
  HearthServer server(with_flags({"--memory", "512", "--memory-max", "256", "--prestart", "0"}));
  const std::string id = server.create_js(kSleeps, {{"memorySize", 256}});
  ASSERT_EQ(provide(server, id, 3).status, 200);
  ASSERT_TRUE(wait_until_ready(server, id, 2));
  EXPECT_EQ(metric(server, "hearth_provisioned_wanted"), "3");
  EXPECT_EQ(warm_of(server, id, 2), 2);
}

TEST_F(Provisioned, WhoseInitFailsIsNotReadyAndSaidOnce) {
  HearthServer server(with_flags({"--prestart", "0"}));
  const std::string id = server.create_js("throw new Error('not today')");
  ASSERT_EQ(provide(server, id, 1).status, 200);
  ASSERT_TRUE(eventually([&] { return metric(server, "hearth_instances_started_total") == "2"; }));
  EXPECT_EQ(ready(server, id), 0);
  const std::string log = server.log();
  const std::size_t said = log.find("a provisioned instance did not come up");
  ASSERT_NE(said, std::string::npos) << log;
  EXPECT_EQ(log.find("a provisioned instance did not come up", said + 1), std::string::npos) << log;
}

}  // namespace
}  // namespace hearth::test
