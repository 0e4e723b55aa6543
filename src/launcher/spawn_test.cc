#include "launcher/spawn.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "launcher/codec.h"
#include "launcher/testing/backends.h"

namespace hearth::launcher {
namespace {

using base::ErrorCode;
using base::UniqueFd;
using sandbox::ExitReason;

constexpr const char* kShell = "/bin/sh";

SpawnOptions shell_allowed() {
  SpawnOptions options;
  options.server.policy.programs = {kShell};
  return options;
}

base::Result<std::unique_ptr<sandbox::Backend>> make_processes() {
  return std::unique_ptr<sandbox::Backend>(std::make_unique<ProcessBackend>(42));
}

// A launcher and the peer's side of its socket.
class SpawnTest : public testing::Test {
 protected:
  void SetUp() override {
    auto launched = spawn(make_processes, shell_allowed());
    ASSERT_TRUE(launched.ok()) << launched.error().message;
    launched_ = std::move(launched).value();
  }

  void TearDown() override {
    if (launched_.pid > 0) {
      EXPECT_EQ(close_and_wait(), 0);
    }
  }

  // Returns the launcher's status as waitpid() has it.
  int close_and_wait() {
    launched_.socket.reset();
    int status = -1;
    const pid_t pid = std::exchange(launched_.pid, -1);
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return status;
  }

  Notice start(const std::string& name, const std::string& script, std::uint8_t present = 0,
               std::span<const int> descriptors = {}) {
    sandbox::Spec spec;
    spec.name = name;
    spec.program = kShell;
    spec.arguments = {"-c", script};
    EXPECT_EQ(send_packet(launched_.socket.get(), encode(Request(StartRequest{spec, present})).value(),
                          descriptors, 0),
              0);
    return receive();
  }

  Notice receive() {
    EXPECT_EQ(receiver_.receive(launched_.socket.get(), 0).value(), PacketReceiver::Outcome::kPacket);
    return decode_notice(receiver_.bytes()).value();
  }

  Launched launched_;

 private:
  PacketReceiver receiver_;
};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    reading.reset(ends[0]);
    writing.reset(ends[1]);
  }
  // What is written until the last writing end is closed.
  std::string read_all() {
    writing.reset();
    std::string text;
    char byte = 0;
    while (::read(reading.get(), &byte, 1) == 1) {
      text += byte;
    }
    return text;
  }
  UniqueFd reading;
  UniqueFd writing;
};

bool no_child_left() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

TEST_F(SpawnTest, SaysHowMuchItSwept) { EXPECT_EQ(launched_.swept, 42U); }

TEST_F(SpawnTest, IsAProcessOfItsOwnName) {
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(launched_.pid) + "/comm") >> std::ws, name);
  EXPECT_EQ(name, "hearth-launcher");
  EXPECT_EQ(::getsid(launched_.pid), launched_.pid);
  EXPECT_EQ(::getpgid(launched_.pid), launched_.pid);
}

TEST_F(SpawnTest, OutlivesWhatATerminalSends) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    ASSERT_EQ(::kill(launched_.pid, signal), 0);
  }
  EXPECT_EQ(start("one", "exit 7"), Notice(Started{"one"}));
  EXPECT_EQ(receive(), Notice(Exited{{"one", ExitReason::kExited, 7, 0}}));
  EXPECT_EQ(close_and_wait(), 0);
}

TEST_F(SpawnTest, ItsProgramsDieOfTheSignalsThatItIgnores) {
  EXPECT_EQ(start("one", "kill -TERM $$; exit 0"), Notice(Started{"one"}));
  EXPECT_EQ(receive(), Notice(Exited{{"one", ExitReason::kSignaled, SIGTERM, 0}}));
}

TEST_F(SpawnTest, ClosingTheSocketEndsEverySandbox) {
  Pipe control;  // stays open: nothing but the launcher ends the process
  Pipe out;
  const Notice started = start("one", "echo running; read never <&3", 0b0110,
                               std::array{control.reading.get(), out.writing.get()});
  ASSERT_EQ(started, Notice(Started{"one"}));
  char byte = 0;
  ASSERT_EQ(::read(out.reading.get(), &byte, 1), 1) << "it runs";
  EXPECT_EQ(close_and_wait(), 0);
  out.writing.reset();
  ASSERT_EQ(::fcntl(out.reading.get(), F_SETFL, O_NONBLOCK), 0);
  while (::read(out.reading.get(), &byte, 1) == 1) {
  }
  EXPECT_EQ(::read(out.reading.get(), &byte, 1), 0) << "a process still holds the pipe";
}

TEST_F(SpawnTest, GarbageEndsIt) {
  Pipe control;
  ASSERT_EQ(start("one", "read never <&3", 0b0010, std::array{control.reading.get()}),
            Notice(Started{"one"}));
  ASSERT_EQ(send_packet(launched_.socket.get(), "garbage", {}, 0), 0);
  int status = 0;
  ASSERT_GT(::waitpid(std::exchange(launched_.pid, -1), &status, 0), 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
}

TEST(Spawn, HoldsNoneOfTheServersDescriptors) {
  Pipe pipe;
  auto launched = spawn(make_processes, shell_allowed());
  ASSERT_TRUE(launched.ok());
  EXPECT_EQ(pipe.read_all(), "") << "would wait for ever for the launcher's copy to be closed";
  launched->socket.reset();
  EXPECT_EQ(::waitpid(launched->pid, nullptr, 0), launched->pid);
}

TEST(Spawn, HandsTheBackendsErrorOn) {
  const base::Error error{ErrorCode::kUnsupported, "no cgroup file system is mounted"};
  const auto launched = spawn([&] { return base::Result<std::unique_ptr<sandbox::Backend>>(error); }, {});
  ASSERT_FALSE(launched.ok());
  EXPECT_EQ(launched.error(), error);
  EXPECT_TRUE(no_child_left());
}

TEST(Spawn, HandsTheSweepsErrorOn) {
  class Unswept final : public ScriptedBackend {
    base::Result<std::uint32_t> sweep() override { return base::Error{ErrorCode::kIo, "cannot sweep"}; }
  };
  const auto launched =
      spawn([] { return std::unique_ptr<sandbox::Backend>(std::make_unique<Unswept>()); }, {});
  ASSERT_FALSE(launched.ok());
  EXPECT_EQ(launched.error(), (base::Error{ErrorCode::kIo, "cannot sweep"}));
  EXPECT_TRUE(no_child_left());
}

TEST(Spawn, SaysHowALauncherDied) {
  const auto launched = spawn([]() -> base::Result<std::unique_ptr<sandbox::Backend>> { ::_exit(3); }, {});
  ASSERT_FALSE(launched.ok());
  EXPECT_EQ(launched.error().message, "the launcher did not start: it ended (status 3)");
  EXPECT_TRUE(no_child_left());
}

TEST(Spawn, WaitsNoLongerThanItsBound) {
  SpawnOptions options;
  options.ready_bound = std::chrono::milliseconds(20);
  const auto launched = spawn(
      []() -> base::Result<std::unique_ptr<sandbox::Backend>> {
        while (true) {
          ::pause();
        }
      },
      options);
  ASSERT_FALSE(launched.ok());
  EXPECT_EQ(launched.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(no_child_left());
}

}  // namespace
}  // namespace hearth::launcher
