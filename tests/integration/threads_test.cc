// `hearth serve --threads N`: each loop with its own connections and instances, one platform to its callers.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"
#include "tests/support/leftovers.h"

namespace hearth::test {
namespace {

using std::chrono::milliseconds;

constexpr const char* kHandler =
    "module.exports = async (input) => {"
    " if (input.say) { console.log(input.say); }"
    " if (input.waitMs) { await new Promise((done) => setTimeout(done, input.waitMs)); }"
    " return { n: input.n, v: VERSION }; };";

std::string handler(int version) {
  std::string text = kHandler;
  return text.replace(text.find("VERSION"), 7, std::to_string(version));
}

HearthServer::Options with_threads(int threads, std::vector<std::string> more = {}) {
  HearthServer::Options options;
  options.flags = {"--threads", std::to_string(threads)};
  options.flags.insert(options.flags.end(), more.begin(), more.end());
  return options;
}

using Clients = std::vector<std::unique_ptr<http::Client>>;

// One after another, so that they are dealt to the loops in turn.
Clients connect(const HearthServer& server, int count) {
  Clients clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(server.connect());
    EXPECT_TRUE(clients.back()->request(http::Method::kGet, "/health", ""));
  }
  return clients;
}

http::ClientResponse call(http::Client& client, const std::string& id, const std::string& body) {
  auto reply = client.request(http::Method::kPost, "/functions/" + id + "/invoke", body);
  EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
  return reply ? *std::move(reply) : http::ClientResponse{};
}

double metric(const HearthServer& server, const std::string& name) {
  std::istringstream lines(server.get("/metrics").body);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + " ")) {
      return std::stod(line.substr(name.size()));
    }
  }
  ADD_FAILURE() << "no " << name;
  return 0;
}

TEST(Threads, OnTheWarmPathNothingIsSharedBetweenLoops) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a sanitizer's runtime must be loaded before anything else, the counter of locks included";
#endif
  const ScratchFolder folder;
  const std::string file = folder.write("count", std::string(8, '\0'));
  run_program({"/bin/chmod", "a+rwx", folder.path(), file});
  // On a busy machine a warm call may take as long as a start, which is not of the warm path; nor is it that
  // an idle instance is asked what it has compiled.
  auto options = with_threads(2, {"--hot-wait", "1s", "--prestart", "0", "--compile-cache-bytes", "0"});
  options.environment = {std::string("LD_PRELOAD=") + HEARTH_LOCK_COUNTER, "HEARTH_LOCK_COUNT=" + file};
  const HearthServer server(options);
  const std::string id = server.create_js(handler(1));
  const Clients clients = connect(server, 4);
  const auto call_all = [&](int count) {
    std::vector<std::thread> callers;
    for (const auto& client : clients) {
      callers.emplace_back([&id, &client = *client, count] {
        for (int i = 0; i < count; ++i) {
          const auto reply = call(client, id, R"({"n":1})");
          EXPECT_EQ(reply.status, 200) << reply.body;
        }
      });
    }
    for (auto& caller : callers) {
      caller.join();
    }
  };
  const auto locks = [&file] {
    const std::string bytes = read_file(file);
    std::uint64_t count = 0;
    std::memcpy(&count, bytes.data(), std::min(bytes.size(), sizeof count));
    return count;
  };
  call_all(300);  // each loop has instances of its own now
  const double messages = metric(server, "hearth_loop_messages_total");
  const double of_a_look = metric(server, "hearth_loop_messages_total") - messages;
  ASSERT_GT(of_a_look, 0) << "the other loop was not asked";
  const std::uint64_t locks_before = locks();
  ASSERT_GT(locks_before, 0U) << "the counter is not there";
  call_all(1'000);
  const std::uint64_t locks_after = locks();
  EXPECT_LE(metric(server, "hearth_loop_messages_total") - messages, 2 * of_a_look)
      << "4,000 warm calls sent messages between the loops";
  EXPECT_LE(locks_after - locks_before, 10U) << "4,000 warm calls took locks";
}

TEST(Threads, AChangeIsOnEveryLoopWhenItIsAnswered) {
  const HearthServer server(with_threads(3));
  const Clients clients = connect(server, 6);
  const std::string id = server.create_js(handler(1));
  for (int version = 1; version <= 4; ++version) {
    for (const auto& client : clients) {
      const auto reply = call(*client, id, "{}");
      EXPECT_NE(reply.body.find("\"v\":" + std::to_string(version)), std::string::npos) << reply.body;
    }
    const std::string zip = zip_of({{"index.js", handler(version + 1)}});
    EXPECT_EQ(server.put("/functions/" + id + "/code", zip, "application/zip").status, 200);
  }
  EXPECT_EQ(server.del("/functions/" + id).status, 204);
  for (const auto& client : clients) {
    EXPECT_EQ(call(*client, id, "{}").status, 404);
  }
  EXPECT_TRUE(eventually([&] {
    return server.instances({"idle", "leased"}) == 0;
  })) << "an instance of deleted code was left on some loop";
}

TEST(Threads, ALoopUsesWhatIsWarmElsewhereBeforeItStartsItsOwn) {
  const HearthServer server(with_threads(2));
  const Clients clients = connect(server, 2);
  const std::string id = server.create_js(handler(1));
  call(*clients[0], id, "{}");
  ASSERT_TRUE(server.wait_for_instances("idle", 1));  // nobody's any more
  call(*clients[1], id, "{}");
  EXPECT_EQ(metric(server, "hearth_instances_started_total"), 1);
  call(*clients[1], id, "{}");
  EXPECT_EQ(metric(server, "hearth_instances_started_total"), 2) << "with traffic it has one of its own";
}

TEST(Threads, EveryLoopHasAllTheMemory) {
  // Each loop's part is one large function; both connections' calls find room wherever it is.
  const HearthServer server(
      with_threads(2, {"--memory", "1024", "--memory-max", "512", "--room-timeout", "5s"}));
  const Clients clients = connect(server, 2);
  const std::string one = server.create_js(handler(1), {{"memorySize", 512}});
  const std::string two = server.create_js(handler(2), {{"memorySize", 512}});
  const std::string three = server.create_js(handler(3), {{"memorySize", 512}});
  for (int round = 0; round < 3; ++round) {
    for (const auto& client : clients) {
      for (const auto& id : {one, two, three}) {  // more than fits: each makes room for the next
        const auto reply = call(*client, id, "{}");
        EXPECT_EQ(reply.status, 200) << reply.body;
      }
    }
  }
  const auto health = server.health();
  EXPECT_EQ(health.at("memory").at("totalMb").as_int64(), 1024);
}

TEST(Threads, ShortOfMemoryNobodyIsTurnedAway) {
  // Room for one instance a loop, and twice as many functions; calls come from everywhere.
  const HearthServer server(
      with_threads(3, {"--memory", "384", "--memory-max", "128", "--queue-timeout", "60s"}));
  std::vector<std::string> ids;
  ids.reserve(6);
  for (int i = 0; i < 6; ++i) {
    ids.push_back(server.create_js(handler(i), {{"memorySize", 128}}));
  }
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < 12; ++caller) {
    callers.emplace_back([&, caller] {
      const auto client = server.connect();
      for (std::size_t i = 0; i < 25; ++i) {
        const std::size_t function = (caller + i / 5) % ids.size();
        const auto reply = call(*client, ids[function], "{}");
        ASSERT_EQ(reply.status, 200) << reply.body;
        ASSERT_NE(reply.body.find("\"v\":" + std::to_string(function)), std::string::npos) << reply.body;
      }
    });
  }
  for (auto& caller : callers) {
    caller.join();
  }
  EXPECT_TRUE(eventually([&] {
    const auto memory = server.health().at("memory");
    return memory.at("totalMb").as_int64() == 384 &&
           memory.at("freeMb").as_int64() + memory.at("reservedMb").as_int64() == 384;
  }));
}

TEST(Threads, WithoutRoomAnywhereTheCallerIsTold) {
  const HearthServer server(with_threads(2, {"--memory", "256", "--memory-max", "128"}));
  const std::string id = server.create_js(handler(1), {{"memorySize", 128}});
  const Clients clients = connect(server, 3);
  std::vector<std::future<int>> long_calls;
  long_calls.reserve(2);
  for (int i = 0; i < 2; ++i) {
    long_calls.push_back(std::async(std::launch::async, [&, i] {
      return call(*clients[static_cast<std::size_t>(i)], id, R"({"waitMs":3000})").status;
    }));
  }
  ASSERT_TRUE(server.wait_for_instances("running", 2));
  const auto refused = call(*clients[2], id, "{}");
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_NE(refused.body.find("no_capacity"), std::string::npos) << refused.body;
  for (auto& each : long_calls) {
    EXPECT_EQ(each.get(), 200);
  }
}

TEST(Threads, LogsOfAllLoopsAreOneStory) {
  const HearthServer server(with_threads(3));
  const Clients clients = connect(server, 6);
  const std::string id = server.create_js(handler(1));
  std::vector<std::string> said;
  std::vector<std::string> shown;
  std::int64_t after = 0;
  const auto look = [&] {
    const auto page = server.get("/functions/" + id + "/logs?after=" + std::to_string(after)).json();
    for (const auto& entry : page.at("entries").as_array()) {
      shown.emplace_back(entry.at("lines").at(0).at("text").as_string());
    }
    after = page.at("next").as_int64();
  };
  for (int i = 0; i < 60; ++i) {
    said.push_back("line " + std::to_string(i) + "\n");
    call(*clients[static_cast<std::size_t>(i) % clients.size()], id,
         R"({"say":"line )" + std::to_string(i) + "\"}");
    if (i % 7 == 0) {
      look();
    }
  }
  look();
  EXPECT_EQ(shown, said) << "in order, each once";
  const auto newest = server.get("/functions/" + id + "/logs?limit=2").json();
  EXPECT_EQ(newest.at("entries").at(1).at("lines").at(0).at("text").as_string(), "line 59\n");
}

TEST(Threads, AStopLetsTheCallsOfEveryLoopFinishAndLeavesNothing) {
  const auto before = host_state();
  {
    HearthServer server(with_threads(3));
    const std::string id = server.create_js(handler(1));
    const Clients clients = connect(server, 6);
    std::vector<std::future<int>> calls;
    for (const auto& client : clients) {
      calls.push_back(
          std::async(std::launch::async, [&] { return call(*client, id, R"({"waitMs":700})").status; }));
    }
    ASSERT_TRUE(server.wait_for_instances("running", 6));
    EXPECT_EQ(server.stop(), 0) << server.log();
    for (auto& each : calls) {
      EXPECT_EQ(each.get(), 200);
    }
  }
  EXPECT_EQ(leftovers(before, host_state()), "");
}

TEST(Threads, WithoutItsLauncherTheServerAnswersWhatRunsAndEnds) {
  for (const int threads : {1, 2}) {
    HearthServer server(with_threads(threads));
    const std::string id = server.create_js(handler(1));
    const Clients clients = connect(server, 2);
    std::vector<std::future<http::ClientResponse>> calls;
    for (const auto& client : clients) {
      calls.push_back(
          std::async(std::launch::async, [&] { return call(*client, id, R"({"waitMs":20000})"); }));
    }
    ASSERT_TRUE(server.wait_for_instances("running", 2));
    const pid_t launcher = std::stoi(read_file(fmt::format("/proc/{0}/task/{0}/children", server.pid())));
    ASSERT_EQ(::kill(launcher, SIGKILL), 0);
    for (auto& each : calls) {
      const auto reply = each.get();
      EXPECT_EQ(reply.status, 502) << reply.body;
    }
    EXPECT_EQ(server.stop(), 1) << server.log();
  }
}

TEST(Threads, AQueueOfNoneHoldsNobody) {
  for (const int threads : {1, 2}) {
    const HearthServer server(with_threads(
        threads, {"--memory", "256", "--memory-max", "128", "--queue-timeout", "10s", "--queue-depth", "0"}));
    const std::string id = server.create_js(handler(1), {{"memorySize", 128}});
    const Clients clients = connect(server, 3);
    std::vector<std::future<int>> running;
    for (std::size_t i = 0; i < 2; ++i) {
      running.push_back(std::async(std::launch::async,
                                   [&, i] { return call(*clients[i], id, R"({"waitMs":2000})").status; }));
    }
    ASSERT_TRUE(server.wait_for_instances("running", 2));
    const auto refused = call(*clients[2], id, "{}");
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.body.find("queue_full"), std::string::npos) << refused.body;
    for (auto& each : running) {
      EXPECT_EQ(each.get(), 200);
    }
  }
}

TEST(Threads, EachCallGetsItsOwnAnswerUnderLoad) {
  const HearthServer server(with_threads(2));
  const std::string id = server.create_js(handler(1));
  std::vector<std::thread> callers;
  callers.reserve(15);
  for (int caller = 0; caller < 15; ++caller) {
    callers.emplace_back([&, caller] {
      auto client = server.connect();
      for (int i = 0; i < 200; ++i) {
        if (i % 50 == 49) {
          client = server.connect();  // dealt again
        }
        const std::string n = std::to_string(caller * 1'000 + i);
        const auto reply = call(*client, id, "{\"n\":" + n + "}");
        ASSERT_EQ(reply.status, 200) << reply.body;
        ASSERT_NE(reply.body.find("\"n\":" + n + ","), std::string::npos) << reply.body;
      }
    });
  }
  for (auto& caller : callers) {
    caller.join();
  }
  const auto memory = server.health().at("memory");
  EXPECT_EQ(memory.at("totalMb").as_int64(),
            memory.at("freeMb").as_int64() + memory.at("reservedMb").as_int64());
}

TEST(Threads, WrongNumbersAreRefusedWithTheirFlag) {
  const auto refused = [](const std::vector<std::string>& flags) {
    std::vector<std::string> command{hearth_binary(), "serve",      "--listen",
                                     "127.0.0.1:0",   "--data-dir", "/nonexistent/hearth"};
    command.insert(command.end(), flags.begin(), flags.end());
    const ProgramResult result = run_program(command);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    return result.output;
  };
  EXPECT_NE(refused({"--threads", "0"}).find("--threads"), std::string::npos);
  EXPECT_NE(refused({"--threads", "65"}).find("--threads"), std::string::npos);
  EXPECT_NE(refused({"--threads", "two"}).find("--threads"), std::string::npos);
  const std::string little = refused({"--threads", "4", "--memory", "2048"});
  EXPECT_NE(little.find("4 --threads, 512 MB"), std::string::npos) << little;
}

}  // namespace
}  // namespace hearth::test
