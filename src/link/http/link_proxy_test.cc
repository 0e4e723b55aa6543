// What stands between a gateway and a worker and ends connections of its own: what its kernel says is not
// what the worker's would, so that a call may have been executed whose admission it has not passed on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/testing/tcp_proxy.h"
#include "link/http/testing/link_fixture.h"
#include "link/http/testing/old_worker.h"

namespace hearth::link {
namespace {

using model::Refusal;

class LinkProxy : public LinkTestBothWays {
 protected:
  LinkProxy() { start_worker(); }

  model::Allocation through(const base::TcpProxy& proxy, const std::string& instance) const {
    model::Allocation made = allocation(instance);
    made.worker_uri = uri_of(proxy.port());
    return made;
  }
  // A connection that has been used, and is idle.
  void use(const model::Allocation& before) {
    const ObserverPtr observer = execute(before);
    ASSERT_TRUE(asked(1));
    executor_.asked[0].finish("1", /*reusable=*/false);
    ASSERT_TRUE(ended(observer));
    EXPECT_FALSE(observer->lost()) << "a proxy that does as it should is of no harm";
  }
  void use(const base::TcpProxy& proxy) { use(through(proxy, "before")); }
  // A call for a worker that is stopped ends.
  ObserverPtr while_stopped() {
    frozen_ = true;
    ObserverPtr observer = execute("i");
    EXPECT_TRUE(ended(observer));
    return observer;
  }
  // The worker executes it, and has said so, but nothing of that has come through.
  ObserverPtr executed_unheard(const base::TcpProxy& proxy) {
    const ObserverPtr observer = execute(through(proxy, "i"));
    EXPECT_TRUE(asked(2));
    EXPECT_TRUE(executor_.admitted.back());
    return observer;
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, LinkProxy, testing::Bool(), name_of_way);

TEST_P(LinkProxy, ItsSilenceIsNotTheWorkers) {
  base::TcpProxy proxy(port_);
  use(proxy);
  const ObserverPtr observer = executed_unheard(proxy);
  proxy.be_silent();
  ASSERT_TRUE(ended(observer));
  EXPECT_TRUE(observer->lost()) << "another worker would execute it a second time";
}

TEST_P(LinkProxy, ItsEndIsNotTheWorkers) {
  base::TcpProxy proxy(port_);
  use(proxy);
  const ObserverPtr observer = executed_unheard(proxy);
  proxy.refuse();
  ASSERT_TRUE(ended(observer));
  EXPECT_TRUE(observer->lost());
}

// The control: the same without it.
TEST_P(LinkProxy, WithoutItAStoppedWorkersCallsGoElsewhere) {
  use(allocation("before"));
  EXPECT_EQ(while_stopped()->refusal, Refusal::kNoAnswer);
}

// As is one of the release before, which does not say where it sees the ends.
TEST_P(LinkProxy, AWorkerThatDoesNotSayWhatItSeesIsTakenForOneBehindIt) {
  stop_worker();
  start_worker();
  host_.reset();
  OldWorker old(*api_);
  host_ = std::make_unique<PlayedHost>(there_, port_, old, tls_);
  use(allocation("before"));
  EXPECT_TRUE(while_stopped()->lost());
  host_.reset();
}

}  // namespace
}  // namespace hearth::link
