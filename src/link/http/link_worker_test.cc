// The link and a real worker: what becomes of its instances when gateways give up, are lost or hold on.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "link/http/testing/link_fixture.h"
#include "worker/testing/worker_fixture.h"

namespace hearth::link {
namespace {

using model::Refusal;
using worker::ReservationState;

// The worker is on a virtual clock; its server and the link are on real loops.
class LinkWorker : public worker::worker_test::WorkerTest, public testing::WithParamInterface<bool> {
 protected:
  LinkWorker() {
    worker::WorkerOptions options;
    options.uri = (GetParam() ? "https" : "http") + std::string("://127.0.0.1:") + std::to_string(port_);
    options.memory_mb = 4'096;
    worker_ = std::make_unique<worker::Worker>(options, instances_, messaging_, loop_, random_);
    messaging_.subscribe(*worker_);
    worker_->open();
    api_ = std::make_unique<worker::WorkerApi>(worker::WorkerApiOptions{options.uri, key_}, *worker_, loop_,
                                               random_, worker::WorkerApiActions());
    host_ = std::make_unique<PlayedHost>(there_, port_, *api_, GetParam());
    link_ = std::make_unique<HttpLink>(LinkParts{here_, pool_, random_, Identity{"g", key_}}, "", nullptr);
  }
  ~LinkWorker() override {
    link_.reset();
    host_.reset();
    api_.reset();
  }
  LinkWorker(const LinkWorker&) = delete;
  LinkWorker& operator=(const LinkWorker&) = delete;

  template <typename Condition>
  bool run_until(Condition condition) {
    return run_both_until(here_, frozen_, there_, condition);
  }
  ObserverPtr call(const model::Allocation& on) {
    auto observer = std::make_shared<EndObserver>();
    link_->execute(on, {version("v"), "f", "r", std::make_shared<const std::string>("{}")}, observer);
    return observer;
  }
  // A lease that has come over the link.
  model::Allocation warm() {
    const auto cold = take("v");
    EXPECT_TRUE(cold);
    const ObserverPtr first = call(*cold);
    EXPECT_TRUE(run_until([this] { return !instances_.started.empty(); }));
    instances_.events->loaded(cold->instance, {});
    finish(cold->instance);
    EXPECT_TRUE(run_until([&] { return first->ends > 0; }));
    EXPECT_TRUE(first->execution && first->execution->steps.cold);
    return first->lease.value_or(model::Allocation());
  }
  // The gateway gives up while the worker's loop stands still.
  void give_up(const model::Allocation& on) {
    frozen_ = true;
    const ObserverPtr observer = call(on);
    ASSERT_TRUE(run_until([&] { return observer->ends > 0; }));
    EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
    frozen_ = false;
  }

  const cluster::Key key_ = cluster::cluster_key("secret");
  const std::uint16_t port_ = base::free_port();
  base::Reactor here_;
  base::Reactor there_;
  base::BlockingPool pool_{1, 4};
  bool frozen_ = false;
  std::unique_ptr<worker::WorkerApi> api_;
  std::unique_ptr<PlayedHost> host_;
  std::unique_ptr<HttpLink> link_;
};

INSTANTIATE_TEST_SUITE_P(Ways, LinkWorker, testing::Bool(), name_of_way);

TEST_P(LinkWorker, ALeaseIsExecutedOnAgainAndAgain) {
  model::Allocation lease = warm();
  for (int i = 0; i < 3; ++i) {
    const ObserverPtr observer = call(lease);
    const auto invoked = static_cast<std::size_t>(i) + 2;
    ASSERT_TRUE(run_until([&] { return instances_.invoked.size() == invoked; }));
    finish(lease.instance);
    ASSERT_TRUE(run_until([&] { return observer->ends > 0; }));
    ASSERT_TRUE(observer->lease);
    EXPECT_FALSE(observer->execution->steps.cold);
    lease = *observer->lease;
  }
}

TEST_P(LinkWorker, NothingIsStartedForWhoHasGivenUpAndTheMemoryIsOfferedAgain) {
  warm();  // the version is told, and there is a connection
  const auto cold = take("w");
  ASSERT_TRUE(cold);
  const auto free_mb = worker_->snapshot().free_mb;
  give_up(*cold);
  ASSERT_TRUE(run_until([this] { return host_->count("/execute/") == 2; }));
  EXPECT_EQ(instances_.started.size(), 1U);
  EXPECT_EQ(worker_->snapshot().free_mb, free_mb);
  bool offered = false;
  while (const auto again = take("w")) {
    EXPECT_FALSE(again->instance == cold->instance && offered) << "announced twice";
    offered =
        offered || *again == model::Allocation{cold->worker_uri, cold->instance, 0, cold->epoch + 1, 1'024};
  }
  EXPECT_TRUE(offered);
}

TEST_P(LinkWorker, NothingIsExecutedForWhoHasGivenUpAndTheInstanceIsAnnouncedAgain) {
  const model::Allocation lease = warm();
  ASSERT_EQ(instances_.invoked.size(), 1U);
  give_up(lease);
  ASSERT_TRUE(run_until([this] { return host_->count("/execute/") == 2; }));
  EXPECT_EQ(instances_.invoked.size(), 1U);
  EXPECT_EQ(count(ReservationState::kIdle), 1U);
  EXPECT_EQ(worker_->snapshot().free_mb, 4'096U - 3 * 1'024U - 128U);
  const auto again = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->instance, lease.instance);
  EXPECT_GT(again->epoch, lease.epoch);
  EXPECT_FALSE(take("v", messaging::kWarmOnly)) << "announced once";
  const auto observer = execute(*again, version("v"));
  EXPECT_FALSE(observer->refusal);
}

TEST_P(LinkWorker, ALeaseThatIsNotUsedComesBackAndIsStale) {
  const model::Allocation lease = warm();
  EXPECT_EQ(count(ReservationState::kLeased), 1U);
  loop_.advance(worker::kLeaseLife + worker::kLeaseLife / 4);
  EXPECT_EQ(count(ReservationState::kIdle), 1U);
  const ObserverPtr late = call(lease);
  ASSERT_TRUE(run_until([&] { return late->ends > 0; }));
  EXPECT_EQ(late->refusal, Refusal::kGone);
  const auto again = take("v", messaging::kWarmOnly);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->epoch, lease.epoch + 1);
}

TEST_P(LinkWorker, ALostGatewaysLeaseIsAnybodys) {
  const model::Allocation lease = warm();
  link_.reset();
  ASSERT_TRUE(run_until([this] { return host_->connections() == 0; }));
  EXPECT_EQ(count(ReservationState::kIdle), 1U);
  EXPECT_EQ(execute(lease, version("v"))->refusal, Refusal::kGone);
  EXPECT_TRUE(take("v", messaging::kWarmOnly));
}

TEST_P(LinkWorker, AReturnedLeaseIsAnybodys) {
  const model::Allocation lease = warm();
  link_->release(lease, model::ReleaseKind::kKeep);
  ASSERT_TRUE(run_until([this] { return count(ReservationState::kIdle) == 1; }));
  link_->release(*take("v", messaging::kWarmOnly), model::ReleaseKind::kRemove);
  ASSERT_TRUE(run_until([this] { return count(ReservationState::kRemoving) == 1; }));
}

TEST_P(LinkWorker, ADrainingWorkerSaysSo) {
  const auto cold = take("v");
  worker_->drain([] {});
  const ObserverPtr observer = call(*cold);
  ASSERT_TRUE(run_until([&] { return observer->ends > 0; }));
  EXPECT_EQ(observer->refusal, Refusal::kDraining);
}

}  // namespace
}  // namespace hearth::link
