// Mixed load for HEARTH_SOAK_SECONDS (default 600) on HEARTH_SOAK_THREADS loops (default 1): no error that
// was not asked for, every answer its caller's own, every execution that was accepted ends as it should, and
// the server's memory and descriptors flat. A short one is in the everyday suite; long ones by `tools/dev
// soak`, on the release and on the asan-ubsan build.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"
#include "tests/support/leftovers.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

// Between two samples of memory and descriptors.
constexpr std::chrono::seconds kSampleEvery{2};
// What the allocator may hold more at the end than after the warm-up.
constexpr double kGrowthBytes = 8.0 * 1024 * 1024;
constexpr double kGrowthShare = 1.10;

std::string setting(const char* name, const std::string& fallback) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == 0 ? fallback : text;
}

std::chrono::seconds soak_time() {
  return std::chrono::seconds(std::stoi(setting("HEARTH_SOAK_SECONDS", "600")));
}

double resident_bytes(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

double descriptors(pid_t pid) {
  std::error_code error;
  return static_cast<double>(
      std::distance(std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error), {}));
}

double mean(const std::vector<double>& samples, double from, double to) {
  const auto first =
      samples.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(samples.size()) * from);
  const auto last = samples.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(samples.size()) * to);
  return first == last ? 0 : std::accumulate(first, last, 0.0) / static_cast<double>(last - first);
}

class Soak : public testing::Test {
 protected:
  // One thread calling `step` with a counter until the time is over.
  void load(std::function<void(http::Client&, int)> step) {
    threads_.emplace_back([this, step = std::move(step)] {
      const auto client = server_.connect();
      for (int i = 0; Clock::now() < end_; ++i) {
        step(*client, i);
        ++calls_;
      }
    });
  }
  // Calls; the answer must have this status and hold this text.
  void call(http::Client& client, const std::string& id, const std::string& body, int status,
            const std::string& holds) {
    const auto reply = client.request(http::Method::kPost, "/functions/" + id + "/invoke", body);
    if (!reply || reply->status != status || reply->body.find(holds) == std::string::npos) {
      ++wrong_;
      ADD_FAILURE() << "to " << body.substr(0, 100) << ": "
                    << (reply ? reply->body.substr(0, 500) : reply.error().message);
    }
  }
  // Submits it, and waits until it has ended in this state with what it is to hold.
  void submit(http::Client& client, const std::string& id, const std::string& body, const std::string& state,
              const std::string& holds);
  void add_callers();
  void add_submitters();
  void add_deployers();
  void watch();

  HearthServer server_{
      {.flags = {"--memory", "4096", "--keep-alive", "3s", "--queue-timeout", "20s", "--threads",
                 setting("HEARTH_SOAK_THREADS", "1"), "--async-retry-delay", "10ms"},
       .data_dir = "",
       .start_bound = std::chrono::seconds(60)}};
  const Clock::time_point end_ = Clock::now() + soak_time();
  std::vector<std::thread> threads_;
  std::atomic<std::uint64_t> calls_ = 0;
  std::atomic<std::uint64_t> wrong_ = 0;
  std::vector<double> memory_;
  std::vector<double> open_;
};

void Soak::submit(http::Client& client, const std::string& id, const std::string& body,
                  const std::string& state, const std::string& holds) {
  const auto accepted = client.request(http::Method::kPost, "/functions/" + id + "/invoke?mode=async", body);
  const bool taken = accepted && accepted->status == 202;
  const std::string execution =
      taken ? std::string(json::parse(accepted->body).at("executionId").as_string()) : "";
  std::string last = accepted ? accepted->body : accepted.error().message;
  const bool ended = taken && eventually(
                                  [&] {
                                    const auto seen =
                                        client.request(http::Method::kGet, "/executions/" + execution, "");
                                    last = seen ? seen->body : seen.error().message;
                                    return last.find("\"state\":\"" + state + "\"") != std::string::npos;
                                  },
                                  std::chrono::seconds(30));
  if (!ended || last.find(holds) == std::string::npos) {
    ++wrong_;
    ADD_FAILURE() << "to " << body.substr(0, 100) << ": " << last.substr(0, 500);
  }
}

void Soak::add_submitters() {
  const std::string answers = server_.create_js("module.exports = async (x) => x;");
  const std::string fails = server_.create_js("module.exports = () => { throw new Error('asked for'); };");
  for (int caller = 0; caller < 2; ++caller) {
    load([this, answers, caller](http::Client& client, int i) {
      const std::string nonce = "\"" + std::to_string(caller) + "-" + std::to_string(i) + "\"";
      submit(client, answers, nonce, "done", "\"output\":" + nonce);
    });
  }
  load([this, answers](http::Client& client, int i) {
    const std::string large = "\"" + std::string(static_cast<std::size_t>(i % 40) * 5'000, 'x') + "\"";
    submit(client, answers, large, "done", large);
  });
  load([this, fails](http::Client& client, int) { submit(client, fails, "1", "dead", "asked for"); });
}

void Soak::add_callers() {
  const std::string echo = server_.create_js("module.exports = async (x) => x;", {{"name", "echo"}});
  const std::string loud =
      server_.create_js("module.exports = (x) => { console.log('line '.repeat(200)); return x; };");
  const std::string fails = server_.create_js("module.exports = () => { throw new Error('asked for'); };");
  const std::string exits = server_.create_js("module.exports = () => process.exit(1);");
  const std::string hangs = server_.create_js("module.exports = () => { for (;;) {} };", {{"timeout", 100}});
  const std::string waits =
      server_.create_js("module.exports = (ms) => new Promise(r => setTimeout(r, ms, 'w'));");
  for (int caller = 0; caller < 4; ++caller) {
    load([this, echo, caller](http::Client& client, int i) {
      const std::string nonce = "\"" + std::to_string(caller) + "-" + std::to_string(i) + "\"";
      call(client, echo, nonce, 200, "{\"output\":" + nonce + ",");
    });
  }
  load([this, echo](http::Client& client, int i) {
    const std::string large = "\"" + std::string(static_cast<std::size_t>(i % 40) * 25'000, 'x') + "\"";
    call(client, echo, large, 200, large);
  });
  load([this, loud](http::Client& client, int) { call(client, loud, "1", 200, "\"output\":1"); });
  load([this, fails](http::Client& client, int) { call(client, fails, "1", 502, "function_error"); });
  load([this, exits, hangs](http::Client& client, int i) {
    i % 2 == 0 ? call(client, exits, "1", 502, "exited") : call(client, hangs, "1", 504, "timeout");
  });
  load([this, waits](http::Client& client, int i) { call(client, waits, std::to_string(i % 50), 200, "w"); });
  load([this, echo](http::Client& client, int) { call(client, echo, "{bad", 400, "bad_json"); });
}

void Soak::add_deployers() {
  load([this](http::Client& client, int i) {
    const std::string text = std::to_string(i);
    const std::string id = server_.create_js("module.exports = () => " + text + ";");
    call(client, id, "null", 200, "\"output\":" + text + ",");
    EXPECT_EQ(server_.del("/functions/" + id).status, 204);
  });
  load([this](http::Client& client, int i) {
    const std::string js = "module.exports = async (x) => x; // " + std::to_string(i);
    EXPECT_EQ(server_.put("/functions/echo/code", zip_of({{"index.js", js}}), "application/zip").status, 200);
    call(client, "echo", "7", 200, "\"output\":7,");
  });
}

void Soak::watch() {
  while (Clock::now() < end_) {
    std::this_thread::sleep_for(kSampleEvery);
    memory_.push_back(resident_bytes(server_.pid()));
    open_.push_back(descriptors(server_.pid()));
    if (memory_.size() % 15 == 0) {
      std::cout << calls_ << " calls, " << wrong_ << " wrong, " << memory_.back() / (1024 * 1024) << " MB, "
                << open_.back() << " descriptors" << std::endl;
    }
  }
}

TEST_F(Soak, MixedLoadLeavesMemoryAndDescriptorsFlat) {
  const auto before = host_state();
  add_callers();
  add_submitters();
  add_deployers();
  watch();
  for (auto& thread : threads_) {
    thread.join();
  }
  // From the second fifth, when caches are filled, to the last.
  const double early = mean(memory_, 0.2, 0.4);
  const double late = mean(memory_, 0.8, 1.0);
  std::cout << calls_ << " calls; memory " << early / (1024 * 1024) << " MB early, " << late / (1024 * 1024)
            << " MB late; descriptors " << mean(open_, 0.2, 0.4) << " early, " << mean(open_, 0.8, 1.0)
            << " late\n";
  EXPECT_EQ(wrong_, 0U);
  EXPECT_LE(late, early * kGrowthShare + kGrowthBytes);
  EXPECT_LE(mean(open_, 0.8, 1.0), mean(open_, 0.2, 0.4) * kGrowthShare + 8);
  EXPECT_EQ(server_.stop(std::chrono::seconds(60)), 0);
  EXPECT_EQ(leftovers(before, host_state()), "");
}

}  // namespace
}  // namespace hearth::test
