// The worker with the adaptive keep-alive: what it removes, and what it starts before a call.
#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {
namespace {

using std::chrono::seconds;

class WorkerKeepAlive : public WorkerTest {
 protected:
  void open_adaptive(std::uint32_t memory_mb = 2048) {
    WorkerOptions options;
    options.memory_mb = memory_mb;
    options.keep_alive = {KeepAliveKind::kAdaptive, minutes(15), minutes(60)};
    open(options);
  }

  // One call, warm or cold, after which the instance lies on the warm stack. Its name.
  std::string call(const std::string& id, std::uint32_t memory_mb = 128) {
    const auto allocation = take(id, memory_mb);
    EXPECT_TRUE(allocation);
    const auto observer = execute(*allocation, version(id, memory_mb));
    if (started(allocation->instance) && !loaded_[allocation->instance]) {
      load(allocation->instance);
    }
    finish(allocation->instance);
    cold_ = observer->execution && observer->execution->steps.cold;
    worker_->release(*observer->lease, model::ReleaseKind::kKeep);
    return allocation->instance;
  }
  // A call each `period`, so often. The clock stands at the last.
  std::string every(minutes period, int calls, const std::string& id = "v") {
    std::string instance;
    for (int i = 0; i < calls; ++i) {
      instance = call(id);
      if (i + 1 < calls) {
        wait(period);
      }
    }
    return instance;
  }
  // Time passes; what was stopped has ended, what was started for an expected call is loaded.
  void wait(base::Duration time) {
    for (base::Duration passed{}; passed < time; passed += seconds(1)) {
      loop_.advance(seconds(1));
      end_stopped();
      for (const std::string& each : instances_.started) {
        if (!loaded_[each]) {
          load(each);
        }
      }
    }
  }
  void end_stopped() {
    for (; ended_ < instances_.stopped.size(); ++ended_) {
      instances_.events->ended(instances_.stopped[ended_]);
    }
  }
  void load(const std::string& instance) {
    loaded_[instance] = true;
    instances_.events->loaded(instance, {});
    EXPECT_TRUE(worker_->ledger_is_exact());
  }
  bool started(const std::string& instance) const {
    return std::ranges::find(instances_.started, instance) != instances_.started.end();
  }
  std::uint32_t alive() {
    return count(ReservationState::kStarting) + count(ReservationState::kIdle) +
           count(ReservationState::kLeased) + count(ReservationState::kRunning);
  }

  std::map<std::string, bool> loaded_;
  std::size_t ended_ = 0;
  std::size_t booted_ = 0;
  bool cold_ = false;
};

TEST_F(WorkerKeepAlive, ATimersInstanceIsRemovedAndAnotherIsThereBeforeItsNextCall) {
  open_adaptive();
  every(minutes(30), 4);
  wait(seconds(61));
  EXPECT_EQ(alive(), 0U);
  wait(minutes(27));
  EXPECT_EQ(count(ReservationState::kIdle), 1U) << "expected within the next minutes";
  EXPECT_EQ(worker_->snapshot().instances_prewarmed, 1U);
  wait(minutes(30) - minutes(27) - seconds(61));
  const auto before = instances_.started.size();
  call("v");
  EXPECT_FALSE(cold_);
  EXPECT_EQ(instances_.started.size(), before);
  wait(seconds(61));
  EXPECT_EQ(alive(), 0U) << "and it is removed in its turn";
}

TEST_F(WorkerKeepAlive, WhatWasStartedInVainGoesAndIsNotStartedAgain) {
  open_adaptive();
  every(minutes(30), 4);
  wait(minutes(28));
  EXPECT_EQ(alive(), 1U);
  wait(minutes(5));
  EXPECT_EQ(alive(), 0U);
  const auto before = instances_.started.size();
  wait(minutes(180));
  EXPECT_EQ(instances_.started.size(), before);
  EXPECT_EQ(loop_.pending_timers(), 0U);
}

TEST_F(WorkerKeepAlive, WhoComesAgainStaysForAnHour) {
  open_adaptive();
  every(minutes(10), 2);
  wait(minutes(59));
  EXPECT_EQ(alive(), 1U);
  wait(minutes(2));
  EXPECT_EQ(alive(), 0U);
}

TEST_F(WorkerKeepAlive, WhoCameOnceStaysForTheFixedTime) {
  open_adaptive();
  call("v");
  wait(minutes(14));
  EXPECT_EQ(alive(), 1U);
  wait(minutes(2));
  EXPECT_EQ(alive(), 0U);
}

TEST_F(WorkerKeepAlive, ACallBeforeItWasExpectedIsAwaitedNoMore) {
  open_adaptive();
  every(minutes(30), 4);
  wait(minutes(10));
  call("v");
  EXPECT_TRUE(cold_);
  wait(minutes(40));
  EXPECT_EQ(worker_->snapshot().instances_prewarmed, 0U);
  EXPECT_EQ(alive(), 1U) << "its times are not regular any more";
}

TEST_F(WorkerKeepAlive, NobodyIsEvictedForACallThatIsOnlyExpected) {
  open_adaptive(1024);
  every(minutes(30), 4);
  wait(minutes(20));
  call("other", 1024);
  wait(minutes(12));
  EXPECT_EQ(alive(), 1U);
  EXPECT_EQ(worker_->snapshot().instances_prewarmed, 0U);
  EXPECT_EQ(worker_->snapshot().instances_evicted, 0U);
}

TEST_F(WorkerKeepAlive, WhatWasEvictedIsExpectedAllTheSame) {
  open_adaptive(1024);
  every(minutes(30), 4);
  ASSERT_TRUE(worker_->on_demand({1, "other", 1024}));
  wait(seconds(1));
  EXPECT_EQ(alive(), 0U);
  EXPECT_EQ(worker_->snapshot().instances_evicted, 1U);
  worker_->on_demand_withdrawn(1);
  wait(minutes(28));
  EXPECT_EQ(alive(), 1U);
}

TEST_F(WorkerKeepAlive, MemoryThatIsOfferedToAnybodyIsTakenAndTheRestOfferedAgain) {
  open_adaptive(2048);
  every(minutes(30), 4);
  wait(minutes(28));
  EXPECT_EQ(alive(), 1U);
  EXPECT_EQ(count(ReservationState::kCold), 1U);
  EXPECT_EQ(worker_->snapshot().free_mb, 2048U - 1024U - 128U);
}

TEST_F(WorkerKeepAlive, WhoWaitsForMemoryComesFirst) {
  open_adaptive(1024);
  every(minutes(30), 4);
  wait(minutes(2));
  const auto running = take("big", 640);
  execute(*running, version("big", 640));
  load(running->instance);
  worker_->on_demand({1, "other", 512});
  EXPECT_EQ(worker_->snapshot().free_mb, 384U) << "enough for the timer";
  wait(minutes(30));
  EXPECT_EQ(worker_->snapshot().instances_prewarmed, 0U);
}

TEST_F(WorkerKeepAlive, OfADroppedVersionNothingIsExpected) {
  open_adaptive();
  every(minutes(30), 4);
  wait(minutes(2));
  worker_->on_version_dropped("v");
  wait(minutes(60));
  EXPECT_EQ(worker_->snapshot().instances_prewarmed, 0U);
}

TEST_F(WorkerKeepAlive, AVersionDroppedWhileItsInstanceStartsHasNoneLeft) {
  open_adaptive();
  every(minutes(30), 4);
  wait(minutes(1) + seconds(1));
  const auto before = instances_.started.size();
  loop_.advance(minutes(27));
  ASSERT_EQ(instances_.started.size(), before + 1);
  worker_->on_version_dropped("v");
  load(instances_.started.back());
  end_stopped();
  EXPECT_EQ(alive(), 0U);
  EXPECT_FALSE(take("v", messaging::kWarmOnly));
}

TEST_F(WorkerKeepAlive, AFailedStartLeavesNothing) {
  open_adaptive();
  every(minutes(30), 4);
  wait(minutes(1) + seconds(1));
  const auto before = instances_.started.size();
  loop_.advance(minutes(27));
  ASSERT_EQ(instances_.started.size(), before + 1);
  const std::string failed = instances_.started.back();
  instances_.events->start_failed(failed, model::failed(model::OutcomeKind::kInitFailed, "no such module"),
                                  {}, {});
  instances_.events->ended(failed);
  EXPECT_EQ(alive(), 0U);
}

TEST_F(WorkerKeepAlive, ADrainDoesNotWaitForWhatIsOnlyExpected) {
  open_adaptive();
  every(minutes(30), 4);
  wait(minutes(1) + seconds(1));
  loop_.advance(minutes(27));
  ASSERT_EQ(count(ReservationState::kStarting), 1U);
  bool drained = false;
  worker_->drain([&] { drained = true; });
  end_stopped();
  EXPECT_TRUE(drained);
}

TEST_F(WorkerKeepAlive, ADrainExpectsNothing) {
  open_adaptive();
  every(minutes(30), 4);
  wait(minutes(2));
  bool drained = false;
  worker_->drain([&] { drained = true; });
  EXPECT_TRUE(drained);
  const auto before = instances_.started.size();
  wait(minutes(60));
  EXPECT_EQ(instances_.started.size(), before);
}

TEST_F(WorkerKeepAlive, WhereCallsNeedSeveralInstancesEachStaysForTheFixedTime) {
  open_adaptive();
  const auto twice = [this] {
    std::vector<model::Allocation> taken{*take("v"), *take("v")};
    for (const auto& each : taken) {
      const auto observer = execute(each, version("v"));
      if (!loaded_[each.instance]) {
        load(each.instance);
      }
      finish(each.instance);
      worker_->release(*observer->lease, model::ReleaseKind::kKeep);
    }
  };
  twice();
  for (int i = 0; i < 5; ++i) {
    wait(minutes(10));
    twice();
  }
  EXPECT_EQ(instances_.started.size(), 2U) << "none was cold but the first two";
  wait(minutes(16));
  EXPECT_EQ(alive(), 0U) << "the surplus went, then the last, whose call is overdue";
}

TEST_F(WorkerKeepAlive, WhileOneExecutesTheSurplusGoesAndIsNotExpected) {
  open_adaptive();
  every(minutes(30), 3);
  wait(minutes(29));
  const std::vector<model::Allocation> taken{*take("v"), *take("v")};
  for (const auto& each : taken) {
    execute(each, version("v"));
    if (!loaded_[each.instance]) {
      load(each.instance);
    }
  }
  finish(taken[1].instance);
  wait(minutes(20));
  EXPECT_EQ(alive(), 1U);
  wait(minutes(20));
  EXPECT_EQ(worker_->snapshot().instances_prewarmed, 0U);
}

TEST_F(WorkerKeepAlive, EveryLaneOfAnInstanceThatWasStartedForItIsOffered) {
  open_adaptive();
  const auto several = version("v", 128, 3);
  for (int i = 0; i < 4; ++i) {
    const auto observer = execute(*take("v"), several);
    if (!loaded_[instances_.started.back()]) {
      load(instances_.started.back());
    }
    finish(instances_.started.back());
    worker_->release(*observer->lease, model::ReleaseKind::kKeep);
    wait(i == 3 ? minutes(28) : minutes(30));
  }
  ASSERT_EQ(count(ReservationState::kIdle), 1U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(take("v", messaging::kWarmOnly));
  }
  EXPECT_FALSE(take("v", messaging::kWarmOnly));
}

TEST_F(WorkerKeepAlive, WhatIsExpectedLeavesPreStartedInstancesToCallsThatWait) {
  WorkerOptions options;
  options.memory_mb = 4'096;
  options.keep_alive = {KeepAliveKind::kAdaptive, minutes(15), minutes(60)};
  options.prestart = {.most = 2, .cores = 2, .ready = 1, .always = {kind_of(*version("v"))}};
  open(options);
  every(minutes(30), 4);
  wait(minutes(2));
  const auto boot_all = [this] {
    for (; booted_ < instances_.prestarted.size(); ++booted_) {
      instances_.events->booted(instances_.prestarted[booted_].name);
    }
  };
  boot_all();
  ASSERT_EQ(count(ReservationState::kPrestarted), 1U);
  const auto assigned = instances_.assigned.size();
  wait(minutes(26));
  EXPECT_EQ(worker_->snapshot().instances_prewarmed, 1U);
  EXPECT_EQ(instances_.assigned.size(), assigned);
  EXPECT_EQ(count(ReservationState::kPrestarted), 1U);
}

TEST_F(WorkerKeepAlive, ManyTimersInstancesAreStartedOneAfterTheOther) {
  open_adaptive();
  for (int call_number = 0; call_number < 4; ++call_number) {
    for (int i = 0; i < 5; ++i) {
      call("v" + std::to_string(i));
    }
    if (call_number < 3) {
      wait(minutes(30));
    }
  }
  wait(seconds(61));
  const auto before = instances_.started.size();
  loop_.advance(minutes(30) - seconds(61 + 90 + 45));
  EXPECT_EQ(instances_.started.size(), before + 1);
  loop_.advance(milliseconds(100));
  EXPECT_EQ(instances_.started.size(), before + 2);
  loop_.advance(milliseconds(300));
  EXPECT_EQ(instances_.started.size(), before + 5);
}

}  // namespace
}  // namespace hearth::worker::worker_test
