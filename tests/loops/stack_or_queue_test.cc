// Why the warm allocations of a version are a stack (the paper's section IV-B asks for it): after ten
// instances have had a load, a call a second keeps one of them. Were they a queue, each would have its turn,
// and all ten would stay.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "dispatch/dispatcher.h"
#include "link/inproc/inproc_link.h"
#include "tests/loops/played_loops.h"

namespace hearth::test {
namespace {

using std::chrono::seconds;

// The oldest warm entry first.
class QueueMessaging final : public messaging::Messaging {
 public:
  explicit QueueMessaging(messaging::InprocMessaging& stack) : stack_(stack) {}

  void announce_warm(const model::VersionId& version, const model::Allocation& allocation) override {
    stack_.announce_warm(version, allocation);
  }
  void announce_cold(const model::Allocation& allocation) override { stack_.announce_cold(allocation); }
  void withdraw(const model::VersionId& version, const std::string& instance) override {
    stack_.withdraw(version, instance);
  }
  void drop_version(const model::VersionId& version) override { stack_.drop_version(version); }
  void demand(const messaging::Demand& demand, std::function<void(bool)> done) override {
    stack_.demand(demand, std::move(done));
  }
  void withdraw_demand(std::uint64_t demand_id) override { stack_.withdraw_demand(demand_id); }
  void on_announced(std::function<void(const model::VersionId&)> wake_up) override {
    stack_.on_announced(std::move(wake_up));
  }
  void on_handed_over(std::function<void(const model::VersionId&, const model::Allocation&)> use) override {
    stack_.on_handed_over(std::move(use));
  }
  void take(const model::VersionId& version, std::uint32_t memory_mb, messaging::Reach reach,
            std::function<void(std::optional<messaging::Taken>)> done) override {
    std::vector<model::Allocation> warm;  // newest first
    std::optional<messaging::Taken> cold;
    for (bool more = true; more;) {
      stack_.take(version, memory_mb, reach, [&](std::optional<messaging::Taken> taken) {
        more = taken && taken->source == messaging::Source::kWarm;
        if (more) {
          warm.push_back(taken->allocation);
        } else {
          cold = std::move(taken);
        }
      });
    }
    if (warm.empty()) {
      done(std::move(cold));
      return;
    }
    if (cold) {
      announce_cold(cold->allocation);
    }
    const model::Allocation oldest = warm.back();
    warm.pop_back();
    for (auto entry = warm.rbegin(); entry != warm.rend(); ++entry) {
      announce_warm(version, *entry);
    }
    done(messaging::Taken{oldest, messaging::Source::kWarm});
  }

 private:
  messaging::InprocMessaging& stack_;
};

class OneLoop {
 public:
  OneLoop(messaging::InprocMessaging& stack, messaging::Messaging& messaging)
      : instances_(loop_, times(), 1),
        worker_(options(), instances_, messaging, loop_, random_),
        link_(worker_) {
    stack.subscribe(worker_);
    dispatch::DispatcherOptions dispatching;
    dispatching.hot_wait_max = std::chrono::microseconds(0);
    dispatcher_ = std::make_unique<dispatch::Dispatcher>(dispatching, messaging, link_, loop_);
    version_->id = "v";
    worker_.open();
  }

  void call() {
    dispatcher_->invoke({version_, "f", "r", nullptr}, [this](const dispatch::Answer& answer) {
      ran_ += std::holds_alternative<dispatch::Rejection>(answer.result) ? 0 : 1;
    });
  }
  void pass(base::Duration time) { loop_.advance(time); }
  std::uint32_t instances() {
    auto counts = worker_.snapshot().reservations;
    return counts[worker::ReservationState::kIdle] + counts[worker::ReservationState::kLeased] +
           counts[worker::ReservationState::kRunning];
  }
  int ran() const { return ran_; }

 private:
  static PlayedTimes times() {
    PlayedTimes made;
    made.run = milliseconds(50);
    return made;
  }
  static worker::WorkerOptions options() {
    worker::WorkerOptions made;
    made.memory_mb = 4'096;
    return made;
  }

  base::ManualEventLoop loop_;
  base::SeededRandom random_{1};
  PlayedInstances instances_;
  worker::Worker worker_;
  link::InprocLink link_;
  std::unique_ptr<dispatch::Dispatcher> dispatcher_;
  std::shared_ptr<model::Version> version_ = std::make_shared<model::Version>();
  int ran_ = 0;
};

// 500 ms of load on ten instances, then a call a second; how many there are after one keep-alive.
std::uint32_t left_after_keep_alive(messaging::InprocMessaging& stack, messaging::Messaging& messaging) {
  OneLoop platform(stack, messaging);
  for (int turn = 0; turn < 5; ++turn) {
    for (int caller = 0; caller < 10; ++caller) {
      platform.call();
    }
    platform.pass(milliseconds(100));
  }
  EXPECT_EQ(platform.instances(), 10U);
  constexpr int kSeconds = 16 * 60;  // a keep-alive and a minute
  for (int second = 0; second < kSeconds; ++second) {
    platform.call();
    platform.pass(seconds(1));
  }
  EXPECT_EQ(platform.ran(), 50 + kSeconds);
  return platform.instances();
}

TEST(StackOrQueue, AStackLetsAllButOneGoAndAQueueKeepsThemAll) {
  messaging::InprocMessaging stack;
  EXPECT_EQ(left_after_keep_alive(stack, stack), 1U);
  messaging::InprocMessaging behind;
  QueueMessaging queue(behind);
  EXPECT_EQ(left_after_keep_alive(behind, queue), 10U);
}

}  // namespace
}  // namespace hearth::test
