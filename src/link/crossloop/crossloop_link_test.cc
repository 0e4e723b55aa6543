#include "link/crossloop/crossloop_link.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/manual_event_loop.h"

namespace hearth::link {
namespace {

// Writes down what it is asked, and answers when a test says so.
class RecordingExecutor final : public model::Executor {
 public:
  void execute(const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer) override {
    asked.push_back("execute " + allocation.instance + " " + std::string(request.request_id));
    observers.push_back(std::move(observer));
  }
  void execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> /*observer*/) override {
    asked.push_back("behind " + running.instance + " " + std::string(request.request_id));
  }
  void take_back(const model::Allocation& running) override {
    asked.push_back("take back " + running.instance);
  }
  void release(const model::Allocation& lease, model::ReleaseKind kind) override {
    asked.push_back((kind == model::ReleaseKind::kKeep ? "keep " : "remove ") + lease.instance);
  }

  std::vector<std::string> asked;
  std::vector<std::shared_ptr<model::ExecutionObserver>> observers;
};

struct Observer final : public model::ExecutionObserver {
  void refused(model::Refusal why) override { refusal = why; }
  void done(model::Execution&& ended, std::optional<model::Allocation>&& given) override {
    execution = std::move(ended);
    lease = std::move(given);
  }

  std::optional<model::Refusal> refusal;
  std::optional<model::Execution> execution;
  std::optional<model::Allocation> lease;
};

using Asked = std::vector<std::string>;

class CrossLoopLinkTest : public testing::Test {
 protected:
  base::ManualEventLoop here_;
  base::ManualEventLoop there_;
  RecordingExecutor own_;
  RecordingExecutor other_;
  CrossLoopLink link_{{"inproc:0", &here_, &own_}, {{"inproc:1", &there_, &other_}}};
  const model::Allocation near_{"inproc:0", "near", 0, 1, 128};
  const model::Allocation far_{"inproc:1", "far", 0, 1, 128};
  const model::ExecuteRequest request_{nullptr, "f", "r", nullptr};
  std::shared_ptr<Observer> observer_ = std::make_shared<Observer>();
};

TEST_F(CrossLoopLinkTest, TheOwnWorkerIsCalled) {
  link_.execute(near_, request_, observer_);
  link_.execute_behind(near_, request_, observer_);
  link_.take_back(near_);
  link_.release(near_, model::ReleaseKind::kRemove);
  EXPECT_EQ(own_.asked, (Asked{"execute near r", "behind near r", "take back near", "remove near"}));
  EXPECT_EQ(own_.observers[0], observer_) << "nothing stands between";
  EXPECT_TRUE(link_.may_keep(near_));
}

TEST_F(CrossLoopLinkTest, AnotherLoopsIsAskedThereAndItsAnswerIsToldHere) {
  link_.execute(far_, request_, observer_);
  EXPECT_TRUE(other_.asked.empty()) << "asked from the wrong loop";
  there_.run_posted();
  ASSERT_EQ(other_.asked, Asked{"execute far r"});
  other_.observers[0]->done({{model::OutcomeKind::kReturned, "1", {}}, "far", {}, {}}, far_);
  EXPECT_FALSE(observer_->execution) << "told on the wrong loop";
  here_.run_posted();
  ASSERT_TRUE(observer_->execution);
  EXPECT_EQ(observer_->execution->instance, "far");
  EXPECT_EQ(observer_->lease, far_);
  EXPECT_FALSE(link_.may_keep(far_));
  link_.release(far_, model::ReleaseKind::kKeep);
  there_.run_posted();
  EXPECT_EQ(other_.asked.back(), "keep far");
}

TEST_F(CrossLoopLinkTest, ARefusalComesBackToo) {
  link_.execute(far_, request_, observer_);
  there_.run_posted();
  other_.observers[0]->refused(model::Refusal::kGone);
  here_.run_posted();
  EXPECT_EQ(observer_->refusal, model::Refusal::kGone);
}

TEST_F(CrossLoopLinkTest, NobodyStandsBehindOnAnotherLoop) {
  link_.execute_behind(far_, request_, observer_);
  EXPECT_EQ(observer_->refusal, model::Refusal::kBusy);
  link_.take_back(far_);
  there_.run_posted();
  EXPECT_TRUE(other_.asked.empty());
}

TEST_F(CrossLoopLinkTest, AWorkerThatIsNotKnownHasGone) {
  link_.execute({"inproc:9", "x", 0, 1, 128}, request_, observer_);
  EXPECT_EQ(observer_->refusal, model::Refusal::kGone);
}

}  // namespace
}  // namespace hearth::link
