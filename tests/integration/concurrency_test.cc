// Many callers and many functions at once: every answer is the caller's own, nothing leaks, the
// ledger is exact afterwards.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"
#include "tests/support/leftovers.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

constexpr const char* kEcho = "module.exports = async (input) => input;";

// Calls `count` times with a nonce of its own; the number of answers that were right.
int call_with_nonces(const HearthServer& server, const std::string& id, const std::string& who, int count) {
  const auto client = server.connect();
  int right = 0;
  for (int i = 0; i < count; ++i) {
    const std::string nonce = who + "-" + std::to_string(i);
    const auto reply =
        client->request(http::Method::kPost, "/functions/" + id + "/invoke", "\"" + nonce + "\"");
    if (reply && reply->status == 200 && reply->body.starts_with("{\"output\":\"" + nonce + "\",")) {
      ++right;
    } else {
      ADD_FAILURE() << nonce << ": " << (reply ? reply->body : reply.error().message);
    }
  }
  return right;
}

std::int64_t memory(const HearthServer& server, const char* field) {
  return server.health().at("memory").at(field).to_number<std::int64_t>();
}

// free + Σ reservations, from the metrics.
std::int64_t sum_of_memory(const HearthServer& server) {
  const std::string text = server.get("/metrics").body;
  std::int64_t sum = 0;
  for (std::size_t at = text.find("\nhearth_memory_bytes{"); at != std::string::npos;
       at = text.find("\nhearth_memory_bytes{", at + 1)) {
    sum += std::stoll(text.substr(text.find("} ", at) + 2));
  }
  return sum;
}

TEST(Concurrency, FifteenCallersOnOneFunctionGetTheirOwnAnswers) {
  const auto before = host_state();
  {
    HearthServer server;
    const std::string id = server.create_js(kEcho);
    std::vector<std::thread> callers;
    std::atomic<int> right = 0;
    for (int caller = 0; caller < 15; ++caller) {
      callers.emplace_back(
          [&, caller] { right += call_with_nonces(server, id, std::to_string(caller), 200); });
    }
    for (auto& caller : callers) {
      caller.join();
    }
    EXPECT_EQ(right, 15 * 200);
    EXPECT_EQ(server.instances("running"), 0);
    EXPECT_EQ(sum_of_memory(server), memory(server, "totalMb") << 20);
  }
  EXPECT_EQ(leftovers(before, host_state()), "");
}

TEST(Concurrency, ThirtyFunctionsAtOnceGetTheirOwnAnswers) {
  const auto before = host_state();
  {
    HearthServer server;
    std::vector<std::thread> callers;
    std::atomic<int> right = 0;
    std::vector<std::string> ids;
    for (int function = 0; function < 30; ++function) {
      ids.push_back(server.create_js(kEcho));
    }
    for (const auto& id : ids) {
      callers.emplace_back([&server, &right, id] { right += call_with_nonces(server, id, id, 10); });
    }
    for (auto& caller : callers) {
      caller.join();
    }
    EXPECT_EQ(right, 300);
    EXPECT_EQ(sum_of_memory(server), memory(server, "totalMb") << 20);
    for (const auto& id : ids) {
      EXPECT_EQ(server.del("/functions/" + id).status, 204);
    }
    EXPECT_TRUE(eventually([&] { return server.instances({"idle", "leased", "removing"}) == 0; }));
    EXPECT_EQ(sum_of_memory(server), memory(server, "totalMb") << 20);
  }
  EXPECT_EQ(leftovers(before, host_state()), "");
}

TEST(Concurrency, TenInstancesUnderLoadFallToOneWhenItDrops) {
  HearthServer server(
      {.flags = {"--keep-alive", "2s"}, .data_dir = "", .start_bound = std::chrono::seconds(30)});
  const std::string id = server.create_js("module.exports = () => new Promise(r => setTimeout(r, 300, 1));");
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 10; ++caller) {
    callers.emplace_back([&] { EXPECT_EQ(server.invoke(id).status, 200); });
  }
  for (auto& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(server.instances({"idle", "leased"}), 10);
  const auto quick_call = [&] { return server.invoke(id).status; };
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(3'000);
  while (std::chrono::steady_clock::now() < end) {
    EXPECT_EQ(quick_call(), 200);
  }
  EXPECT_TRUE(eventually([&] { return server.instances("removing") == 0; }));
  EXPECT_EQ(server.instances({"idle", "leased"}), 1);
}

}  // namespace
}  // namespace hearth::test
