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

}  // namespace
}  // namespace hearth::worker::worker_test
