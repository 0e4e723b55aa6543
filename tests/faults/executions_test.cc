// Asynchronous executions while the server and its instances are killed and stopped at random moments: what
// the submitters wrote down is held against what the server says at the end. HEARTH_FAULT_ROUNDS: how often
// each fault comes (default 4), HEARTH_FAULT_SEED: at which moments.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/stored_executions.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kSubmitters = 4;
// Leases that are held for each execution at once, and executions at once.
constexpr std::size_t kMostHeld = 256;

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

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
  ExecutionFaults() : seed_(number_of("HEARTH_FAULT_SEED", std::random_device()())), generator_(seed_) {
    std::cout << "seed " << seed_ << std::endl;
    start();
    server_->create_js(
        "module.exports = async ({nonce}) => { await new Promise((done) => setTimeout(done, 3)); return "
        "nonce; }",
        {{"name", "f"}});
  }
  ~ExecutionFaults() override { end_submitters(); }

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

  void begin_submitters() {
    for (int i = 0; i < kSubmitters; ++i) {
      submitters_.emplace_back([this, i] { submit(i); });
    }
  }
  void end_submitters() {
    done_ = true;
    for (auto& submitter : submitters_) {
      submitter.join();
    }
    submitters_.clear();
  }
  // A fault at a random moment of each round.
  void each_round(const std::function<void()>& fault) {
    begin_submitters();
    const auto rounds = number_of("HEARTH_FAULT_ROUNDS", 4);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      std::this_thread::sleep_for(milliseconds(100 + generator_() % 900));
      fault();
    }
    std::this_thread::sleep_for(milliseconds(300));
    end_submitters();
  }

  bool all_have_ended() {
    for (const char* state : {"pending", "running"}) {
      const Reply reply = server_->get(fmt::format("/executions?limit=1&state={}", state));
      if (reply.status != 200 || !reply.json().at("executions").as_array().empty()) {
        return false;
      }
    }
    return true;
  }

  // None lost, none made up, each with the answer to its own input and settled by whoever had its lease, and
  // every attempt that failed explained. `cuts`: how often the submitters were cut off.
  void check(std::size_t cuts, const std::set<std::string>& reasons) {
    EXPECT_TRUE(eventually([this] { return all_have_ended(); }, seconds(60)));
    std::size_t failed_attempts = 0;
    const auto stored = stored_executions(*server_, history_);
    for (const auto& [execution, word] : stored) {
      EXPECT_EQ(execution.state, model::ExecutionState::kDone) << execution.id;
      for (const auto& attempt : execution.attempts) {
        ++failed_attempts;
        EXPECT_TRUE(reasons.contains(attempt.code)) << execution.id << ": " << attempt.code;
      }
    }
    for (const std::string& violation : history_.violations(stored)) {
      ADD_FAILURE() << violation;
    }
    const std::size_t accepted = history_.known().size();
    EXPECT_GT(accepted, 100U);
    EXPECT_LE(stored.size(), accepted + cuts * kSubmitters) << "beside those whose 202 did not arrive";
    EXPECT_LE(failed_attempts, std::max<std::size_t>(cuts, number_of("HEARTH_FAULT_ROUNDS", 4)) * kMostHeld);
    std::cout << accepted << " accepted, " << failed_attempts << " executed again" << std::endl;
  }

  std::uint64_t random() { return generator_(); }
  std::shared_ptr<HearthServer> server_;

 private:
  void submit(int submitter) {
    std::uint64_t count = 0;
    while (!done_) {
      const auto here = server();
      const auto client = here->connect(seconds(10));
      for (;;) {
        const std::string nonce = fmt::format("{}-{}", submitter, ++count);
        note_asked(nonce);
        const auto reply = client->request(http::Method::kPost, "/functions/f/invoke?mode=async",
                                           fmt::format(R"({{"nonce":"{}"}})", nonce));
        if (reply && reply->status == 202) {
          note_accepted(reply->body, nonce);
        }
        if (!reply || done_) {
          break;
        }
      }
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  void note_asked(const std::string& nonce) {
    const std::lock_guard lock(mutex_);
    history_.asked(nonce);
  }
  void note_accepted(const std::string& body, const std::string& nonce) {
    const std::lock_guard lock(mutex_);
    history_.accepted(std::string(json::parse(body).at("executionId").as_string()), nonce);
  }

  const ScratchFolder folder_;
  const std::uint64_t seed_;
  std::mt19937_64 generator_;
  std::mutex mutex_;
  store::ExecutionHistory history_;
  std::vector<std::thread> submitters_;
  std::atomic<bool> done_ = false;
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
