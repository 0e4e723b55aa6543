// Gateways and workers with --link-tls: calls go through, nobody between can read them, and nobody is spoken
// to without TLS.
#include "base/testing/tcp_proxy.h"
#include "tests/integration/members_fixture.h"

namespace hearth::test {
namespace {

using testing::HasSubstr;

constexpr const char* kEcho = "module.exports = (x) => { console.log('log:' + x); return 'out:' + x; };";

using LinkTls = MembersTest;

// A platform whose one worker is reached through somebody who keeps what he sees.
class Overheard : public MembersTest, public testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(Ways, Overheard, testing::Bool(), [](const testing::TestParamInfo<bool>& way) {
  return way.param ? "WithTls" : "Plain";
});

TEST_P(Overheard, WhatACallSaysIsReadBetweenOnlyWithoutTls) {
  const bool tls = GetParam();
  const std::uint16_t port = free_port();
  base::TcpProxy between(port);
  between.record();
  std::vector<std::string> flags = {
      "--worker-listen", "127.0.0.1:" + std::to_string(port), "--advertise",
      (tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(between.port())};
  std::vector<std::string> gateway_flags;
  if (tls) {
    flags.emplace_back("--link-tls");
    gateway_flags.emplace_back("--link-tls");
  }
  const auto host = start("serve", flags);
  const auto entry = start("gateway", gateway_flags);
  const std::string id = entry->create_js(kEcho);
  const std::string secret(1'000, 's');
  for (int i = 0; i < 3; ++i) {
    const Reply reply = entry->invoke(id, '"' + secret + '"');
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr("out:" + secret));
  }
  const Reply large = entry->invoke(id, '"' + std::string(2'000'000, 'l') + '"');
  EXPECT_EQ(large.status, 200);
  EXPECT_GT(large.body.size(), 2'000'000U);
  const std::string seen = between.recorded();
  EXPECT_GT(seen.size(), 4'000'000U) << "body and output";
  for (const std::string& word : {secret.substr(0, 50), std::string("HTTP/1.1"), std::string("Hearth-Mac")}) {
    EXPECT_EQ(seen.find(word) == std::string::npos, tls) << word;
  }
}

TEST_F(LinkTls, AWorkerIsUsedLeavesAndTellsItsHealthOverTls) {
  const auto host = worker({"--link-tls"});
  const auto entry = start("gateway");  // follows the worker's URI
  const std::string id = entry->create_js(kEcho);
  EXPECT_EQ(entry->invoke(id, "1").status, 200);
  const Reply health = host->get("/health");
  EXPECT_EQ(health.status, 200);
  EXPECT_TRUE(health.json().at("ledgerExact").as_bool());
  EXPECT_EQ(host->get("/execute/i/0/1/v/r").status, 401);
  ASSERT_TRUE(has_workers(*entry, 1));
  EXPECT_EQ(hearth(*entry, {"workers", "drain", id_of(*entry, *host)}).exit_code, 0);
  EXPECT_EQ(host->wait_for_end(), 0) << host->log();
}

TEST_F(LinkTls, AGatewayThatAsksForItUsesNoWorkerWithoutIt) {
  const auto plain = worker();
  const auto entry = start("gateway", {"--link-tls"});
  const std::string id = entry->create_js(kEcho);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(entry->invoke(id, "1").status, 503);
  }
  const std::string log = entry->log();
  const std::string said = plain->endpoint() + " is not used";
  EXPECT_THAT(log, HasSubstr(said));
  EXPECT_EQ(log.find(said), log.rfind(said)) << "once\n" << log;
  EXPECT_EQ(plain->instances({"starting", "idle", "leased", "running"}), 0);
  const auto with_tls = worker({"--link-tls"});
  ASSERT_TRUE(has_workers(*entry, 2));
  EXPECT_TRUE(eventually([&] { return entry->invoke(id, "1").status == 200; }));
  EXPECT_EQ(plain->instances({"starting", "idle", "leased", "running"}), 0);
  const auto either = start("gateway");
  EXPECT_EQ(either->invoke(id, "1").status, 200) << "without the flag it is the worker that decides";
}

TEST_F(LinkTls, APlainRequestGetsNoAnswer) {
  const auto host = worker({"--link-tls"});
  const std::string plain = "http://" + host->endpoint().substr(std::string("https://").size()) + "/health";
  EXPECT_NE(run_program({"/usr/bin/curl", "--silent", "--http1.1", plain}).exit_code, 0);
  EXPECT_THAT(host->log(), HasSubstr("does not speak TLS"));
  EXPECT_EQ(host->get("/health").status, 200);
}

TEST_F(LinkTls, RolesSayWhatDoesNotFit) {
  const auto said = [this](std::vector<std::string> words) {
    words.insert(words.begin(), hearth_binary());
    const ProgramResult result = run_program(words, {}, environment_);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    return result.output;
  };
  EXPECT_THAT(said({"worker", "--link-tls", "--advertise", "http://127.0.0.1:1"}),
              HasSubstr("https://HOST:PORT"));
  EXPECT_THAT(said({"worker", "--advertise", "https://127.0.0.1:1"}), HasSubstr("--link-tls"));
  EXPECT_THAT(said({"serve", "--advertise", "https://127.0.0.1:1"}), HasSubstr("--link-tls"));
  EXPECT_THAT(said({"worker", "--link-tls"}), HasSubstr("--advertise https://HOST:PORT"));
  environment_ = {"HEARTH_LINK_TLS=1"};
  EXPECT_THAT(said({"serve"}), HasSubstr("--messaging"));
  EXPECT_NE(run_program({hearth_binary(), "monitor", "--link-tls"}).exit_code, 0) << "it does nothing there";
}

}  // namespace
}  // namespace hearth::test
