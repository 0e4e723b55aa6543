#include "launcher/shared_host.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/manual_event_loop.h"

namespace hearth::launcher {
namespace {

class PlayedHost final : public sandbox::Host {
 public:
  void start(sandbox::Spec spec, sandbox::Descriptors given, StartDone done) override {
    started.push_back(spec.name);
    descriptors = std::move(given);
    dones.push_back(std::move(done));
  }
  void assign(const std::string& name, const sandbox::Limits& /*limits*/, base::UniqueFd code_folder,
              AssignDone done) override {
    assigned.push_back(name);
    descriptors.code_folder = std::move(code_folder);
    assign_dones.push_back(std::move(done));
  }
  void set_limits(const std::string& name, const sandbox::Limits& limits) override {
    limited.emplace_back(name, limits.cpu_weight);
  }
  void remove(const std::string& name) override { removed.push_back(name); }
  void on_exit(ExitHandler handler) override { exit = std::move(handler); }

  std::vector<std::string> started;
  std::vector<std::string> assigned;
  sandbox::Descriptors descriptors;
  std::vector<StartDone> dones;
  std::vector<AssignDone> assign_dones;
  std::vector<std::pair<std::string, std::uint32_t>> limited;
  std::vector<std::string> removed;
  ExitHandler exit;
};

class SharedHostTest : public testing::Test {
 protected:
  SharedHostTest() {
    view_->on_exit([this](const sandbox::Exit& exit) { exits_.push_back(exit.name); });
    other_view_->on_exit([this](const sandbox::Exit& exit) { other_exits_.push_back(exit.name); });
  }
  void start(sandbox::Host& view, const std::string& name) {
    sandbox::Spec spec;
    spec.name = name;
    view.start(std::move(spec), {},
               [this](const base::Result<sandbox::Control>& result) { started_ = result.ok(); });
  }
  void run() {
    for (int turn = 0; turn < 3; ++turn) {
      home_.run_posted();
      loop_.run_posted();
      other_loop_.run_posted();
    }
  }

  base::ManualEventLoop home_;
  base::ManualEventLoop loop_;
  base::ManualEventLoop other_loop_;
  PlayedHost host_;
  SharedHost shared_{home_, host_};
  std::unique_ptr<sandbox::Host> view_ = shared_.view(loop_);
  std::unique_ptr<sandbox::Host> other_view_ = shared_.view(other_loop_);
  std::optional<bool> started_;
  std::vector<std::string> exits_;
  std::vector<std::string> other_exits_;
};

using Names = std::vector<std::string>;

TEST_F(SharedHostTest, StartsAtHomeAndTellsOnTheViewsLoop) {
  sandbox::Spec spec;
  spec.name = "a";
  sandbox::Descriptors descriptors;
  descriptors.out.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  view_->start(std::move(spec), std::move(descriptors),
               [this](const base::Result<sandbox::Control>& result) { started_ = result.ok(); });
  EXPECT_TRUE(host_.started.empty());
  home_.run_posted();
  EXPECT_EQ(host_.started, Names{"a"});
  EXPECT_TRUE(host_.descriptors.out.valid());
  host_.dones[0](sandbox::Control());
  EXPECT_FALSE(started_) << "on the wrong loop";
  loop_.run_posted();
  EXPECT_EQ(started_, true);
}

TEST_F(SharedHostTest, AnEndIsToldToWhoStartedIt) {
  start(*view_, "a");
  start(*other_view_, "b");
  run();
  host_.exit({"b", sandbox::ExitReason::kExited, 0, 0});
  host_.exit({"a", sandbox::ExitReason::kRemoved, 0, 0});
  host_.exit({"a", sandbox::ExitReason::kRemoved, 0, 0});
  host_.exit({"nobody's", sandbox::ExitReason::kExited, 0, 0});
  EXPECT_TRUE(exits_.empty());
  run();
  EXPECT_EQ(exits_, Names{"a"});
  EXPECT_EQ(other_exits_, Names{"b"});
}

TEST_F(SharedHostTest, ANameThatLivesStaysItsOwners) {
  start(*view_, "a");
  start(*other_view_, "a");
  run();
  host_.dones[0](sandbox::Control());
  host_.dones[1](base::Error{base::ErrorCode::kAlreadyExists, "it lives"});
  run();
  EXPECT_EQ(started_, false);
  host_.exit({"a", sandbox::ExitReason::kExited, 0, 0});
  run();
  EXPECT_EQ(exits_, Names{"a"});
  EXPECT_TRUE(other_exits_.empty());
}

TEST_F(SharedHostTest, AFailedStartIsForgotten) {
  start(*view_, "a");
  run();
  host_.dones[0](base::Error{base::ErrorCode::kIo, "no"});
  start(*other_view_, "a");
  run();
  host_.exit({"a", sandbox::ExitReason::kExited, 0, 0});
  run();
  EXPECT_TRUE(exits_.empty());
  EXPECT_EQ(other_exits_, Names{"a"});
}

TEST_F(SharedHostTest, LimitsAndRemovalsCross) {
  sandbox::Limits limits;
  limits.cpu_weight = 77;
  view_->set_limits("a", limits);
  view_->remove("a");
  EXPECT_TRUE(host_.removed.empty());
  run();
  EXPECT_EQ(host_.removed, Names{"a"});
  EXPECT_EQ(host_.limited[0], std::pair(std::string("a"), 77U));
}

TEST_F(SharedHostTest, AnAssignmentCrossesWithItsCode) {
  std::optional<bool> assigned;
  base::UniqueFd folder(::open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int number = folder.get();
  view_->assign("a", {}, std::move(folder),
                [&](const base::Result<void>& result) { assigned = result.ok(); });
  EXPECT_TRUE(host_.assigned.empty());
  run();
  EXPECT_EQ(host_.assigned, Names{"a"});
  EXPECT_EQ(host_.descriptors.code_folder.get(), number);
  host_.assign_dones.at(0)({});
  EXPECT_FALSE(assigned) << "told on the home loop";
  run();
  EXPECT_EQ(assigned, true);
}

TEST_F(SharedHostTest, AViewThatIsGoneHearsNothing) {
  start(*view_, "a");
  run();
  view_->on_exit({});
  view_.reset();
  host_.exit({"a", sandbox::ExitReason::kExited, 0, 0});
  run();
  EXPECT_TRUE(exits_.empty());
}

}  // namespace
}  // namespace hearth::launcher
