// A runner over a real store, with workers and webhooks that the test plays.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/blocking_pool.h"
#include "base/reactor.h"
#include "dispatch/testing/dispatcher_fixture.h"
#include "messaging/inproc/inproc_messaging.h"
#include "monitor/execution_runner.h"
#include "store/execution_conformance.h"
#include "store/sqlite/store_under_test.h"

namespace hearth::monitor {

// Webhooks that answer what the test says.
class PlayedWebhooks final : public webhook::Webhooks {
 public:
  struct Post {
    webhook::Message message;
    Done done;
  };
  void post(webhook::Message message, Done done) override {
    posts.push_back({std::move(message), std::move(done)});
  }

  std::vector<Post> posts;  // that have no answer yet, oldest first
};

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() {
    messaging_.subscribe(worker_);
    dispatcher_.emplace(dispatch::DispatcherOptions(), messaging_, link_, loop_);
    options_.concurrency = 4;
    options_.retry.delay = std::chrono::milliseconds(100);
    for (const char* id : {"f", "g"}) {
      auto function = std::make_shared<model::Function>();
      function->id = id;
      function->current.id = std::string("v-") + id;
      function->current.function_id = id;
      functions_[id] = function;
    }
  }
  ~RunnerTest() override {
    runner_.reset();
    webhook_runner_.reset();
    pool_.reset();
    loop_.discard_posted();
  }

  void start() {
    runner_ = make(options_);
    runner_->start();
    settle();
  }
  // Beside the one for calls.
  void start_webhooks(std::uint32_t retries = 8) {
    RunnerOptions options = options_;
    options.kind = model::ExecutionKind::kWebhook;
    options.retry.retries = retries;
    webhook_runner_ = make(options);
    webhook_runner_->start();
    settle();
  }
  std::unique_ptr<ExecutionRunner> make(RunnerOptions options) {
    RunnerParts parts{loop_, *pool_, store(), *journal_, *dispatcher_, random_};
    parts.unix_now_ms = [this] { return now_ms_; };
    parts.may_execute = [this] { return may_execute_; };
    parts.has_callers = [this] { return has_callers_; };
    parts.function = [this](const model::FunctionId& id) { return functions_[id]; };
    parts.version = [this](const model::FunctionId& id, std::uint32_t,
                           const std::function<void(base::Result<model::VersionPtr>)>& done) {
      const base::Error none{base::ErrorCode::kNotFound, "no such version"};
      id == made_elsewhere_ ? done(std::make_shared<const model::Version>()) : done(none);
    };
    parts.executed = [](const model::Function&, const model::ExecutionId&, const model::Execution&,
                        std::int64_t) {};
    parts.ended = [this](const EndedExecution& ended) { ended_.push_back(ended.state); };
    parts.followed = [this](const store::NewExecution& execution) {
      followed_.push_back(execution);
      for (ExecutionRunner* each : {runner_.get(), webhook_runner_.get()}) {
        if (each != nullptr) {
          each->wake();
        }
      }
    };
    parts.webhooks = &webhooks_;
    return std::make_unique<ExecutionRunner>(options, std::move(parts));
  }
  store::ExecutionStore& store() { return stores_.executions(); }
  void warm(int instances, const std::string& function = "f") {
    for (int i = 0; i < instances; ++i) {
      messaging_.announce_warm("v-" + function, {"inproc:", function + std::to_string(i), 0, 1, 128});
    }
  }
  // Pending ones, without the runner.
  void pending(int first, int last, const std::string& function = "f") {
    store::ExecutionStore::Writes writes;
    for (int i = first; i <= last; ++i) {
      writes.submissions.push_back(store::sample_execution(i, function));
      writes.submissions.back().submitted_ms = now_ms_;
    }
    ASSERT_TRUE(store().write(writes).ok());
  }
  // As the gateway does it. Whether the runner takes it.
  bool submit(int number) {
    auto execution = store::sample_execution(number);
    execution.submitted_ms = now_ms_;
    const bool taken = runner_->take(execution);
    journal_->submit(execution, [this, execution, taken](const base::Result<store::Submitted>& result) {
      taken ? runner_->taken(execution, result && result->fresh) : runner_->pending(execution);
    });
    settle();
    return taken;
  }
  template <typename Condition>
  bool run_until(Condition condition, std::chrono::milliseconds bound = std::chrono::milliseconds(3'000)) {
    const auto until = base::Clock::now() + bound;
    while (!condition() && base::Clock::now() < until) {
      loop_.run_one_until(base::Clock::now() + std::chrono::milliseconds(5));
    }
    return condition();
  }
  // What is on its way on the pool is done.
  void settle() {
    run_until([] { return false; }, std::chrono::milliseconds(60));
  }
  model::AsyncExecution find(int number) { return store().find(store::execution_id(number)).value(); }
  void finish(model::OutcomeKind kind = model::OutcomeKind::kReturned, const std::string& message = "") {
    ASSERT_FALSE(link_.running.empty());
    dispatch::FakeLink::Execution execution = std::move(link_.running.front());
    link_.running.erase(link_.running.begin());
    model::Execution result{{kind, kind == model::OutcomeKind::kReturned ? "1" : "", {"", message, ""}},
                            execution.allocation.instance,
                            {},
                            {}};
    auto lease = execution.allocation;
    ++lease.epoch;
    execution.observer->done(std::move(result), lease);
    settle();
  }

  std::int64_t now_ms_ = 1'000'000;
  bool has_callers_ = false;
  bool may_execute_ = true;
  model::FunctionId made_elsewhere_;  // of which this server does not know yet
  base::Reactor loop_;
  std::optional<base::BlockingPool> pool_{std::in_place, 2, 64};
  store::sqlite::SqliteUnderTest stores_;
  std::optional<store::ExecutionJournal> journal_{std::in_place, store(), *pool_, loop_};
  base::SystemRandom random_;
  messaging::InprocMessaging messaging_;
  dispatch::RoomMaker worker_;
  dispatch::FakeLink link_{loop_};
  std::optional<dispatch::Dispatcher> dispatcher_;
  std::map<std::string, model::FunctionPtr> functions_;
  RunnerOptions options_;
  std::vector<model::ExecutionState> ended_;
  std::vector<store::NewExecution> followed_;
  PlayedWebhooks webhooks_;
  std::unique_ptr<ExecutionRunner> runner_;
  std::unique_ptr<ExecutionRunner> webhook_runner_;  // where start_webhooks() was called
};

}  // namespace hearth::monitor
