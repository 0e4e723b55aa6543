#include "membership/heartbeat.h"

#include <gtest/gtest.h>

#include <string>

#include "base/manual_event_loop.h"

namespace hearth::membership {
namespace {

using model::Member;
using model::MemberState;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Answers as it is told to.
class PlayedDirectory final : public messaging::MemberDirectory {
 public:
  void publish(const Member& card, Published done) override {
    cards.push_back(card);
    if (answers) {
      done(known);
    } else {
      unanswered.push_back(std::move(done));
    }
  }
  void list(Listed done) override {
    ++lists;
    done(members);
  }
  void drop_entries(const std::string& /*uri*/, Dropped done) override { done(std::size_t{0}); }

  std::vector<Member> cards;
  std::vector<Published> unanswered;
  base::Result<bool> known = false;
  base::Result<std::vector<Member>> members = std::vector<Member>();
  int lists = 0;
  bool answers = true;
};

class HeartbeatTest : public testing::Test {
 protected:
  std::unique_ptr<Heartbeat> start(milliseconds interval = seconds(1), bool looks = true) {
    HeartbeatParts parts{
        loop_, directory_, [this](const auto& told) { told(load_); }, [this] { ++forgotten_; }, {}};
    if (looks) {
      parts.looked = [this](const std::vector<Member>& members) { seen_ = members.size(); };
    }
    Member about;
    about.id = "worker-1";
    auto heartbeat =
        std::make_unique<Heartbeat>(CardMaker(std::move(about), std::chrono::minutes(5)), interval, parts);
    heartbeat->start();
    return heartbeat;
  }

  base::ManualEventLoop loop_;
  PlayedDirectory directory_;
  Load load_;
  int forgotten_ = 0;
  std::size_t seen_ = 0;
};

TEST(HeartbeatInterval, IsASecondAndNeverRarerThanAFifthOfTheTimeout) {
  EXPECT_EQ(heartbeat_interval(seconds(5)), seconds(1));
  EXPECT_EQ(heartbeat_interval(seconds(60)), seconds(1));
  EXPECT_EQ(heartbeat_interval(seconds(2)), milliseconds(400));
  EXPECT_EQ(heartbeat_interval(milliseconds(1)), milliseconds(1));
}

TEST_F(HeartbeatTest, BeatsAtOnceAndThenAtItsInterval) {
  directory_.members = std::vector<Member>(3);
  load_.worker.emplace().memory_busy_mb = 7;
  const auto heartbeat = start();
  EXPECT_EQ(directory_.cards.size(), 1U);
  loop_.advance(seconds(3));
  ASSERT_EQ(directory_.cards.size(), 4U);
  EXPECT_EQ(directory_.cards[3].beat, 4U);
  EXPECT_EQ(directory_.cards[3].worker.value().memory_busy_mb, 7U);
  EXPECT_EQ(seen_, 3U);
}

TEST_F(HeartbeatTest, WhoDoesNotWantToKnowDoesNotLook) {
  const auto heartbeat = start(seconds(1), /*looks=*/false);
  loop_.advance(seconds(3));
  EXPECT_EQ(directory_.lists, 0);
}

TEST_F(HeartbeatTest, WhoWasForgottenIsToldOnce) {
  const auto heartbeat = start();
  EXPECT_EQ(forgotten_, 0) << "the first card is new";
  directory_.known = true;
  loop_.advance(seconds(1));
  directory_.known = base::Error{base::ErrorCode::kUnavailable, "nobody"};
  loop_.advance(seconds(1));
  EXPECT_EQ(forgotten_, 0) << "nothing is known";
  directory_.known = false;
  loop_.advance(seconds(1));
  EXPECT_EQ(forgotten_, 1);
  directory_.known = true;
  loop_.advance(seconds(5));
  EXPECT_EQ(forgotten_, 1);
}

TEST_F(HeartbeatTest, ADirectoryThatDoesNotAnswerChangesNothing) {
  const auto heartbeat = start();
  seen_ = 9;
  directory_.members = base::Error{base::ErrorCode::kUnavailable, "nobody"};
  loop_.advance(seconds(1));
  EXPECT_EQ(seen_, 9U);
}

TEST_F(HeartbeatTest, DrainingIsSaidAtOnceAndLeavingIsTheLastCard) {
  const auto heartbeat = start();
  directory_.known = true;
  heartbeat->drain();
  EXPECT_EQ(directory_.cards.back().state, MemberState::kDraining);
  directory_.answers = false;
  int gone = 0;
  heartbeat->leave([&] { ++gone; });
  EXPECT_EQ(directory_.cards.back().state, MemberState::kLeft);
  EXPECT_EQ(gone, 0);
  directory_.unanswered.back()(true);
  EXPECT_EQ(gone, 1);
  const std::size_t cards = directory_.cards.size();
  loop_.advance(seconds(10));
  EXPECT_EQ(directory_.cards.size(), cards);
  EXPECT_EQ(forgotten_, 0);
}

TEST_F(HeartbeatTest, AnAnswerAfterItsEndIsNobodys) {
  directory_.answers = false;
  auto heartbeat = start();
  heartbeat.reset();
  directory_.unanswered.back()(true);
  EXPECT_EQ(loop_.pending_timers(), 0U);
}

}  // namespace
}  // namespace hearth::membership
