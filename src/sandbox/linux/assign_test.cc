// A sandbox that is started before it is known whose it will be, and is given its code and limits then.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sandbox/linux/linux_backend.h"
#include "sandbox/testing/adapters.h"
#include "sandbox/testing/driver.h"

namespace hearth::sandbox::testing {
namespace {

using base::ErrorCode;

constexpr std::uint64_t kMiB = 1ULL << 20U;

class Assign : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "sandboxes are made by root";
    }
    auto made = LinuxBackend::create(linux_options(tag_));
    ASSERT_TRUE(made.ok()) << made.error().message;
    backend_ = std::move(*made);
    driver_.emplace(*backend_);
  }

  // Runs already when its limits come, and then does this.
  void start(std::vector<std::string> command, std::uint64_t memory_bytes = 64 * kMiB) {
    command.insert(command.begin(), "when-told");
    auto spec = driver_->probe_spec(std::move(command));
    spec.limits.memory_bytes = memory_bytes;
    spec.limits.tmp_bytes = kMiB;
    auto started = driver_->start(spec);
    ASSERT_TRUE(started.ok()) << started.error().message;
    running_ = std::move(*started);
    ASSERT_EQ(read_some(running_.out), "ready\n");
  }
  base::Result<void> assign(const Limits& limits = {}) {
    return backend_->assign(running_.name, limits, code_.open());
  }
  std::string tell() {
    EXPECT_EQ(::write(running_.requests.get(), "1", 1), 1);
    return read_all(running_.out);
  }

  const std::string tag_ = unique_tag();
  const CodeFolder code_;
  std::unique_ptr<LinuxBackend> backend_;
  std::optional<Driver> driver_;
  Running running_;
};

TEST_F(Assign, TheCodeIsThereAndReadOnly) {
  start({"cat", std::string(kCodePath) + "/" + CodeFolder::kFile});
  ASSERT_TRUE(assign().ok());
  EXPECT_EQ(tell(), CodeFolder::kText);

  start({"write", std::string(kCodePath) + "/new"});
  ASSERT_TRUE(assign().ok());
  EXPECT_EQ(parse_lines(tell()).at(std::string(kCodePath) + "/new"), std::to_string(EROFS));
}

TEST_F(Assign, IsNotSeenByAnotherSandbox) {
  start({"list", kCodePath});
  const auto waiting = std::move(running_);
  start({"list", kCodePath});
  ASSERT_TRUE(assign().ok());
  EXPECT_EQ(tell(), std::string(CodeFolder::kFile) + "\n");
  running_ = Running{waiting.name,
                     base::UniqueFd(::dup(waiting.requests.get())),
                     {},
                     base::UniqueFd(::dup(waiting.out.get())),
                     {}};
  EXPECT_EQ(tell(), "");
}

TEST_F(Assign, MemoryFollowsTheNewLimits) {
  Limits limits;
  limits.memory_bytes = 128 * kMiB;
  start({"eat", "80"}, 32 * kMiB);
  ASSERT_TRUE(assign(limits).ok());
  EXPECT_EQ(::write(running_.requests.get(), "1", 1), 1);
  EXPECT_EQ(read_some(running_.out), "eaten\n");
  backend_->remove(running_.name);
  EXPECT_EQ(driver_->wait_exit(running_.name)->reason, ExitReason::kRemoved);

  start({"eat", "256"}, 32 * kMiB);
  ASSERT_TRUE(assign(limits).ok());
  tell();
  EXPECT_EQ(driver_->wait_exit(running_.name)->reason, ExitReason::kOutOfMemory);
}

TEST_F(Assign, TmpFollowsTheNewLimits) {
  Limits limits;
  limits.tmp_bytes = 8 * kMiB;
  limits.tmp_files = 50;
  start({"fill-tmp"});
  ASSERT_TRUE(assign(limits).ok());
  const std::string filled = tell();
  EXPECT_NE(filled.find("bytes " + std::to_string(8 * kMiB) + " "), std::string::npos) << filled;
  EXPECT_NE(filled.find("files 49 "), std::string::npos) << filled;  // its root is one
}

TEST_F(Assign, HasNoMorePrivilegeThanBefore) {
  start({"try-mounts"});
  ASSERT_TRUE(assign().ok());
  for (const auto& [attempt, error] : parse_lines(tell())) {
    EXPECT_NE(error, "0") << attempt;
  }
}

TEST_F(Assign, HappensOnceAndToTheLiving) {
  const auto before = footprint(tag_);
  start({"exit", "0"});
  EXPECT_EQ(backend_->assign("nobody", {}, code_.open()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(backend_->assign(running_.name, {}, {}).error().code, ErrorCode::kInvalidArgument);
  Limits bad;
  bad.cpu_weight = 0;
  EXPECT_EQ(assign(bad).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(assign().ok());
  EXPECT_EQ(assign().error().code, ErrorCode::kInvalidArgument) << "it has its code";
  tell();
  ASSERT_TRUE(driver_->wait_exit(running_.name).has_value());
  EXPECT_EQ(assign().error().code, ErrorCode::kNotFound);
  running_ = {};
  EXPECT_EQ(footprint(tag_), before) << "nothing of it is left in our own mount namespace";
}

TEST_F(Assign, OneThatWasStartedWithCodeKeepsIt) {
  auto spec = driver_->probe_spec({"hang"});
  auto started = driver_->start(spec, code_.open());
  ASSERT_TRUE(started.ok());
  EXPECT_EQ(backend_->assign(spec.name, {}, code_.open()).error().code, ErrorCode::kInvalidArgument);
  backend_->remove(spec.name);
  driver_->wait_exit(spec.name);
}

}  // namespace
}  // namespace hearth::sandbox::testing
