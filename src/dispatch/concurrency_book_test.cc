#include "dispatch/concurrency_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace hearth::dispatch {
namespace {

using testing::HasSubstr;

using Number = std::optional<std::uint32_t>;

model::Function function(const char* id, Number maximum, std::uint32_t reserved = 0) {
  model::Function made;
  made.id = id;
  made.current.function_id = id;
  made.concurrency = {maximum, reserved, 0};
  return made;
}

class ConcurrencyBookTest : public testing::Test {
 protected:
  // How many of so many calls are let in.
  std::uint32_t enter(const model::Function& function, std::uint32_t calls) {
    std::uint32_t entered = 0;
    for (std::uint32_t i = 0; i < calls; ++i) {
      entered += book_.enter(function.current).ok() ? 1 : 0;
    }
    return entered;
  }
  void leave(const model::Function& function, std::uint32_t calls) {
    for (std::uint32_t i = 0; i < calls; ++i) {
      book_.leave(function.id);
    }
  }

  ConcurrencyBook book_;
};

TEST_F(ConcurrencyBookTest, WithoutLimitsNobodyIsCounted) {
  book_.set(function("f", std::nullopt));
  EXPECT_FALSE(book_.active());
  const auto entered = book_.enter(function("f", std::nullopt).current);
  ASSERT_TRUE(entered.ok());
  EXPECT_FALSE(*entered);
}

TEST_F(ConcurrencyBookTest, AMaximumIsReachedAndNotPassed) {
  const auto limited = function("f", 3);
  book_.set(limited);
  EXPECT_TRUE(book_.active());
  EXPECT_EQ(enter(limited, 10), 3U);
  EXPECT_THAT(book_.enter(limited.current).error().message,
              HasSubstr("3 calls of this function run at once: its maxConcurrency is 3"));
  leave(limited, 1);
  EXPECT_EQ(enter(limited, 10), 1U);
  EXPECT_EQ(book_.running("f"), 3U);
}

TEST_F(ConcurrencyBookTest, ACallOfAnotherFunctionIsNotCounted) {
  book_.set(function("f", 1));
  EXPECT_FALSE(*book_.enter(function("g", std::nullopt).current));
}

TEST_F(ConcurrencyBookTest, NoneAtAllIsALimitToo) {
  const auto shut = function("f", 0);
  book_.set(shut);
  EXPECT_EQ(enter(shut, 2), 0U);
}

TEST_F(ConcurrencyBookTest, WhatRunsWhenALimitComesCounts) {
  const auto limited = function("f", 2);
  book_.set(limited);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(book_.enter_late(limited.current));
  }
  EXPECT_EQ(enter(limited, 1), 0U) << "three run";
  leave(limited, 2);
  EXPECT_EQ(enter(limited, 2), 1U);
}

TEST_F(ConcurrencyBookTest, ALimitThatGoesLeavesNothingBehind) {
  const auto limited = function("f", 2);
  book_.set(limited);
  EXPECT_EQ(enter(limited, 2), 2U);
  book_.set(function("f", std::nullopt));
  EXPECT_FALSE(book_.active());
  leave(limited, 2);
  book_.set(limited);
  EXPECT_EQ(enter(limited, 5), 2U);
  book_.forget("f");
  leave(limited, 2);
  EXPECT_FALSE(book_.active());
  EXPECT_EQ(book_.running("f"), 0U);
}

// 1,024 MB, instances of 128 MB: eight.
class ReservedConcurrency : public ConcurrencyBookTest {
 protected:
  ReservedConcurrency() {
    book_.set_share({}, 1'024);
    book_.set(mine_);
  }
  const model::Function mine_ = function("mine", std::nullopt, 3);
  const model::Function other_ = function("other", std::nullopt);
};

TEST_F(ReservedConcurrency, OthersLeaveWhatIsReserved) {
  EXPECT_EQ(enter(other_, 10), 5U);
  EXPECT_THAT(book_.enter(other_.current).error().message, HasSubstr("reservedConcurrency"));
  EXPECT_EQ(enter(mine_, 10), 3U) << "its own three, whatever the others do";
  leave(other_, 5);
  EXPECT_EQ(enter(mine_, 10), 5U) << "beyond its own it shares";
  EXPECT_EQ(enter(other_, 1), 0U);
  leave(mine_, 1);
  EXPECT_EQ(enter(other_, 2), 1U);
}

TEST_F(ReservedConcurrency, CallsThatShareAnInstanceTakeItOnce) {
  model::Function together = function("together", std::nullopt);
  together.current.concurrency = 4;
  EXPECT_EQ(enter(together, 100), 20U) << "five instances of four";
  leave(together, 4);
  EXPECT_EQ(enter(other_, 2), 1U);
}

TEST_F(ReservedConcurrency, WhatIsNotThereCannotBeReserved) {
  EXPECT_TRUE(book_.check(other_, {std::nullopt, 5, 0}).ok());
  const auto refused = book_.check(other_, {std::nullopt, 6, 0});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message,
              HasSubstr("768 MB; of the 1024 MB that there are for instances others have reserved 384"));
  EXPECT_TRUE(book_.check(mine_, {std::nullopt, 8, 0}).ok()) << "in place of its own three";
  EXPECT_TRUE(book_.check(other_, {5, 0, 0}).ok());
}

TEST_F(ReservedConcurrency, WithoutReservationsNobodyElseIsCounted) {
  EXPECT_EQ(enter(other_, 5), 5U);
  book_.set(function("mine", std::nullopt, 0));
  EXPECT_FALSE(book_.active());
  EXPECT_EQ(enter(other_, 100), 100U);
}

TEST_F(ReservedConcurrency, OfTwoGatewaysEachAdmitsItsHalf) {
  book_.set(function("limited", 5));
  book_.set_share({1, 2, true}, 4'096);
  EXPECT_EQ(enter(function("limited", 5), 10), 2U);
  book_.set_share({0, 2, true}, 4'096);
  EXPECT_EQ(enter(function("limited", 5), 10), 1U);
  leave(function("limited", 5), 3);
  EXPECT_EQ(enter(mine_, 100), 16U) << "what half of the memory holds; two of them are its own";
}

TEST_F(ConcurrencyBookTest, ManyThreadsNeverPassTheMaximum) {
  const auto limited = function("f", 10);
  book_.set(limited);
  std::atomic<int> inside = 0;
  std::atomic<int> wrong = 0;
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < 5'000; ++call) {
        if (book_.enter(limited.current).ok()) {
          wrong += ++inside > 10 ? 1 : 0;
          ++served;
          --inside;
          book_.leave("f");
        }
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(served, 20'000) << "four are never one too many";
  EXPECT_EQ(book_.running("f"), 0U);
}

}  // namespace
}  // namespace hearth::dispatch
