// What the routes and commands about a platform's processes refuse, and what they say while Redis is away.
#include "tests/integration/members_fixture.h"

namespace hearth::test {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using MembersRefusals = MembersTest;

TEST_F(MembersRefusals, WhoIsNoWorkerIsNotDrained) {
  const auto gateway = start("gateway");
  EXPECT_EQ(gateway->post("/workers/nobody/drain", "").error_code(), "not_found");
  EXPECT_EQ(gateway->post("/workers/http%3A%2F%2F127.0.0.1%3A1/drain", "").status, 404);
  const std::string own(gateway->get("/workers").json().at("gateways").at(0).at("id").as_string());
  EXPECT_EQ(gateway->post("/workers/" + own + "/drain", "").status, 404) << "a gateway is none";
  const ProgramResult drained = hearth(*gateway, {"workers", "drain", own});
  EXPECT_EQ(drained.exit_code, 3);
  EXPECT_THAT(drained.output, HasSubstr("there is no worker '" + own + "'"));
}

TEST_F(MembersRefusals, MethodsAndRoutesThatAreNone) {
  const auto gateway = start("gateway");
  EXPECT_EQ(gateway->post("/workers", "{}").status, 405);
  EXPECT_EQ(gateway->del("/capacity").status, 405);
  const Reply wrong = gateway->get("/workers/x/drain");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("Allow"), "POST");
  EXPECT_EQ(gateway->get("/workers/x").status, 404);
}

TEST_F(MembersRefusals, WithoutTheKeyNobodyLearnsAnything) {
  const auto gateway = start("gateway", {"--api-key", "secret"});
  const auto monitor = start("monitor", {"--api-key", "secret"});
  EXPECT_EQ(gateway->get("/workers").status, 401);
  EXPECT_EQ(gateway->get("/capacity").status, 401);
  EXPECT_EQ(gateway->post("/workers/x/drain", "").status, 401);
  EXPECT_EQ(hearth(*gateway, {"capacity"}).exit_code, 5);
  EXPECT_EQ(hearth(*gateway, {"--api-key", "secret", "capacity"}).exit_code, 0);
  EXPECT_EQ(monitor->get("/metrics").status, 401);
  EXPECT_EQ(monitor->get("/health").status, 200) << "open, as everywhere";
}

TEST_F(MembersRefusals, AMonitorIsNoGateway) {
  const auto monitor = start("monitor");
  EXPECT_EQ(monitor->get("/functions").error_code(), "not_found");
  EXPECT_EQ(monitor->post("/health", "{}").error_code(), "method_not_allowed");
  EXPECT_EQ(monitor->get("/" + std::string(9'000, 'x')).error_code(), "uri_too_long");
  EXPECT_EQ(monitor->get("/metrics").status, 200);
}

TEST_F(MembersRefusals, AWorkerThatDoesNotAnswerIsSaidToBeUnreachable) {
  const auto gateway = start("gateway");
  redis_->ask(
      "SET hearth:member:worker-far \"id=worker-far role=worker worker.total-mb=64 uri=http://127.0.0.1:1\" "
      "PX "
      "60000");
  redis_->ask("SADD hearth:members worker-far");
  const Reply refused = gateway->post("/workers/worker-far/drain", "");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.error_code(), "worker_unreachable");
  EXPECT_EQ(hearth(*gateway, {"workers", "drain", "worker-far"}).exit_code, 5);
}

TEST_F(MembersRefusals, WhileRedisIsAwayNothingIsClaimed) {
  const auto gateway = start("gateway");
  const auto only = worker();
  ASSERT_TRUE(has_workers(*gateway, 1));
  const std::string id = gateway->create_js("module.exports = () => 'ok';");
  EXPECT_EQ(gateway->invoke(id).status, 200);
  redis_->kill();
  EXPECT_TRUE(eventually([&] { return gateway->get("/workers").status == 503; }, seconds(2)));
  EXPECT_EQ(gateway->get("/workers").error_code(), "messaging_unavailable");
  EXPECT_EQ(gateway->get("/capacity").error_code(), "messaging_unavailable");
  EXPECT_THAT(gateway->get("/metrics").body,
              AllOf(HasSubstr("hearth_functions"), Not(HasSubstr("hearth_workers "))));
  EXPECT_EQ(hearth(*gateway, {"scaler", "--up", "true", "--down", "true", "--once"}).exit_code, 4);
  redis_->start();
  EXPECT_TRUE(has_workers(*gateway, 1, seconds(4))) << "all say again who they are";
  EXPECT_EQ(gateway->invoke(id).status, 200);
}

TEST_F(MembersRefusals, AMonitorNeedsNoRoot) {
  const ScratchFolder folder;
  ASSERT_EQ(run_program({"chown", "nobody", folder.path()}).exit_code, 0);
  HearthServer::Options options;
  options.data_dir = folder.path() + "/data";
  options.environment = environment_;
  options.program = {"setpriv",        "--reuid=nobody", "--regid=nogroup",
                     "--clear-groups", hearth_binary(),  "monitor"};
  HearthServer monitor(options);
  EXPECT_EQ(monitor.get("/health").json().at("role"), "monitor");
  EXPECT_EQ(monitor.stop(), 0);
}

TEST_F(MembersRefusals, WrongFlagsAreRefusedByName) {
  const std::string store = "postgres://db/hearth";
  const std::string redis = "redis://127.0.0.1:1";
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"monitor", "--store", store}, "--messaging"},
      {{"monitor", "--messaging", redis}, "--store"},
      {{"monitor", "--messaging", "http://x", "--store", store}, "--messaging"},
      {{"monitor", "--listen", "0.0.0.0:0", "--messaging", redis, "--store", store}, "--api-key"},
      {{"monitor", "--code-sweep-interval", "soon"}, "--code-sweep-interval"},
      {{"monitor", "--memory", "512"}, "--memory"},
      {{"gateway", "--target-utilisation", "0", "--messaging", redis, "--store", store},
       "--target-utilisation"},
      {{"gateway", "--load-window", "10ms", "--messaging", redis, "--store", store}, "--load-window"},
      {{"gateway", "--worker-timeout", "100ms", "--messaging", redis, "--store", store}, "--worker-timeout"}};
  for (const auto& [words, named] : cases) {
    std::vector<std::string> command = words;
    command.insert(command.begin(), hearth_binary());
    const ProgramResult result = run_program(command);
    EXPECT_EQ(result.exit_code, 2) << words[0] << " " << named << ": " << result.output;
    EXPECT_THAT(result.output, HasSubstr(named));
  }
}

}  // namespace
}  // namespace hearth::test
