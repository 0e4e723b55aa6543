#include "link/http/host_address.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "base/manual_event_loop.h"
#include "base/testing/occupied_pool.h"

namespace hearth::link {
namespace {

constexpr std::size_t kQueue = 4;

class HostAddressTest : public testing::Test {
 protected:
  // What was submitted before has been done, and its answers wait on the loop.
  void wait_for_pool() {
    std::promise<void> reached;
    ASSERT_TRUE(pool_.submit([&reached] { reached.set_value(); }));
    reached.get_future().wait();
  }
  std::size_t fill_pool() {
    std::size_t taken = 0;
    while (pool_.submit([] {})) {
      ++taken;
    }
    return taken;
  }
  HostAddress::Found count() {
    return [this](const base::Result<http::SocketAddress>& address) { ++(address ? found_ : failed_); };
  }

  base::ManualEventLoop loop_;
  base::BlockingPool pool_{1, kQueue};
  int found_ = 0;
  int failed_ = 0;
};

TEST_F(HostAddressTest, AnAddressIsKnownForGood) {
  const HostAddress address(loop_, pool_, {"127.0.0.1", 80});
  ASSERT_TRUE(address.known());
  loop_.advance(std::chrono::hours(24));
  EXPECT_TRUE(address.known());
}

TEST_F(HostAddressTest, ANameIsLookedUpAndBelievedForAWhile) {
  HostAddress address(loop_, pool_, {"localhost", 80});
  EXPECT_FALSE(address.known());
  for (int i = 1; i <= 2; ++i) {
    address.look_up(count());
    wait_for_pool();
    EXPECT_EQ(found_, i - 1) << "told from the wrong thread";
    EXPECT_FALSE(address.known());
    loop_.run_posted();
    EXPECT_EQ(found_, i);
    EXPECT_TRUE(address.known());
    loop_.advance(kNameLife - std::chrono::milliseconds(1));
    EXPECT_TRUE(address.known());
    loop_.advance(std::chrono::milliseconds(1));
    EXPECT_FALSE(address.known()) << "it may have moved";
  }
}

TEST_F(HostAddressTest, OneLookUpIsUnderWayAtATime) {
  std::promise<void> release = base::occupy(pool_);
  HostAddress address(loop_, pool_, {"localhost", 80});
  address.look_up(count());
  address.look_up(count());
  EXPECT_EQ(fill_pool(), kQueue - 1);
  release.set_value();
}

TEST_F(HostAddressTest, WhatCannotBeginIsToldAndMayBeTriedAgain) {
  std::promise<void> release = base::occupy(pool_);
  fill_pool();
  HostAddress address(loop_, pool_, {"localhost", 80});
  for (int i = 1; i <= 2; ++i) {
    address.look_up(count());
    EXPECT_EQ(failed_, i - 1) << "told from inside the call";
    loop_.run_posted();
    EXPECT_EQ(failed_, i);
    EXPECT_FALSE(address.known());
  }
  release.set_value();
}

TEST_F(HostAddressTest, EndedItTellsNothing) {
  auto address = std::make_unique<HostAddress>(loop_, pool_, http::HostPort{"localhost", 80});
  address->look_up(count());
  address.reset();
  wait_for_pool();
  loop_.run_posted();
  EXPECT_EQ(found_, 0);
}

}  // namespace
}  // namespace hearth::link
