#include "launcher/client.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/reactor.h"
#include "launcher/codec.h"
#include "launcher/packet.h"
#include "launcher/spawn.h"
#include "launcher/testing/backends.h"

namespace hearth::launcher {
namespace {

using base::ErrorCode;
using base::UniqueFd;
using sandbox::ExitReason;

constexpr const char* kShell = "/bin/sh";
constexpr std::chrono::seconds kPatience{50};

std::pair<UniqueFd, UniqueFd> socket_pair(int type) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

sandbox::Spec script(std::string name, std::string text) {
  sandbox::Spec spec;
  spec.name = std::move(name);
  spec.program = kShell;
  spec.arguments = {"-c", std::move(text)};
  return spec;
}

std::string read_until_end(const UniqueFd& fd) {
  std::string text;
  char byte = 0;
  while (::read(fd.get(), &byte, 1) == 1) {
    text += byte;
  }
  return text;
}

// What a client has told its owner.
struct Record {
  std::map<std::string, std::vector<base::Result<void>>> done;
  std::map<std::string, std::vector<base::Result<void>>> assigned;
  std::map<std::string, std::vector<sandbox::Exit>> exits;
  std::vector<base::Error> lost;
};

class Watched {
 public:
  Watched(base::Reactor& reactor, UniqueFd socket)
      : reactor_(reactor),
        client_(std::in_place, reactor, std::move(socket),
                [this](const base::Error& error) { in_callback([&] { record_.lost.push_back(error); }); }) {
    client_->on_exit([this](const sandbox::Exit& exit) {
      in_callback([&] { record_.exits[exit.name].push_back(exit); });
    });
  }

  void start(sandbox::Spec spec, sandbox::Descriptors descriptors = {}) {
    calling([&] {
      const std::string name = spec.name;
      client_->start(std::move(spec), std::move(descriptors),
                     [this, name](const base::Result<sandbox::Control>& result) {
                       in_callback([&] {
                         record_.done[name].push_back(result ? base::Result<void>() : result.error());
                       });
                     });
    });
  }
  void remove(const std::string& name) {
    calling([&] { client_->remove(name); });
  }
  void set_limits(const std::string& name) {
    calling([&] { client_->set_limits(name, {}); });
  }
  void assign(const std::string& name, UniqueFd folder) {
    calling([&] {
      client_->assign(name, {}, std::move(folder), [this, name](base::Result<void> result) {
        in_callback([&] { record_.assigned[name].push_back(std::move(result)); });
      });
    });
  }
  void destroy() { client_.reset(); }

  // Runs the loop until `reached`; false when it takes too long.
  bool run_until(const std::function<bool(const Record&)>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!reached(record_) && std::chrono::steady_clock::now() < deadline) {
      reactor_.run_one_until(deadline);
    }
    return reached(record_);
  }
  void run_ready() { reactor_.poll(); }
  const Record& record() const { return record_; }

 private:
  template <typename Body>
  void calling(Body body) {
    calling_ = true;
    body();
    calling_ = false;
  }
  template <typename Body>
  void in_callback(Body body) {
    EXPECT_FALSE(calling_) << "a callback inside the call";
    body();
  }

  base::Reactor& reactor_;
  Record record_;
  bool calling_ = false;
  std::optional<Client> client_;
};

// With a real launcher over plain processes.
class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    SpawnOptions options;
    options.server.policy.programs = {kShell};
    auto launched =
        spawn([] { return std::unique_ptr<sandbox::Backend>(std::make_unique<ProcessBackend>()); }, options);
    ASSERT_TRUE(launched.ok()) << launched.error().message;
    pid_ = launched->pid;
    client_.emplace(reactor_, std::move(launched->socket));
  }

  void TearDown() override {
    client_.reset();
    EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
  }

  base::Reactor reactor_;
  pid_t pid_ = -1;
  std::optional<Watched> client_;
};

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

UniqueFd some_folder() { return UniqueFd(::open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC)); }

TEST_F(ClientTest, AssignsOnceStartedAndPassesErrorsOn) {
  auto [control, inside] = socket_pair(SOCK_STREAM);
  auto [bad_control, bad_inside] = socket_pair(SOCK_STREAM);
  client_->start(script("one", "read never <&3"), {{}, std::move(inside), {}, {}, {}});
  client_->assign("one", some_folder());
  client_->start(script("bad", "read never <&3"), {{}, std::move(bad_inside), {}, {}, {}});
  client_->assign("nobody", some_folder());
  ASSERT_TRUE(client_->run_until(
      [](const Record& record) { return record.done.size() == 2 && record.assigned.size() == 2; }));
  for (const auto* name : {"one", "nobody"}) {
    EXPECT_EQ(client_->record().assigned.at(name).at(0).error().code, ErrorCode::kNotFound);
  }
  client_->assign("one", some_folder());
  client_->assign("one", some_folder());
  client_->assign("bad", some_folder());
  ASSERT_TRUE(client_->run_until([](const Record& record) {
    return record.assigned.contains("bad") && record.assigned.at("one").size() == 3;
  }));
  const auto& assigned = client_->record().assigned;
  EXPECT_NE(assigned.at("one").at(1).ok(), assigned.at("one").at(2).ok()) << "one is under way already";
  EXPECT_EQ(assigned.at("bad").at(0).error(), (base::Error{ErrorCode::kBusy, "it does not fit"}));
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

// With a launcher that the test plays.
class ClientAloneTest : public testing::Test {
 protected:
  void SetUp() override {
    auto [near, far] = socket_pair(SOCK_SEQPACKET);
    far_ = std::move(far);
    client_.emplace(reactor_, std::move(near));
  }

  void say(const Notice& notice) { ASSERT_EQ(send_packet(far_.get(), encode(notice).value(), {}, 0), 0); }

  // What has been sent, if anything.
  std::optional<Request> heard() {
    const auto outcome = receiver_.receive(far_.get(), MSG_DONTWAIT);
    if (!outcome.ok() || *outcome != PacketReceiver::Outcome::kPacket) {
      return std::nullopt;
    }
    return decode_request(receiver_.bytes()).value();
  }

  base::Reactor reactor_;
  UniqueFd far_;
  PacketReceiver receiver_;
  std::optional<Watched> client_;
};

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
}  // namespace hearth::launcher
