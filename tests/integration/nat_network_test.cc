// `--network nat`, beside an internet of the test's own. What is closed is reached from outside of a sandbox
// first.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/support/hearth_server.h"
#include "tests/support/internet.h"
#include "tests/support/leftovers.h"

namespace hearth::test {
namespace {

class NatNetwork : public testing::Test {
 protected:
  void SetUp() override {
    internet_.emplace();
    if (!internet_->made()) {
      GTEST_SKIP() << "no network namespaces here";
    }
  }

 private:
  std::optional<Internet> internet_;
};

TEST_F(NatNetwork, PublicAddressesAreOpenAndEverythingElseIsClosed) {
  const auto before = host_state();
  {
    HearthServer server({.flags = {"--network", "nat", "--dns", "203.0.113.1"},
                         .data_dir = "",
                         .start_bound = std::chrono::seconds(30)});
    const std::string id = server.create_js(std::string(Internet::probe_js()) + "module.exports = probe;");
    const auto inside = [&](const std::string& place) {
      const Reply reply = server.invoke(id, Internet::probe_input(place));
      return reply.status == 200 ? std::string(reply.json().at("output").as_string()) : reply.body;
    };
    EXPECT_EQ(inside("203.0.113.1:8000"), "reached, as 203.0.113.2") << "under the host's address";
    EXPECT_EQ(inside("198.51.100.7:8000"), "reached, as 203.0.113.2");
    for (const char* closed :
         {"10.9.9.9:8000", "192.168.9.9:8000", "169.254.169.254:8000", "203.0.113.2:9000"}) {
      EXPECT_TRUE(Internet::from_host(closed).starts_with("reached")) << "the control: " << closed;
      EXPECT_FALSE(inside(closed).starts_with("reached")) << closed;
    }
    const std::string api = "203.0.113.2:" + std::to_string(server.port());
    EXPECT_FALSE(inside(api).starts_with("reached")) << "the platform's own API";
  }
  EXPECT_EQ(leftovers(before, host_state()), "");
}

TEST_F(NatNetwork, WithoutItThereIsOnlyLoopback) {
  HearthServer server;
  const std::string id = server.create_js(std::string(Internet::probe_js()) + "module.exports = probe;");
  const Reply reply = server.invoke(id, Internet::probe_input("203.0.113.1:8000"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("output"), "ENETUNREACH");
}

}  // namespace
}  // namespace hearth::test
