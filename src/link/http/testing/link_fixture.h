// A gateway's link and a worker's API, each on a loop of its own that the test runs: a worker whose loop is
// not run takes connections and bytes and answers nothing. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/blocking_pool.h"
#include "base/random.h"
#include "base/reactor.h"
#include "base/testing/free_port.h"
#include "base/testing/run_until.h"
#include "http/server.h"
#include "link/http/http_link.h"
#include "worker/api/testing/recording_executor.h"
#include "worker/api/worker_api.h"

namespace hearth::link {

using std::chrono::milliseconds;

// What a bound may be overrun by on a machine that has other things to do.
inline constexpr milliseconds kSlack{150};

class EndObserver final : public model::ExecutionObserver {
 public:
  void refused(model::Refusal why) override {
    ++ends;
    refusal = why;
    if (when_ended) {
      when_ended();
    }
  }
  void done(model::Execution&& result, std::optional<model::Allocation>&& next) override {
    ++ends;
    execution = std::move(result);
    lease = std::move(next);
    if (when_ended) {
      when_ended();
    }
  }
  bool lost() const { return execution && execution->outcome.kind == model::OutcomeKind::kWorkerLost; }

  int ends = 0;
  std::optional<model::Refusal> refusal;
  std::optional<model::Execution> execution;
  std::optional<model::Allocation> lease;
  std::function<void()> when_ended;
};
using ObserverPtr = std::shared_ptr<EndObserver>;

// The server of a worker's process, which writes down what is asked of it.
class PlayedHost final : public http::Handler {
 public:
  PlayedHost(base::Reactor& reactor, std::uint16_t port, http::Handler& api, bool tls = false)
      : api_(api), server_(reactor, {}, *this) {
    if (tls) {
      server_.use_tls(*http::TlsContext::of_server());
    }
    const auto listening = server_.listen("127.0.0.1:" + std::to_string(port));
    EXPECT_TRUE(listening.ok()) << listening.error().message;
    server_.start();
  }

  http::BodyPlan plan(const http::RequestHead& head) override { return api_.plan(head); }
  void handle(http::Request&& request, http::Responder responder) override {
    requests.push_back(request.head.target);
    api_.handle(std::move(request), std::move(responder));
  }
  http::Response refuse(int status, std::string_view reason, std::string_view message) override {
    return api_.refuse(status, reason, message);
  }
  void connection_closed(const void* connection) override { api_.connection_closed(connection); }

  // How many requests began so.
  long count(const std::string& begin) const {
    return std::ranges::count_if(requests,
                                 [&](const std::string& target) { return target.starts_with(begin); });
  }
  std::size_t connections() const { return server_.connection_count(); }

  std::vector<std::string> requests;

 private:
  http::Handler& api_;
  http::Server server_;
};

// Runs a gateway's loop and a worker's in turns; the worker's not while it is `frozen`.
template <typename Condition>
bool run_both_until(base::Reactor& here, const bool& frozen, base::Reactor& there, Condition condition,
                    milliseconds most = base::kTestPatience) {
  const auto until = base::Clock::now() + most;
  bool met = condition();
  while (!met && base::Clock::now() < until) {
    if (!frozen) {
      there.poll();
    }
    here.run_one_until(std::min(until, base::Clock::now() + milliseconds(1)));
    met = condition();
  }
  return met;
}

class LinkTest : public testing::Test {
 protected:
  explicit LinkTest(bool tls = false) : tls_(tls) { executor_.admits_at_once = true; }
  ~LinkTest() override {
    link_.reset();
    stop_worker();
  }
  LinkTest(const LinkTest&) = delete;
  LinkTest& operator=(const LinkTest&) = delete;

  // As a process that has just begun: it knows nothing.
  void start_worker(const std::string& key = "secret") {
    api_ = std::make_unique<worker::WorkerApi>(
        worker::WorkerApiOptions{uri(), cluster::cluster_key(key)}, executor_, there_, random_,
        worker::WorkerApiActions{[this] { ++drains_; }, [] { return std::string("{}"); },
                                 [this](const std::vector<cluster::ToldProvision>& told) {
                                   provisions_ = told;
                                   return cluster::ReadyCounts{{told.front().told.version->function_id, 2}};
                                 }});
    host_ = std::make_unique<PlayedHost>(there_, port_, *api_, tls_);
  }
  void stop_worker() {
    host_.reset();
    api_.reset();
  }
  // As a worker would say it that listens there.
  std::string uri_of(std::uint16_t port, const std::string& host = "127.0.0.1") const {
    return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port);
  }
  std::string uri() const { return uri_of(port_); }
  std::unique_ptr<HttpLink> make_link(const std::string& holder = "g", const std::string& key = "secret") {
    return std::make_unique<HttpLink>(
        LinkParts{here_, pool_, random_, Identity{holder, cluster::cluster_key(key)}}, "", nullptr);
  }

  static model::VersionPtr version(const std::string& id = "v") {
    auto made = std::make_shared<model::Version>();
    made->id = id;
    return made;
  }
  static model::ExecuteRequest request(const model::VersionPtr& wanted = version()) {
    return {wanted, "f", "r", std::make_shared<const std::string>("{}")};
  }
  model::Allocation allocation(const std::string& instance, std::uint64_t epoch = 1) const {
    return {uri(), instance, 0, epoch, 128};
  }
  ObserverPtr execute(const model::Allocation& on) {
    auto observer = std::make_shared<EndObserver>();
    link_->execute(on, request(), observer);
    return observer;
  }
  ObserverPtr execute(const std::string& instance) { return execute(allocation(instance)); }
  ObserverPtr execute_behind(const std::string& instance) {
    auto observer = std::make_shared<EndObserver>();
    link_->execute_behind(allocation(instance), request(), observer);
    return observer;
  }

  // Both loops; the worker's not while it is frozen.
  template <typename Condition>
  bool run_until(Condition condition, milliseconds most = base::kTestPatience) {
    return run_both_until(here_, frozen_, there_, condition, most);
  }
  void run_for(milliseconds time) {
    run_until([] { return false; }, time);
  }
  bool asked(std::size_t count) {
    return run_until([&] { return executor_.asked.size() >= count; });
  }
  bool ended(const ObserverPtr& observer) {
    return run_until([&] { return observer->ends > 0; });
  }
  // How long that took.
  template <typename Condition>
  milliseconds time_until(Condition condition) {
    const auto began = base::Clock::now();
    EXPECT_TRUE(run_until(condition));
    return std::chrono::duration_cast<milliseconds>(base::Clock::now() - began);
  }
  // An execution that has come back with a lease.
  model::Allocation lease_of(const std::string& instance) {
    const ObserverPtr observer = execute(instance);
    const std::size_t mine = executor_.asked.size();
    EXPECT_TRUE(asked(mine + 1));
    executor_.asked.back().finish();
    EXPECT_TRUE(ended(observer));
    EXPECT_TRUE(observer->lease);
    return observer->lease.value_or(model::Allocation());
  }

  const bool tls_;
  const std::uint16_t port_ = base::free_port();
  base::Reactor here_;
  base::Reactor there_;
  base::BlockingPool pool_{1, 4};
  base::SystemRandom random_;
  worker::RecordingExecutor executor_;
  int drains_ = 0;
  std::vector<cluster::ToldProvision> provisions_;  // as told last
  bool frozen_ = false;
  std::unique_ptr<worker::WorkerApi> api_;
  std::unique_ptr<PlayedHost> host_;
  std::unique_ptr<HttpLink> link_ = make_link();
};

// What holds without TLS and with it.
class LinkTestBothWays : public LinkTest, public testing::WithParamInterface<bool> {
 protected:
  LinkTestBothWays() : LinkTest(GetParam()) {}
};

inline std::string name_of_way(const testing::TestParamInfo<bool>& way) {
  return way.param ? "WithTls" : "Plain";
}

}  // namespace hearth::link
