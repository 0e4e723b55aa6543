// Starts of the Linux adapter: what they take from what has been prepared, what they leave of the launcher as
// it was, and the end of one that hangs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "sandbox/linux/cgroup_layout.h"
#include "sandbox/linux/linux_backend.h"
#include "sandbox/linux/start_pool.h"
#include "sandbox/testing/adapters.h"
#include "sandbox/testing/driver.h"

namespace hearth::sandbox::testing {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

constexpr std::uint64_t kMiB = 1ULL << 20U;
constexpr std::array kNamespaces = {"cgroup", "ipc", "mnt", "net", "pid", "uts"};

class Start : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "sandboxes are made by root";
    }
    make(linux_options(tag_));
  }
  void make(const LinuxOptions& options) {
    driver_.reset();
    backend_.reset();
    auto made = LinuxBackend::create(options);
    ASSERT_TRUE(made.ok()) << made.error().message;
    backend_ = std::move(*made);
    driver_.emplace(*backend_);
  }

  int prepare_all() {
    int pieces = 1;
    while (backend_->prepare()) {
      ++pieces;
    }
    return pieces;
  }
  // The uids that have cgroups.
  std::set<std::string> cgroups() const {
    std::set<std::string> names;
    for (const auto& path : footprint(tag_).cgroups) {
      names.insert(fs::path(path).filename());
    }
    return names;
  }
  ErrorCode start_error(const Spec& spec) {
    const auto started = driver_->start(spec);
    return started.ok() ? ErrorCode::kInternal : started.error().code;
  }
  void end(const std::string& name) {
    backend_->remove(name);
    EXPECT_TRUE(driver_->wait_exit(name).has_value());
  }

  const std::string tag_ = unique_tag();
  std::unique_ptr<LinuxBackend> backend_;
  std::optional<Driver> driver_;
};

TEST_F(Start, AsManyArePreparedAsTheBoundSays) {
  EXPECT_EQ(prepare_all(), static_cast<int>(kPreparedStarts));
  EXPECT_EQ(cgroups().size(), kPreparedStarts);
  EXPECT_FALSE(backend_->prepare());
  EXPECT_EQ(driver_->run_probe({"exit", "0"}).exit.reason, ExitReason::kExited);
  EXPECT_EQ(cgroups().size(), kPreparedStarts - 1) << "it is not used again";
  EXPECT_FALSE(backend_->prepare()) << "one more was all";
  EXPECT_EQ(cgroups().size(), kPreparedStarts);
}

TEST_F(Start, WhatIsPreparedGoesWithTheBackend) {
  driver_.reset();
  backend_.reset();
  const auto before = footprint(tag_);
  make(linux_options(tag_));
  prepare_all();
  EXPECT_EQ(driver_->run_probe({"exit", "0"}).exit.reason, ExitReason::kExited);
  driver_.reset();
  backend_.reset();
  EXPECT_EQ(footprint(tag_), before);
}

// The first process of the sandbox, as the host numbers it.
std::string pid_of(const std::string& name) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream in(entry.path() / "cmdline");
    if (std::string(std::istreambuf_iterator<char>(in), {}).find(name) != std::string::npos) {
      return entry.path().filename();
    }
  }
  return "none";
}

TEST_F(Start, EachHasNamespacesOfItsOwn) {
  prepare_all();
  std::map<std::string, std::set<std::string>> seen;
  const auto look = [&](const std::string& pid) {
    for (const auto* kind : kNamespaces) {
      std::error_code failed;
      const auto link = fs::read_symlink("/proc/" + pid + "/ns/" + kind, failed);
      EXPECT_TRUE(seen[kind].insert(link).second) << pid << ": " << link;
    }
  };
  look("self");
  std::vector<Running> all;
  for (std::size_t i = 0; i < kPreparedStarts + 2; ++i) {  // the last ones find nothing prepared
    auto running = driver_->start(driver_->probe_spec({"hang"}));
    ASSERT_TRUE(running.ok()) << running.error().message;
    ASSERT_EQ(read_some(running->out), "ready\n");
    look(pid_of(running->name));
    all.push_back(std::move(*running));
  }
  EXPECT_EQ(seen.at("net").size(), kPreparedStarts + 3);
}

TEST_F(Start, APreparedOneHasTheLimitsOfItsSpec) {
  prepare_all();
  auto spec = driver_->probe_spec({"eat", "100"});
  spec.limits.memory_bytes = 64 * kMiB;
  EXPECT_EQ(driver_->run(spec).exit.reason, ExitReason::kOutOfMemory);
  spec = driver_->probe_spec({"eat", "160"});
  spec.limits.memory_bytes = 256 * kMiB;
  auto running = driver_->start(spec);
  ASSERT_TRUE(running.ok()) << running.error().message;
  EXPECT_EQ(read_some(running->out), "eaten\n");
  end(spec.name);
  spec = driver_->probe_spec({"fork-bomb"});
  spec.limits.processes = 20;
  running = driver_->start(spec);
  ASSERT_TRUE(running.ok()) << running.error().message;
  EXPECT_LE(std::atoi(parse_lines(read_some(running->out)).at("forked").c_str()), 19);
  end(spec.name);
}

TEST_F(Start, WhatIsPreparedCountsAmongTheUids) {
  auto few = linux_options(tag_);
  few.uid_count = 2;
  make(few);
  prepare_all();
  EXPECT_EQ(cgroups().size(), 2U);
  const auto first = driver_->probe_spec({"hang"});
  ASSERT_TRUE(driver_->start(first).ok());
  ASSERT_TRUE(driver_->start(driver_->probe_spec({"hang"})).ok());
  EXPECT_EQ(start_error(driver_->probe_spec({"hang"})), ErrorCode::kExhausted);
  EXPECT_FALSE(backend_->prepare());
  end(first.name);
  EXPECT_TRUE(driver_->start(driver_->probe_spec({"hang"})).ok());
}

TEST_F(Start, AFailedStartTakesWhatWasPreparedWithIt) {
  prepare_all();
  auto spec = driver_->probe_spec({"exit", "0"});
  spec.program = "/no/such/program";
  for (std::size_t i = 0; i < kPreparedStarts; ++i) {
    EXPECT_EQ(start_error(spec), ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(cgroups().empty());
  EXPECT_TRUE(backend_->prepare());
}

// Cgroups that can be kept busy.
struct Busy {
  bool busy = false;
  std::set<std::string> made;
};

class BusyCgroup final : public Cgroup {
 public:
  explicit BusyCgroup(const Busy& state) : state_(state) {}
  base::Result<void> set_limits(const Limits&) override { return {}; }
  base::Result<void> set_processes(std::uint32_t) override { return {}; }
  int clone_target() const override { return -1; }
  std::span<const int> task_files() const override { return {}; }
  void entered() override {}
  int oom_event() const override { return -1; }
  bool out_of_memory() const override { return false; }
  std::uint64_t peak_memory_bytes() const override { return 0; }
  Control control() const override { return {}; }
  void kill() override {}
  bool remove() override { return !state_.busy; }

 private:
  const Busy& state_;
};

class BusyTree final : public CgroupTree {
 public:
  explicit BusyTree(Busy& state) : state_(state) {}
  base::Result<std::unique_ptr<Cgroup>> create(const std::string& name, const Limits&) override {
    state_.made.insert(name);
    return std::unique_ptr<Cgroup>(std::make_unique<BusyCgroup>(state_));
  }
  base::Result<std::uint32_t> sweep() override { return 0U; }

 private:
  Busy& state_;
};

TEST_F(Start, AUidRestsUntilItsCgroupIsGone) {
  Busy state;
  BusyTree tree(state);
  StartPool pool(tree, nullptr, 1'000, 1);
  auto taken = pool.take({});
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  EXPECT_EQ(taken->uid, 1'000U);
  state.busy = true;
  pool.give_back(taken->uid, std::move(taken->cgroup));
  EXPECT_EQ(pool.take({}).error().code, ErrorCode::kExhausted);
  state.busy = false;
  EXPECT_TRUE(pool.take({}).ok());
  EXPECT_EQ(state.made, std::set<std::string>{"1000"});
}

// What a start could change of the process that makes it, which shares its memory with the new one.
std::string own_state() {
  std::string state = fs::current_path().string() + "\n";
  for (const auto* kind : kNamespaces) {
    state += fs::read_symlink(std::string("/proc/thread-self/ns/") + kind).string() + "\n";
  }
  for (const auto* file : {"oom_score_adj", "limits", "status"}) {
    std::ifstream in(std::string("/proc/thread-self/") + file);
    for (std::string line; std::getline(in, line);) {
      const bool varies = line.starts_with("Vm") || line.starts_with("Rss") || line.find("ctxt") != line.npos;
      state += varies ? "" : line + "\n";
    }
  }
  return state;
}

TEST_F(Start, TheLauncherStaysAsItWas) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction old {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &old), 0);
  const auto before = own_state();
  EXPECT_NE(before.find("Uid:\t0\t0\t0\t0"), std::string::npos);
  prepare_all();
  EXPECT_EQ(driver_->run_probe({"exit", "0"}).exit.reason, ExitReason::kExited);
  auto failing = driver_->probe_spec({"exit", "0"});
  failing.program = "/no/such/program";
  EXPECT_EQ(start_error(failing), ErrorCode::kInvalidArgument);
  EXPECT_EQ(own_state(), before);
  EXPECT_EQ(driver_->run_probe({"cat", "/proc/self/oom_score_adj"}).out, "500\n");
  ::sigaction(SIGUSR1, &old, nullptr);
}

TEST_F(Start, OneThatHangsIsEnded) {
  const auto layout = detect_cgroup_layout();
  ASSERT_TRUE(layout.ok());
  if (layout->unified.empty()) {
    GTEST_SKIP() << "there is no cgroup v2 mount to freeze with";
  }
  auto impatient = linux_options(tag_);
  impatient.start_timeout_ms = 50;
  make(impatient);
  const std::string freeze = layout->unified + "/hearth/" + tag_ + "/cgroup.freeze";
  std::ofstream(freeze) << "1";
  EXPECT_EQ(start_error(driver_->probe_spec({"exit", "0"})), ErrorCode::kTimeout);
  EXPECT_TRUE(eventually([&] { return cgroups().empty(); }));
  std::ofstream(freeze) << "0";
  EXPECT_EQ(driver_->run_probe({"exit", "0"}).exit.reason, ExitReason::kExited);
}

}  // namespace
}  // namespace hearth::sandbox::testing
