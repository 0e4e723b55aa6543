// Asynchronous executions while the server and its instances are killed and stopped at random moments: what
// the submitters wrote down is held against what the server says at the end. HEARTH_FAULT_ROUNDS: how often
// each fault comes (default 4), HEARTH_FAULT_SEED: at which moments.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/rounds.h"
#include "tests/faults/stored_executions.h"
#include "tests/faults/submitters.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kSubmitters = 4;
// Leases that are held for each execution at once, and executions at once.
constexpr std::size_t kMostHeld = 256;

// Every process below the server's launcher that is called node.
std::vector<pid_t> instances_of(pid_t root) {
  std::vector<pid_t> all{root};
  std::vector<pid_t> found;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::istringstream children(read_file(fmt::format("/proc/{0}/task/{0}/children", all[i])));
    for (pid_t child = 0; children >> child;) {
      all.push_back(child);
      if (read_file(fmt::format("/proc/{}/comm", child)) == "node\n") {
        found.push_back(child);
      }
    }
  }
  return found;
}

class ExecutionFaults : public testing::Test {
 protected:
  ExecutionFaults() : generator_(faults::announced_seed()) {
    start();
    server_->create_js(Submitters::kFunction, {{"name", "f"}});
  }

  void start() {
    HearthServer::Options options;
    options.data_dir = folder_.path() + "/data";
    options.flags = {"--async-lease", "1s", "--async-retry-delay", "20ms", "--async-retries", "20"};
    const std::lock_guard lock(mutex_);
    server_ = std::make_shared<HearthServer>(options);
  }
  std::shared_ptr<HearthServer> server() {
    const std::lock_guard lock(mutex_);
    return server_;
  }

  // A fault at a random moment of each round.
  void each_round(const std::function<void()>& fault) {
    Submitters::Options options;
    options.connect = [this](int) { return server()->connect(seconds(10)); };
    options.count = kSubmitters;
    submitters_ = std::make_unique<Submitters>(options);
    for (std::uint64_t i = 0; i < rounds(); ++i) {
      std::this_thread::sleep_for(milliseconds(100 + random() % 900));
      fault();
    }
    std::this_thread::sleep_for(milliseconds(300));
    submitters_->stop();
  }
  static std::uint64_t rounds() { return faults::fault_rounds(4); }

  // `cuts`: how often the submitters were cut off.
  void check(std::size_t cuts, const std::set<std::string>& reasons) {
    const auto get = [this](const std::string& target) { return server_->get(target); };
    const auto seen = expect_all_done(get, submitters_->history(), reasons);
    const std::size_t accepted = submitters_->accepted();
    EXPECT_GT(accepted, 100U);
    EXPECT_LE(seen.stored, accepted + cuts * kSubmitters) << "beside those whose 202 did not arrive";
    EXPECT_LE(seen.again, std::max<std::size_t>(cuts, rounds()) * kMostHeld);
  }

  std::uint64_t random() { return generator_(); }
  std::shared_ptr<HearthServer> server_;

 private:
  const ScratchFolder folder_;
  std::mt19937_64 generator_;
  std::mutex mutex_;
  std::unique_ptr<Submitters> submitters_;
};

TEST_F(ExecutionFaults, TheServerIsKilled) {
  std::size_t kills = 0;
  each_round([&] {
    server_->kill();
    ++kills;
    start();
  });
  check(kills, {"worker_lost"});
}

TEST_F(ExecutionFaults, TheServerIsKilledWhileItRecovers) {
  std::size_t kills = 0;
  each_round([&] {
    server_->kill();
    for (int i = 0; i < 3; ++i) {
      ++kills;
      start();
      std::this_thread::sleep_for(milliseconds(random() % 30));
      server_->kill();
    }
    ++kills;
    start();
  });
  check(kills, {"worker_lost"});
}

TEST_F(ExecutionFaults, TheServerStandsStillForTwiceTheLease) {
  each_round([&] {
    const pid_t pid = server_->pid();
    ASSERT_GT(pid, 0);
    ::kill(pid, SIGSTOP);
    std::this_thread::sleep_for(seconds(2));
    ::kill(pid, SIGCONT);
  });
  check(0, {"worker_lost"});
}

TEST_F(ExecutionFaults, AnInstanceIsKilled) {
  each_round([&] {
    ASSERT_GT(server_->pid(), 0);
    const auto instances = instances_of(server_->pid());
    if (!instances.empty()) {
      ::kill(instances[random() % instances.size()], SIGKILL);
    }
  });
  check(0, {"exited", "start_failed", "worker_lost", "no_capacity"});
}

TEST_F(ExecutionFaults, TheServerIsStopped) {
  std::size_t stops = 0;
  each_round([&] {
    EXPECT_EQ(server_->stop(), 0);
    ++stops;
    start();
  });
  check(stops, {});
}

}  // namespace
}  // namespace hearth::test
