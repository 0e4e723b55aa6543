// Everybody's demands under numbers of our own.
#include "messaging/redis/demand_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::messaging {
namespace {

using testing::ElementsAre;

constexpr base::TimePoint kStart{std::chrono::hours(1)};
constexpr auto kLife = DemandBook::kLife;

// The local number, and whether it is new.
std::pair<std::uint64_t, bool> hear(DemandBook& book, const std::string& asker, std::uint64_t serial,
                                    base::TimePoint now = kStart) {
  bool first = false;
  const auto* entry = book.heard(asker, serial, now, first);
  return {entry != nullptr ? entry->local_id : 0, first};
}

TEST(DemandBook, NumbersAreOnesOwnAndNeverTwice) {
  DemandBook book;
  EXPECT_EQ(hear(book, "a", 7), std::make_pair(std::uint64_t{1}, true));
  EXPECT_EQ(hear(book, "b", 7), std::make_pair(std::uint64_t{2}, true));
  EXPECT_EQ(hear(book, "a", 7), std::make_pair(std::uint64_t{1}, false)) << "by way of another server";
}

TEST(DemandBook, IsWithdrawnOnce) {
  DemandBook book;
  hear(book, "a", 7);
  EXPECT_EQ(book.withdraw("b", 7, kStart), std::nullopt);
  EXPECT_EQ(book.withdraw("a", 7, kStart), 1U);
  EXPECT_EQ(book.withdraw("a", 7, kStart), std::nullopt);
}

TEST(DemandBook, WithdrawnBeforeItIsHeardItIsNotNew) {
  DemandBook book;
  EXPECT_EQ(book.withdraw("a", 7, kStart), std::nullopt);
  EXPECT_FALSE(hear(book, "a", 7).second);
  EXPECT_TRUE(book.expire(kStart + kLife).empty()) << "the workers never knew of it";
}

TEST(DemandBook, WhatIsNotHeardOfAgainStandsNoLonger) {
  DemandBook book;
  hear(book, "gone", 1);
  hear(book, "alive", 1);
  hear(book, "alive", 1, kStart + kLife / 2);
  EXPECT_TRUE(book.expire(kStart + kLife / 2).empty());
  EXPECT_THAT(book.expire(kStart + kLife), ElementsAre(1U));
  EXPECT_THAT(book.expire(kStart + kLife), ElementsAre());
}

TEST(DemandBook, IsBounded) {
  DemandBook book;
  for (std::uint64_t serial = 0; serial < DemandBook::kMost; ++serial) {
    ASSERT_TRUE(hear(book, "a", serial).second);
  }
  EXPECT_EQ(hear(book, "a", DemandBook::kMost).first, 0U);
  EXPECT_EQ(book.withdraw("b", 1, kStart), std::nullopt);
}

}  // namespace
}  // namespace hearth::messaging
