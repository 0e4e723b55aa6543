// Provisioned concurrency of a platform of several processes: gateways tell workers what to keep started, and
// whoever of them ends or begins anew, it is kept.
#include "tests/integration/members_fixture.h"

namespace hearth::test {
namespace {

using std::chrono::seconds;

class ProvisionedHosts : public MembersTest {
 protected:
  static std::int64_t ready(const HearthServer& gateway, const std::string& id) {
    const auto limits = gateway.get("/functions/" + id + "/limits").json();
    return limits.at("provisionedReady").to_number<std::int64_t>();
  }
  static bool wait_until_ready(const HearthServer& gateway, const std::string& id, std::int64_t count) {
    return eventually([&] { return ready(gateway, id) == count; }, seconds(30));
  }
  static void provide(const HearthServer& gateway, const std::string& id, int count) {
    const Reply put =
        gateway.put("/functions/" + id + "/limits",
                    R"({"provisionedConcurrency":)" + std::to_string(count) + "}", "application/json");
    ASSERT_EQ(put.status, 200) << put.body;
  }
  static bool is_warm(const HearthServer& gateway, const std::string& id) {
    return gateway.invoke(id).body.find("execute.warm") != std::string::npos;
  }
  static std::int64_t kept(const HearthServer& worker) { return worker.instances({"idle", "leased"}); }
};

TEST_F(ProvisionedHosts, AreDividedOverTheWorkersAndKeptWhoeverEnds) {
  const auto one = worker({"--keep-alive", "1s"});
  auto two = worker({"--keep-alive", "1s"});
  auto first = start("gateway");
  const auto second = start("gateway");
  const std::string id = first->create_js("module.exports = () => 1");
  ASSERT_TRUE(has_workers(*first, 2) && has_workers(*second, 2));
  provide(*first, id, 4);
  ASSERT_TRUE(wait_until_ready(*first, id, 4));
  ASSERT_TRUE(wait_until_ready(*second, id, 4)) << "every gateway knows";
  EXPECT_EQ(kept(*one), 2);
  EXPECT_EQ(kept(*two), 2);
  EXPECT_TRUE(is_warm(*first, id));
  EXPECT_TRUE(is_warm(*second, id));

  first->kill();
  two->kill();
  // As soon as it is missed, the other has all.
  EXPECT_TRUE(eventually([&] { return kept(*one) >= 3; }, seconds(30)));
  const auto three = worker({"--keep-alive", "1s"});
  EXPECT_TRUE(eventually([&] { return kept(*three) == 2; }, seconds(30))) << "who is new is told";
  EXPECT_TRUE(eventually([&] { return kept(*one) == 2; }, seconds(30)))
      << "the others are ordinary ones again";
  ASSERT_TRUE(wait_until_ready(*second, id, 4));
}

TEST_F(ProvisionedHosts, NewCodeIsStartedAndWhatIsNotWantedIsNotKept) {
  const auto host = worker({"--keep-alive", "1s"});
  auto gateway = start("gateway");
  const std::string id = gateway->create_js("module.exports = () => 'old'");
  ASSERT_TRUE(has_workers(*gateway, 1));
  provide(*gateway, id, 2);
  ASSERT_TRUE(wait_until_ready(*gateway, id, 2));
  ASSERT_EQ(gateway->update_js(id, "module.exports = () => 'new'").status, 200);
  ASSERT_TRUE(wait_until_ready(*gateway, id, 2));
  const Reply reply = gateway->invoke(id);
  EXPECT_NE(reply.body.find("execute.warm"), std::string::npos) << reply.body;
  EXPECT_EQ(reply.json().at("output"), "new");
  EXPECT_EQ(kept(*host), 2);

  provide(*gateway, id, 1);
  EXPECT_TRUE(eventually([&] { return kept(*host) == 1; }));
  // Nobody says it any more: after a while they are instances as any other.
  gateway->kill();
  EXPECT_TRUE(eventually([&] { return kept(*host) == 0; }, seconds(30)));
  gateway = start("gateway");
  EXPECT_TRUE(wait_until_ready(*gateway, id, 1)) << "and they come back with a gateway";
  ASSERT_EQ(gateway->del("/functions/" + id).status, 204);
  EXPECT_TRUE(eventually([&] { return kept(*host) == 0; }));
}

}  // namespace
}  // namespace hearth::test
