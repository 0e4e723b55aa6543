#include "messaging/redis/member_text.h"

#include <gtest/gtest.h>

namespace hearth::messaging {
namespace {

using model::Member;
using model::MemberRole;
using model::MemberState;

Member full_card() {
  Member card{"serve-7k3v9x",
              MemberRole::kServe,
              MemberState::kDraining,
              "http://10.0.0.2:8081",
              "0.1.0",
              1'800'000'000'000,
              42,
              {},
              {}};
  card.worker = {4'096, 1'024, 2'048, 3'072, 1, {{"idle", 2}, {"running", 1}}, 5};
  card.gateway = {3, 7, 384, 512};
  return card;
}

TEST(MemberText, IsReadAsItWasWritten) {
  const Member card = full_card();
  EXPECT_EQ(member_of(to_text(card).value()), card);
  const Member bare{"gateway-1", MemberRole::kGateway, MemberState::kServing, "", "", 0, 0, {}, {}};
  EXPECT_EQ(member_of(to_text(bare).value()), bare);
  Member idle = bare;
  idle.gateway.emplace();
  EXPECT_EQ(member_of(to_text(idle).value()), idle) << "a gateway without calls is one all the same";
}

TEST(MemberText, OfANewerReleaseIsUnderstood) {
  const std::string newer = to_text(full_card()).value() +
                            " colour=blue worker.gpus=many gateway.mood=9.5 worker.instances.hibernating=3";
  const auto read = member_of(newer);
  ASSERT_TRUE(read);
  Member expected = full_card();
  expected.worker->instances["hibernating"] = 3;
  EXPECT_EQ(*read, expected);
  const auto unheard_of = member_of("id=x role=scheduler state=pondering");
  ASSERT_TRUE(unheard_of);
  EXPECT_EQ(unheard_of->role, MemberRole::kOther);
  EXPECT_EQ(unheard_of->state, MemberState::kServing);
}

TEST(MemberText, OfAnOlderReleaseIsUnderstood) {
  const auto read = member_of("id=worker-1 role=worker worker.total-mb=1024");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->role, MemberRole::kWorker);
  EXPECT_EQ(read->worker.value().memory_total_mb, 1'024U);
  EXPECT_EQ(read->worker.value().memory_free_mb, 0U);
  EXPECT_FALSE(read->gateway);
}

TEST(MemberText, MalformedIsNotRead) {
  for (const char* text :
       {"", " ", "role=worker", "id=", "id=a role", "id=a beat=-1", "id=a beat=x", "id=a started-ms=-5",
        "id=a worker.total-mb=5000000000", "id=a started-ms=18446744073709551615", "id=a  role=worker",
        "id=a worker.instances.idle=one", "id=a\tb"}) {
    EXPECT_FALSE(member_of(text)) << text;
  }
  EXPECT_FALSE(member_of("id=" + std::string(kMemberTextBytes, 'a')));
}

TEST(MemberText, OnlyWordsAreWritten) {
  Member card = full_card();
  card.uri = "http://a b";
  EXPECT_FALSE(to_text(card));
  card = full_card();
  card.id = "";
  EXPECT_FALSE(to_text(card));
  card = full_card();
  card.worker->instances["a=b"] = 1;
  EXPECT_FALSE(to_text(card));
  card = full_card();
  card.release = std::string(kMemberTextBytes, 'v');
  EXPECT_FALSE(to_text(card));
}

}  // namespace
}  // namespace hearth::messaging
