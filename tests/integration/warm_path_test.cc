// The warm path in numbers that noise does not move, and what a long call among short ones does to them.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kHandler =
    "module.exports = (input) => { if (input.busyMs) { const end = Date.now() + input.busyMs;"
    " while (Date.now() < end); } if (input.say) { console.log(input.say); } return input.n; };";

std::string invoke_path(const std::string& id) { return "/functions/" + id + "/invoke"; }

void call_one_by_one(const HearthServer& server, const std::string& id, int count) {
  const auto client = server.connect();
  for (int i = 0; i < count; ++i) {
    const auto reply =
        client->request(http::Method::kPost, invoke_path(id), "{\"n\":" + std::to_string(i) + "}");
    ASSERT_TRUE(reply && reply->status == 200) << (reply ? reply->body : reply.error().message);
  }
}

// System calls of the server while `count` calls come one by one, as strace counts them.
std::string count_system_calls(const HearthServer& server, const std::string& id, int count) {
  const ScratchFolder folder;
  const std::string file = folder.path() + "/counts";
  std::thread tracer([&] {
    run_program({"/usr/bin/timeout", "-s", "INT", "5", "/usr/bin/strace", "-f", "-c", "-o", file, "-p",
                 std::to_string(server.pid())});
  });
  // strace has attached when the server says who traces it.
  const bool attached = eventually([&] {
    return read_file("/proc/" + std::to_string(server.pid()) + "/status").find("TracerPid:\t0\n") ==
           std::string::npos;
  });
  EXPECT_TRUE(attached);
  call_one_by_one(server, id, count);
  tracer.join();
  return read_file(file);
}

// The row of a call in strace's table: % time, seconds, usecs/call, calls, [errors,] syscall.
double calls_of(const std::string& table, const std::string& name) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> row;
    for (std::string word; words >> word;) {
      row.push_back(word);
    }
    if (row.size() >= 5 && row.back() == name) {
      return std::stod(row[3]);
    }
  }
  return 0;
}

TEST(WarmPath, AWarmCallTakesSevenSystemCalls) {
  // recvfrom, writev, read, poll, sendmsg, and two waits. A tenth more is a failure.
  constexpr int kCalls = 1'000;
  constexpr double kSystemCalls = 7;
  const HearthServer server({.flags = {"--spin", "0"}, .data_dir = {}});
  const std::string id = server.create_js(kHandler);
  call_one_by_one(server, id, 100);
  const std::string table = count_system_calls(server, id, kCalls);
  const double total = calls_of(table, "total");
  ASSERT_GT(total, kCalls) << table;
  EXPECT_LE(total / kCalls, kSystemCalls * 1.1) << table;
  EXPECT_LE(calls_of(table, "recvfrom"), kCalls * 1.1) << "no read in vain\n" << table;
  EXPECT_LE(calls_of(table, "epoll_ctl"), kCalls * 0.1) << table;
}

TEST(WarmPath, ALongCallAmongShortOnesHoldsNobodyUp) {
  const HearthServer server;
  const std::string id = server.create_js(kHandler);
  // Three instances: where a call of its own would be a cold start, it is that start which is waited for.
  std::vector<std::thread> starters;
  for (int i = 0; i < 3; ++i) {
    starters.emplace_back([&] { EXPECT_EQ(server.invoke(id, R"({"n":1,"busyMs":200})").status, 200); });
  }
  for (auto& starter : starters) {
    starter.join();
  }
  call_one_by_one(server, id, 200);
  std::atomic<bool> over = false;
  std::atomic<std::int64_t> slowest_ms = 0;
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 14; ++caller) {
    callers.emplace_back([&, caller] {
      const auto client = server.connect();
      for (int i = 0; !over; ++i) {
        const std::string n = std::to_string(caller * 1'000'000 + i);
        const auto began = Clock::now();
        const auto reply = client->request(http::Method::kPost, invoke_path(id), "{\"n\":" + n + "}");
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began).count();
        std::int64_t slowest = slowest_ms;
        while (took > slowest && !slowest_ms.compare_exchange_weak(slowest, took)) {
        }
        if (!reply || !reply->body.starts_with("{\"output\":" + n + ",")) {
          ADD_FAILURE() << (reply ? reply->body : reply.error().message);
          return;
        }
        ++right;
      }
    });
  }
  const auto warm = Clock::now() + std::chrono::milliseconds(300);
  while (Clock::now() < warm) {
    std::this_thread::yield();
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(server.invoke(id, R"({"n":1,"busyMs":1500})").status, 200);
  }
  over = true;
  for (auto& caller : callers) {
    caller.join();
  }
  EXPECT_GT(right, 1'000);
  EXPECT_LT(slowest_ms, 1'000) << "a short call stood behind one of 1,500 ms";
}

TEST(WarmPath, LogsStayWithTheirCallInACrowd) {
  const HearthServer server({.flags = {"--log-entries", "5000"}, .data_dir = {}});
  for (const int concurrency : {1, 16}) {
    const std::string id = server.create_js(kHandler, {{"concurrency", concurrency}});
    call_one_by_one(server, id, 100);
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 15; ++caller) {
      callers.emplace_back([&, caller] {
        const auto client = server.connect();
        for (int i = 0; i < 100; ++i) {
          const std::string word = "WORD-" + std::to_string(caller) + "-" + std::to_string(i);
          const auto reply =
              client->request(http::Method::kPost, invoke_path(id), R"({"n":1,"say":")" + word + "\"}");
          ASSERT_TRUE(reply && reply->status == 200);
          const std::string request(reply->header("X-Hearth-Request-Id").value_or(""));
          const auto logs =
              client->request(http::Method::kGet, "/functions/" + id + "/logs?requestId=" + request);
          ASSERT_TRUE(logs);
          EXPECT_NE(logs->body.find(word + "\\n"), std::string::npos) << logs->body;
          EXPECT_EQ(logs->body.find("WORD"), logs->body.rfind("WORD")) << "another call's: " << logs->body;
        }
      });
    }
    for (auto& caller : callers) {
      caller.join();
    }
  }
}

TEST(WarmPath, AnIdleServerUsesNoCpu) {
  const HearthServer server;
  const std::string id = server.create_js(kHandler);
  call_one_by_one(server, id, 300);
  const auto cpu_ns = [&] {
    return std::stoll(read_file("/proc/" + std::to_string(server.pid()) + "/schedstat"));
  };
  const auto quiet_from = Clock::now() + std::chrono::milliseconds(300);  // the lease goes back
  while (Clock::now() < quiet_from) {
    std::this_thread::sleep_until(quiet_from);
  }
  const auto before = cpu_ns();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_LT(cpu_ns() - before, 5'000'000) << "of a second";
}

}  // namespace
}  // namespace hearth::test
