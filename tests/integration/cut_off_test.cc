// A server that cannot follow the shared store any more: no call that begins after a deploy was acknowledged
// runs older code, whoever was stopped or cut off meanwhile; and while the store is down for all, calls go
// on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/testing/tcp_proxy.h"
#include "store/change_feed.h"
#include "store/postgres/testing/postgres_server.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

using base::TcpProxy;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using store::kFollowerLease;
using store::postgres::PostgresServer;
using testing::HasSubstr;

// The servers and the store are to have the cores.
constexpr milliseconds kBetweenCalls{3};
constexpr std::string_view kMayBeOlder = "503 store_unavailable";

struct Seen {
  steady_clock::time_point begun;
  std::string output;  // or the status and the error's code
};

std::string output(const HearthServer& server, const std::string& id) {
  const Reply reply = server.invoke(id);
  const auto json = reply.json();
  const auto* const object = json.if_object();
  const auto* const output = object == nullptr ? nullptr : object->if_contains("output");
  return output != nullptr && output->is_string() ? std::string(output->as_string())
                                                  : std::to_string(reply.status) + " " + reply.error_code();
}

// Calls one function all the time, by so many threads, until it is destroyed; each call by a connection of
// its own, so that every loop gets some.
class Callers {
 public:
  Callers(const HearthServer& server, const std::string& id, int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, &server, id] {
        while (!stopping_) {
          const auto begun = steady_clock::now();
          ++begun_;
          std::string got = output(server, id);
          std::unique_lock lock(mutex_);
          seen_.push_back({begun, std::move(got)});
          lock.unlock();
          std::this_thread::sleep_for(kBetweenCalls);
        }
      });
    }
  }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;
  ~Callers() { stop(); }

  void stop() {
    stopping_ = true;
    threads_.clear();
  }
  int begun() const { return begun_; }
  // Every answer to a call that began in that time. After stop().
  std::vector<std::string> answers(steady_clock::time_point from = steady_clock::time_point::min(),
                                   steady_clock::time_point to = steady_clock::time_point::max()) const {
    std::vector<std::string> found;
    for (const Seen& each : seen_) {
      if (each.begun >= from && each.begun < to) {
        found.push_back(each.output);
      }
    }
    return found;
  }
  // Whether any call was.
  bool was_answered(std::string_view text) {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(seen_, [&](const Seen& each) { return each.output == text; });
  }

 private:
  std::atomic<bool> stopping_{false};
  std::atomic<int> begun_{0};
  std::mutex mutex_;
  std::vector<Seen> seen_;
  std::vector<std::jthread> threads_;
};

class CutOff : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    url_ = PostgresServer::shared().make_database();
  }

  std::unique_ptr<HearthServer> serve(std::vector<std::string> more = {}, const std::string& url = {}) const {
    HearthServer::Options options;
    options.flags = {"--store-timeout", "1s"};
    options.flags.insert(options.flags.end(), more.begin(), more.end());
    options.environment = {"HEARTH_STORE=" + (url.empty() ? url_ : url)};
    return std::make_unique<HearthServer>(options);
  }

  static std::string zip(const std::string& text) {
    return zip_of({{"index.js", "module.exports = () => '" + text + "';"}});
  }
  // When it was acknowledged.
  static steady_clock::time_point deploy(const HearthServer& server, const std::string& id,
                                         const std::string& text) {
    const Reply reply = server.put("/functions/" + id + "/code", zip(text), "application/zip");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return steady_clock::now();
  }
  static std::string lease(const HearthServer& server) {
    const auto health = server.health();
    return health.is_object() ? std::string(health.at("versionLease").as_string()) : "";
  }

  // The other server lost the store at `since`, by what `lose` did, and has just been given it back.
  void expect_no_older_code(const std::function<void(TcpProxy&)>& lose);

  std::string url_;
};

TEST_F(CutOff, AServerThatWasStoppedRunsNothingOlderWhenItWakes) {
  const auto first = serve();
  const auto stopped = serve({"--threads", "2"});
  const std::string id = first->create_js("module.exports = () => 'old';");
  EXPECT_EQ(output(*stopped, id), "old");
  EXPECT_EQ(lease(*stopped), "held");
  for (int round = 0; round < 2; ++round) {
    const std::string before = round == 0 ? "old" : "new" + std::to_string(round - 1);
    const std::string after = "new" + std::to_string(round);
    EXPECT_TRUE(eventually([&] { return output(*stopped, id) == before; }, seconds(2)));
    ::kill(stopped->pid(), SIGSTOP);
    const auto begun = steady_clock::now();
    const auto acknowledged = deploy(*first, id, after);
    EXPECT_LT(acknowledged - begun, kFollowerLease + milliseconds(600));
    Callers callers(*stopped, id, 16);
    EXPECT_TRUE(eventually([&] { return callers.begun() == 16; }));
    ::kill(stopped->pid(), SIGCONT);
    EXPECT_TRUE(eventually([&] { return callers.was_answered(after); }, seconds(2))) << "by itself";
    callers.stop();
    EXPECT_THAT(callers.answers(), testing::Each(testing::AnyOf(after, kMayBeOlder)));
  }
}

void CutOff::expect_no_older_code(const std::function<void(TcpProxy&)>& lose) {
  TcpProxy proxy(PostgresServer::shared().port());
  const std::string through = PostgresServer::shared().through(url_, proxy.port());
  const auto first = serve();
  const auto lost = serve({"--threads", "2"}, through);
  const auto careless = serve({"--without-store", "serve"}, through);
  const std::string id = first->create_js("module.exports = () => 'old';");
  EXPECT_EQ(output(*lost, id), "old");
  EXPECT_EQ(output(*careless, id), "old");
  Callers callers(*lost, id, 2);
  EXPECT_TRUE(eventually([&] { return callers.was_answered("old"); }));
  const auto since = steady_clock::now();
  lose(proxy);
  const auto acknowledged = deploy(*first, id, "new");
  EXPECT_LT(acknowledged - since, kFollowerLease + milliseconds(600));
  EXPECT_TRUE(eventually([&] { return callers.was_answered(kMayBeOlder); }, milliseconds(500)));
  const Reply refused = lost->invoke(id);
  EXPECT_NE(refused.header("Retry-After"), "");
  EXPECT_THAT(refused.body, HasSubstr("may not know the newest code"));
  EXPECT_EQ(output(*lost, "made-elsewhere-perhaps"), kMayBeOlder);
  EXPECT_EQ(lease(*lost), "over");
  EXPECT_THAT(lost->get("/metrics").body, HasSubstr("\nhearth_version_lease_valid 0\n"));
  EXPECT_EQ(output(*careless, id), "old") << "as it was told to";
  EXPECT_EQ(lease(*careless), "over");
  proxy.forward();
  EXPECT_TRUE(eventually([&] { return callers.was_answered("new"); }, seconds(2)));
  callers.stop();
  EXPECT_THAT(callers.answers(since + kFollowerLease), testing::Each(testing::AnyOf("new", kMayBeOlder)));
  EXPECT_THAT(callers.answers(acknowledged), testing::Each(testing::AnyOf("new", kMayBeOlder)));
  EXPECT_TRUE(eventually([&] { return output(*careless, id) == "new"; }, seconds(2)));
  EXPECT_THAT(lost->get("/metrics").body, HasSubstr("\nhearth_version_lease_valid 1\n"));
}

TEST_F(CutOff, AServerThatHearsNothingOfTheStoreServesNothingAfterItsLease) {
  expect_no_older_code(&TcpProxy::be_silent);
}

TEST_F(CutOff, ARefusalBySomethingBeforeTheStoreIsNoReasonToServe) {
  expect_no_older_code(&TcpProxy::refuse);
}

TEST_F(CutOff, WhileTheStoreIsDownForAllCallsGoOnAndAfterwardsNothingOlderRuns) {
  const auto first = serve();
  const auto second = serve({"--threads", "2"});
  const auto strict = serve({"--without-store", "refuse"});
  const std::string id = first->create_js("module.exports = () => 'old';");
  for (const auto* each : {first.get(), second.get(), strict.get()}) {
    EXPECT_EQ(output(*each, id), "old");
  }
  Callers at_first(*first, id, 1);
  Callers at_second(*second, id, 1);
  const auto down = steady_clock::now();
  PostgresServer::shared().kill();
  EXPECT_TRUE(eventually([&] { return output(*strict, id) == kMayBeOlder; }, kFollowerLease + seconds(1)));
  EXPECT_TRUE(eventually([&] { return steady_clock::now() > down + 2 * kFollowerLease; }));
  EXPECT_EQ(lease(*second), "store_down");
  const auto up = steady_clock::now();
  PostgresServer::shared().start();
  auto acknowledged = steady_clock::time_point::max();
  EXPECT_TRUE(eventually(
      [&] {
        const Reply reply = first->put("/functions/" + id + "/code", zip("new"), "application/zip");
        acknowledged = steady_clock::now();
        return reply.status == 200;
      },
      seconds(5)));
  EXPECT_LT(acknowledged - up, seconds(4));
  EXPECT_TRUE(eventually([&] { return at_second.was_answered("new"); }, seconds(1)));
  EXPECT_TRUE(eventually([&] { return output(*strict, id) == "new"; }, seconds(1)));
  at_first.stop();
  at_second.stop();
  for (const Callers* each : {&at_first, &at_second}) {
    EXPECT_THAT(each->answers(down, up), testing::Each("old")) << "nobody could acknowledge another";
    EXPECT_GT(each->answers(down, up).size(), 100U);
    EXPECT_THAT(each->answers(), testing::Each(testing::AnyOf("old", "new"))) << "no call was refused";
    EXPECT_THAT(each->answers(acknowledged), testing::Each("new"));
  }
}

}  // namespace
}  // namespace hearth::test
