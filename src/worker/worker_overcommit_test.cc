// More memory promised than there is: who is charged what, and who makes way for whom.
#include <random>

#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {
namespace {

using std::chrono::seconds;

class WorkerOvercommit : public WorkerTest {
 protected:
  WorkerOvercommit() { overcommit_ = 4; }

  // An instance of `id` that stands still, and uses so much.
  model::Allocation idle(const std::string& id, std::uint32_t memory_mb, std::uint32_t used_mb) {
    auto lease = warm_up(id, memory_mb);
    loop_.advance(milliseconds(10));
    instances_.events->paused(lease.instance, used_mb);
    EXPECT_TRUE(worker_->ledger_is_exact());
    return lease;
  }
  std::uint32_t charged(ReservationState state) { return worker_->snapshot().reserved_mb.at(state); }
  bool invoked(const std::string& instance) {
    return !instances_.invoked.empty() && instances_.invoked.back().first == instance;
  }
};

TEST_F(WorkerOvercommit, AnIdleInstanceIsChargedWhatItUses) {
  open(1024);
  idle("a", 512, 40);
  EXPECT_EQ(charged(ReservationState::kLeased), 40U);
  EXPECT_EQ(worker_->snapshot().promised_mb, 512U);
  EXPECT_TRUE(worker_->on_demand({1, "b", 900}));
  EXPECT_TRUE(take("b", 900)) << "more than the rest of the memory";
  EXPECT_TRUE(instances_.stopped.empty());
}

TEST_F(WorkerOvercommit, WithoutItPromisesNeverExceedTheMemory) {
  overcommit_ = 1;
  open(1024);
  idle("a", 512, 40);
  EXPECT_EQ(charged(ReservationState::kLeased), 512U);
  EXPECT_FALSE(take("b", 900));
}

TEST_F(WorkerOvercommit, WhatRunsAgainIsChargedInFullFirst) {
  open(1024);
  const auto lease = idle("a", 512, 40);
  const auto observer = execute(lease, version("a", 512));
  EXPECT_EQ(charged(ReservationState::kRunning), 512U);
  EXPECT_TRUE(invoked(lease.instance));
  instances_.events->paused(lease.instance, 40);
  EXPECT_EQ(charged(ReservationState::kRunning), 512U) << "said too late";
}

TEST_F(WorkerOvercommit, ACallWaitsUntilOthersHaveMadeWay) {
  open(1024);
  const auto first = idle("a", 600, 40);
  worker_->on_demand({1, "b", 900});
  const auto second = idle("b", 900, 100);
  const auto running = execute(first, version("a", 600));
  EXPECT_EQ(count(ReservationState::kRunning), 1U);
  const auto calls = instances_.invoked.size();

  const auto waiting = execute(second, version("b", 900));
  EXPECT_EQ(waiting->refusal, model::Refusal::kGone) << "nobody makes way for it but what runs";
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{second.instance});
  EXPECT_EQ(instances_.invoked.size(), calls);
}

// Four that stand still, of 1,600 MB, where there are 1,024.
class Crowded : public WorkerOvercommit {
 protected:
  void fill() {
    open(1024);
    a_ = idle("a", 300, 100);
    worker_->on_demand({1, "b", 300});
    b_ = idle("b", 300, 100);
    worker_->on_demand({2, "c", 300});
    c_ = idle("c", 300, 100);
    worker_->on_demand({3, "d", 700});
    d_ = idle("d", 700, 100);
    ASSERT_EQ(count(ReservationState::kLeased), 4U);
    ASSERT_EQ(worker_->snapshot().promised_mb - charged(ReservationState::kCold), 1600U);
  }

  model::Allocation a_, b_, c_, d_;
};

TEST_F(Crowded, TheLeastValuableMakeWay) {
  fill();
  const auto calls = instances_.invoked.size();
  execute(d_, version("d", 700));
  EXPECT_TRUE(invoked(d_.instance)) << "724 MB are not charged";
  const auto waiting = execute(c_, version("c", 300));
  EXPECT_FALSE(waiting->refusal);
  EXPECT_EQ(count(ReservationState::kResuming), 1U);
  EXPECT_EQ(instances_.invoked.size(), calls + 1) << "not before its memory is there";
  EXPECT_EQ(instances_.stopped, (std::vector<std::string>{a_.instance, b_.instance}))
      << "the longest idle first";
  instances_.events->ended(a_.instance);
  EXPECT_EQ(count(ReservationState::kResuming), 1U);
  EXPECT_TRUE(worker_->ledger_is_exact());
  instances_.events->ended(b_.instance);
  EXPECT_EQ(count(ReservationState::kRunning), 2U);
  EXPECT_TRUE(invoked(c_.instance));
  EXPECT_TRUE(worker_->ledger_is_exact());
  finish(c_.instance);
  EXPECT_TRUE(waiting->execution);
}

TEST_F(Crowded, WhatHasBeenAdmittedComesBeforeWhatIsAskedFor) {
  fill();
  execute(d_, version("d", 700));
  execute(c_, version("c", 300));
  ASSERT_EQ(count(ReservationState::kResuming), 1U);
  worker_->on_demand({9, "e", 64});
  instances_.events->ended(a_.instance);
  EXPECT_FALSE(take("e", 64)) << "that was for c";
  instances_.events->ended(b_.instance);
  EXPECT_TRUE(invoked(c_.instance));
}

TEST_F(Crowded, AnInstanceThatEndsWhileItsCallWaitsIsToldSo) {
  fill();
  execute(d_, version("d", 700));
  const auto waiting = execute(c_, version("c", 300));
  ASSERT_EQ(count(ReservationState::kResuming), 1U);
  instances_.events->ended(c_.instance);
  ASSERT_TRUE(waiting->execution);
  EXPECT_EQ(waiting->execution->outcome.kind, model::OutcomeKind::kExited);
  instances_.events->ended(a_.instance);
  EXPECT_TRUE(worker_->ledger_is_exact());
}

TEST_F(Crowded, ADrainLetsACallThatWaitsFinish) {
  fill();
  execute(d_, version("d", 700));
  const auto waiting = execute(c_, version("c", 300));
  bool drained = false;
  worker_->drain([&] { drained = true; });
  for (const auto& name : std::exchange(instances_.stopped, {})) {
    instances_.events->ended(name);
  }
  ASSERT_TRUE(invoked(c_.instance));
  finish(c_.instance);
  finish(d_.instance);
  EXPECT_TRUE(waiting->execution);
  for (const auto& name : std::exchange(instances_.stopped, {})) {
    instances_.events->ended(name);
  }
  EXPECT_TRUE(drained);
}

TEST_F(WorkerOvercommit, WhereNothingIsEvictedNothingMakesWay) {
  open(1024, /*evict=*/false);
  const auto a = idle("a", 600, 500);
  worker_->on_demand({1, "b", 500});
  const auto b = idle("b", 500, 400);
  EXPECT_EQ(execute(a, version("a", 600))->refusal, std::nullopt);
  EXPECT_EQ(execute(b, version("b", 500))->refusal, model::Refusal::kGone);
}

// Or a call would have been admitted that waits for memory that does not come.
TEST_F(WorkerOvercommit, WhatIsWaitedForElsewhereDoesNotMakeWay) {
  open(1024, /*evict=*/true, /*shared=*/true);
  idle("a", 600, 600);
  worker_->on_demand({1, "b", 424});
  const auto b = idle("b", 424, 400);
  worker_->on_demand({2, "c", 24});
  idle("c", 24, 24);
  worker_->on_demand({3, "a", 600});
  worker_->on_demand({4, "c", 24});
  EXPECT_EQ(execute(b, version("b", 424))->refusal, model::Refusal::kGone);
}

TEST_F(WorkerOvercommit, TheLargestAndCheapestGoesForADemand) {
  open(1024);
  const auto quick = take("quick");
  const auto first = execute(*quick, version("quick"));
  model::ExecutionSteps steps;
  steps.boot_us = 2'000;
  instances_.events->loaded(quick->instance, steps);
  finish(quick->instance);
  worker_->on_demand({1, "slow", 128});
  const auto slow = take("slow");
  const auto second = execute(*slow, version("slow"));
  steps.boot_us = 500'000;
  instances_.events->loaded(slow->instance, steps);
  finish(slow->instance);
  loop_.advance(seconds(1));
  EXPECT_TRUE(worker_->on_demand({2, "w", 800}));
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{quick->instance}) << "it is started again soon";
}

// Whatever comes in whatever order: what runs has all its memory, and nothing that runs is stopped.
TEST_F(WorkerOvercommit, HoldsItsPromisesOverRandomEvents) {
  open(2048);
  std::minstd_rand dice(7);
  std::map<std::string, model::Allocation> leases;           // by version
  std::map<std::string, std::shared_ptr<Observer>> running;  // by instance
  std::map<std::string, std::string> version_of;
  std::uint64_t demand = 100;
  int executed = 0;
  int held_back = 0;
  for (int step = 0; step < 20'000; ++step) {
    loop_.advance(milliseconds(dice() % 20));
    const std::string id = "v" + std::to_string(dice() % 12);
    const std::uint32_t memory_mb = 128 * (1 + static_cast<std::uint32_t>(id.size() + id.back()) % 6);
    const auto what = dice() % 100;
    if (what < 50) {
      std::optional<model::Allocation> allocation;
      if (const auto found = leases.find(id); found != leases.end()) {
        allocation = found->second;
        leases.erase(found);
      } else {
        worker_->on_demand({++demand, id, memory_mb});
        allocation = take(id, memory_mb);
        worker_->on_demand_withdrawn(demand);
      }
      if (allocation) {
        auto observer = execute(*allocation, version(id, memory_mb));
        if (!observer->refusal) {
          running[allocation->instance] = observer;
          version_of[allocation->instance] = id;
          ++executed;
          held_back += count(ReservationState::kResuming) > 0 ? 1 : 0;
        }
      }
    } else if (what < 80 && !running.empty()) {
      auto chosen = std::next(running.begin(), static_cast<std::ptrdiff_t>(dice() % running.size()));
      const std::string name = chosen->first;
      const auto observer = chosen->second;
      instances_.events->loaded(name, {});
      instances_.events->finished(name, {0, {model::OutcomeKind::kReturned, "1", {}}, {}, 10, 5, true});
      if (observer->execution) {
        running.erase(name);
        if (observer->lease) {
          leases[version_of[name]] = *observer->lease;
          if (dice() % 4 > 0) {
            instances_.events->paused(name, 20 + static_cast<std::uint32_t>(dice() % 60));
          }
        }
      }
    } else {
      for (const auto& name : std::exchange(instances_.stopped, {})) {
        EXPECT_FALSE(running.contains(name)) << "it was executing";
        instances_.events->ended(name);
      }
    }
    ASSERT_TRUE(worker_->ledger_is_exact()) << "step " << step;
    ASSERT_LE(worker_->snapshot().promised_mb, 4 * 2048U);
  }
  EXPECT_GT(executed, 1'000);
  EXPECT_GT(held_back, 10);
  EXPECT_GT(worker_->snapshot().instances_evicted, 100U);
}

}  // namespace
}  // namespace hearth::worker::worker_test
