#include "monitor/member_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::monitor {
namespace {

using model::Member;
using model::MemberRole;
using model::MemberState;
using testing::ElementsAre;
using testing::IsEmpty;

Member member(const std::string& id, MemberState state = MemberState::kServing,
              const std::string& uri = "http://h:1") {
  Member made{id, MemberRole::kWorker, state, uri, "1", 0, 1, {}, {}};
  if (state != MemberState::kLeft) {
    made.worker.emplace();
  }
  return made;
}

std::vector<std::string> look(MemberWatch& watch, const std::vector<Member>& members) {
  std::vector<std::string> told;
  for (const MemberEvent& event : watch.look(members)) {
    told.push_back(event.member.id + " " + std::string(to_string(event.fate)) +
                   (event.uri_is_free ? " for good" : ""));
  }
  return told;
}

TEST(MemberWatch, TellsWhoComesDrainsAndLeavesOnce) {
  MemberWatch watch;
  EXPECT_THAT(look(watch, {member("a"), member("b")}), ElementsAre("a is there", "b is there"));
  EXPECT_THAT(look(watch, {member("a"), member("b")}), IsEmpty());
  EXPECT_THAT(look(watch, {member("a", MemberState::kDraining), member("b")}),
              ElementsAre("a is about to leave"));
  EXPECT_THAT(look(watch, {member("a", MemberState::kDraining), member("b")}), IsEmpty());
  EXPECT_THAT(look(watch, {member("a", MemberState::kLeft), member("b")}), ElementsAre("a has left"));
  EXPECT_THAT(look(watch, {member("a", MemberState::kLeft), member("b")}), IsEmpty());
  EXPECT_THAT(look(watch, {member("b")}), IsEmpty());
  EXPECT_EQ(watch.members(), 1U);
}

TEST(MemberWatch, WhoIsMissingInAFewLooksIsLost) {
  MemberWatch watch;
  look(watch, {member("a")});
  EXPECT_THAT(look(watch, {}), IsEmpty());
  EXPECT_THAT(look(watch, {}), IsEmpty());
  EXPECT_THAT(look(watch, {member("a")}), IsEmpty()) << "the directory had been emptied";
  look(watch, {});
  look(watch, {});
  EXPECT_THAT(look(watch, {}), ElementsAre("a is lost for good"));
  EXPECT_THAT(look(watch, {}), IsEmpty());
  EXPECT_THAT(look(watch, {member("a")}), ElementsAre("a is there")) << "it had only been stopped";
}

TEST(MemberWatch, TheUriOfALostWorkerMayBeAnothersAlready) {
  MemberWatch watch;
  look(watch, {member("a")});
  EXPECT_THAT(look(watch, {member("b")}), ElementsAre("b is there"));
  look(watch, {member("b")});
  EXPECT_THAT(look(watch, {member("b")}), ElementsAre("a is lost"));
  look(watch, {member("c", MemberState::kServing, "")});
  look(watch, {});
  look(watch, {});
  EXPECT_THAT(look(watch, {}), ElementsAre("c is lost")) << "it had none; b went a look earlier";
}

TEST(MemberWatch, WhoHadLeftBeforeTheFirstLookIsNotTold) {
  MemberWatch watch;
  EXPECT_THAT(look(watch, {member("a", MemberState::kLeft)}), IsEmpty());
}

}  // namespace
}  // namespace hearth::monitor
