// The worker's heart with instances that a test plays, on a virtual clock.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/manual_event_loop.h"
#include "messaging/inproc/inproc_messaging.h"
#include "worker/worker.h"

namespace hearth::worker::worker_test {

using std::chrono::milliseconds;
using std::chrono::minutes;

class FakeInstances final : public InstanceFactory {
 public:
  class FakeInstance final : public Instance {
   public:
    FakeInstance(FakeInstances& owner, std::string name) : owner_(owner), name_(std::move(name)) {}
    void assign(InstanceStart start) override {
      owner_.assigned.emplace_back(name_, start.name);
      name_ = start.name;
    }
    void invoke(InstanceCall call) override { owner_.invoked.emplace_back(name_, call.request_id); }
    bool takes_behind() const override { return owner_.takes_behind; }
    void take_back() override { owner_.taken_back.push_back(name_); }
    void stop() override { owner_.stopped.push_back(name_); }

   private:
    FakeInstances& owner_;
    std::string name_;
  };

  std::unique_ptr<Instance> start(InstanceStart start, InstanceEvents& instance_events) override {
    events = &instance_events;
    started.push_back(start.name);
    return std::make_unique<FakeInstance>(*this, start.name);
  }

  std::unique_ptr<Instance> prestart(Prestart prestart, InstanceEvents& instance_events) override {
    events = &instance_events;
    prestarted.push_back(prestart);
    return std::make_unique<FakeInstance>(*this, prestart.name);
  }

  InstanceEvents* events = nullptr;
  std::vector<std::string> started;
  std::vector<Prestart> prestarted;
  std::vector<std::pair<std::string, std::string>> assigned;  // which pre-started one became which instance
  std::vector<std::pair<std::string, std::string>> invoked;
  std::vector<std::string> stopped;
  bool takes_behind = false;
  std::vector<std::string> taken_back;
};

class Observer final : public model::ExecutionObserver {
 public:
  void refused(model::Refusal why) override { refusal = why; }
  void done(model::Execution&& result, std::optional<model::Allocation>&& next) override {
    execution = std::move(result);
    lease = std::move(next);
  }

  std::optional<model::Refusal> refusal;
  std::optional<model::Execution> execution;
  std::optional<model::Allocation> lease;
};

class WorkerTest : public testing::Test {
 protected:
  void open(std::uint32_t memory_mb = 2048, bool evict = true, bool shared = false) {
    WorkerOptions options;
    options.memory_mb = memory_mb;
    options.evict = evict;
    options.shared = shared;
    options.prestart = prestart_;
    options.overcommit = overcommit_;
    open(options);
  }
  void open(const WorkerOptions& options) {
    worker_ = std::make_unique<Worker>(options, instances_, messaging_, loop_, random_);
    messaging_.subscribe(*worker_);
    worker_->open();
  }
  void TearDown() override { EXPECT_TRUE(worker_->ledger_is_exact()); }

  static model::VersionPtr version(const std::string& id, std::uint32_t memory_mb = 128,
                                   std::uint32_t concurrency = 1) {
    auto made = std::make_shared<model::Version>();
    made->id = id;
    made->function_id = "function of " + id;
    made->memory_mb = memory_mb;
    made->concurrency = concurrency;
    return made;
  }
  std::optional<model::Allocation> take(const std::string& id, std::uint32_t memory_mb = 128) {
    std::optional<model::Allocation> result;
    messaging_.take(id, memory_mb, messaging::Reach::kHere, [&](std::optional<messaging::Taken> taken) {
      if (taken) {
        result = taken->allocation;
      }
    });
    return result;
  }
  std::shared_ptr<Observer> execute(const model::Allocation& allocation, const model::VersionPtr& wanted) {
    auto observer = std::make_shared<Observer>();
    worker_->execute(allocation, {wanted, "f", "request", nullptr}, observer);
    EXPECT_TRUE(worker_->ledger_is_exact());
    return observer;
  }
  void finish(const std::string& instance, bool reusable = true, std::uint32_t slot = 0) {
    instances_.events->finished(instance,
                                {slot, {model::OutcomeKind::kReturned, "1", {}}, {}, 10, 5, reusable});
    EXPECT_TRUE(worker_->ledger_is_exact());
  }
  // One call of `id` from cold memory to a lease.
  model::Allocation warm_up(const std::string& id, std::uint32_t memory_mb = 128) {
    const auto allocation = take(id, memory_mb);
    EXPECT_TRUE(allocation);
    const auto observer = execute(*allocation, version(id, memory_mb));
    instances_.events->loaded(allocation->instance, {});
    finish(allocation->instance);
    EXPECT_TRUE(observer->lease);
    return *observer->lease;
  }
  std::uint32_t count(ReservationState state) { return worker_->snapshot().reservations.at(state); }

  PrestartOptions prestart_;
  double overcommit_ = 1;
  base::ManualEventLoop loop_;
  base::SeededRandom random_{1};
  messaging::InprocMessaging messaging_;
  FakeInstances instances_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace hearth::worker::worker_test
