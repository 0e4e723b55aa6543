#include "worker/ledger.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/random.h"
#include "worker/reservation_state.h"

namespace hearth::worker {
namespace {

TEST(Ledger, ReservesShrinksGrowsAndTakesBack) {
  Ledger ledger(1024);
  {
    auto first = ledger.reserve(1024);
    ASSERT_TRUE(first);
    EXPECT_FALSE(ledger.reserve(1));
    EXPECT_TRUE(first->resize(128));
    EXPECT_EQ(ledger.free_mb(), 896U);
    auto second = ledger.reserve(896);
    ASSERT_TRUE(second);
    EXPECT_FALSE(first->resize(129));
    EXPECT_EQ(first->memory_mb(), 128U);
    second.reset();
    EXPECT_TRUE(first->resize(512));
  }
  EXPECT_EQ(ledger.free_mb(), 1024U);
}

TEST(Ledger, MemoryMovesToAnotherLedgerAsFarAsItIsFree) {
  Ledger from(1024);
  Ledger to(512);
  const auto held = from.reserve(1000);
  EXPECT_FALSE(from.give_up(25));
  EXPECT_TRUE(from.give_up(24));
  to.take_over(24);
  EXPECT_EQ(from.total_mb(), 1000U);
  EXPECT_EQ(from.free_mb(), 0U);
  EXPECT_EQ(to.total_mb(), 536U);
  EXPECT_TRUE(to.reserve(536));
}

TEST(Ledger, MovedReservationsAreGivenBackOnce) {
  Ledger ledger(100);
  {
    auto first = *ledger.reserve(40);
    auto second = *ledger.reserve(30);
    first = std::move(second);
    const Reservation third = std::move(first);
    EXPECT_EQ(third.memory_mb(), 30U);
  }
  EXPECT_EQ(ledger.free_mb(), 100U);
}

TEST(Ledger, PromisesMoreThanThereIsWhereIdleOnesUseLess) {
  Ledger ledger(1000, 2);
  auto first = *ledger.reserve(600);
  EXPECT_EQ(ledger.free_mb(), 400U);
  first.charge_only(100);
  EXPECT_EQ(ledger.free_mb(), 900U);
  auto second = *ledger.reserve(900);
  EXPECT_EQ(ledger.free_mb(), 0U);
  EXPECT_EQ(ledger.promised_mb(), 1500U);
  EXPECT_FALSE(first.charge_in_full());
  second.charge_only(500);
  EXPECT_FALSE(first.charge_in_full()) << "as far as it goes";
  EXPECT_EQ(first.charged_mb(), 500U);
  EXPECT_EQ(ledger.uncharged_mb(), 0U);
  second.charge_only(400);
  EXPECT_TRUE(first.charge_in_full());
}

TEST(Ledger, NeverPromisesMoreThanItsFactor) {
  Ledger ledger(1000, 2);
  std::vector<Reservation> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(*ledger.reserve(500));
    held.back().charge_only(1);
  }
  EXPECT_EQ(ledger.uncharged_mb(), 996U);
  EXPECT_EQ(ledger.free_mb(), 0U);
  EXPECT_FALSE(ledger.reserve(1));
  EXPECT_FALSE(ledger.give_up(1)) << "the other's total would carry less than is promised";
}

TEST(Ledger, ChargesNeitherMoreThanIsPromisedNorMoreAgain) {
  Ledger ledger(100);
  auto held = *ledger.reserve(40);
  held.charge_only(60);
  EXPECT_EQ(held.charged_mb(), 40U);
  held.charge_only(10);
  held.charge_only(20);
  EXPECT_EQ(held.charged_mb(), 10U);
  EXPECT_EQ(ledger.free_mb(), 60U) << "without overcommit what was promised is not promised again";
  EXPECT_TRUE(held.resize(50));
  EXPECT_EQ(held.charged_mb(), 50U);
}

TEST(Ledger, IsConservedOverRandomOperations) {
  base::SeededRandom random(42);
  Ledger ledger(10'000);
  std::vector<Reservation> held;
  for (int round = 0; round < 20'000; ++round) {
    std::uint8_t bytes[3];
    random.fill(bytes);
    const auto amount = static_cast<std::uint32_t>(bytes[1] * 5U);
    if (bytes[0] % 3 == 0 || held.empty()) {
      if (auto memory = ledger.reserve(amount)) {
        held.push_back(std::move(*memory));
      }
    } else if (bytes[0] % 3 == 1) {
      held[bytes[2] % held.size()].resize(amount);
    } else {
      std::swap(held[bytes[2] % held.size()], held.back());
      held.pop_back();
    }
    std::uint64_t sum = ledger.free_mb();
    for (const auto& memory : held) {
      sum += memory.memory_mb();
    }
    ASSERT_EQ(sum, 10'000U);
  }
}

TEST(ReservationState, OnlyTheListedMovesExist) {
  using S = ReservationState;
  using E = ReservationEvent;
  EXPECT_EQ(after(S::kCold, E::kAssigned), S::kStarting);
  EXPECT_EQ(after(S::kStarting, E::kLoaded), S::kRunning);
  EXPECT_EQ(after(S::kStarting, E::kPreWarmed), S::kIdle);
  EXPECT_EQ(after(S::kIdle, E::kAdmitted), S::kRunning);
  EXPECT_EQ(after(S::kLeased, E::kAdmitted), S::kRunning);
  EXPECT_EQ(after(S::kIdle, E::kHeldBack), S::kResuming);
  EXPECT_EQ(after(S::kLeased, E::kHeldBack), S::kResuming);
  EXPECT_EQ(after(S::kResuming, E::kResumed), S::kRunning);
  EXPECT_FALSE(after(S::kResuming, E::kAdmitted));
  EXPECT_FALSE(after(S::kPrestarted, E::kAssigned));
  EXPECT_EQ(after(S::kRunning, E::kFinished), S::kLeased);
  EXPECT_EQ(after(S::kLeased, E::kReleased), S::kIdle);
  EXPECT_FALSE(after(S::kRunning, E::kAdmitted));
  EXPECT_FALSE(after(S::kRunning, E::kPreWarmed));
  EXPECT_FALSE(after(S::kRemoving, E::kStopped));
  EXPECT_FALSE(after(S::kRemoving, E::kAdmitted));
  EXPECT_FALSE(after(S::kCold, E::kAdmitted));
  for (const auto state : kReservationStates) {
    EXPECT_EQ(after(state, E::kStopped).has_value(), state != S::kRemoving);
  }
}

}  // namespace
}  // namespace hearth::worker
