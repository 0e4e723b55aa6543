#include "base/testing/tcp_proxy.h"

#include <gtest/gtest.h>

namespace hearth::base {
namespace {

// The thread that waits for a connection must not keep the port from who listens there again.
TEST(TcpProxy, ListensAgainAtOnce) {
  TcpProxy proxy(1);
  for (int i = 0; i < 2'000; ++i) {
    proxy.refuse();
    EXPECT_NO_THROW(proxy.forward());
  }
}

}  // namespace
}  // namespace hearth::base
