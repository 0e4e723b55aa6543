#include "membership/fleet.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/manual_event_loop.h"
#include "messaging/inproc/inproc_member_directory.h"

namespace hearth::membership {
namespace {

using model::Member;
using model::MemberRole;
using model::MemberState;

class FleetTest : public testing::Test {
 protected:
  void put(const std::string& id, MemberState state = MemberState::kServing,
           MemberRole role = MemberRole::kWorker) {
    Member card{id, role, state, "http://" + id + ":1", "1", 0, ++beat_, {}, {}};
    if (role == MemberRole::kWorker) {
      card.worker.emplace().memory_total_mb = 1'024;
    } else {
      card.gateway.emplace();
    }
    directory_.publish(card, [](const auto&) {});
  }
  std::string drain(Fleet& fleet, const std::string& id) {
    std::string answer = "none yet";
    fleet.drain(id, [&](const base::Result<void>& drained) {
      answer = drained ? "ok" : std::string(to_string(drained.error().code));
    });
    home_.run_posted();
    loop_.run_posted();
    return answer;
  }

  base::ManualEventLoop home_;
  base::ManualEventLoop loop_;
  messaging::InprocMemberDirectory directory_;
  std::uint64_t beat_ = 0;
  std::vector<std::string> asked_;
  base::Result<void> answer_;
  DirectoryFleet fleet_{{}, home_, directory_, [this](const Member& member, const Fleet::Drained& done) {
                          asked_.push_back(member.id);
                          done(answer_);
                        }};
};

TEST_F(FleetTest, ListsThoseThatAreThere) {
  put("a");
  put("b", MemberState::kDraining);
  put("c", MemberState::kLeft);
  std::size_t listed = 0;
  fleet_.members([&](const base::Result<std::vector<Member>>& members) { listed = members.value().size(); });
  EXPECT_EQ(listed, 2U);
  std::optional<Capacity> capacity;
  fleet_.capacity([&](const base::Result<Capacity>& counted) { capacity = counted.value(); });
  EXPECT_EQ(capacity.value().workers, 1U);
  EXPECT_EQ(capacity.value().workers_draining, 1U);
}

TEST_F(FleetTest, AsksTheWorkerOfThatIdOrUriToLeave) {
  put("a");
  put("b");
  EXPECT_EQ(drain(fleet_, "b"), "ok");
  EXPECT_EQ(drain(fleet_, "http://a:1"), "ok");
  EXPECT_EQ(asked_, (std::vector<std::string>{"b", "a"}));
  answer_ = base::Error{base::ErrorCode::kTimeout, "no answer"};
  EXPECT_EQ(drain(fleet_, "a"), "timeout");
}

TEST_F(FleetTest, WhoIsNoWorkerOrHasLeftIsNotFound) {
  put("a", MemberState::kLeft);
  put("g", MemberState::kServing, MemberRole::kGateway);
  for (const char* id : {"a", "g", "http://g:1", "", "nobody"}) {
    EXPECT_EQ(drain(fleet_, id), "not_found") << id;
  }
  EXPECT_TRUE(asked_.empty());
}

TEST_F(FleetTest, WhoDrainsAlreadyIsNotAskedAgain) {
  put("a", MemberState::kDraining);
  EXPECT_EQ(drain(fleet_, "a"), "ok");
  EXPECT_TRUE(asked_.empty());
}

TEST_F(FleetTest, IsAskedFromAnotherLoop) {
  put("a");
  DistantFleet distant(home_, fleet_, loop_);
  std::size_t listed = 0;
  std::size_t workers = 0;
  distant.members([&](const base::Result<std::vector<Member>>& members) { listed = members.value().size(); });
  distant.capacity([&](const base::Result<Capacity>& counted) { workers = counted.value().workers; });
  home_.run_posted();
  EXPECT_EQ(listed, 0U) << "the answer comes on the asker's loop";
  loop_.run_posted();
  EXPECT_EQ(listed, 1U);
  EXPECT_EQ(workers, 1U);
  EXPECT_EQ(drain(distant, "a"), "ok");
}

}  // namespace
}  // namespace hearth::membership
