// A gateway and a worker on another host, side by side with what one would run without Hearth: nginx as a
// proxy before Node's own HTTP server, the same handler, over the same network namespaces. Prints the
// comparison.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tests/faults/hosts.h"
#include "tests/support/hearth_server.h"

namespace hearth::faults {
namespace {

constexpr const char* kNginx = R"conf(
daemon off;
worker_processes 1;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  upstream node { server NODE; keepalive 64; }
  server {
    listen 9080;
    location / { proxy_pass http://node; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
)conf";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// A program of the test's own, ended with the object.
class Program {
 public:
  explicit Program(std::vector<std::string> command) {
    std::vector<char*> words;
    for (std::string& word : command) {
      words.push_back(word.data());
    }
    words.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execvp(words[0], words.data());
      ::_exit(127);
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = -1;
};

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

class SeveralHostsSpeed : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& reason : {store::postgres::PostgresServer::hindrance(), Network::hindrance()}) {
      if (!reason.empty()) {
        GTEST_SKIP() << reason;
      }
    }
    hosts_ = std::make_unique<Hosts>();
    const std::string baselines = std::string(std::getenv("HEARTH_SOURCE_DIR")) + "/bench/baselines";
    const std::string node = hosts_->network().address("worker1");
    node_ = std::make_unique<Program>(
        joined(hosts_->network().on("worker1"),
               {"node", baselines + "/node_http.js", "9081", baselines + "/hello", node}));
    const std::string conf = replaced(replaced(kNginx, "FOLDER", folder_.path()), "NODE", node + ":9081");
    nginx_ = std::make_unique<Program>(
        joined(hosts_->network().on("gateway1"),
               {"nginx", "-c", folder_.write("nginx.conf", conf), "-p", folder_.path()}));
    hosts_->create(test::read_file(baselines + "/hello/index.js"), "hello", 512);
    ASSERT_EQ(hosts_->invoke("gateway1", "hello", "{}").status, 200);
  }

  // Prints, and writes a file beside the build.
  void compare(const std::string& callers) const {
    const std::string gateway = hosts_->network().address("gateway1");
    const char* const pairs = std::getenv("HEARTH_SPEED_PAIRS");
    const test::ProgramResult result = test::run_program(joined(
        hosts_->network().on("client"),
        {test::hearth_binary(), "bench", "compare", "http:http://" + gateway + ":8080/functions/hello/invoke",
         "http:http://" + gateway + ":9080/", "--callers", callers, "--pairs", pairs == nullptr ? "9" : pairs,
         "--seconds", "2", "--body", R"({"name":"World"})"}));
    std::cout << result.output << std::endl;
    EXPECT_EQ(result.exit_code, 0);
  }

  std::unique_ptr<Hosts> hosts_;
  test::ScratchFolder folder_;
  std::unique_ptr<Program> node_;
  std::unique_ptr<Program> nginx_;
};

TEST_F(SeveralHostsSpeed, OneCaller) { compare("1"); }
TEST_F(SeveralHostsSpeed, FifteenCallers) { compare("15"); }

}  // namespace
}  // namespace hearth::faults
