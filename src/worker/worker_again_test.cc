// What the worker announces again when the messaging layer may have lost it.
#include <gmock/gmock.h>

#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {
namespace {

// Everything that the stacks and the queue hold is gone.
class WorkerAgainTest : public WorkerTest {
 protected:
  void lose(const std::vector<std::string>& versions) {
    for (const std::string& version : versions) {
      while (take(version, 0)) {
      }
    }
  }
};

TEST_F(WorkerAgainTest, IdleInstancesAndColdMemoryAreAnnouncedAsTheyWere) {
  open(2304);
  const auto first = warm_up("v");
  const auto second = warm_up("v");
  loop_.advance(milliseconds(5));
  worker_->release(second, model::ReleaseKind::kKeep);
  worker_->release(first, model::ReleaseKind::kKeep);
  const std::uint32_t cold = count(ReservationState::kCold);
  lose({"v"});

  worker_->on_announce_again();
  const auto warm = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(warm);
  EXPECT_FALSE(execute(*warm, version("v"))->refusal);
  EXPECT_TRUE(take("v", messaging::kWarmOnly));
  EXPECT_FALSE(take("v", messaging::kWarmOnly));
  for (std::uint32_t i = 0; i < cold; ++i) {
    const auto memory = take("w", 1024);
    ASSERT_TRUE(memory);
    EXPECT_FALSE(execute(*memory, version("w", 1024))->refusal);
  }
  EXPECT_FALSE(take("w", 1024));
}

TEST_F(WorkerAgainTest, TheLastUsedIsOnTopAgain) {
  open(4096);
  std::vector<model::Allocation> leases;
  for (int i = 0; i < 3; ++i) {
    leases.push_back(warm_up("v"));
    loop_.advance(milliseconds(5));
  }
  for (const auto& lease : leases) {
    worker_->release(lease, model::ReleaseKind::kKeep);
  }
  lose({"v"});
  worker_->on_announce_again();
  EXPECT_EQ(take("v", messaging::kWarmOnly)->instance, leases[2].instance);
  EXPECT_EQ(take("v", messaging::kWarmOnly)->instance, leases[1].instance);
  EXPECT_EQ(take("v", messaging::kWarmOnly)->instance, leases[0].instance);
}

TEST_F(WorkerAgainTest, WhatIsLeasedRunsOrEndsIsNot) {
  open(4096);
  const auto leased = warm_up("v");
  const auto running = warm_up("w");
  execute(running, version("w"));
  worker_->release(warm_up("x"), model::ReleaseKind::kRemove);
  const auto starting = take("y");
  execute(*starting, version("y"));
  lose({"v", "w", "x", "y"});
  const std::uint32_t cold = count(ReservationState::kCold);
  worker_->on_announce_again();
  for (const std::string id : {"v", "w", "x", "y"}) {
    EXPECT_FALSE(take(id, messaging::kWarmOnly)) << id;
  }
  for (std::uint32_t i = 0; i < cold; ++i) {
    EXPECT_TRUE(take("z"));
  }
  EXPECT_FALSE(take("z"));
}

TEST_F(WorkerAgainTest, TakenUnknownToTheWorkerItIsAHintThatIsRefused) {
  open();
  worker_->release(warm_up("v"), model::ReleaseKind::kKeep);
  const auto taken = take("v", messaging::kWarmOnly);
  worker_->on_announce_again();
  const auto again = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(again);
  EXPECT_FALSE(execute(*taken, version("v"))->refusal);
  EXPECT_EQ(execute(*again, version("v"))->refusal, model::Refusal::kGone);
}

TEST_F(WorkerAgainTest, OfAnInstanceThatTakesSeveralTheFreeLanesAre) {
  open();
  const auto cold = take("v");
  execute(*cold, version("v", 128, 3));
  instances_.events->loaded(cold->instance, {});  // its first lane executes, two more are anybody's
  const auto second = take("v", messaging::kWarmOnly);
  execute(*second, version("v", 128, 3));
  finish(cold->instance, true, second->slot);  // leased by whoever called
  while (take("v", messaging::kWarmOnly)) {
  }
  worker_->on_announce_again();
  const auto third = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(third);
  EXPECT_NE(third->slot, second->slot);
  EXPECT_NE(third->slot, 0U);
  EXPECT_FALSE(take("v", messaging::kWarmOnly));
}

TEST_F(WorkerAgainTest, WhatStandsBehindACallIsNobodysLane) {
  open();
  const auto lease = warm_up("v");
  execute(lease, version("v"));
  instances_.takes_behind = true;
  auto behind = std::make_shared<Observer>();
  worker_->execute_behind(lease, {version("v"), "f", "request", nullptr}, behind);
  finish(lease.instance);  // the one behind it is executed now
  worker_->on_announce_again();
  EXPECT_FALSE(take("v", messaging::kWarmOnly));
}

TEST_F(WorkerAgainTest, ADrainingWorkerAnnouncesNothing) {
  open();
  const auto cold = take("v");
  execute(*cold, version("v", 128, 2));
  instances_.events->loaded(cold->instance, {});  // its second lane is free
  while (take("v", messaging::kWarmOnly)) {
  }
  worker_->drain([] {});
  worker_->on_announce_again();
  EXPECT_FALSE(take("v"));
}

}  // namespace
}  // namespace hearth::worker::worker_test
