// Clients for tests: one with a real launcher over plain processes, one with a launcher that the test plays.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/reactor.h"
#include "launcher/client.h"
#include "launcher/codec.h"
#include "launcher/packet.h"
#include "launcher/spawn.h"
#include "launcher/testing/backends.h"

namespace hearth::launcher::client_test {

using base::ErrorCode;
using base::UniqueFd;
using sandbox::ExitReason;

inline constexpr const char* kShell = "/bin/sh";
inline constexpr std::chrono::seconds kPatience{50};

inline std::pair<UniqueFd, UniqueFd> socket_pair(int type) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

inline sandbox::Spec script(std::string name, std::string text) {
  sandbox::Spec spec;
  spec.name = std::move(name);
  spec.program = kShell;
  spec.arguments = {"-c", std::move(text)};
  return spec;
}

inline UniqueFd some_folder() { return UniqueFd(::open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC)); }

inline std::string read_until_end(const UniqueFd& fd) {
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

}  // namespace hearth::launcher::client_test
