// The dispatcher between a link and workers that tests play, on a virtual clock.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/manual_event_loop.h"
#include "dispatch/dispatcher.h"
#include "messaging/inproc/inproc_messaging.h"

namespace hearth::dispatch {

class FakeLink final : public link::Link {
 public:
  explicit FakeLink(base::EventLoop& event_loop) : loop(event_loop) {}

  struct Execution {
    model::Allocation allocation;
    model::ExecuteRequest request;
    std::shared_ptr<model::ExecutionObserver> observer;
    base::TimePoint began;
  };
  void execute(const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer) override {
    if (gone_next > 0) {
      --gone_next;
      observer->refused(refuses_with);
      return;
    }
    running.push_back({allocation, std::move(request), std::move(observer), loop.now()});
  }
  // Refused unless `takes_behind`; then kept until the call before it has ended.
  void execute_behind(const model::Allocation& running_on, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> observer) override {
    if (!takes_behind) {
      observer->refused(refuses_behind_with);
      return;
    }
    behind.push_back({running_on, std::move(request), std::move(observer), loop.now()});
  }
  void take_back(const model::Allocation& running_on) override {
    taken_back.push_back(running_on.instance);
    for (Execution& each : std::exchange(behind, {})) {
      each.observer->refused(model::Refusal::kBusy);
    }
  }
  bool may_keep(const model::Allocation& lease) const override { return lease.worker_uri != "far"; }
  void release(const model::Allocation& lease, model::ReleaseKind kind) override {
    released.emplace_back(lease.instance, kind);
  }
  // Ends the oldest execution.
  void finish(bool cold = false, bool reusable = true, std::int64_t handler_us = 1'000) {
    Execution execution = std::move(running.front());
    running.erase(running.begin());
    model::Execution result{{model::OutcomeKind::kReturned, "1", {}}, execution.allocation.instance, {}, {}};
    result.steps.cold = cold;
    result.steps.handler_us = handler_us;
    result.steps.run_us =
        std::chrono::duration_cast<std::chrono::microseconds>(loop.now() - execution.began).count();
    auto lease = execution.allocation;
    ++lease.epoch;
    execution.observer->done(std::move(result), reusable ? std::optional(lease) : std::nullopt);
  }

  base::EventLoop& loop;
  std::vector<Execution> running;
  bool takes_behind = false;
  model::Refusal refuses_behind_with = model::Refusal::kBusy;
  std::vector<Execution> behind;
  std::vector<std::string> taken_back;
  std::vector<std::pair<std::string, model::ReleaseKind>> released;
  int gone_next = 0;  // executions that are refused
  model::Refusal refuses_with = model::Refusal::kGone;
};

class RoomMaker final : public messaging::WorkerSubscriber {
 public:
  bool on_demand(const messaging::Demand& demand) override {
    demands.push_back(demand);
    return makes_room;
  }
  void on_demand_withdrawn(std::uint64_t) override { ++withdrawn; }
  void on_version_dropped(const model::VersionId& version) override { dropped.push_back(version); }
  void on_announce_again() override {}

  bool makes_room = false;
  int withdrawn = 0;
  std::vector<messaging::Demand> demands;
  std::vector<std::string> dropped;
};

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    messaging_.subscribe(worker_);
    DispatcherOptions options;
    options.cores = 4;
    make(options);
  }
  void make(DispatcherOptions options) {
    dispatcher_.reset();
    dispatcher_ = std::make_unique<Dispatcher>(options, messaging_, link_, loop_, &limits_);
  }
  CallId invoke(const std::string& version_id = "v") {
    auto version = std::make_shared<model::Version>();
    version->id = version_id;
    version->function_id = "f";
    version->concurrency = concurrency_;
    const std::size_t index = answers_.size();
    answers_.emplace_back();
    return dispatcher_->invoke({version, "f", "r", body_}, [this, index](Answer answer) {
      EXPECT_TRUE(answers_[index].empty()) << "answered twice";
      if (const auto* rejection = std::get_if<Rejection>(&answer.result)) {
        answers_[index] = std::string(to_string(rejection->code));
      } else {
        answers_[index] = "ran on " + std::get<model::Execution>(answer.result).instance;
      }
    });
  }
  // A dispatcher with as many warm instances of that worker as given, each of which has just executed a call
  // of that length.
  void warm(const DispatcherOptions& options, const std::string& worker_uri, int instances,
            std::int64_t handler_us) {
    make(options);
    for (int i = 0; i < instances; ++i) {
      messaging_.announce_warm("v", {worker_uri, std::string(1, static_cast<char>('a' + i)), 0, 1, 128});
      invoke();
    }
    while (!link_.running.empty()) {
      link_.finish(false, true, handler_us);
    }
    ASSERT_EQ(dispatcher_->leases_idle(), static_cast<std::size_t>(instances));
  }
  void cold(const std::string& instance) { messaging_.announce_cold({"inproc:", instance, 0, 1, 1024}); }

  std::shared_ptr<const std::string> body_;
  std::uint32_t concurrency_ = 1;  // of the versions that are invoked
  base::ManualEventLoop loop_;
  messaging::InprocMessaging messaging_;
  RoomMaker worker_;
  FakeLink link_{loop_};
  ConcurrencyBook limits_;
  std::vector<std::string> answers_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace hearth::dispatch
