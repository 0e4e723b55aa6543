// What every directory of members promises; run against each adapter there is.
#include "messaging/testing/member_conformance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace hearth::messaging {
namespace {

using model::Member;
using model::MemberRole;
using model::MemberState;
using testing::ElementsAre;

class DirectoryConformance : public testing::TestWithParam<DirectoryBackend> {
 protected:
  void SetUp() override { subject_ = GetParam().make(); }

  static Member worker(const std::string& id, std::uint64_t beat = 1) {
    Member card{
        id, MemberRole::kWorker, MemberState::kServing, "http://10.0.0.1:8081", "0.1.0", 1'000, beat, {}, {}};
    card.worker = {2'048, 1'024, 512, 768, 1, {{"idle", 1}}, 2};
    return card;
  }
  // Whether there was one before.
  bool publish(const Member& card) {
    std::optional<base::Result<bool>> known;
    directory().publish(card, [&](base::Result<bool> answer) { known = std::move(answer); });
    EXPECT_TRUE(subject_.run_until([&] { return known.has_value(); }));
    EXPECT_TRUE(known->ok());
    return known->ok() && **known;
  }
  std::vector<Member> list() {
    std::optional<base::Result<std::vector<Member>>> members;
    directory().list([&](base::Result<std::vector<Member>> answer) { members = std::move(answer); });
    EXPECT_TRUE(subject_.run_until([&] { return members.has_value(); }));
    EXPECT_TRUE(members->ok());
    return members->ok() ? **members : std::vector<Member>();
  }
  MemberDirectory& directory() { return *subject_.directory; }

  DirectorySubject subject_;
};

TEST_P(DirectoryConformance, IsEmptyAtFirst) { EXPECT_TRUE(list().empty()); }

TEST_P(DirectoryConformance, ListsWhatWasPublishedInEveryFieldById) {
  Member gateway{"gateway-1", MemberRole::kGateway, MemberState::kServing, "", "0.2.0", 2'000, 9, {}, {}};
  gateway.gateway = {1, 2, 128, 256};
  EXPECT_FALSE(publish(worker("worker-1")));
  EXPECT_FALSE(publish(gateway));
  EXPECT_THAT(list(), ElementsAre(gateway, worker("worker-1")));
}

TEST_P(DirectoryConformance, ANewerCardTakesTheOldersPlace) {
  publish(worker("worker-1", 1));
  Member newer = worker("worker-1", 2);
  newer.state = MemberState::kDraining;
  newer.worker->memory_busy_mb = 1'024;
  EXPECT_TRUE(publish(newer));
  EXPECT_THAT(list(), ElementsAre(newer));
}

TEST_P(DirectoryConformance, WhoHasLeftIsToldAsSuch) {
  publish(worker("worker-1", 1));
  Member last = worker("worker-1", 2);
  last.state = MemberState::kLeft;
  EXPECT_TRUE(publish(last));
  EXPECT_THAT(list(), ElementsAre(last));
}

TEST_P(DirectoryConformance, EntriesOfAWorkerThatAnnouncedNoneAreNone) {
  std::optional<base::Result<std::size_t>> dropped;
  directory().drop_entries("http://10.0.0.9:1", [&](base::Result<std::size_t> count) { dropped = count; });
  EXPECT_TRUE(subject_.run_until([&] { return dropped.has_value(); }));
  ASSERT_TRUE(dropped->ok());
  EXPECT_EQ(**dropped, 0U);
}

INSTANTIATE_TEST_SUITE_P(Adapters, DirectoryConformance, testing::ValuesIn(member_directories()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace hearth::messaging
