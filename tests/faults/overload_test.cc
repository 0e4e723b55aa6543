// More than a server has room for: ten times the load with callers who try again, a thousand cold calls at
// once, a function that leaks until it is ended. HEARTH_OVERLOAD_SECONDS: how long the overload lasts (8).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/object.hpp>
#include <filesystem>
#include <iostream>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/rounds.h"
#include "tests/support/hearth_server.h"

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::HearthServer;
using test::Reply;

// "200", or "503 no_capacity".
std::string kind_of(const base::Result<http::ClientResponse>& reply) {
  if (!reply) {
    return "no answer: " + reply.error().message;
  }
  const Reply told{reply->status, reply->body, {}};
  return told.status == 200 ? "200" : fmt::format("{} {}", told.status, told.error_code());
}

// Callers of one function, each in a loop on its own connection, and how they were answered.
class Callers {
 public:
  Callers(const HearthServer& server, std::string target, int count) : target_(std::move(target)) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, &server] { call(server); });
    }
  }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;
  ~Callers() { stop(); }

  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }
  std::size_t served() const { return served_; }
  std::map<std::string, std::size_t> answers() const {
    const std::lock_guard lock(mutex_);
    return answers_;
  }

 private:
  // Who is refused tries again in a moment.
  void call(const HearthServer& server) {
    const auto client = server.connect();
    while (!stopping_) {
      const std::string kind = kind_of(client->request(http::Method::kPost, target_, "1"));
      served_ += kind == "200" ? 1U : 0U;
      {
        const std::lock_guard lock(mutex_);
        ++answers_[kind];
      }
      if (kind != "200") {
        std::this_thread::sleep_for(milliseconds(10));
      }
    }
  }

  const std::string target_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> served_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, std::size_t> answers_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

double served_a_second(const Callers& callers, milliseconds window) {
  const auto began = std::chrono::steady_clock::now();
  const std::size_t before = callers.served();
  std::this_thread::sleep_for(window);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return static_cast<double>(callers.served() - before) / took.count();
}

void expect_named(const std::map<std::string, std::size_t>& answers, const std::set<std::string>& allowed) {
  for (const auto& [kind, count] : answers) {
    EXPECT_TRUE(allowed.contains(kind)) << count << " times " << kind;
    std::cout << count << " times " << kind << std::endl;
  }
}

const std::set<std::string> kServedOrRefused = {"200", "503 no_capacity", "503 queue_full",
                                                "429 too_many_requests"};

// Nothing runs, and every MB is accounted for.
void expect_rest(const HearthServer& server) {
  EXPECT_TRUE(test::eventually(
      [&] {
        return server.instances({"starting", "running", "removing", "leased", "resuming"}) == 0;
      },
      seconds(30)));
  const auto health = server.health();
  const auto mb = [&](const char* name) { return health.at("memory").at(name).to_number<std::int64_t>(); };
  EXPECT_EQ(mb("totalMb"), mb("freeMb") + mb("reservedMb"));
  EXPECT_EQ(health.at("calls").at("waiting").to_number<int>(), 0);
  EXPECT_EQ(health.at("calls").at("running").to_number<int>(), 0);
}

TEST(Overload, TenTimesTheLoadIsRefusedByNameAndGoodputIsBackInTenSeconds) {
  constexpr int kUsual = 4;
  HearthServer server(test::with_flags({"--memory", "1024"}));
  server.create_js("module.exports = () => new Promise((done) => setTimeout(() => done(1), 20))",
                   {{"name", "f"}});
  Callers usual(server, "/functions/f/invoke", kUsual);
  EXPECT_TRUE(test::eventually([&] { return usual.served() > 100; }, seconds(30)));
  const double before = served_a_second(usual, seconds(2));
  double during = 0;
  {
    Callers more(server, "/functions/f/invoke", 9 * kUsual);
    const seconds lasts(number_of("HEARTH_OVERLOAD_SECONDS", 8));
    during = served_a_second(more, lasts);
    more.stop();
    expect_named(more.answers(), kServedOrRefused);
  }
  double after = 0;
  const auto bound = std::chrono::steady_clock::now() + seconds(10);
  do {
    after = served_a_second(usual, seconds(1));
  } while (after < 0.9 * before && std::chrono::steady_clock::now() < bound);
  std::cout << fmt::format("{:.0f} a second before, {:.0f} of the others during, {:.0f} after", before,
                           during, after)
            << std::endl;
  EXPECT_GT(during, 0);
  EXPECT_GE(after, 0.9 * before);
  usual.stop();
  expect_named(usual.answers(), kServedOrRefused);
  expect_rest(server);
}

TEST(Overload, AThousandColdCallsAtOnceGetOneAnswerEach) {
  constexpr int kCalls = 1'000;
  constexpr int kFunctions = 50;
  HearthServer server(test::with_flags({"--memory", "2048"}));
  for (int i = 0; i < kFunctions; ++i) {
    server.create_js(fmt::format("module.exports = (word) => word + ' {}'", i),
                     {{"name", fmt::format("f{}", i)}});
  }
  std::mutex mutex;
  std::map<std::string, std::size_t> answers;
  std::latch all(kCalls);
  std::vector<std::thread> threads;
  for (int i = 0; i < kCalls; ++i) {
    threads.emplace_back([&, i] {
      const auto client = server.connect();
      all.arrive_and_wait();
      const auto reply =
          client->request(http::Method::kPost, fmt::format("/functions/f{}/invoke", i % kFunctions),
                          fmt::format("\"{}\"", i));
      std::string kind = kind_of(reply);
      if (kind == "200" &&
          reply->body.find(fmt::format("\"{} {}\"", i, i % kFunctions)) == std::string::npos) {
        kind = "another's: " + reply->body;
      }
      const std::lock_guard lock(mutex);
      ++answers[kind];
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  expect_named(answers, kServedOrRefused);
  EXPECT_GE(answers["200"], 16U) << "there is room for so many at once";
  expect_rest(server);
  for (int i = 0; i < kFunctions; ++i) {
    EXPECT_EQ(server.del(fmt::format("/functions/f{}", i)).status, 204);
  }
  EXPECT_TRUE(test::eventually([&] { return server.instances({"idle", "removing"}) == 0; }, seconds(30)));
}

std::size_t descriptors_of(pid_t pid) {
  const std::filesystem::directory_iterator all(fmt::format("/proc/{}/fd", pid));
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t resident_kb_of(pid_t pid) {
  const std::string status = test::read_file(fmt::format("/proc/{}/status", pid));
  std::size_t kb = 0;
  std::istringstream(status.substr(status.find("VmRSS:") + 6)) >> kb;
  return kb;
}

TEST(Overload, AFunctionThatLeaksIsEndedAndTheServerKeepsNothingOfIt) {
  constexpr std::size_t kCalls = 10'000;
  HearthServer server;
  server.create_js(
      "const fs = require('fs'); const kept = []; module.exports = () => {"
      " kept.push(Buffer.alloc(100 * 1024, 1), new Promise(() => {}));"
      " try { kept.push(fs.openSync(__filename)); } catch {}"
      " return 1; }",
      {{"name", "leaks"}, {"memorySize", 128}});
  {
    Callers warm(server, "/functions/leaks/invoke", 4);
    EXPECT_TRUE(test::eventually([&] { return warm.served() >= 1'500; }, seconds(60)));
  }
  expect_rest(server);
  const std::size_t descriptors = descriptors_of(server.pid());
  const std::size_t resident_kb = resident_kb_of(server.pid());
  Callers callers(server, "/functions/leaks/invoke", 4);
  EXPECT_TRUE(test::eventually([&] { return callers.served() >= kCalls; }, seconds(150)));
  callers.stop();
  auto answers = callers.answers();
  expect_named(answers, {"200", "502 out_of_memory"});
  EXPECT_GE(answers["502 out_of_memory"], 3U);
  EXPECT_LE(answers["502 out_of_memory"], kCalls / 200) << "each ends one call";
  EXPECT_EQ(server.del("/functions/leaks").status, 204);
  expect_rest(server);
  std::cout << fmt::format("descriptors {} and {}, resident {} and {} KB", descriptors,
                           descriptors_of(server.pid()), resident_kb, resident_kb_of(server.pid()))
            << std::endl;
  EXPECT_LE(descriptors_of(server.pid()), descriptors + 8);
  EXPECT_LE(resident_kb_of(server.pid()), resident_kb + 16 * 1'024);
}

}  // namespace
}  // namespace hearth::faults
