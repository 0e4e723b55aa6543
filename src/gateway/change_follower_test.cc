#include "gateway/change_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "base/reactor.h"

namespace hearth::gateway {
namespace {

using base::ErrorCode;
using store::FunctionChange;

model::Function function(const std::string& id) {
  model::Function made;
  made.id = id;
  return made;
}

// Answers what was put into it, one after the other, and waits when there is nothing more.
class ScriptedFeed final : public store::ChangeFeed {
 public:
  using Answer = base::Result<std::vector<FunctionChange>>;

  base::Result<std::uint64_t> position() override { return std::uint64_t{90}; }
  Answer next(std::uint64_t after, std::chrono::milliseconds timeout) override {
    std::unique_lock lock(mutex_);
    asked_.push_back(after);
    changed_.notify_all();
    changed_.wait_for(lock, timeout, [this] { return interrupted_ || !answers_.empty(); });
    if (answers_.empty()) {
      return std::vector<FunctionChange>();
    }
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }
  base::Result<std::uint64_t> confirm(std::uint64_t position) override {
    const std::lock_guard lock(mutex_);
    confirmed_.push_back(position);
    changed_.notify_all();
    return position;
  }
  bool refuses_everybody() override { return false; }
  void leave() override { left = true; }
  base::Result<void> await_followers() override { return {}; }
  void interrupt() override {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }

  void answer(Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(answer));
    changed_.notify_all();
  }
  // Waits until that was confirmed, for ten seconds at most.
  bool waits_for_confirmed(std::uint64_t position) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return is_confirmed(position); });
  }
  bool has_confirmed(std::uint64_t position) {
    const std::lock_guard lock(mutex_);
    return is_confirmed(position);
  }

  bool left = false;

  // Waits until it was asked so often, for ten seconds at most.
  std::vector<std::uint64_t> first_asked(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return asked_.size() >= count; });
    return {asked_.begin(), asked_.begin() + static_cast<std::ptrdiff_t>(std::min(count, asked_.size()))};
  }

 private:
  bool is_confirmed(std::uint64_t position) const {
    return std::ranges::find(confirmed_, position) != confirmed_.end();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Answer> answers_;
  std::vector<std::uint64_t> asked_;
  std::vector<std::uint64_t> confirmed_;
  bool interrupted_ = false;
};

class ListedFunctions final : public store::FunctionStore {
 public:
  base::Result<void> create(const model::Function&) override { return {}; }
  base::Result<model::Function> find(std::string_view) override { return function(""); }
  base::Result<std::vector<model::Function>> list() override { return listed; }
  base::Result<void> add_version(const model::Version&, std::int64_t) override { return {}; }
  base::Result<std::vector<std::string>> remove(std::string_view) override {
    return std::vector<std::string>();
  }

  std::vector<model::Function> listed;
};

class ToldMirror final : public FunctionMirror {
 public:
  void created(model::FunctionPtr) override {}
  void updated(model::FunctionPtr) override {}
  void removed(const model::FunctionPtr&) override {}
  void synced(const model::FunctionId& id, model::FunctionPtr known) override {
    told.push_back((known ? "" : "-") + id);
  }

  std::vector<std::string> told;
};

class ChangeFollowerTest : public testing::Test {
 protected:
  void start(const FeedStart& from) {
    follower_ =
        std::make_unique<ChangeFollower>(feed_, functions_, std::vector<LoopMirror>{{&loop_, &mirror_}});
    follower_->start(from);
  }
  // Runs the loop until so many were told, for ten seconds at most.
  std::vector<std::string> told(std::size_t count) {
    const auto deadline = loop_.now() + std::chrono::seconds(10);
    while (mirror_.told.size() < count && loop_.now() < deadline) {
      loop_.run_one_until(deadline);
    }
    return mirror_.told;
  }

  ScriptedFeed feed_;
  ListedFunctions functions_;
  base::Reactor loop_;
  ToldMirror mirror_;
  std::unique_ptr<ChangeFollower> follower_;
};

using Told = std::vector<std::string>;

TEST_F(ChangeFollowerTest, TellsEachChangeInOrderAndAsksForThoseAfterIt) {
  start({7, {}});
  feed_.answer(std::vector<FunctionChange>{{8, "a", function("a")}, {10, "b", std::nullopt}});
  feed_.answer(std::vector<FunctionChange>{{11, "a", std::nullopt}});
  EXPECT_EQ(told(3), (Told{"a", "-b", "-a"}));
  EXPECT_THAT(feed_.first_asked(3), testing::ElementsAre(7, 10, 11));
}

TEST_F(ChangeFollowerTest, AfterAFailureItGoesOnWhereItWas) {
  start({7, {}});
  feed_.answer(base::Error{ErrorCode::kUnavailable, "away"});
  feed_.answer(base::Error{ErrorCode::kUnavailable, "away"});
  feed_.answer(std::vector<FunctionChange>{{8, "a", function("a")}});
  EXPECT_EQ(told(1), Told{"a"});
  EXPECT_THAT(feed_.first_asked(4), testing::ElementsAre(7, 7, 7, 8));
}

TEST_F(ChangeFollowerTest, WhatIsNoLongerKeptIsListedAndWhatIsNotListedIsGone) {
  start({7, {function("old"), function("both")}});
  functions_.listed = {function("both"), function("new")};
  feed_.answer(base::Error{ErrorCode::kGone, "no longer kept"});
  feed_.first_asked(2);
  EXPECT_FALSE(feed_.has_confirmed(90)) << "the mirrors have not heard it yet";
  EXPECT_EQ(told(3), (Told{"both", "new", "-old"}));
  EXPECT_TRUE(feed_.waits_for_confirmed(90));
  EXPECT_THAT(feed_.first_asked(2), testing::ElementsAre(7, 90));
}

TEST_F(ChangeFollowerTest, ConfirmsWhatTheMirrorsHaveAndNotBefore) {
  start({7, {}});
  EXPECT_TRUE(feed_.waits_for_confirmed(7)) << "it lives";
  feed_.answer(std::vector<FunctionChange>{{8, "a", function("a")}, {9, "b", std::nullopt}});
  feed_.first_asked(3);  // the loop stands still: it goes on without having confirmed
  EXPECT_FALSE(feed_.has_confirmed(9));
  EXPECT_EQ(told(2).size(), 2U);
  EXPECT_TRUE(feed_.waits_for_confirmed(9));
  follower_.reset();
  EXPECT_TRUE(feed_.left);
}

TEST_F(ChangeFollowerTest, EndsAtOnceWhileItWaits) {
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) {
    start({7, {}});
    follower_.reset();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(900));
}

}  // namespace
}  // namespace hearth::gateway
