#include "launcher/server.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "launcher/codec.h"
#include "launcher/testing/backends.h"

namespace hearth::launcher {
namespace {

using base::ErrorCode;
using base::UniqueFd;
using sandbox::ExitReason;
using std::chrono::milliseconds;

sandbox::Spec spec_named(std::string name) {
  sandbox::Spec spec;
  spec.name = std::move(name);
  spec.program = "/bin/program";
  return spec;
}

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.policy.programs = {"/bin/program"};
    options_.policy.sandboxes = 3;
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer_.reset(ends[0]);
    far_.reset(ends[1]);
  }

  void TearDown() override { (void)stop(); }

  void run() {
    thread_ = std::thread([this] { result_ = Server(backend_, options_).run(std::move(far_)); });
  }

  // Closes the peer's end and returns what run() returned.
  base::Result<void> stop() {
    peer_.reset();
    if (thread_.joinable()) {
      thread_.join();
    }
    return result_;
  }

  // run()'s result when the server ends by itself.
  base::Result<void> await_end() {
    EXPECT_EQ(receiver_.receive(peer_.get(), 0).value(), PacketReceiver::Outcome::kEnd);
    thread_.join();
    return result_;
  }

  void send(const Request& request, std::span<const int> descriptors = {}) {
    ASSERT_EQ(send_packet(peer_.get(), encode(request).value(), descriptors, 0), 0);
  }

  Notice receive() {
    const auto outcome = receiver_.receive(peer_.get(), 0);
    EXPECT_TRUE(outcome.ok() && *outcome == PacketReceiver::Outcome::kPacket);
    return decode_notice(receiver_.bytes()).value();
  }

  std::span<UniqueFd> received_descriptors() { return receiver_.descriptors(); }

  Notice start(const std::string& name) {
    send(StartRequest{spec_named(name), 0});
    return receive();
  }

  ErrorCode refusal(const Notice& notice) {
    const auto* refused = std::get_if<NotStarted>(&notice);
    EXPECT_NE(refused, nullptr);
    return refused == nullptr ? ErrorCode::kInternal : refused->error.code;
  }

  ScriptedBackend backend_;
  ServerOptions options_;
  UniqueFd peer_;

 private:
  UniqueFd far_;
  PacketReceiver receiver_;
  base::Result<void> result_;
  std::thread thread_;
};

TEST_F(ServerTest, StartsAndReportsTheEnd) {
  run();
  EXPECT_EQ(start("one"), Notice(Started{"one"}));
  EXPECT_EQ(backend_.started(), std::vector{spec_named("one")});
  const sandbox::Exit exit{"one", ExitReason::kOutOfMemory, 9, 123};
  backend_.end(exit);
  EXPECT_EQ(receive(), Notice(Exited{exit}));
  EXPECT_EQ(start("one"), Notice(Started{"one"})) << "the name is free again";
  EXPECT_TRUE(stop().ok());
}

TEST_F(ServerTest, AsksAgainUntilAnEndIsOver) {
  run();
  start("one");
  start("two");
  const auto begun = std::chrono::steady_clock::now();
  backend_.end({"one", ExitReason::kExited, 1, 0}, 10);
  EXPECT_EQ(receive(), Notice(Exited{{"one", ExitReason::kExited, 1, 0}}));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(8)) << "ten periods of collect()";
  send(RemoveRequest{"two"});
  EXPECT_EQ(receive(), Notice(Exited{{"two", ExitReason::kRemoved, 0, 0}}));
}

TEST_F(ServerTest, DescriptorsArriveInTheirSlots) {
  run();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  send(StartRequest{spec_named("one"), 0b0100}, std::array{writing.get()});
  EXPECT_EQ(receive(), Notice(Started{"one"}));
  sandbox::Descriptors descriptors = backend_.take_descriptors();
  EXPECT_FALSE(descriptors.code_folder.valid());
  EXPECT_FALSE(descriptors.requests.valid());
  EXPECT_FALSE(descriptors.err.valid());
  ASSERT_TRUE(descriptors.out.valid());
  writing.reset();
  descriptors.out.reset();
  char byte = 0;
  EXPECT_EQ(::read(reading.get(), &byte, 1), 0) << "a copy of the writing end is still open";
}

TEST_F(ServerTest, RefusesWhatThePolicyDoesNotAllow) {
  run();
  sandbox::Spec other_program = spec_named("one");
  other_program.program = "/bin/sh";
  send(StartRequest{other_program, 0});
  EXPECT_EQ(refusal(receive()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal(start("../one")), ErrorCode::kInvalidArgument);
  const UniqueFd folder(::open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC));
  send(StartRequest{spec_named("one"), 0b0010}, std::array{folder.get()});
  EXPECT_EQ(refusal(receive()), ErrorCode::kInvalidArgument) << "a folder as the control socket";
  EXPECT_TRUE(backend_.started().empty());
}

TEST_F(ServerTest, RefusesANameThatLivesAndMoreThanItsBound) {
  run();
  start("one");
  EXPECT_EQ(refusal(start("one")), ErrorCode::kAlreadyExists);
  start("two");
  start("three");
  EXPECT_EQ(refusal(start("four")), ErrorCode::kExhausted);
  EXPECT_EQ(backend_.started().size(), 3U);
}

TEST_F(ServerTest, PassesTheBackendsErrorsOn) {
  run();
  backend_.refuse_with({ErrorCode::kExhausted, "no uid left"});
  EXPECT_EQ(start("one"), Notice(NotStarted{"one", {ErrorCode::kExhausted, "no uid left"}}));
  send(RemoveRequest{"one"});
  backend_.refuse_with({});
  EXPECT_EQ(start("one"), Notice(Started{"one"}));
  EXPECT_TRUE(backend_.removed().empty()) << "what never started is not removed";
}

TEST_F(ServerTest, HandsOverWhatASandboxIsStoppedAndMeasuredBy) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reading(ends[0]);
  backend_.freeze_by(UniqueFd(ends[1]));
  run();
  EXPECT_EQ(start("one"), Notice(Started{"one", kFreezerPresent | kMemoryPresent}));
  backend_.freeze_by({});
  ASSERT_EQ(received_descriptors().size(), 2U);
  ASSERT_EQ(::write(received_descriptors()[0].get(), "1", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(reading.get(), &byte, 1), 1);
  EXPECT_EQ(byte, '1');
  EXPECT_EQ(start("two"), Notice(Started{"two"}));
  EXPECT_EQ(::read(reading.get(), &byte, 1), 0) << "the launcher still has a copy";
}

TEST_F(ServerTest, AssignsAFolderOfCodeToALivingSandbox) {
  run();
  start("one");
  const UniqueFd folder(::open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC));
  sandbox::Limits limits;
  limits.memory_bytes = 1ULL << 29U;
  send(AssignRequest{"one", limits}, std::array{folder.get()});
  EXPECT_EQ(receive(), Notice(Assigned{"one"}));
  EXPECT_EQ(backend_.limits().at("one"), limits);
  EXPECT_TRUE(backend_.take_descriptors().code_folder.valid());
  backend_.refuse_with({ErrorCode::kBusy, "in use"});
  send(AssignRequest{"one", limits}, std::array{folder.get()});
  EXPECT_EQ(receive(), Notice(NotAssigned{"one", {ErrorCode::kBusy, "in use"}}));
}

TEST_F(ServerTest, RefusesAnAssignmentThatThePolicyDoesNotAllow) {
  run();
  start("one");
  const auto refused = [this](const std::string& name, const sandbox::Limits& limits, const char* code) {
    const UniqueFd given(::open(code, O_RDONLY | O_CLOEXEC));
    send(AssignRequest{name, limits}, std::array{given.get()});
    return std::get<NotAssigned>(receive()).error.code;
  };
  EXPECT_EQ(refused("nobody", {}, "/usr"), ErrorCode::kNotFound);
  EXPECT_EQ(refused("one", {}, "/dev/null"), ErrorCode::kInvalidArgument) << "no folder";
  sandbox::Limits beyond;
  beyond.memory_bytes = 1ULL << 50U;
  EXPECT_EQ(refused("one", beyond, "/usr"), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(backend_.limits().empty());
}

TEST_F(ServerTest, AnAssignmentWithoutItsCodeEndsTheConnection) {
  run();
  start("one");
  send(AssignRequest{"one", {}});
  EXPECT_EQ(stop().error().code, ErrorCode::kCorrupt);
}

TEST_F(ServerTest, SetsLimitsWithinTheMaxima) {
  run();
  start("one");
  sandbox::Limits limits;
  limits.memory_bytes = 1ULL << 29U;
  send(SetLimitsRequest{"one", limits});
  send(SetLimitsRequest{"nobody", limits});
  EXPECT_EQ(std::get<LimitsRefused>(receive()).error.code, ErrorCode::kNotFound);
  EXPECT_EQ(backend_.limits().at("one"), limits);
  limits.memory_bytes = 1ULL << 50U;
  send(SetLimitsRequest{"one", limits});
  EXPECT_EQ(std::get<LimitsRefused>(receive()).error.code, ErrorCode::kInvalidArgument);
  EXPECT_NE(backend_.limits().at("one"), limits);
  backend_.refuse_with({ErrorCode::kBusy, "in use"});
  limits.memory_bytes = 1;
  send(SetLimitsRequest{"one", limits});
  EXPECT_EQ(receive(), Notice(LimitsRefused{"one", {ErrorCode::kBusy, "in use"}}));
}

TEST_F(ServerTest, RemovesOnceHoweverOftenItIsAsked) {
  run();
  start("one");
  send(RemoveRequest{"one"});
  send(RemoveRequest{"one"});
  send(RemoveRequest{"nobody"});
  EXPECT_EQ(receive(), Notice(Exited{{"one", ExitReason::kRemoved, 0, 0}}));
  send(RemoveRequest{"one"});
  EXPECT_EQ(start("two"), Notice(Started{"two"}));
  EXPECT_EQ(backend_.removed(), std::vector<std::string>{"one"});
}

TEST_F(ServerTest, PreparesStartsWhenNothingIsAsked) {
  backend_.give_work(3);
  run();
  EXPECT_TRUE(backend_.await_prepared(3));
  start("one");
  EXPECT_TRUE(backend_.await_prepared(4)) << "in the place of what the start took";
  start("two");
  EXPECT_TRUE(backend_.await_prepared(5));
  EXPECT_TRUE(stop().ok());
  EXPECT_EQ(backend_.prepared(), 5) << "no more than there is to do, and nothing at the end";
}

TEST_F(ServerTest, PreparesNothingWhileRequestsWait) {
  backend_.give_work(3);
  for (const char* name : {"one", "two", "three"}) {
    send(StartRequest{spec_named(name), 0});
  }
  run();
  EXPECT_TRUE(backend_.await_prepared(6));
  EXPECT_EQ(backend_.prepared_before_starts(), (std::vector{0, 0, 0}));
}

TEST_F(ServerTest, RemovesEverySandboxWhenThePeerCloses) {
  run();
  start("one");
  start("two");
  send(RemoveRequest{"two"});
  EXPECT_TRUE(stop().ok());
  auto removed = backend_.removed();
  std::ranges::sort(removed);
  EXPECT_EQ(removed, (std::vector<std::string>{"one", "two"}));
}

TEST_F(ServerTest, GivesUpOnARemovalAtItsBound) {
  options_.removal_bound = milliseconds(20);
  run();
  start("stuck");
  backend_.break_removal();
  const auto result = stop();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  EXPECT_NE(result.error().message.find("stuck"), std::string::npos) << result.error().message;
}

TEST_F(ServerTest, GarbageEndsTheConnectionAndEverySandbox) {
  run();
  start("one");
  ASSERT_EQ(send_packet(peer_.get(), "\x01garbage", {}, 0), 0);
  const auto result = await_end();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(backend_.removed(), std::vector<std::string>{"one"});
}

TEST_F(ServerTest, APacketOverTheBoundEndsTheConnection) {
  run();
  ASSERT_EQ(send_packet(peer_.get(), std::string(kMaxMessageBytes + 1, 'x'), {}, 0), 0);
  EXPECT_EQ(await_end().error().code, ErrorCode::kTooLarge);
}

TEST_F(ServerTest, DescriptorsOtherThanThoseNamedEndTheConnection) {
  run();
  send(StartRequest{spec_named("one"), 0b0110}, std::array{peer_.get()});
  EXPECT_EQ(await_end().error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(backend_.started().empty());
}

}  // namespace
}  // namespace hearth::launcher
