#include "worker/pause_queue.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "base/manual_event_loop.h"

namespace hearth::worker {
namespace {

using std::chrono::milliseconds;

class PauseQueueTest : public testing::Test {
 protected:
  class Paused final : public Pausable {
   public:
    Paused(PauseQueueTest& test, int number) : test_(test), number_(number) {}
    void pause() override { test_.paused_.push_back(number_); }

   private:
    PauseQueueTest& test_;
    const int number_;
  };

  void idle(Pausable& instance) { queue_->idle(instance, loop_.now()); }
  std::vector<int> after(milliseconds time) {
    paused_.clear();
    loop_.advance(time);
    return paused_;
  }

  base::ManualEventLoop loop_;
  std::vector<int> paused_;
  std::optional<PauseQueue> queue_{std::in_place, loop_, milliseconds(10)};
  Paused first_{*this, 1};
  std::optional<Paused> second_{std::in_place, *this, 2};
};

TEST_F(PauseQueueTest, EachAfterItsOwnTime) {
  idle(first_);
  loop_.advance(milliseconds(4));
  idle(*second_);
  EXPECT_EQ(after(milliseconds(5)), std::vector<int>{});
  EXPECT_EQ(after(milliseconds(1)), std::vector<int>{1});
  EXPECT_EQ(after(milliseconds(3)), std::vector<int>{});
  EXPECT_EQ(after(milliseconds(1)), std::vector<int>{2});
  EXPECT_EQ(loop_.pending_timers(), 0U);
}

TEST_F(PauseQueueTest, WhatIsUsedAgainCountsFromItsNextEnd) {
  idle(first_);
  loop_.advance(milliseconds(9));
  PauseQueue::busy(first_);
  PauseQueue::busy(first_);
  EXPECT_EQ(after(milliseconds(5)), std::vector<int>{});
  idle(first_);
  idle(first_);
  EXPECT_EQ(after(milliseconds(9)), std::vector<int>{});
  EXPECT_EQ(after(milliseconds(1)), std::vector<int>{1});
  idle(first_);
  EXPECT_EQ(after(milliseconds(10)), std::vector<int>{1});
}

TEST_F(PauseQueueTest, OneThatIsGoneIsForgotten) {
  idle(*second_);
  idle(first_);
  second_.reset();
  EXPECT_EQ(after(milliseconds(10)), std::vector<int>{1});
}

TEST_F(PauseQueueTest, AtZeroNoneIsPaused) {
  queue_.emplace(loop_, milliseconds(0));
  idle(first_);
  EXPECT_EQ(loop_.pending_timers(), 0U);
  EXPECT_EQ(after(milliseconds(1'000)), std::vector<int>{});
}

TEST_F(PauseQueueTest, MayEndBeforeWhatIsInIt) {
  idle(first_);
  queue_.reset();
  EXPECT_EQ(loop_.pending_timers(), 0U);
  EXPECT_FALSE(first_.is_linked());
}

}  // namespace
}  // namespace hearth::worker
