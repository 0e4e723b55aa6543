// A zygote from the outside: when it is what a sandbox comes from, and what happens when it is not there.
// What its sandboxes hold is isolation_test.cc's.
#include "sandbox/linux/zygote.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "sandbox/linux/linux_backend.h"
#include "sandbox/testing/adapters.h"
#include "sandbox/testing/driver.h"

namespace hearth::sandbox::testing {
namespace {

constexpr int kNoZygote = 66;  // the probe's status, where it was executed and told to be one

class ZygoteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "sandboxes are made by root";
    }
    make(probe_zygote());
  }
  void make(const ZygoteProgram& program) {
    driver_.reset();
    backend_.reset();
    auto options = linux_options(unique_tag());
    options.zygotes = {program};
    options.programs.push_back(program.program);
    auto made = LinuxBackend::create(options);
    ASSERT_TRUE(made.ok()) << made.error().message;
    backend_ = std::move(*made);
    driver_.emplace(*backend_, Begin::kForked);
  }
  // As the launcher does while nothing is asked of it: it waits for the backend, and nothing else.
  void idle_for(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    for (auto now = end - time; now < end; now = std::chrono::steady_clock::now()) {
      pollfd ready{backend_->ready_fd(), POLLIN, 0};
      ::poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(end - now).count()));
      if (ready.revents != 0) {
        backend_->collect();
      }
    }
  }
  // Until that is so; a busy machine takes longer than the limits say.
  [[nodiscard]] bool idle_until(const std::function<bool()>& so) {
    for (int looks = 0; looks < 2'000; ++looks) {
      if (so()) {
        return true;
      }
      idle_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  [[nodiscard]] bool idle_until_another_than(const std::vector<pid_t>& before) {
    return idle_until([&] { return zygotes().size() == 1 && zygotes() != before; });
  }
  [[nodiscard]] bool idle_until_booted() {
    return idle_until([&] { return exit_code({"exit", "7"}) == 7; });
  }
  static ZygoteProgram limited(const ZygoteLimits& limits) {
    auto program = probe_zygote();
    program.limits = limits;
    return program;
  }

  int exit_code(std::vector<std::string> words) { return driver_->run_probe(std::move(words)).exit.code; }

  static std::vector<pid_t> children() {
    std::ifstream in("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    return {std::istream_iterator<pid_t>(in), {}};
  }
  // Those of them that were told to be one, and are root's, which what they fork is not.
  static std::vector<pid_t> zygotes() {
    const auto line_of = [](pid_t pid, const char* file) {
      std::ifstream in("/proc/" + std::to_string(pid) + file);
      return std::string(std::istreambuf_iterator<char>(in), {});
    };
    auto found = children();
    std::erase_if(found, [&](pid_t pid) {
      return line_of(pid, "/cmdline") != std::string(HEARTH_SANDBOX_PROBE) + '\0' + "zygote" + '\0' ||
             line_of(pid, "/status").find("\nUid:\t0\t") == std::string::npos;
    });
    return found;
  }

  static void signal_zygote(int signal) {
    const auto found = zygotes();
    EXPECT_EQ(found.size(), 1U);
    for (const pid_t pid : found) {
      ::kill(pid, signal);
    }
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

TEST_F(ZygoteTest, WithoutOneTheProgramIsExecutedAndAnotherComes) {
  make(limited({.first_pause = std::chrono::milliseconds(300)}));
  driver_->await_zygote();
  const auto before = zygotes();
  ASSERT_EQ(before.size(), 1U);
  signal_zygote(SIGKILL);
  int code = 0;
  do {
    code = exit_code({"exit", "7"});  // the signal takes a moment
  } while (code == 7);
  EXPECT_EQ(code, kNoZygote);
  EXPECT_TRUE(idle_until_booted());
  EXPECT_NE(zygotes(), before);
  EXPECT_EQ(zygotes().size(), 1U);
}

TEST_F(ZygoteTest, AKilledOneIsReplacedThoughNothingIsAsked) {
  make(limited({.first_pause = std::chrono::milliseconds(100)}));
  driver_->await_zygote();
  const auto before = zygotes();
  signal_zygote(SIGKILL);
  EXPECT_TRUE(idle_until_another_than(before));
}

TEST_F(ZygoteTest, AnotherTakesItsPlaceAfterManyStarts) {
  make(limited({.most_forks = 10}));
  driver_->await_zygote();
  const auto before = zygotes();
  backend_->prepare();
  EXPECT_EQ(zygotes(), before);
  int forked = 1;  // by await_zygote()
  while (exit_code({"exit", "7"}) == 7) {
    ASSERT_LT(++forked, 11);
  }
  EXPECT_EQ(forked, 10);
  EXPECT_EQ(zygotes(), before) << "not in the middle of a burst";
  backend_->prepare();
  EXPECT_TRUE(idle_until_another_than(before));
  EXPECT_TRUE(idle_until_booted());
}

TEST_F(ZygoteTest, AnotherTakesItsPlaceAfterItsTimeThoughNothingIsAsked) {
  make(limited({.longest_use = std::chrono::milliseconds(200)}));
  driver_->await_zygote();
  const auto before = zygotes();
  EXPECT_TRUE(idle_until_another_than(before));
  EXPECT_TRUE(idle_until_booted());
}

// One that was never asked has nothing to share.
TEST_F(ZygoteTest, AnUnusedOneStays) {
  make(limited({.longest_use = std::chrono::milliseconds(50)}));
  backend_->prepare();
  // A moment after it was forked it is told what it is.
  ASSERT_TRUE(idle_until([&] { return zygotes().size() == 1; }));
  const auto before = zygotes();
  idle_for(std::chrono::milliseconds(300));
  EXPECT_EQ(zygotes(), before);
}

TEST_F(ZygoteTest, OneThatDoesNotBootIsEndedAndTriedAgainLater) {
  ZygoteProgram hangs = probe_zygote();
  hangs.arguments = {"hang"};
  hangs.limits = {.boot = std::chrono::milliseconds(100),
                  .first_pause = std::chrono::milliseconds(100),
                  .longest_pause = std::chrono::milliseconds(100)};
  make(hangs);
  backend_->prepare();
  const auto first = children();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(idle_until([&] { return children().empty(); }));
  EXPECT_TRUE(idle_until([&] { return children().size() == 1; }));
  EXPECT_NE(children(), first);
}

TEST_F(ZygoteTest, OneThatEndsWhileItBootsIsNotAwaited) {
  ZygoteProgram ends = probe_zygote();
  ends.arguments = {"exit", "3"};
  make(ends);
  backend_->prepare();
  EXPECT_TRUE(idle_until([&] { return children().empty(); })) << "nor does a zombie stay";
}

// It is stopped where it would fork: the start is told so in time, and nothing is left.
TEST_F(ZygoteTest, AStartThatHangsInItIsCutOff) {
  auto options = linux_options(unique_tag());
  options.zygotes = {probe_zygote()};
  options.start_timeout_ms = 300;
  driver_.reset();
  backend_ = std::move(LinuxBackend::create(options)).value();
  driver_.emplace(*backend_, Begin::kForked);
  driver_->await_zygote();
  signal_zygote(SIGSTOP);
  const auto started = driver_->start(driver_->probe_spec({"exit", "7"}));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, base::ErrorCode::kTimeout);
  EXPECT_EQ(exit_code({"exit", "7"}), kNoZygote);
}

TEST_F(ZygoteTest, WhatItForkedOutlivesIt) {
  driver_->await_zygote();
  auto running = driver_->start(driver_->probe_spec({"echo"}));
  ASSERT_TRUE(running.ok());
  signal_zygote(SIGKILL);
  idle_for(std::chrono::milliseconds(50));
  ASSERT_EQ(::write(running->requests.get(), "a", 1), 1);
  EXPECT_EQ(read_some(running->answers, "A"), "A");
  running->requests.reset();
  EXPECT_EQ(driver_->wait_exit(running->name).value_or(Exit{}).code, 0);
}

TEST_F(ZygoteTest, GoesWithTheBackend) {
  driver_->await_zygote();
  driver_.reset();
  backend_.reset();
  EXPECT_TRUE(zygotes().empty());
}

}  // namespace
}  // namespace hearth::sandbox::testing
