// A worker that dispatchers on several hosts use.
#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {
namespace {

class SharedWorkerTest : public WorkerTest {
 protected:
  void open_shared(std::uint32_t memory_mb) { open(memory_mb, /*evict=*/true, /*shared=*/true); }
};

TEST_F(SharedWorkerTest, WhoHasAnInstanceGivesItToWhoeverWaitsForTheSameVersion) {
  open_shared(1024);
  const auto lease = warm_up("v", 1024);
  const auto first = execute(lease, version("v", 1024));
  EXPECT_TRUE(worker_->on_demand({1, "v", 1024})) << "its calls are short";
  loop_.advance(milliseconds(5));
  finish(lease.instance);
  EXPECT_TRUE(first->execution);
  EXPECT_FALSE(first->lease) << "another has waited for it";
  const auto taken = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->instance, lease.instance);
  worker_->on_demand_withdrawn(1);
  const auto second = execute(*taken, version("v", 1024));
  finish(lease.instance);
  EXPECT_TRUE(second->lease) << "nobody waits any more";
}

TEST_F(SharedWorkerTest, NoMoreCallsStandBehindWhereAnotherWaits) {
  open_shared(1024);
  instances_.takes_behind = true;
  const auto lease = warm_up("v", 1024);
  const auto first = execute(lease, version("v", 1024));
  const auto behind = [&] {
    auto observer = std::make_shared<Observer>();
    worker_->execute_behind(lease, {version("v", 1024), "f", "request", nullptr}, observer);
    return observer;
  };
  worker_->on_demand({1, "v", 1024});
  const auto second = behind();
  EXPECT_FALSE(second->refusal) << "the other has only just come";
  loop_.advance(milliseconds(5));
  EXPECT_EQ(behind()->refusal, model::Refusal::kBusy) << "or the other would wait for ever";
  finish(lease.instance);
  instances_.events->finished(lease.instance, {1, {}, {}, 1, 1, true, true});
  EXPECT_TRUE(second->execution);
  EXPECT_FALSE(second->lease);
  EXPECT_TRUE(take("v", messaging::kWarmOnly)) << "the other's";
}

TEST_F(SharedWorkerTest, ADemandThatHasJustComeDoesNotTakeALeaseAway) {
  open_shared(1024);
  const auto lease = warm_up("v", 1024);
  const auto first = execute(lease, version("v", 1024));
  worker_->on_demand({1, "v", 1024});
  finish(lease.instance);
  EXPECT_TRUE(first->lease);
}

TEST_F(SharedWorkerTest, AnUnusedLeaseIsTakenBackForWhoeverWaits) {
  open_shared(1024);
  const auto lease = warm_up("v", 1024);
  EXPECT_TRUE(worker_->on_demand({1, "v", 1024}));
  loop_.advance(milliseconds(10));
  const auto taken = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(taken);
  EXPECT_TRUE(instances_.stopped.empty()) << "it is handed on, not removed";
  EXPECT_EQ(execute(lease, version("v", 1024))->refusal, model::Refusal::kGone) << "it is no longer theirs";
  EXPECT_FALSE(execute(*taken, version("v", 1024))->refusal);
}

TEST_F(SharedWorkerTest, EvictsAfterAMomentAndNotForADemandThatAnotherHasMet) {
  open_shared(1024);
  worker_->release(warm_up("a", 1024), model::ReleaseKind::kKeep);
  loop_.advance(milliseconds(3));
  for (std::uint64_t demand = 1; demand <= 20; ++demand) {
    EXPECT_TRUE(worker_->on_demand({demand, "b", 1024}));
    worker_->on_demand_withdrawn(demand);
  }
  loop_.advance(milliseconds(20));
  EXPECT_LE(instances_.stopped.size(), 1U) << "most of them another worker has met";
  EXPECT_TRUE(worker_->on_demand({99, "b", 1024}));
  loop_.advance(milliseconds(20));
  EXPECT_EQ(instances_.stopped.size(), 1U);
}

TEST_F(SharedWorkerTest, ALeaseWhoseHolderIsLostIsAnybodysAndNoLongerIts) {
  open_shared(1024);
  const auto lease = warm_up("v");
  worker_->release(lease, model::ReleaseKind::kLost);
  EXPECT_EQ(execute(lease, version("v"))->refusal, model::Refusal::kGone);
  EXPECT_TRUE(take("v", messaging::kWarmOnly));
}

}  // namespace
}  // namespace hearth::worker::worker_test
