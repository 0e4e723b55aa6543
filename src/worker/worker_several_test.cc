// Instances that take several calls at once.
#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {
namespace {

TEST_F(WorkerTest, AnInstanceTakesAsManyCallsAtOnceAsItsVersionSays) {
  open();
  const auto v = version("v", 128, 3);
  const auto cold = take("v");
  const auto first = execute(*cold, v);
  EXPECT_FALSE(take("v", messaging::kWarmOnly)) << "not before it is loaded";
  instances_.events->loaded(cold->instance, {});
  const auto second = take("v", messaging::kWarmOnly);
  const auto third = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(second && third);
  EXPECT_FALSE(take("v", messaging::kWarmOnly));
  EXPECT_EQ(second->instance, cold->instance);
  EXPECT_NE(second->slot, third->slot);
  const auto in_second = execute(*second, v);
  EXPECT_EQ(execute(*second, v)->refusal, model::Refusal::kGone) << "each slot once";
  EXPECT_EQ(instances_.started.size(), 1U);
  finish(cold->instance);
  EXPECT_TRUE(first->execution->steps.cold);
  EXPECT_EQ(count(ReservationState::kRunning), 1U) << "the second goes on";
  finish(cold->instance, true, second->slot);
  EXPECT_FALSE(in_second->execution->steps.cold);
  EXPECT_EQ(count(ReservationState::kLeased), 1U);
  worker_->release(*first->lease, model::ReleaseKind::kKeep);
  EXPECT_EQ(count(ReservationState::kLeased), 1U);
  worker_->release(*in_second->lease, model::ReleaseKind::kKeep);
  EXPECT_EQ(count(ReservationState::kIdle), 1U);
}

TEST_F(WorkerTest, AnInstanceThatIsOfNoUseEndsWithTheLastOfItsCalls) {
  open();
  const auto v = version("v", 128, 2);
  const auto cold = take("v");
  const auto first = execute(*cold, v);
  instances_.events->loaded(cold->instance, {});
  const auto second = execute(*take("v", messaging::kWarmOnly), v);
  finish(cold->instance, false);
  EXPECT_FALSE(first->lease);
  EXPECT_TRUE(instances_.stopped.empty()) << "the second call goes on";
  finish(cold->instance, true, 1);
  EXPECT_TRUE(second->execution);
  EXPECT_FALSE(second->lease);
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{cold->instance});
}

TEST_F(WorkerTest, AllCallsOfAnInstanceEndWithIt) {
  open();
  const auto v = version("v", 128, 2);
  const auto cold = take("v");
  const auto first = execute(*cold, v);
  instances_.events->loaded(cold->instance, {});
  const auto second = execute(*take("v", messaging::kWarmOnly), v);
  instances_.events->ended(cold->instance);
  EXPECT_TRUE(first->execution);
  EXPECT_TRUE(second->execution);
}

class BehindTest : public WorkerTest {
 protected:
  std::shared_ptr<Observer> behind(const model::Allocation& running) {
    auto observer = std::make_shared<Observer>();
    worker_->execute_behind(running, {version("v"), "f", "request", nullptr}, observer);
    EXPECT_TRUE(worker_->ledger_is_exact());
    return observer;
  }
};

TEST_F(BehindTest, TheLeaseComesWithTheLastCall) {
  open();
  instances_.takes_behind = true;
  const auto lease = warm_up("v");
  const auto first = execute(lease, version("v"));
  const auto second = behind(lease);
  EXPECT_EQ(instances_.invoked.size(), 3U);
  finish(lease.instance);
  EXPECT_TRUE(first->execution);
  EXPECT_FALSE(first->lease) << "the instance goes on";
  EXPECT_EQ(count(ReservationState::kRunning), 1U);
  finish(lease.instance, true, 1);
  ASSERT_TRUE(second->lease);
  EXPECT_FALSE(execute(*second->lease, version("v"))->refusal);
}

TEST_F(BehindTest, IsForWhoeverHoldsTheInstanceAndWhileItTakesIt) {
  open();
  const auto lease = warm_up("v");
  execute(lease, version("v"));
  EXPECT_EQ(behind(lease)->refusal, model::Refusal::kBusy) << "the instance does not take it";
  instances_.takes_behind = true;
  auto stale = lease;
  stale.epoch = 0;
  EXPECT_EQ(behind(stale)->refusal, model::Refusal::kBusy);
  for (std::uint32_t i = 1; i < model::kBehindMost; ++i) {
    EXPECT_FALSE(behind(lease)->refusal) << i;
  }
  EXPECT_EQ(behind(lease)->refusal, model::Refusal::kBusy) << "over the bound";
}

TEST_F(BehindTest, IsExecutedAtOnceWhenThoseBeforeItHaveEndedMeanwhile) {
  open();
  const auto lease = warm_up("v");
  const auto first = execute(lease, version("v"));
  finish(lease.instance);
  ASSERT_TRUE(first->lease);
  const std::size_t invoked = instances_.invoked.size();
  const auto late = behind(lease);
  EXPECT_EQ(instances_.invoked.size(), invoked + 1);
  EXPECT_EQ(execute(*first->lease, version("v"))->refusal, model::Refusal::kGone) << "it is used up";
  instances_.takes_behind = true;
  const auto later = behind(*first->lease);
  EXPECT_FALSE(later->refusal) << "behind a call on a lease of the same holder's";
  finish(lease.instance);
  EXPECT_TRUE(late->execution);
  finish(lease.instance, true, 1);
  ASSERT_TRUE(later->lease);
  EXPECT_EQ(later->lease->epoch, first->lease->epoch + 1);
}

TEST_F(BehindTest, ComesTooLateWhenTheInstanceIsSomebodyElses) {
  open();
  instances_.takes_behind = true;
  const auto lease = warm_up("v");
  worker_->release(lease, model::ReleaseKind::kKeep);
  EXPECT_EQ(behind(lease)->refusal, model::Refusal::kBusy) << "it is anybody's";
  const auto other = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(other);
  const auto running = execute(*other, version("v"));
  auto before = lease;
  --before.epoch;
  EXPECT_EQ(behind(before)->refusal, model::Refusal::kBusy) << "what it was given as, before";
  EXPECT_FALSE(behind(*other)->refusal);
  finish(lease.instance);
  finish(lease.instance, true, 1);
  EXPECT_TRUE(running->execution);
}

TEST_F(BehindTest, IsNotExecutedOnALeaseThatWasTakenAway) {
  open();
  const auto lease = warm_up("v");
  worker_->release(lease, model::ReleaseKind::kLost);
  EXPECT_EQ(behind(lease)->refusal, model::Refusal::kBusy);
  const auto other = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(other);
  EXPECT_EQ(behind(lease)->refusal, model::Refusal::kBusy) << "somebody has it, who has not called yet";
}

TEST_F(BehindTest, WhatWasNotStartedIsRefusedAndNotExecuted) {
  open();
  instances_.takes_behind = true;
  const auto lease = warm_up("v");
  const auto first = execute(lease, version("v"));
  const auto second = behind(lease);
  worker_->take_back(lease);
  EXPECT_EQ(instances_.taken_back, std::vector<std::string>{lease.instance});
  FinishedCall taken;
  taken.slot = 1;
  taken.started = false;
  taken.reusable = true;
  instances_.events->finished(lease.instance, std::move(taken));
  EXPECT_EQ(second->refusal, model::Refusal::kBusy);
  EXPECT_FALSE(second->execution);
  finish(lease.instance);
  EXPECT_TRUE(first->lease);
}

TEST_F(BehindTest, AnInstanceWhoseCallsWereAllTakenBackIsOfferedAgain) {
  open();
  instances_.takes_behind = true;
  const auto lease = warm_up("v");
  const auto first = execute(lease, version("v"));
  FinishedCall taken;
  taken.started = false;
  taken.reusable = true;
  instances_.events->finished(lease.instance, std::move(taken));
  EXPECT_EQ(first->refusal, model::Refusal::kBusy);
  EXPECT_TRUE(take("v", messaging::kWarmOnly));
}

}  // namespace
}  // namespace hearth::worker::worker_test
