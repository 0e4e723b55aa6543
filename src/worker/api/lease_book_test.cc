#include "worker/api/lease_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::worker {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

model::Allocation lease(const std::string& instance, std::uint32_t slot = 0, std::uint64_t epoch = 1) {
  return {"http://here:1", instance, slot, epoch, 128};
}

class LeaseBookTest : public testing::Test {
 protected:
  LeaseBook book_;
  const base::TimePoint now_{std::chrono::hours(1)};
};

TEST_F(LeaseBookTest, AnUnusedLeaseEndsWhenItsLifeIsOver) {
  book_.given("g", lease("a"), now_);
  book_.given("g", lease("b"), now_ + milliseconds(1));
  EXPECT_THAT(book_.take_expired(now_ + kLeaseLife - milliseconds(1)), IsEmpty());
  EXPECT_THAT(book_.take_expired(now_ + kLeaseLife), ElementsAre(lease("a")));
  EXPECT_THAT(book_.take_expired(now_ + kLeaseLife), IsEmpty()) << "it is told once";
  EXPECT_EQ(book_.size(), 1U);
}

TEST_F(LeaseBookTest, AUsedLeaseIsForgotten) {
  book_.given("g", lease("a"), now_);
  book_.ended(lease("a"));
  EXPECT_EQ(book_.size(), 0U);
  EXPECT_THAT(book_.take_expired(now_ + kLeaseLife), IsEmpty());
  EXPECT_THAT(book_.take_all_of("g"), IsEmpty());
}

TEST_F(LeaseBookTest, EachSlotOfAnInstanceHasItsOwn) {
  book_.given("g", lease("a", 0), now_);
  book_.given("g", lease("a", 1), now_);
  book_.ended(lease("a", 0));
  EXPECT_THAT(book_.take_all_of("g"), ElementsAre(lease("a", 1)));
}

// Whoever still has an old offer and tries it does not end what another holds.
TEST_F(LeaseBookTest, AnOldOfferEndsNothing) {
  book_.given("g", lease("a", 0, 6), now_);
  book_.ended(lease("a", 0, 5));
  book_.ended(lease("a", 0, 7));
  EXPECT_THAT(book_.take_all_of("g"), ElementsAre(lease("a", 0, 6)));
}

TEST_F(LeaseBookTest, TheNextLeaseTakesTheOldOnesPlaceAndHolder) {
  book_.given("g", lease("a", 0, 1), now_);
  book_.given("h", lease("a", 0, 2), now_ + milliseconds(500));
  EXPECT_EQ(book_.size(), 1U);
  EXPECT_THAT(book_.take_all_of("g"), IsEmpty());
  EXPECT_THAT(book_.take_expired(now_ + kLeaseLife), IsEmpty());
  EXPECT_THAT(book_.take_expired(now_ + kLeaseLife + milliseconds(500)), ElementsAre(lease("a", 0, 2)));
}

TEST_F(LeaseBookTest, AllOfAHolderAreTakenAndNobodyElses) {
  book_.given("g", lease("a"), now_);
  book_.given("g", lease("b"), now_);
  book_.given("h", lease("c"), now_);
  EXPECT_THAT(book_.take_all_of("g"), UnorderedElementsAre(lease("a"), lease("b")));
  EXPECT_EQ(book_.size(), 1U);
  EXPECT_THAT(book_.take_all_of("nobody"), IsEmpty());
  EXPECT_THAT(book_.take_all_of("h"), ElementsAre(lease("c")));
}

}  // namespace
}  // namespace hearth::worker
