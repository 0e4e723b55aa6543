#include "launcher/testing/client_fixture.h"

namespace hearth::launcher::client_test {
namespace {

TEST_F(ClientTest, AStartedProgramSpeaksOnItsDescriptors) {
  auto [control, control_inside] = socket_pair(SOCK_STREAM);
  auto [out, out_inside] = socket_pair(SOCK_STREAM);
  auto [err, err_inside] = socket_pair(SOCK_STREAM);
  const int sent = control_inside.get();
  client_->start(script("one", "read line <&3; echo \"got $line\" >&3; echo to-out; echo to-err >&2; exit 5"),
                 {{}, std::move(control_inside), std::move(out_inside), std::move(err_inside), {}});
  EXPECT_LT(::fcntl(sent, F_GETFD), 0) << "closed as soon as it is sent";
  ASSERT_EQ(::write(control.get(), "hello\n", 6), 6);
  ASSERT_TRUE(client_->run_until([](const Record& record) { return record.exits.contains("one"); }));
  EXPECT_TRUE(client_->record().done.at("one").at(0).ok());
  EXPECT_EQ(client_->record().exits.at("one").at(0), (sandbox::Exit{"one", ExitReason::kExited, 5, 0}));
  EXPECT_EQ(read_until_end(control), "got hello\n");
  EXPECT_EQ(read_until_end(out), "to-out\n");
  EXPECT_EQ(read_until_end(err), "to-err\n");
}

TEST_F(ClientTest, TwoHundredStartsAtOnce) {
  constexpr int kCount = 200;
  for (int i = 0; i < kCount; ++i) {
    auto [mine, inside] = socket_pair(SOCK_STREAM);
    client_->start(script("s" + std::to_string(i), "exit " + std::to_string(i)),
                   {{}, std::move(inside), {}, {}, {}});
  }
  ASSERT_TRUE(client_->run_until([](const Record& record) { return record.exits.size() == kCount; }));
  EXPECT_EQ(client_->record().done.size(), static_cast<std::size_t>(kCount));
  for (int i = 0; i < kCount; ++i) {
    const std::string name = "s" + std::to_string(i);
    ASSERT_EQ(client_->record().done.at(name).size(), 1U);
    EXPECT_TRUE(client_->record().done.at(name).at(0).ok());
    ASSERT_EQ(client_->record().exits.at(name).size(), 1U);
    EXPECT_EQ(client_->record().exits.at(name).at(0).code, i);
  }
}

TEST_F(ClientTest, RemovesWhatIsLivingAndWhatIsBeingStarted) {
  auto [control, inside] = socket_pair(SOCK_STREAM);
  client_->start(script("one", "read never <&3"), {{}, std::move(inside), {}, {}, {}});
  client_->remove("one");
  client_->remove("one");
  client_->remove("nobody");
  client_->set_limits("nobody");
  client_->set_limits("one");
  ASSERT_TRUE(client_->run_until([](const Record& record) { return record.exits.contains("one"); }));
  EXPECT_EQ(client_->record().exits.at("one").at(0).reason, ExitReason::kRemoved);
  client_->start(script("one", "exit 0"));
  ASSERT_TRUE(client_->run_until([](const Record& record) { return record.exits.at("one").size() == 2; }));
}

TEST_F(ClientTest, ARefusedStartIsOver) {
  sandbox::Spec forbidden = script("one", "exit 0");
  forbidden.program = "/bin/true";
  client_->start(forbidden);
  ASSERT_TRUE(client_->run_until([](const Record& record) { return record.done.contains("one"); }));
  EXPECT_EQ(client_->record().done.at("one").at(0).error().code, ErrorCode::kInvalidArgument);
  client_->start(script("one", "exit 0"));
  ASSERT_TRUE(client_->run_until([](const Record& record) { return record.exits.contains("one"); }));
}

TEST_F(ClientTest, RefusesANameThatLivesAndWhatIsTooLarge) {
  auto [control, inside] = socket_pair(SOCK_STREAM);
  client_->start(script("one", "read never <&3"), {{}, std::move(inside), {}, {}, {}});
  client_->start(script("one", "exit 0"));
  client_->start(script("two", std::string(kMaxArgumentBytes + 1, 'x')));
  ASSERT_TRUE(client_->run_until(
      [](const Record& record) { return record.done.contains("two") && record.done.at("one").size() == 2; }));
  EXPECT_EQ(client_->record().done.at("two").at(0).error().code, ErrorCode::kTooLarge);
  EXPECT_NE(client_->record().done.at("one").at(0).ok(), client_->record().done.at("one").at(1).ok());
}

TEST_F(ClientTest, AKilledLauncherIsReportedOnce) {
  auto [control, inside] = socket_pair(SOCK_STREAM);
  client_->start(script("living", "read never <&3"), {{}, std::move(inside), {}, {}, {}});
  ASSERT_TRUE(client_->run_until([](const Record& record) { return record.done.contains("living"); }));
  ASSERT_EQ(::kill(pid_, SIGSTOP), 0);
  client_->start(script("starting", "exit 0"));
  client_->assign("living", some_folder());
  ASSERT_EQ(::kill(pid_, SIGKILL), 0);
  ASSERT_TRUE(client_->run_until([](const Record& record) { return !record.lost.empty(); }));
  const Record& record = client_->record();
  EXPECT_EQ(record.done.at("starting").at(0).error(), record.lost.at(0));
  EXPECT_EQ(record.assigned.at("living").at(0).error(), record.lost.at(0));
  EXPECT_EQ(record.exits.at("living").at(0), (sandbox::Exit{"living", ExitReason::kSignaled, SIGKILL, 0}));
  EXPECT_FALSE(record.exits.contains("starting"));

  client_->remove("living");
  client_->set_limits("living");
  client_->start(script("late", "exit 0"));
  ASSERT_TRUE(client_->run_until([](const Record& later) { return later.done.contains("late"); }));
  EXPECT_FALSE(record.done.at("late").at(0).ok());
  client_->run_ready();
  EXPECT_EQ(record.lost.size(), 1U);
  EXPECT_EQ(record.exits.at("living").size(), 1U);
}

TEST_F(ClientAloneTest, QueuesWhatTheSocketDoesNotTakeUpToABound) {
  constexpr std::size_t kMany = 4 * kMaxQueuedRequests;
  const auto carries_descriptor = [](std::size_t i) { return i % 16 == 0; };
  std::size_t refused = 0;
  for (std::size_t i = 0; i < kMany; ++i) {
    sandbox::Descriptors descriptors;
    if (carries_descriptor(i)) {
      descriptors.err = socket_pair(SOCK_STREAM).first;
    }
    client_->start(script("s" + std::to_string(i), "x"), std::move(descriptors));
  }
  client_->remove("s0");
  client_->run_ready();
  for (const auto& [name, results] : client_->record().done) {
    ASSERT_EQ(results.size(), 1U);
    ASSERT_EQ(results[0].error().code, ErrorCode::kExhausted);
    ++refused;
  }
  EXPECT_GT(refused, 0U);

  std::vector<Request> all;
  while (all.empty() || !std::holds_alternative<RemoveRequest>(all.back())) {
    client_->run_ready();
    const std::size_t before = all.size();
    while (auto request = heard()) {
      const bool start = std::holds_alternative<StartRequest>(*request);
      ASSERT_EQ(receiver_.descriptors().size(), start && carries_descriptor(all.size()) ? 1U : 0U);
      all.push_back(std::move(*request));
    }
    ASSERT_GT(all.size(), before) << "the queue does not drain";
  }
  EXPECT_EQ(all.size() - 1, kMany - refused);
  EXPECT_GE(all.size() - 1, kMaxQueuedRequests);
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    ASSERT_EQ(std::get<StartRequest>(all[i]).spec.name, "s" + std::to_string(i))
        << "in the order of the calls";
  }
}

TEST_F(ClientAloneTest, AsksForEachRemovalOnce) {
  client_->start(script("one", "x"));
  client_->remove("one");
  client_->remove("one");
  client_->remove("nobody");
  EXPECT_TRUE(heard().has_value()) << "the start";
  EXPECT_EQ(heard(), Request(RemoveRequest{"one"}));
  EXPECT_EQ(heard(), std::nullopt);
}

TEST_F(ClientAloneTest, NonsenseFromTheLauncherIsALoss) {
  client_->start(script("one", "x"));
  ASSERT_EQ(send_packet(far_.get(), "nonsense", {}, 0), 0);
  ASSERT_TRUE(client_->run_until([](const Record& record) { return !record.lost.empty(); }));
  EXPECT_EQ(client_->record().lost.at(0).code, ErrorCode::kCorrupt);
  EXPECT_FALSE(client_->record().done.at("one").at(0).ok());
  ASSERT_TRUE(heard().has_value());
  EXPECT_EQ(receiver_.receive(far_.get(), 0).value(), PacketReceiver::Outcome::kEnd);
}

TEST_F(ClientAloneTest, LossIsNoticedBySendingToo) {
  far_.reset();
  client_->start(script("one", "x"));
  ASSERT_TRUE(client_->run_until([](const Record& record) { return !record.lost.empty(); }));
  EXPECT_EQ(client_->record().done.at("one").size(), 1U);
}

TEST_F(ClientAloneTest, DestroyingItClosesTheSocketAndSilencesIt) {
  client_->start(script("one", "x"));
  client_->start(script("one", "x"));  // refused: its callback is on the loop already
  say(Started{"one"});
  client_->destroy();
  client_->run_ready();
  EXPECT_TRUE(client_->record().done.empty());
  EXPECT_EQ(receiver_.receive(far_.get(), 0).value(), PacketReceiver::Outcome::kEnd);
}

TEST(Client, MayBeDestroyedByItsOwnCallback) {
  base::Reactor reactor;
  auto [near, far] = socket_pair(SOCK_SEQPACKET);
  int called = 0;
  std::optional<Client> client;
  client.emplace(reactor, std::move(near), [&](const base::Error&) { ++called; });
  for (const char* name : {"one", "two"}) {
    client->start(script(name, "x"), {}, [&](base::Result<sandbox::Control>) {
      ++called;
      client.reset();
    });
    ASSERT_EQ(send_packet(far.get(), encode(Notice(Started{name})).value(), {}, 0), 0);
  }
  reactor.poll();
  EXPECT_EQ(called, 1);
}

}  // namespace
}  // namespace hearth::launcher::client_test
