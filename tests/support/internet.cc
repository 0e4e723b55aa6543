#include "tests/support/internet.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

// Answers every request with the caller's address.
constexpr const char* kListener =
    "require('http').createServer((q, s) => s.end(q.socket.remoteAddress)).listen(Number(process.argv[1]), "
    "'0.0.0.0')";

void run(const std::vector<std::string>& command) {
  const auto result = run_program(command);
  EXPECT_EQ(result.exit_code, 0) << command[0] << " " << command[1] << ": " << result.output;
}

}  // namespace

Internet::Internet() {
  if (::unshare(CLONE_NEWNET) != 0) {
    return;
  }
  name_ = "hearth-test-" + std::to_string(::getpid());
  run({"ip", "link", "set", "lo", "up"});
  run({"ip", "netns", "add", name_});
  run({"ip", "link", "add", "up0", "type", "veth", "peer", "name", "down0", "netns", name_});
  run({"ip", "addr", "add", "203.0.113.2/24", "dev", "up0"});
  run({"ip", "link", "set", "up0", "up"});
  run({"ip", "route", "add", "default", "via", "203.0.113.1"});
  for (const char* address :
       {"203.0.113.1/24", "10.9.9.9/32", "192.168.9.9/32", "169.254.169.254/32", "198.51.100.7/32"}) {
    run({"ip", "-n", name_, "addr", "add", address, "dev", "down0"});
  }
  run({"ip", "-n", name_, "link", "set", "down0", "up"});
  start(within({"node", "-e", kListener, "8000"}));
  start({"node", "-e", kListener, "9000"});
  for (const char* place : {"203.0.113.1:8000", "203.0.113.2:9000"}) {
    EXPECT_TRUE(eventually([&] { return from_host(place).starts_with("reached"); })) << place;
  }
}

Internet::~Internet() {
  for (const pid_t pid : started_) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  if (made()) {
    run({"ip", "netns", "del", name_});
  }
}

void Internet::start(const std::vector<std::string>& command) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
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

std::vector<std::string> Internet::within(std::vector<std::string> command) const {
  const std::vector<std::string> in = {"ip", "netns", "exec", name_};
  command.insert(command.begin(), in.begin(), in.end());
  return command;
}

const char* Internet::probe_js() {
  return R"js(
const probe = ({ host, port }) => new Promise((resolve) => {
  const request = require('http').get({ host, port, timeout: 1500 }, (answer) => {
    let text = '';
    answer.on('data', (part) => text += part).on('end', () => resolve('reached, as ' + text));
  });
  request.on('timeout', () => request.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
  request.on('error', (error) => resolve(error.code));
});
)js";
}

std::string Internet::probe_input(const std::string& place) {
  const std::size_t colon = place.rfind(':');
  return R"({"host": ")" + place.substr(0, colon) + R"(", "port": )" + place.substr(colon + 1) + "}";
}

std::string Internet::from_host(const std::string& place) {
  return run_program({"node", "-e",
                      std::string(probe_js()) + "probe(" + probe_input(place) +
                          ").then((r) => process.stdout.write(r))"})
      .output;
}

}  // namespace hearth::test
