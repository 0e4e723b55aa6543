// `--network nat` in network namespaces of the test's own: this process's plays the host, a second one
// the internet. What is closed is reached from outside of a sandbox first.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/support/hearth_server.h"
#include "tests/support/leftovers.h"

namespace hearth::test {
namespace {

// Answers every request with the caller's address.
constexpr const char* kListener =
    "require('http').createServer((q, s) => s.end(q.socket.remoteAddress)).listen(Number(process.argv[1]), "
    "'0.0.0.0')";

// Resolves to what the listener says, or to the error's code.
constexpr const char* kProbe = R"js(
const probe = ({ host, port }) => new Promise((resolve) => {
  const request = require('http').get({ host, port, timeout: 1500 }, (answer) => {
    let text = '';
    answer.on('data', (part) => text += part).on('end', () => resolve('reached, as ' + text));
  });
  request.on('timeout', () => request.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
  request.on('error', (error) => resolve(error.code));
});
)js";

bool run(const std::vector<std::string>& command) {
  const auto result = run_program(command);
  EXPECT_EQ(result.exit_code, 0) << command[0] << " " << command[1] << ": " << result.output;
  return result.exit_code == 0;
}

class NatNetwork : public testing::Test {
 protected:
  void SetUp() override {
    if (::unshare(CLONE_NEWNET) != 0) {
      GTEST_SKIP() << "no network namespaces here";
    }
    internet_ = "hearth-test-" + std::to_string(::getpid());
    ASSERT_TRUE(run({"ip", "link", "set", "lo", "up"}));
    ASSERT_TRUE(run({"ip", "netns", "add", internet_}));
    ASSERT_TRUE(
        run({"ip", "link", "add", "up0", "type", "veth", "peer", "name", "down0", "netns", internet_}));
    ASSERT_TRUE(run({"ip", "addr", "add", "203.0.113.2/24", "dev", "up0"}));
    ASSERT_TRUE(run({"ip", "link", "set", "up0", "up"}));
    ASSERT_TRUE(run({"ip", "route", "add", "default", "via", "203.0.113.1"}));
    for (const char* address :
         {"203.0.113.1/24", "10.9.9.9/32", "192.168.9.9/32", "169.254.169.254/32", "198.51.100.7/32"}) {
      ASSERT_TRUE(run({"ip", "-n", internet_, "addr", "add", address, "dev", "down0"}));
    }
    ASSERT_TRUE(run({"ip", "-n", internet_, "link", "set", "down0", "up"}));
    start({"ip", "netns", "exec", internet_, "node", "-e", kListener, "8000"});
    start({"node", "-e", kListener, "9000"});
    for (const char* place : {"203.0.113.1:8000", "203.0.113.2:9000"}) {
      ASSERT_TRUE(eventually([&] { return outside(place).starts_with("reached"); })) << place;
    }
  }
  void TearDown() override {
    for (const pid_t pid : started_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    if (!internet_.empty()) {
      run({"ip", "netns", "del", internet_});
    }
  }
  void start(const std::vector<std::string>& command) {
    std::vector<char*> words;
    for (const auto& word : command) {
      words.push_back(const_cast<char*>(word.c_str()));
    }
    words.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::execvp(words[0], words.data());
      ::_exit(127);
    }
    started_.push_back(pid);
  }
  static std::string request(const std::string& place) {
    const std::size_t colon = place.find(':');
    return R"({"host": ")" + place.substr(0, colon) + R"(", "port": )" + place.substr(colon + 1) + "}";
  }
  // The same probe, on the host.
  static std::string outside(const std::string& place) {
    return run_program(
               {"node", "-e",
                std::string(kProbe) + "probe(" + request(place) + ").then((r) => process.stdout.write(r))"})
        .output;
  }

  std::string internet_;
  std::vector<pid_t> started_;
};

TEST_F(NatNetwork, PublicAddressesAreOpenAndEverythingElseIsClosed) {
  const auto before = host_state();
  {
    HearthServer server({.flags = {"--network", "nat", "--dns", "203.0.113.1"},
                         .data_dir = "",
                         .start_bound = std::chrono::seconds(30)});
    const std::string id = server.create_js(std::string(kProbe) + "module.exports = probe;");
    const auto inside = [&](const std::string& place) {
      const Reply reply = server.invoke(id, request(place));
      return reply.status == 200 ? std::string(reply.json().at("output").as_string()) : reply.body;
    };
    EXPECT_EQ(inside("203.0.113.1:8000"), "reached, as 203.0.113.2") << "under the host's address";
    EXPECT_EQ(inside("198.51.100.7:8000"), "reached, as 203.0.113.2");
    for (const char* closed :
         {"10.9.9.9:8000", "192.168.9.9:8000", "169.254.169.254:8000", "203.0.113.2:9000"}) {
      EXPECT_TRUE(outside(closed).starts_with("reached")) << "the control: " << closed;
      EXPECT_FALSE(inside(closed).starts_with("reached")) << closed;
    }
    const std::string api = "203.0.113.2:" + std::to_string(server.port());
    EXPECT_FALSE(inside(api).starts_with("reached")) << "the platform's own API";
  }
  EXPECT_EQ(leftovers(before, host_state()), "");
}

TEST_F(NatNetwork, WithoutItThereIsOnlyLoopback) {
  HearthServer server;
  const std::string id = server.create_js(std::string(kProbe) + "module.exports = probe;");
  const Reply reply = server.invoke(id, request("203.0.113.1:8000"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("output"), "ENETUNREACH");
}

}  // namespace
}  // namespace hearth::test
