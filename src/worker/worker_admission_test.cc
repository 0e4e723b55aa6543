// Callers on other hosts: who has left before he was told that he is executed for, and who is lost with a
// lease.
#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {
namespace {

using model::ReleaseKind;

// Is not there any more when it is told.
class GoneObserver final : public model::ExecutionObserver {
 public:
  bool admitted() override {
    ++asked;
    return false;
  }
  void refused(model::Refusal /*why*/) override { ++ends; }
  void done(model::Execution&& /*result*/, std::optional<model::Allocation>&& /*next*/) override { ++ends; }

  int asked = 0;
  int ends = 0;
};

class WorkerAdmission : public WorkerTest {
 protected:
  // Whoever had that allocation has left; nothing may be executed for him.
  void leave(const model::Allocation& allocation, const model::VersionPtr& wanted) {
    const std::size_t invoked = instances_.invoked.size();
    const std::size_t started = instances_.started.size();
    auto observer = std::make_shared<GoneObserver>();
    worker_->execute(allocation, {wanted, "f", "request", nullptr}, observer);
    EXPECT_EQ(observer->asked, 1);
    EXPECT_EQ(observer->ends, 0) << "it gets nothing more";
    EXPECT_EQ(observer.use_count(), 1) << "nor is it kept";
    EXPECT_EQ(instances_.invoked.size(), invoked);
    EXPECT_EQ(instances_.started.size(), started);
    EXPECT_TRUE(worker_->ledger_is_exact());
  }
  // The old offer is used up, and a new one can be taken.
  model::Allocation expect_offered_again(const model::Allocation& old, const model::VersionPtr& wanted,
                                         std::uint32_t memory_mb = messaging::kWarmOnly) {
    EXPECT_EQ(execute(old, wanted)->refusal, model::Refusal::kGone);
    const auto again = take(wanted->id, memory_mb);
    EXPECT_TRUE(again);
    EXPECT_EQ(again->instance, old.instance);
    EXPECT_EQ(again->slot, old.slot);
    EXPECT_EQ(again->epoch, old.epoch + 1);
    return again.value_or(model::Allocation());
  }
};

TEST_F(WorkerAdmission, AWarmInstanceIsAnnouncedAgain) {
  open();
  worker_->release(warm_up("v"), ReleaseKind::kKeep);
  const auto taken = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(taken);
  leave(*taken, version("v"));
  EXPECT_EQ(count(ReservationState::kIdle), 1U);
  const auto again = expect_offered_again(*taken, version("v"));
  EXPECT_FALSE(take("v", messaging::kWarmOnly)) << "announced once";
  EXPECT_FALSE(execute(again, version("v"))->refusal);
}

TEST_F(WorkerAdmission, ALeasedInstanceIsAnybodys) {
  open();
  const auto lease = warm_up("v");
  leave(lease, version("v"));
  EXPECT_EQ(count(ReservationState::kIdle), 1U);
  EXPECT_FALSE(execute(expect_offered_again(lease, version("v")), version("v"))->refusal);
}

TEST_F(WorkerAdmission, ColdMemoryIsOfferedAgainAsLargeAsItWas) {
  open(1'024);
  const auto cold = take("v");
  ASSERT_TRUE(cold);
  leave(*cold, version("v", 512));
  EXPECT_EQ(count(ReservationState::kCold), 1U);
  EXPECT_EQ(worker_->snapshot().free_mb, 0U);
  const auto again = expect_offered_again(*cold, version("v"), 1'024);
  EXPECT_EQ(again.memory_mb, 1'024U);
  EXPECT_FALSE(execute(again, version("v"))->refusal);
}

// It may have been retired in the meantime: that is of the call, which does not take place.
TEST_F(WorkerAdmission, AnInstanceIsNotRetiredByACallThatIsNotExecuted) {
  open();
  const auto lease = warm_up("v");
  auto observer = std::make_shared<GoneObserver>();
  worker_->execute(lease, {version("v"), "f", "request", nullptr, /*version_retired=*/true}, observer);
  const auto again = expect_offered_again(lease, version("v"));
  execute(again, version("v"));
  finish(again.instance);
  EXPECT_TRUE(instances_.stopped.empty());
}

TEST_F(WorkerAdmission, TheOtherCallsOfAnInstanceGoOn) {
  open();
  const auto several = version("v", 128, 2);
  const auto cold = take("v");
  const auto first = execute(*cold, several);
  instances_.events->loaded(cold->instance, {});
  const auto lane = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(lane);
  leave(*lane, several);
  EXPECT_EQ(count(ReservationState::kRunning), 1U);
  const auto again = expect_offered_again(*lane, several);
  EXPECT_FALSE(execute(again, several)->refusal);
  finish(cold->instance);
  EXPECT_TRUE(first->execution);
}

TEST_F(WorkerAdmission, NobodyStandsBehindWhoHasLeft) {
  open();
  instances_.takes_behind = true;
  const auto lease = warm_up("v");
  const auto running = execute(lease, version("v"));
  const std::size_t invoked = instances_.invoked.size();
  auto gone = std::make_shared<GoneObserver>();
  worker_->execute_behind(lease, {version("v"), "f", "request", nullptr}, gone);
  EXPECT_EQ(gone->asked, 1);
  EXPECT_EQ(gone->ends, 0);
  EXPECT_EQ(gone.use_count(), 1);
  EXPECT_EQ(instances_.invoked.size(), invoked);
  finish(lease.instance);
  EXPECT_TRUE(running->lease) << "nothing stands behind it";
}

TEST_F(WorkerAdmission, WhoIsRefusedIsNotAskedWhetherHeIsThere) {
  open();
  const auto lease = warm_up("v");
  auto observer = std::make_shared<GoneObserver>();
  worker_->execute(lease, {version("w"), "f", "request", nullptr}, observer);
  execute(lease, version("v"));
  worker_->execute_behind(lease, {version("v"), "f", "request", nullptr}, observer);
  worker_->drain([] {});
  worker_->execute(lease, {version("v"), "f", "request", nullptr}, observer);
  EXPECT_EQ(observer->asked, 0);
  EXPECT_EQ(observer->ends, 3);
}

TEST_F(WorkerAdmission, ALostLeaseIsStaleAndItsInstanceAnybodys) {
  open();
  const auto lease = warm_up("v");
  worker_->release(lease, ReleaseKind::kLost);
  EXPECT_EQ(count(ReservationState::kIdle), 1U);
  worker_->release(lease, ReleaseKind::kRemove);  // its holder is heard of after all
  EXPECT_TRUE(instances_.stopped.empty());
  EXPECT_FALSE(execute(expect_offered_again(lease, version("v")), version("v"))->refusal);
}

TEST_F(WorkerAdmission, ALeaseThatWasUsedCannotBeLost) {
  open();
  const auto lease = warm_up("v");
  const auto running = execute(lease, version("v"));
  worker_->release(lease, ReleaseKind::kLost);
  EXPECT_EQ(count(ReservationState::kRunning), 1U);
  EXPECT_FALSE(take("v", messaging::kWarmOnly));
  finish(lease.instance);
  ASSERT_TRUE(running->lease);
  EXPECT_EQ(running->lease->epoch, lease.epoch + 1);
}

TEST_F(WorkerAdmission, AKeptLeaseIsNotStale) {
  open();
  const auto lease = warm_up("v");
  worker_->release(lease, ReleaseKind::kKeep);
  EXPECT_EQ(take("v", messaging::kWarmOnly)->epoch, lease.epoch);
}

TEST_F(WorkerAdmission, OneLostLeaseOfAnInstanceLeavesTheOthers) {
  open();
  const auto several = version("v", 128, 2);
  const auto cold = take("v");
  const auto first = execute(*cold, several);
  instances_.events->loaded(cold->instance, {});
  const auto second = execute(*take("v", messaging::kWarmOnly), several);
  finish(cold->instance, true, 0);
  finish(cold->instance, true, 1);
  ASSERT_TRUE(first->lease && second->lease);
  worker_->release(*first->lease, ReleaseKind::kLost);
  EXPECT_EQ(count(ReservationState::kLeased), 1U);
  expect_offered_again(*first->lease, several);
  EXPECT_FALSE(execute(*second->lease, several)->refusal);
}

}  // namespace
}  // namespace hearth::worker::worker_test
