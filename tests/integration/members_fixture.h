// A platform of processes, over PostgreSQL and Redis of a test's own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "messaging/redis/testing/redis_process.h"
#include "store/postgres/testing/postgres_server.h"
#include "tests/support/hearth_server.h"
#include "tests/support/leftovers.h"

namespace hearth::test {

class MembersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = store::postgres::PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    redis_ = std::make_unique<messaging::RedisProcess>();
    environment_ = {"HEARTH_STORE=" + store::postgres::PostgresServer::shared().make_database(),
                    "HEARTH_MESSAGING=redis://127.0.0.1:" + std::to_string(redis_->url().port),
                    "HEARTH_CLUSTER_KEY=of this test"};
  }

  std::unique_ptr<HearthServer> start(const std::string& role, std::vector<std::string> flags = {}) const {
    HearthServer::Options options;
    options.program = {hearth_binary(), role};
    options.advertise = role == "worker";
    options.tls = role == "worker" && std::ranges::find(flags, "--link-tls") != flags.end();
    options.flags = std::move(flags);
    options.environment = environment_;
    return std::make_unique<HearthServer>(options);
  }
  std::unique_ptr<HearthServer> worker(std::vector<std::string> flags = {}, int memory_mb = 512) {
    flags.insert(flags.end(), {"--memory", std::to_string(memory_mb), "--memory-max", "256", "--uid-base",
                               std::to_string(next_uid_ += 10'000)});
    return start("worker", std::move(flags));
  }
  // "hearth WORDS…" at that gateway.
  ProgramResult hearth(const HearthServer& gateway, std::vector<std::string> words) const {
    words.insert(words.begin(), hearth_binary());
    return run_program(words, {}, {"HEARTH_ENDPOINT=" + gateway.endpoint()});
  }
  static boost::json::array workers(const HearthServer& gateway) {
    const boost::json::value all = gateway.get("/workers").json();
    return all.is_object() && all.as_object().contains("workers") ? all.at("workers").as_array()
                                                                  : boost::json::array();
  }
  static bool has_workers(const HearthServer& gateway, std::size_t count,
                          std::chrono::milliseconds bound = std::chrono::seconds(10)) {
    return eventually([&] { return workers(gateway).size() == count; }, bound);
  }
  static std::string id_of(const HearthServer& gateway, const HearthServer& worker) {
    for (const boost::json::value& each : workers(gateway)) {
      if (std::string(each.at("uri").as_string()) == worker.endpoint()) {
        return std::string(each.at("id").as_string());
      }
    }
    return {};
  }
  static std::int64_t capacity(const HearthServer& gateway, std::string_view field) {
    const boost::json::value all = gateway.get("/capacity").json();
    return all.is_object() && all.as_object().contains(field) ? all.at(field).to_number<std::int64_t>() : -1;
  }

  std::unique_ptr<messaging::RedisProcess> redis_;
  std::vector<std::string> environment_;
  int next_uid_ = 190'000;
};

// Threads that call until they are stopped. Whoever derives stops them before his own parts end.
class CallerThreads {
 public:
  CallerThreads() = default;
  CallerThreads(const CallerThreads&) = delete;
  CallerThreads& operator=(const CallerThreads&) = delete;

  void stop() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }
  // Goes on until so many more have been answered.
  bool goes_on(int more) {
    const int from = answered;
    return eventually([&] { return answered >= from + more; }, std::chrono::seconds(20));
  }

  std::atomic<int> answered{0};

 protected:
  ~CallerThreads() = default;

  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

// Callers that call and call, each on a connection of its own.
class Load : public CallerThreads {
 public:
  Load(const HearthServer& gateway, const std::string& id, int callers, int milliseconds) {
    for (int i = 0; i < callers; ++i) {
      threads_.emplace_back([this, &gateway, id, milliseconds] {
        const auto client = gateway.connect();
        while (!stop_) {
          const auto reply = client->request(http::Method::kPost, "/functions/" + id + "/invoke",
                                             std::to_string(milliseconds));
          if (reply && reply->status == 200) {
            ++answered;
          } else {
            ++failed;
            last_failure = reply ? reply->body : reply.error().message;
          }
        }
      });
    }
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { stop(); }

  std::atomic<int> failed{0};
  std::string last_failure;  // read after stop()
};

}  // namespace hearth::test
