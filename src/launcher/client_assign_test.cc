// Sandboxes that are given their code while they live, as the worker's end sees it.
#include "launcher/testing/client_fixture.h"

namespace hearth::launcher::client_test {
namespace {

TEST_F(ClientTest, AssignsOnceStartedAndPassesErrorsOn) {
  auto [control, inside] = socket_pair(SOCK_STREAM);
  auto [bad_control, bad_inside] = socket_pair(SOCK_STREAM);
  client_->start(script("one", "read never <&3"), {{}, std::move(inside), {}, {}, {}});
  client_->start(script("bad", "read never <&3"), {{}, std::move(bad_inside), {}, {}, {}});
  for (const auto* name : {"one", "nobody"}) {
    client_->assign(name, some_folder());
  }
  ASSERT_TRUE(client_->run_until(
      [](const Record& record) { return record.done.size() == 2 && record.assigned.size() == 2; }));
  EXPECT_EQ(client_->record().assigned.at("one").at(0).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(client_->record().assigned.at("nobody").at(0).error().code, ErrorCode::kNotFound);
  client_->assign("one", some_folder());
  client_->assign("one", some_folder());
  client_->assign("bad", some_folder());
  ASSERT_TRUE(client_->run_until([](const Record& record) {
    return record.assigned.contains("bad") && record.assigned.at("one").size() == 3;
  }));
  const auto& assigned = client_->record().assigned;
  EXPECT_NE(assigned.at("one").at(1).ok(), assigned.at("one").at(2).ok()) << "one is under way";
  EXPECT_EQ(assigned.at("bad").at(0).error().code, ErrorCode::kBusy);
}

TEST_F(ClientAloneTest, AnEndAnswersTheAssignmentThatItMeets) {
  client_->start(script("one", "exit 0"));
  say(Started{"one"});
  ASSERT_TRUE(client_->run_until([](const Record& record) { return record.done.contains("one"); }));
  client_->assign("one", some_folder());
  say(Exited{{"one", ExitReason::kExited, 0, 0}});
  say(NotAssigned{"one", {ErrorCode::kNotFound, "no such sandbox"}});
  ASSERT_TRUE(client_->run_until([](const Record& record) { return record.exits.contains("one"); }));
  client_->run_ready();
  ASSERT_EQ(client_->record().assigned.at("one").size(), 1U);
  EXPECT_FALSE(client_->record().assigned.at("one").at(0).ok());
}

}  // namespace
}  // namespace hearth::launcher::client_test
