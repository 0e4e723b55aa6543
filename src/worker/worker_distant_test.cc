// What a worker does for the other loops of its host.
#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {
namespace {

class DistantTest : public WorkerTest {
 protected:
  // A demand of another loop's; what it is given is in `given_`: an instance, or "memory".
  bool demand(std::uint64_t id, const std::string& version_id, std::uint32_t memory_mb) {
    return worker_->on_distant_demand(
        {id, version_id, memory_mb}, [this, id](std::optional<model::Allocation> instance) {
          given_.push_back(std::to_string(id) + " " + (instance ? instance->instance : "memory"));
          handed_ = std::move(instance);
        });
  }
  std::uint32_t total() { return worker_->snapshot().total_mb; }

  std::vector<std::string> given_;
  std::optional<model::Allocation> handed_;
};

using Given = std::vector<std::string>;

TEST_F(DistantTest, GivesUpMemoryThatIsFreeOrOffered) {
  open(2048);
  EXPECT_TRUE(worker_->give_up(1536)) << "of two cold allocations";
  EXPECT_EQ(total(), 512U);
  EXPECT_EQ(count(ReservationState::kCold), 0U);
  EXPECT_FALSE(take("v")) << "what was announced is withdrawn";
  EXPECT_FALSE(worker_->give_up(513));
  EXPECT_EQ(total(), 512U);
  worker_->take_over(512);
  EXPECT_TRUE(take("v", 1024)) << "announced, for it is enough for the largest function";
}

TEST_F(DistantTest, OffersFreeMemoryInTheSizeThatIsAskedFor) {
  open(1024);
  warm_up("v", 128);
  EXPECT_FALSE(take("w", 512));
  EXPECT_TRUE(worker_->offer(512));
  const auto offered = take("w", 512);
  EXPECT_EQ(offered->memory_mb, 512U);
  execute(*offered, version("w", 512));
  EXPECT_FALSE(worker_->offer(512)) << "384 MB are left";
}

TEST_F(DistantTest, WhatOthersWaitForIsNeitherOfferedNorGivenUp) {
  open(1024);
  const auto lease = warm_up("a", 512);  // 512 MB stay free
  execute(lease, version("a", 512));
  EXPECT_FALSE(worker_->on_demand({1, "b", 1024}));
  EXPECT_FALSE(worker_->offer(128));
  EXPECT_FALSE(worker_->give_up(128));
  worker_->on_demand_withdrawn(1);
  EXPECT_TRUE(worker_->offer(128));
}

TEST_F(DistantTest, AnIdleInstanceOfTheVersionIsHandedOverAtOnce) {
  open(1024);
  const auto lease = warm_up("v");
  worker_->release(lease, model::ReleaseKind::kKeep);
  EXPECT_TRUE(demand(1, "v", 128));
  EXPECT_EQ(given_, Given{"1 " + lease.instance});
  EXPECT_TRUE(execute(*handed_, version("v"))->refusal == std::nullopt);
}

TEST_F(DistantTest, ALeaseThatIsNotUsedIsTakenFromItsHolderAfterItsGrace) {
  open(128);
  ASSERT_TRUE(worker_->offer(128));
  const auto lease = warm_up("v");
  EXPECT_TRUE(demand(1, "v", 128));
  EXPECT_TRUE(given_.empty());
  loop_.advance(milliseconds(3));
  EXPECT_EQ(given_, Given{"1 " + lease.instance});
  EXPECT_TRUE(instances_.stopped.empty()) << "better than its memory";
  EXPECT_EQ(execute(lease, version("v"))->refusal, model::Refusal::kGone) << "the holder's is stale";
  const auto observer = execute(*handed_, version("v"));
  finish(handed_->instance);
  ASSERT_TRUE(observer->lease);
  worker_->release(*observer->lease, model::ReleaseKind::kKeep);
  EXPECT_TRUE(take("v", messaging::kWarmOnly)) << "at home again";
}

TEST_F(DistantTest, MemoryThatIsMadeFreeIsGivenUp) {
  open(1024);
  const auto lease = warm_up("a", 1024);
  EXPECT_TRUE(demand(1, "b", 512));
  loop_.advance(milliseconds(3));
  EXPECT_EQ(instances_.stopped, std::vector<std::string>{lease.instance});
  instances_.events->ended(lease.instance);
  EXPECT_EQ(given_, Given{"1 memory"});
  EXPECT_EQ(total(), 512U);
}

TEST_F(DistantTest, WhoIsPatientHasTheInstanceBeforeTheHoldersNextCall) {
  open(128);
  ASSERT_TRUE(worker_->offer(128));
  const auto first = execute(warm_up("v"), version("v"));
  EXPECT_TRUE(demand(1, "v", 128)) << "its calls are short";
  finish(instances_.started[0]);
  ASSERT_TRUE(first->lease) << "not yet";
  const auto second = execute(*first->lease, version("v"));
  loop_.advance(milliseconds(5));
  finish(instances_.started[0]);
  EXPECT_FALSE(second->lease);
  EXPECT_EQ(given_, Given{"1 " + instances_.started[0]});
  EXPECT_TRUE(worker_->on_demand({7, "v", 128})) << "it comes back";
  worker_->release(*handed_, model::ReleaseKind::kKeep);
  execute(*take("v"), version("v"));
  EXPECT_FALSE(worker_->on_demand({8, "v", 128})) << "the dispatcher waits for its own by itself";
}

TEST_F(DistantTest, AnIdleInstanceIsLentAndComesBack) {
  open(128);
  ASSERT_TRUE(worker_->offer(128));
  EXPECT_FALSE(worker_->lend("v"));
  const auto lease = warm_up("v");
  EXPECT_FALSE(worker_->lend("v")) << "a dispatcher holds it";
  worker_->release(lease, model::ReleaseKind::kKeep);
  const auto lent = worker_->lend("v");
  ASSERT_TRUE(lent);
  EXPECT_FALSE(worker_->lend("v"));
  execute(*lent, version("v"));
  EXPECT_TRUE(worker_->on_demand({7, "v", 128})) << "its calls are short";
}

TEST_F(DistantTest, WhatHasJustBeenHandedOverIsNotEvictedForAnother) {
  open(128);
  ASSERT_TRUE(worker_->offer(128));
  warm_up("v");
  demand(1, "v", 128);
  demand(2, "w", 128);
  loop_.advance(milliseconds(2));
  EXPECT_EQ(given_.size(), 1U);
  EXPECT_TRUE(instances_.stopped.empty());
}

TEST_F(DistantTest, ALongCallIsNotWaitedFor) {
  open(128);
  ASSERT_TRUE(worker_->offer(128));
  const auto lease = warm_up("v");
  const auto first = execute(lease, version("v"));
  instances_.events->finished(lease.instance,
                              {0, {model::OutcomeKind::kReturned, "1", {}}, {}, 101'000, 5, true});
  execute(*first->lease, version("v"));
  EXPECT_FALSE(demand(1, "v", 128));
}

TEST_F(DistantTest, TheOldestDemandGoesFirstWhereverItIsFrom) {
  open(128);
  ASSERT_TRUE(worker_->offer(128));
  const auto running = execute(warm_up("v"), version("v"));
  worker_->on_demand({7, "v", 128});
  demand(1, "v", 128);
  finish(instances_.started[0]);
  worker_->release(*running->lease, model::ReleaseKind::kKeep);
  EXPECT_TRUE(given_.empty());
  EXPECT_TRUE(take("v", messaging::kWarmOnly)) << "for the own caller";
}

TEST_F(DistantTest, AWithdrawnDemandGetsNothing) {
  open(1024);
  const auto lease = warm_up("a", 1024);
  demand(1, "b", 512);
  worker_->on_demand_withdrawn(1);
  loop_.advance(milliseconds(3));
  EXPECT_TRUE(instances_.stopped.empty());
  EXPECT_TRUE(given_.empty());
}

TEST_F(DistantTest, WhatWasOfferedToACallThatLeftIsUsedForALargerOne) {
  open(1024);
  warm_up("v", 128);
  ASSERT_TRUE(worker_->on_demand({1, "w", 512}));
  worker_->on_demand_withdrawn(1);  // 512 MB stay announced, 384 free
  EXPECT_TRUE(worker_->on_demand({2, "x", 768}));
  EXPECT_TRUE(take("x", 768));
}

TEST_F(DistantTest, WhatWasOfferedToACallThatLeftIsForThoseBehindIt) {
  open(1024);
  const auto lease = warm_up("v", 512);
  execute(lease, version("v", 512));
  ASSERT_TRUE(worker_->on_demand({1, "w", 512}));
  EXPECT_FALSE(demand(2, "x", 256));
  worker_->on_demand_withdrawn(1);
  EXPECT_TRUE(take("w", 512)) << "it may be about to be executed on";
  loop_.advance(milliseconds(2));
  EXPECT_EQ(given_, Given{"2 memory"});
}

TEST_F(DistantTest, WhatIsOfferedToOneWhoWaitsIsNotTakenApart) {
  open(1024);
  warm_up("v", 128);
  ASSERT_TRUE(worker_->on_demand({1, "w", 512}));
  EXPECT_FALSE(worker_->give_up(512));
  EXPECT_TRUE(take("w", 512));
}

}  // namespace
}  // namespace hearth::worker::worker_test
