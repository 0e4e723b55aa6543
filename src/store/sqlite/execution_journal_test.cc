// The journal over the embedded store, with a pool whose jobs run when the test says so.
#include "store/execution_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/reactor.h"
#include "store/conformance.h"
#include "store/execution_conformance.h"
#include "store/sqlite/store_under_test.h"

namespace hearth::store::sqlite {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PoolByHand final : public base::WorkPool {
 public:
  base::Result<void> submit(std::function<void()> job) override {
    if (full) {
      return base::Error{base::ErrorCode::kExhausted, "no place"};
    }
    jobs.push_back(std::move(job));
    return {};
  }
  bool run_one() {
    if (jobs.empty()) {
      return false;
    }
    const auto job = std::move(jobs.front());
    jobs.pop_front();
    job();
    return true;
  }

  std::deque<std::function<void()>> jobs;
  bool full = false;
};

// Says when something is posted to it.
class ToldLoop final : public base::EventLoop {
 public:
  explicit ToldLoop(base::EventLoop& loop) : loop_(loop) {}

  base::TimePoint now() const override { return loop_.now(); }
  base::TimerId at(base::TimePoint when, std::function<void()> callback) override {
    return loop_.at(when, std::move(callback));
  }
  void cancel(base::TimerId timer) override { loop_.cancel(timer); }
  void post(std::function<void()> callback) override {
    loop_.post(std::move(callback));
    if (told) {
      told();
    }
  }

  std::function<void()> told;

 private:
  base::EventLoop& loop_;
};

class ExecutionJournalTest : public testing::Test {
 protected:
  ~ExecutionJournalTest() override {
    journal_.reset();
    loop_.discard_posted();
  }

  void submit(int number) {
    journal_->submit(sample_execution(number), [this, number](const base::Result<Submitted>& result) {
      told_.push_back(std::to_string(number) + (result ? "" : " " + result.error().message));
    });
  }
  void settle(const std::string& id) {
    Settlement settlement;
    settlement.lease = {id, 7};  // nobody has it
    settlement.state = model::ExecutionState::kDone;
    journal_->settle(settlement, [this](const base::Result<bool>& result) {
      told_.emplace_back(!result ? result.error().message : *result ? "settled" : "not its lease");
    });
  }
  // What has been posted.
  void turn() {
    while (loop_.run_one_until(base::Clock::now())) {
    }
  }

  const TestFolder folder_;
  OpenStore store_{folder_.path() + "/data"};
  base::Reactor loop_;
  PoolByHand pool_;
  std::optional<ExecutionJournal> journal_{std::in_place, *store_.executions, pool_, loop_};
  std::vector<std::string> told_;
};

TEST_F(ExecutionJournalTest, WhatATurnOfTheLoopHasIsOneCommitAndIsToldInOrder) {
  submit(1);
  submit(2);
  settle("nobody's");
  EXPECT_THAT(told_, IsEmpty()) << "never inside the call";
  turn();
  ASSERT_TRUE(pool_.run_one());
  EXPECT_THAT(told_, IsEmpty()) << "not on the thread that writes";
  turn();
  EXPECT_THAT(told_, ElementsAre("1", "2", "not its lease"));
  EXPECT_THAT(pool_.jobs, IsEmpty());
}

TEST_F(ExecutionJournalTest, WhatComesBeforeTheCommitBeginsIsInIt) {
  submit(1);
  turn();
  submit(2);
  turn();
  ASSERT_TRUE(pool_.run_one());
  EXPECT_FALSE(pool_.run_one()) << "one commit at a time";
  turn();
  EXPECT_THAT(told_, ElementsAre("1", "2"));
}

TEST_F(ExecutionJournalTest, TheNextBeginsWhenThereIsMore) {
  for (int number = 1; number <= 3; ++number) {
    submit(number);
    turn();
    ASSERT_TRUE(pool_.run_one());
  }
  turn();
  EXPECT_THAT(told_, ElementsAre("1", "2", "3"));
}

TEST_F(ExecutionJournalTest, APoolWithoutPlaceIsToldAndTheNextAreTaken) {
  pool_.full = true;
  submit(1);
  turn();
  EXPECT_THAT(told_, ElementsAre("1 no place"));
  pool_.full = false;
  submit(2);
  turn();
  ASSERT_TRUE(pool_.run_one());
  turn();
  EXPECT_THAT(told_, ElementsAre("1 no place", "2"));
  EXPECT_FALSE(store_.executions->find(sample_execution(1).id).ok());
}

// Whenever a commit has ended the next one has something to write.
TEST_F(ExecutionJournalTest, AStreamOfCommitsLeavesThePoolToOthersInBetween) {
  ToldLoop loop(loop_);
  journal_.emplace(*store_.executions, pool_, loop);
  int number = 1;
  submit(number);
  turn();
  loop.told = [&] {
    if (number < 100) {
      submit(++number);
    }
  };
  ASSERT_TRUE(pool_.run_one());
  loop.told = nullptr;
  EXPECT_LT(number, 50);
  EXPECT_EQ(pool_.jobs.size(), 1U) << "behind what others have submitted meanwhile";
  ASSERT_TRUE(pool_.run_one());
  turn();
  EXPECT_EQ(told_.size(), static_cast<std::size_t>(number));
}

TEST_F(ExecutionJournalTest, ACommitOnItsWayWhenItEndsTellsNobody) {
  submit(1);
  turn();
  journal_.reset();
  ASSERT_TRUE(pool_.run_one());
  turn();
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_TRUE(store_.executions->find(sample_execution(1).id).ok()) << "it is durable all the same";
}

}  // namespace
}  // namespace hearth::store::sqlite
