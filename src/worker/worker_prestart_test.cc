// Pre-started instances in the worker's heart: who gets one, what it costs, when it goes.
#include "model/runtime.h"
#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {
namespace {

using std::chrono::seconds;

const InstanceKind kNode128{std::string(model::kNode), 128};
constexpr std::uint32_t kWaitingMb = 64;

class WorkerPrestart : public WorkerTest {
 protected:
  WorkerPrestart() { prestart_ = {.most = 3, .ready = 1, .always = {kNode128}}; }

  // And what comes after it has had its rest.
  void load(const std::string& instance) {
    instances_.events->loaded(instance, {});
    loop_.advance(milliseconds(10));
  }
  void boot() { instances_.events->booted(instances_.prestarted.back().name); }
  // A call of a version that no instance is there for.
  std::shared_ptr<Observer> call(const std::string& id, std::uint32_t memory_mb = 128) {
    const auto allocation = take(id, memory_mb);
    EXPECT_TRUE(allocation);
    called_ = allocation->instance;
    return execute(*allocation, version(id, memory_mb));
  }
  std::uint32_t waiting() { return count(ReservationState::kPrestarted); }

  std::string called_;
};

TEST_F(WorkerPrestart, OneWaitsInTheLedgerBeforeAnyCall) {
  open();
  ASSERT_EQ(instances_.prestarted.size(), 1U);
  EXPECT_EQ(instances_.prestarted[0].kind, kNode128);
  EXPECT_EQ(instances_.prestarted[0].memory_mb, kWaitingMb);
  EXPECT_EQ(waiting(), 1U);
  EXPECT_EQ(worker_->snapshot().free_mb, 2048U - kWaitingMb - 1024U);
}

TEST_F(WorkerPrestart, BecomesTheInstanceOfACall) {
  open();
  boot();
  const auto observer = call("v");
  EXPECT_TRUE(instances_.started.empty());
  EXPECT_EQ(instances_.assigned,
            (std::vector<std::pair<std::string, std::string>>{{instances_.prestarted[0].name, called_}}));
  EXPECT_EQ(worker_->snapshot().reserved_mb.at(ReservationState::kStarting), 128U);
  EXPECT_EQ(waiting(), 0U) << "its own memory is free again";
  load(called_);
  EXPECT_EQ(waiting(), 1U) << "the next one boots";
  finish(called_);
  EXPECT_TRUE(observer->lease);
  EXPECT_EQ(worker_->snapshot().instances_started, 1U);
  EXPECT_EQ(worker_->snapshot().instances_prestarted, 1U);
}

TEST_F(WorkerPrestart, TheNextOneBootsOnlyWhenTheCallHasBegun) {
  open();
  boot();
  call("v");
  instances_.events->loaded(called_, {});
  EXPECT_EQ(waiting(), 0U);
  loop_.advance(milliseconds(9));
  EXPECT_EQ(waiting(), 0U);
  loop_.advance(milliseconds(1));
  EXPECT_EQ(waiting(), 1U);
}

TEST_F(WorkerPrestart, OneThatStillBootsIsNotUsed) {
  open();
  call("v");
  EXPECT_EQ(instances_.started.size(), 1U);
  EXPECT_TRUE(instances_.assigned.empty());
  EXPECT_EQ(waiting(), 1U);
}

TEST_F(WorkerPrestart, OneOfAnotherKindIsNotUsed) {
  open();
  boot();
  call("v", 256);
  EXPECT_EQ(instances_.started.size(), 1U);
  load(called_);
  EXPECT_EQ(instances_.prestarted.back().kind, (InstanceKind{std::string(model::kNode), 256}));
}

TEST_F(WorkerPrestart, BootsOneAtATimeAndNoneWhileACallWaitsForItsStart) {
  open(4096);
  boot();
  call("a");
  const auto first = called_;
  call("b");
  const auto second = called_;
  EXPECT_EQ(instances_.prestarted.size(), 1U);
  load(first);
  EXPECT_EQ(instances_.prestarted.size(), 1U) << "b still starts";
  load(second);
  EXPECT_EQ(instances_.prestarted.size(), 2U);
  boot();
  EXPECT_EQ(instances_.prestarted.size(), 3U) << "two were started within a second";
  boot();
  EXPECT_EQ(instances_.prestarted.size(), 3U);
}

TEST_F(WorkerPrestart, BootsBesideAStartWhereACoreIsLeft) {
  prestart_.cores = 2;
  open(4096);
  boot();
  call("a");
  load(called_);
  boot();
  call("b");
  load(called_);
  ASSERT_EQ(instances_.prestarted.size(), 3U);
  call("c");  // none has booted: it is started
  EXPECT_EQ(instances_.started.size(), 1U);
  boot();
  call("d");
  load(called_);
  EXPECT_EQ(instances_.prestarted.size(), 4U) << "beside the start of c";
}

TEST_F(WorkerPrestart, WhatABurstAddedGoesAfterAMinute) {
  open(4096);
  boot();
  call("a");
  const auto first = called_;
  call("b");
  load(first);
  load(called_);
  boot();
  boot();
  EXPECT_EQ(waiting(), 2U);
  loop_.advance(kPrestartMemory + seconds(1));
  EXPECT_EQ(waiting(), 1U);
  ASSERT_EQ(instances_.stopped.size(), 1U);
  instances_.events->ended(instances_.stopped[0]);
  EXPECT_EQ(waiting(), 1U);
  EXPECT_EQ(loop_.pending_timers(), 0U) << "nothing is looked at any more";
}

TEST_F(WorkerPrestart, LeavesTheLargestFunctionItsRoom) {
  open(1024 + kWaitingMb - 1);
  EXPECT_TRUE(instances_.prestarted.empty());
  EXPECT_TRUE(take("v", 1024));
}

TEST_F(WorkerPrestart, HasATenthOfTheMemoryAtMost) {
  prestart_.ready = 3;
  open(1280);
  boot();
  boot();
  EXPECT_EQ(waiting(), 2U);
}

TEST_F(WorkerPrestart, GoesWhenTheLargestFunctionsRoomIsTaken) {
  open(1024 + kWaitingMb);
  boot();
  call("a", 512);
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{instances_.prestarted[0].name});
  instances_.events->ended(instances_.stopped[0]);
  load(called_);
  EXPECT_EQ(instances_.prestarted.size(), 1U) << "there is no room for another";
}

TEST_F(WorkerPrestart, GoesBeforeAnyInstanceDoes) {
  open(2048 + 128);
  worker_->release(warm_up("a"), model::ReleaseKind::kKeep);
  boot();
  loop_.advance(milliseconds(10));
  EXPECT_TRUE(worker_->on_demand({1, "b", 1024}));
  EXPECT_TRUE(instances_.stopped.empty());
  EXPECT_TRUE(worker_->on_demand({2, "c", 1024}));
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{instances_.prestarted.back().name});
  instances_.events->ended(instances_.stopped[0]);
  EXPECT_TRUE(take("b", 1024));
  EXPECT_TRUE(take("c", 1024));
  EXPECT_EQ(count(ReservationState::kIdle), 1U);
}

TEST_F(WorkerPrestart, OneThatDoesNotComeUpIsTriedAgainEverMoreRarely) {
  open();
  std::vector<seconds> pauses;
  for (int i = 0; i < 9; ++i) {
    const std::string name = instances_.prestarted.back().name;
    instances_.events->start_failed(name, model::failed(model::OutcomeKind::kStartFailed, "no program"), {},
                                    {});
    instances_.events->ended(name);
    seconds pause{0};
    for (const auto before = instances_.prestarted.size(); instances_.prestarted.size() == before;) {
      loop_.advance(seconds(1));
      ++pause;
      ASSERT_LE(pause, seconds(100));
    }
    pauses.push_back(pause);
  }
  EXPECT_EQ(pauses, (std::vector<seconds>{seconds(1), seconds(2), seconds(4), seconds(8), seconds(16),
                                          seconds(32), seconds(60), seconds(60), seconds(60)}));
}

TEST_F(WorkerPrestart, OneThatEndsWhileItWaitsIsReplaced) {
  open();
  boot();
  const std::string name = instances_.prestarted[0].name;
  instances_.events->start_failed(name, model::failed(model::OutcomeKind::kExited, "killed"), {}, {});
  instances_.events->ended(name);
  EXPECT_EQ(waiting(), 0U);
  loop_.advance(seconds(1));
  EXPECT_EQ(waiting(), 1U);
}

TEST_F(WorkerPrestart, ADrainRemovesThem) {
  open();
  boot();
  bool drained = false;
  worker_->drain([&] { drained = true; });
  ASSERT_EQ(instances_.stopped.size(), 1U);
  EXPECT_FALSE(drained);
  instances_.events->ended(instances_.stopped[0]);
  EXPECT_TRUE(drained);
  EXPECT_EQ(instances_.prestarted.size(), 1U);
}

TEST_F(WorkerPrestart, NobodyIsOfferedOne) {
  open();
  boot();
  worker_->on_announce_again();
  for (auto taken = take("v"); taken; taken = take("v")) {
    EXPECT_NE(taken->instance, instances_.prestarted[0].name);
  }
  EXPECT_EQ(execute({"inproc:", instances_.prestarted[0].name, 0, 1, kWaitingMb}, version("v"))->refusal,
            model::Refusal::kGone);
}

}  // namespace
}  // namespace hearth::worker::worker_test
