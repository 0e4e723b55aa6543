// A zygote from the outside: when it is what a sandbox comes from, and what happens when it is not there.
// What its sandboxes hold is isolation_test.cc's.
#include "sandbox/linux/zygote.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sandbox/linux/linux_backend.h"
#include "sandbox/testing/adapters.h"
#include "sandbox/testing/driver.h"

namespace hearth::sandbox::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kNoZygote = 66;  // the probe's status, where it was executed and told to be one

class ZygoteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "sandboxes are made by root";
    }
    auto options = linux_options(unique_tag());
    options.zygotes = {probe_zygote()};
    auto made = LinuxBackend::create(options);
    ASSERT_TRUE(made.ok()) << made.error().message;
    backend_ = std::move(*made);
    driver_.emplace(*backend_, Begin::kForked);
  }

  int exit_code(std::vector<std::string> words) { return driver_->run_probe(std::move(words)).exit.code; }

  // Our children that were told to be one; sandboxes' processes are not root's.
  static std::vector<pid_t> zygotes() {
    std::vector<pid_t> found;
    std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    for (pid_t pid = 0; children >> pid;) {
      const std::string folder = "/proc/" + std::to_string(pid);
      std::ifstream in(folder + "/cmdline");
      const std::string line(std::istreambuf_iterator<char>(in), {});
      if (line == std::string(HEARTH_SANDBOX_PROBE) + '\0' + "zygote" + '\0') {
        found.push_back(pid);
      }
    }
    return found;
  }

  std::unique_ptr<LinuxBackend> backend_;
  std::optional<Driver> driver_;
};

TEST_F(ZygoteTest, SandboxesAreForkedFromIt) {
  driver_->await_zygote();
  EXPECT_EQ(exit_code({"exit", "7"}), 7);
  const auto running = driver_->start(driver_->probe_spec({"hang"}));
  ASSERT_TRUE(running.ok());
  EXPECT_EQ(read_some(running->out), "ready\n");
  backend_->remove(running->name);
  EXPECT_EQ(driver_->wait_exit(running->name).value_or(Exit{}).reason, ExitReason::kRemoved);
}

TEST_F(ZygoteTest, WhereNoneWaitsTheProgramIsExecuted) { EXPECT_EQ(exit_code({"exit", "7"}), kNoZygote); }

TEST_F(ZygoteTest, WhatHasNoCodeYetIsExecuted) {
  driver_->await_zygote();
  Driver executing(*backend_);
  auto spec = executing.probe_spec({});
  spec.arguments = probe_zygote().arguments;
  EXPECT_EQ(executing.run(spec).exit.code, kNoZygote);
}

TEST_F(ZygoteTest, AnotherEnvironmentIsExecuted) {
  driver_->await_zygote();
  auto spec = driver_->probe_spec({"exit", "7"});
  spec.environment = {"A=B"};
  EXPECT_EQ(driver_->run(spec).exit.code, kNoZygote);
}

// The C library keeps the number of each thread, which is another one in a fork.
TEST_F(ZygoteTest, WhatItForksKnowsItself) {
  driver_->await_zygote();
  EXPECT_EQ(exit_code({"clock"}), 0);
}

TEST_F(ZygoteTest, AStepThatFailsIsToldAndItServesOn) {
  driver_->await_zygote();
  auto spec = driver_->probe_spec({"exit", "7"});
  spec.limits.open_files = 2'000'000'000;  // more than the kernel has
  const auto started = driver_->start(spec);
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("\"set limits\""), std::string::npos) << started.error().message;
  EXPECT_EQ(exit_code({"exit", "7"}), 7);
}

TEST_F(ZygoteTest, AKilledOneIsReplacedLater) {
  driver_->await_zygote();
  const auto before = zygotes();
  ASSERT_EQ(before.size(), 1U);
  ::kill(before.front(), SIGKILL);
  int code = 0;
  do {
    code = exit_code({"exit", "7"});  // the signal takes a moment
  } while (code == 7);
  EXPECT_EQ(code, kNoZygote);
  driver_->await_zygote();
  const auto after = zygotes();
  ASSERT_EQ(after.size(), 1U);
  EXPECT_NE(after, before);
}

TEST_F(ZygoteTest, AnotherTakesItsPlaceAfterManyStarts) {
  driver_->await_zygote();
  const auto before = zygotes();
  backend_->prepare();
  EXPECT_EQ(zygotes(), before);
  int forked = 0;
  while (exit_code({"exit", "7"}) == 7) {
    ASSERT_LT(++forked, Zygote::kMostForks);
  }
  EXPECT_GT(forked, Zygote::kMostForks / 2);
  driver_->await_zygote();
  EXPECT_NE(zygotes(), before);
  EXPECT_EQ(zygotes().size(), 1U);
}

TEST_F(ZygoteTest, GoesWithTheBackend) {
  driver_->await_zygote();
  driver_.reset();
  backend_.reset();
  EXPECT_TRUE(zygotes().empty());
}

}  // namespace
}  // namespace hearth::sandbox::testing
