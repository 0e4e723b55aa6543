// Every bound of `hearth serve` is a flag that holds; wrong values are refused with the flag's name.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

class Flags : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<HearthServer>(HearthServer::Options{.flags = {"--max-body-bytes",
                                                                             "1KiB",
                                                                             "--max-response-bytes",
                                                                             "2KiB",
                                                                             "--max-log-bytes",
                                                                             "100",
                                                                             "--max-zip-bytes",
                                                                             "8KiB",
                                                                             "--max-unzipped-bytes",
                                                                             "64KiB",
                                                                             "--max-zip-entries",
                                                                             "5",
                                                                             "--max-header-bytes",
                                                                             "2048",
                                                                             "--max-target-bytes",
                                                                             "512",
                                                                             "--max-headers",
                                                                             "20",
                                                                             "--timeout-max",
                                                                             "5000",
                                                                             "--memory-max",
                                                                             "256",
                                                                             "--memory",
                                                                             "1024",
                                                                             "--log-entries",
                                                                             "2",
                                                                             "--instance-processes",
                                                                             "32",
                                                                             "--instance-open-files",
                                                                             "64",
                                                                             "--instance-tmp-bytes",
                                                                             "1MiB"},
                                                                   .data_dir = "",
                                                                   .start_bound = std::chrono::seconds(30)});
  }
  static void TearDownTestSuite() { server_.reset(); }
  static HearthServer& server() { return *server_; }

 private:
  static inline std::unique_ptr<HearthServer> server_;
};

TEST_F(Flags, BoundWhatAnInvocationTakesGivesAndLogs) {
  const std::string id =
      server().create_js("module.exports = (n) => { console.log('x'.repeat(200)); return 'y'.repeat(n); };");
  EXPECT_EQ(server().invoke(id, std::string(1'500, ' ')).error_code(), "payload_too_large");
  EXPECT_EQ(server().invoke(id, "3000").error_code(), "response_too_large");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(server().invoke(id, "1000").status, 200);
  }
  const json::value logs = server().get("/functions/" + id + "/logs").json();
  const auto& entries = logs.at("entries").as_array();
  ASSERT_EQ(entries.size(), 2U) << "--log-entries";
  EXPECT_TRUE(entries[0].at("truncated").as_bool());
}

TEST_F(Flags, BoundAnUpload) {
  std::string noise;
  for (unsigned i = 0, x = 1; i < 20'000; ++i) {
    x = x * 1'103'515'245U + 12'345U;
    noise += static_cast<char>('a' + (x >> 16U) % 26);
  }
  EXPECT_EQ(server().create_zip(zip_of({{"index.js", "//" + noise}})).error_code(), "payload_too_large");
  EXPECT_EQ(server().create_zip(zip_of({{"index.js", "//" + std::string(100'000, 'x')}})).error_code(),
            "payload_too_large");
  std::map<std::string, std::string> many;
  for (int i = 0; i < 6; ++i) {
    many["index" + std::to_string(i) + ".js"] = "1";
  }
  EXPECT_EQ(server().create_zip(zip_of(many)).error_code(), "payload_too_large");
}

TEST_F(Flags, BoundAFunctionsSettings) {
  const std::string zip = zip_of({{"index.js", "module.exports = () => 1;"}});
  EXPECT_EQ(server().create_zip(zip, {{"memorySize", 257}}).error_code(), "bad_request");
  EXPECT_EQ(server().create_zip(zip, {{"timeout", 5'001}}).error_code(), "bad_request");
}

TEST_F(Flags, BoundARequestsHead) {
  const auto client = server().connect();
  client->set_header({"X-Long", std::string(3'000, 'x')});
  EXPECT_EQ(client->request(http::Method::kGet, "/health")->status, 431);
  EXPECT_EQ(server().get("/functions/" + std::string(600, 'x')).status, 414);
  const auto other = server().connect();
  for (int i = 0; i < 25; ++i) {
    other->set_header({"X-" + std::to_string(i), "1"});
  }
  EXPECT_EQ(other->request(http::Method::kGet, "/health")->status, 431);
}

TEST_F(Flags, BoundAnInstance) {
  const std::string id = server().create_js(R"js(
const fs = require('fs');
module.exports = () => {
  const result = {};
  try { fs.writeFileSync('/tmp/large', Buffer.alloc(3 << 20)); } catch (error) { result.tmp = error.code; }
  try { for (;;) fs.openSync('/dev/null'); } catch (error) { result.files = error.code; }
  return result;
};)js");
  const Reply reply = server().invoke(id);
  EXPECT_EQ(reply.json().at("output").at("tmp"), "ENOSPC") << reply.body;
  EXPECT_EQ(reply.json().at("output").at("files"), "EMFILE") << reply.body;
}

TEST(WrongFlags, AreRefusedByName) {
  const std::vector<std::vector<std::string>> cases = {
      {"--keep-alive", "soon"},
      {"--max-body-bytes", "6 apples"},
      {"--evict", "sometimes"},
      {"--instance-cpus", "0"},
      {"--header-timeout", "0"},
      {"--memory", "512"},
      {"--log-level", "loud"},
      {"--max-connections", "0"},
      {"--memory-max", "64"},
      {"--keep-alive-policy", "best"},
      {"--overcommit", "0.5"},
      {"--overcommit", "2", "--pause-after", "0"},
      {"--pause-after", "soon"},
      {"--prestart", "5000"},
      {"--prestart-ready", "many"},
      {"--zygote", "sometimes"},
      {"--keep-alive-longest", "1m", "--keep-alive-policy", "adaptive"},
      {"--compile-cache-bytes", "65MiB"},
      {"--async-concurrency", "0"},
      {"--async-lease", "999ms"},
      {"--async-retry-delay", "0"},
      {"--async-retries", "often"},
      {"--async-backlog", "0"},
      {"--async-backlog-bytes", "many"},
      {"--async-min-free-disk", "little"},
      {"--async-retention", "soon"},
      {"--schedule-grace", "999ms"},
      {"--schedule-grace", "61m"},
  };
  for (const auto& flags : cases) {
    const ScratchFolder folder;
    std::vector<std::string> command{hearth_binary(), "serve",      "--listen",
                                     "127.0.0.1:0",   "--data-dir", folder.path() + "/d"};
    command.insert(command.end(), flags.begin(), flags.end());
    const auto result = run_program(command);
    EXPECT_EQ(result.exit_code, 2) << flags[0] << ": " << result.output;
    EXPECT_NE(result.output.find(flags[0]), std::string::npos) << result.output;
  }
}

TEST(WrongFlags, ThatNameWhatIsNotThereAreRefused) {
  const std::vector<std::vector<std::string>> cases = {
      {"--node", "/nowhere/node"},        {"--python", "/nowhere/python3"},
      {"--user", "nobody-at-all"},        {"--user", "root"},
      {"--api-key-file", "/nowhere/key"}, {"--listen", "no-such-host.invalid:80"}};
  for (const auto& flags : cases) {
    const ScratchFolder folder;
    std::vector<std::string> command{hearth_binary(), "serve", "--data-dir", folder.path() + "/d"};
    if (flags[0] != "--listen") {
      command.insert(command.end(), {"--listen", "127.0.0.1:0"});
    }
    command.insert(command.end(), flags.begin(), flags.end());
    const auto result = run_program(command);
    EXPECT_NE(result.exit_code, 0) << flags[0];
    EXPECT_NE(result.output.find(flags[1]), std::string::npos) << flags[1] << ": " << result.output;
  }
}

}  // namespace
}  // namespace hearth::test
