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
    heard_.push_back(base::BootClock::now());
    changed_.notify_all();
    return std::max(position, newest);
  }
  bool refuses_everybody() override {
    const std::lock_guard lock(mutex_);
    heard_.push_back(base::BootClock::now());
    return refuses_;
  }
  void refuse(bool refuses) {
    const std::lock_guard lock(mutex_);
    refuses_ = refuses;
  }
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
  // When it was confirmed to, or asked whether it refuses everybody, for the first time.
  base::BootTime first_heard() {
    const std::lock_guard lock(mutex_);
    return heard_.empty() ? base::BootTime::min() : heard_.front();
  }
  bool has_confirmed(std::uint64_t position) {
    const std::lock_guard lock(mutex_);
    return is_confirmed(position);
  }

  bool left = false;
  std::uint64_t newest = 0;  // set before the start

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
  std::vector<base::BootTime> heard_;
  bool interrupted_ = false;
  bool refuses_ = false;
};

class ListedFunctions final : public store::FunctionStore {
 public:
  base::Result<void> create(const model::Function&) override { return {}; }
  base::Result<model::Function> find(std::string_view) override { return function(""); }
  base::Result<std::vector<model::Function>> list() override { return listed; }
  base::Result<model::Function> add_version(const model::Version&, std::int64_t) override {
    return function("");
  }
  base::Result<model::Function> change(std::string_view, const model::FunctionChange&,
                                       std::int64_t) override {
    return function("");
  }
  base::Result<std::vector<model::Version>> versions(std::string_view, std::uint32_t, std::size_t) override {
    return std::vector<model::Version>();
  }
  base::Result<model::Version> find_version(std::string_view, std::uint32_t) override {
    return model::Version();
  }
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
  void serve_until(const ServingTerm& term) override { terms.push_back(term); }

  std::vector<ServingTerm> terms;
  std::vector<std::string> told;
};

class ChangeFollowerTest : public testing::Test {
 protected:
  void start(const FeedStart& from, WithoutStore without_store = WithoutStore::kAuto) {
    follower_ = std::make_unique<ChangeFollower>(feed_, functions_,
                                                 std::vector<LoopMirror>{{&loop_, &mirror_}}, without_store);
    follower_->start(from);
  }
  // The term with that number, from 1; waits for it for ten seconds at most.
  ServingTerm term(std::size_t count) {
    const auto deadline = loop_.now() + std::chrono::seconds(10);
    while (mirror_.terms.size() < count && loop_.now() < deadline) {
      loop_.run_one_until(deadline);
    }
    return mirror_.terms.size() < count ? ServingTerm() : mirror_.terms[count - 1];
  }
  // Runs the loop until so many were told, for ten seconds at most.
  std::vector<std::string> told(std::size_t count) {
    const auto deadline = loop_.now() + std::chrono::seconds(10);
    while (mirror_.told.size() < count && loop_.now() < deadline) {
      loop_.run_one_until(deadline);
    }
    return mirror_.told;
  }
  // The first that rests on the lease again, of all but the one that it began with.
  ServingTerm next_held_term() {
    std::size_t number = 2;
    while (term(number).rests_on == LeaseState::kStoreDown) {
      ++number;
    }
    return term(number);
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

TEST_F(ChangeFollowerTest, AServerThatJoinsServesFromBeforeItsConfirmationOn) {
  functions_.listed = {function("a")};
  const auto before = base::BootClock::now();
  const auto joined = ChangeFollower::join(feed_, functions_);
  ASSERT_TRUE(joined.ok());
  EXPECT_GE(joined->asked, before);
  EXPECT_LE(joined->asked, feed_.first_heard());
  start(*joined);
  ASSERT_FALSE(mirror_.terms.empty()) << "told inside the call: the loop has not run";
  EXPECT_EQ(mirror_.terms.front(),
            (ServingTerm{joined->asked + VersionLease::kServes, LeaseState::kHeld, true}));
}

TEST_F(ChangeFollowerTest, OneThatKnowsNothingServesNothingUntilItHasConfirmed) {
  start({7, {}});
  const auto now = base::BootClock::now();
  EXPECT_EQ(mirror_.terms.front().state(now), LeaseState::kOver);
  const ServingTerm held = term(2);
  EXPECT_EQ(held.state(now), LeaseState::kHeld);
  EXPECT_LE(held.until, feed_.first_heard() + VersionLease::kServes) << "counted from before";
}

TEST_F(ChangeFollowerTest, WhatItConfirmsDoesNotCountWhileItLacksWhatThereWas) {
  feed_.newest = 8;
  start({7, {}});
  EXPECT_TRUE(feed_.waits_for_confirmed(7));
  feed_.first_asked(2);  // having told what it had to tell
  loop_.poll();
  EXPECT_EQ(mirror_.terms.size(), 1U) << "8 may have been acknowledged before we were heard";
  const auto before = base::BootClock::now();
  feed_.answer(std::vector<FunctionChange>{{8, "a", function("a")}});
  const ServingTerm held = term(2);
  EXPECT_EQ(mirror_.told, Told{"a"});
  EXPECT_EQ(held.state(before), LeaseState::kHeld);
}

TEST_F(ChangeFollowerTest, RefusalsCountFromBeforeTheyWereAskedForUntilThereIsNone) {
  feed_.answer(base::Error{ErrorCode::kUnavailable, "away"});
  feed_.refuse(true);
  start({7, {}, base::BootClock::now()});
  const ServingTerm down = term(2);
  EXPECT_EQ(down.rests_on, LeaseState::kStoreDown);
  EXPECT_LE(down.until, feed_.first_heard() + VersionLease::kServes);
  EXPECT_GT(term(4).until, down.until);
  EXPECT_EQ(term(4).rests_on, LeaseState::kStoreDown);
  EXPECT_FALSE(feed_.has_confirmed(7)) << "there is nothing to follow";
  feed_.refuse(false);
  EXPECT_TRUE(feed_.waits_for_confirmed(7));
  EXPECT_EQ(next_held_term().rests_on, LeaseState::kHeld);
}

// What follows the failure is that it confirms again.
TEST_F(ChangeFollowerTest, ARefusalDoesNotCountIfItIsNotAskedFor) {
  const auto term_after_failure = [this](WithoutStore without_store) {
    mirror_.terms.clear();
    feed_.answer(base::Error{ErrorCode::kUnavailable, "away"});
    feed_.refuse(true);
    start({7, {}, base::BootClock::now()}, without_store);
    const ServingTerm next = term(2);
    follower_.reset();
    loop_.poll();
    return next;
  };
  EXPECT_EQ(term_after_failure(WithoutStore::kRefuse).rests_on, LeaseState::kHeld);
  EXPECT_TRUE(mirror_.terms.back().binding);
  EXPECT_EQ(term_after_failure(WithoutStore::kServe).rests_on, LeaseState::kHeld);
  EXPECT_FALSE(mirror_.terms.front().binding);
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
