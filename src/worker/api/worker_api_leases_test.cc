// Whose a lease is, and when it comes back although nobody gives it back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "worker/api/testing/played_gateway.h"

namespace hearth::worker {
namespace {

using model::ReleaseKind;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class WorkerApiLeases : public WorkerApiTest {
 protected:
  // A lease of `instance` with epoch 2, given to that gateway.
  void give(PlayedGateway& gateway, const std::string& instance) {
    const Answer answer = execute(gateway, instance);
    executor_.asked.back().finish();
    EXPECT_EQ(answer->status(), 200);
  }

  PlayedGateway gateway_{*api_, "g", key_};
};

TEST_F(WorkerApiLeases, ComesBackUnusedAfterItsLife) {
  give(gateway_, "i");
  EXPECT_EQ(api_->leases_given(), 1U);
  loop_.advance(kLeaseLife - milliseconds(1));
  EXPECT_THAT(executor_.released, IsEmpty());
  loop_.advance(kLeaseLife / 4 + milliseconds(1));
  EXPECT_THAT(executor_.released, ElementsAre(Pair(here("i", 2), ReleaseKind::kLost)));
  EXPECT_EQ(api_->leases_given(), 0U);
  loop_.advance(2 * kLeaseLife);
  EXPECT_EQ(executor_.released.size(), 1U);
}

TEST_F(WorkerApiLeases, EndsByItsUse) {
  give(gateway_, "i");
  execute(gateway_, "i", 2);
  EXPECT_EQ(api_->leases_given(), 0U);
  loop_.advance(2 * kLeaseLife);
  EXPECT_THAT(executor_.released, IsEmpty()) << "while it is executed on";
  executor_.asked.back().finish();
  EXPECT_EQ(api_->leases_given(), 1U);
  loop_.advance(2 * kLeaseLife);
  EXPECT_THAT(executor_.released, ElementsAre(Pair(here("i", 3), ReleaseKind::kLost)));
}

TEST_F(WorkerApiLeases, EndsByItsReturn) {
  give(gateway_, "i");
  gateway_.ask("/leases", "keep i 0 2\n");
  EXPECT_EQ(api_->leases_given(), 0U);
  loop_.advance(2 * kLeaseLife);
  EXPECT_THAT(executor_.released, ElementsAre(Pair(here("i", 2), ReleaseKind::kKeep)));
}

// An allocation may have been announced twice: who comes second must not make the first one's lease nobody's.
TEST_F(WorkerApiLeases, IsNotEndedByWhoTriesAnOldOffer) {
  give(gateway_, "i");
  PlayedGateway other(*api_, "h", key_);
  execute(other, "i", 1);
  executor_.asked.back().refuse(model::Refusal::kGone);
  other.ask("/leases", "keep i 0 1\n");
  executor_.released.clear();
  gateway_.close();
  EXPECT_THAT(executor_.released, ElementsAre(Pair(here("i", 2), ReleaseKind::kLost)));
}

TEST_F(WorkerApiLeases, ComesBackWithTheLastConnectionOfItsHolder) {
  PlayedGateway second(*api_, "g", key_);
  give(gateway_, "i");
  give(second, "j");
  gateway_.close();
  EXPECT_THAT(executor_.released, IsEmpty());
  second.close();
  EXPECT_THAT(executor_.released, UnorderedElementsAre(Pair(here("i", 2), ReleaseKind::kLost),
                                                       Pair(here("j", 2), ReleaseKind::kLost)));
  EXPECT_EQ(api_->sessions(), 0U);
}

TEST_F(WorkerApiLeases, AnotherHoldersStay) {
  PlayedGateway other(*api_, "h", key_);
  give(gateway_, "i");
  give(other, "j");
  other.close();
  EXPECT_THAT(executor_.released, ElementsAre(Pair(here("j", 2), ReleaseKind::kLost)));
  EXPECT_EQ(api_->leases_given(), 1U);
}

// Anybody may open a session in another's name; only a sealed message shows who has the key.
TEST_F(WorkerApiLeases, WhoHasProvedNothingEndsNothingAndKeepsNothing) {
  give(gateway_, "i");
  {
    PlayedGateway stranger(*api_, "g", cluster::cluster_key("guessed"));
    EXPECT_EQ(stranger.ask("/leases")->status(), 401);
    stranger.close();
  }
  EXPECT_THAT(executor_.released, IsEmpty());
  PlayedGateway silent(*api_, "g", cluster::cluster_key("guessed"));
  PlayedGateway refused(*api_, "g", cluster::cluster_key("guessed"));
  EXPECT_EQ(refused.ask("/leases")->status(), 401);
  gateway_.close();
  EXPECT_EQ(executor_.released.size(), 1U) << "they are no connections of its holder";
  silent.close();
  refused.close();
  EXPECT_EQ(executor_.released.size(), 1U);
}

TEST_F(WorkerApiLeases, ANewConnectionCountsAnew) {
  give(gateway_, "i");
  gateway_.close();
  executor_.released.clear();
  PlayedGateway again(*api_, "g", key_);
  give(again, "j");
  EXPECT_THAT(executor_.released, IsEmpty());
  again.close();
  EXPECT_THAT(executor_.released, ElementsAre(Pair(here("j", 2), ReleaseKind::kLost)));
}

TEST_F(WorkerApiLeases, OfACallerThatHasGoneIsGivenBackAtOnce) {
  const Answer answer = execute(gateway_, "i");
  answer->there = false;
  executor_.asked[0].finish();
  EXPECT_THAT(executor_.released, ElementsAre(Pair(here("i", 2), ReleaseKind::kKeep)));
  EXPECT_EQ(api_->leases_given(), 0U);
  const Answer second = execute(gateway_, "i");
  second->there = false;
  executor_.asked[1].finish("1", /*reusable=*/false);
  EXPECT_EQ(executor_.released.size(), 1U);
}

TEST_F(WorkerApiLeases, WithoutALeaseNothingIsWrittenDown) {
  const Answer answer = execute(gateway_, "i");
  executor_.asked[0].finish("1", /*reusable=*/false);
  EXPECT_EQ(answer->status(), 200);
  EXPECT_EQ(api_->leases_given(), 0U);
}

}  // namespace
}  // namespace hearth::worker
