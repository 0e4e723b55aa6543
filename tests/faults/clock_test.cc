// The server's time of day jumps by an hour and by a year, forward and back, and callers leave in the middle
// of their requests, under load of asynchronous executions: none is lost, and each ends. HEARTH_FAULT_ROUNDS:
// how often (6), HEARTH_FAULT_SEED: when and where to.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "base/unique_fd.h"
#include "base/unix_time.h"
#include "cli/format.h"
#include "tests/faults/rounds.h"
#include "tests/faults/stored_executions.h"
#include "tests/faults/submitters.h"
#include "tests/support/faulty_system.h"
#include "tests/support/hearth_server.h"

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FaultySystem;
using test::HearthServer;
using test::Submitters;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kYearMs = 365 * 24 * kHourMs;

class ClockJumps : public testing::Test {
 protected:
  ClockJumps() : generator_(announced_seed()), system_(folder_.path()) {}

  // So many at once, and the rest waits.
  void begin(const std::string& concurrency) {
    HearthServer::Options options;
    options.flags = {"--async-lease",     "1s",     "--async-retry-delay", "20ms",
                     "--async-retention", "99999h", "--async-concurrency", concurrency};
    options.environment = system_.environment();
    server_ = std::make_unique<HearthServer>(options);
    server_->create_js(Submitters::kFunction, {{"name", "f"}});
    Submitters::Options load;
    load.connect = [this](int) { return server_->connect(seconds(10)); };
    load.pause = milliseconds(2);
    submitters_ = std::make_unique<Submitters>(load);
  }

  void wait_for_accepted(std::size_t more) const {
    const std::size_t before = submitters_->accepted();
    EXPECT_TRUE(test::eventually([&] { return submitters_->accepted() >= before + more; }, seconds(30)));
  }
  bool none_is(const std::string& state) const {
    const auto reply = server_->get("/executions?limit=1&state=" + state);
    return reply.status == 200 && reply.body.find("\"id\"") == std::string::npos;
  }

  std::int64_t newest_ms() const {
    const auto page = server_->get("/executions?limit=1").json();
    const auto& newest = page.at("executions").as_array().at(0);
    return cli::parse_time(std::string_view(newest.at("submittedAt").as_string())).value();
  }

  void check() {
    submitters_->stop();
    EXPECT_TRUE(submitters_->refusals().empty()) << submitters_->refusals().begin()->first;
    EXPECT_TRUE(test::eventually([&] { return none_is("pending") && none_is("running"); }, seconds(30)));
    const auto stored = test::stored_executions(*server_, submitters_->history());
    std::size_t again = 0;
    for (const auto& [execution, word] : stored) {
      EXPECT_EQ(execution.state, model::ExecutionState::kDone) << execution.id;
      for (const auto& attempt : execution.attempts) {
        ++again;
        EXPECT_EQ(attempt.code, "worker_lost") << "a lease that a jump has ended";
      }
    }
    for (const std::string& violation : submitters_->history().violations(stored)) {
      // The times of attempts tell nothing here.
      EXPECT_TRUE(violation.starts_with("settled by")) << violation;
    }
    EXPECT_EQ(stored.size(), submitters_->accepted());
    std::cout << stored.size() << " accepted, " << again << " executed again" << std::endl;
  }

  const test::ScratchFolder folder_;
  std::mt19937_64 generator_;
  FaultySystem system_;
  std::unique_ptr<HearthServer> server_;
  std::unique_ptr<Submitters> submitters_;
};

TEST_F(ClockJumps, LoseNothing) {
  begin("64");
  constexpr std::array<std::int64_t, 6> kJumps = {kHourMs, -kHourMs, kYearMs, -kYearMs, 5'000, 0};
  wait_for_accepted(50);
  for (std::uint64_t i = 0; i < fault_rounds(6); ++i) {
    system_.faults().clock_ahead_ms = kJumps.at(generator_() % kJumps.size());
    std::this_thread::sleep_for(milliseconds(generator_() % 700));
    wait_for_accepted(50);
  }
  system_.faults().clock_ahead_ms = 0;
  wait_for_accepted(50);
  check();
}

TEST_F(ClockJumps, BackByAnHourLeaveNothingWaiting) {
  begin("1");
  wait_for_accepted(50);
  system_.faults().clock_ahead_ms = kHourMs;
  wait_for_accepted(300);
  const std::int64_t ahead_ms = newest_ms() - base::unix_now_ms();
  EXPECT_GT(ahead_ms, kHourMs / 2) << "the server's clock is ahead";
  EXPECT_FALSE(none_is("pending")) << "there is a backlog";
  system_.faults().clock_ahead_ms = 0;
  wait_for_accepted(50);
  check();
}

// The caller sends so many bytes of its request, and is gone.
void send_and_leave(std::uint16_t port, std::string_view bytes, bool reset) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
  const linger at_once{reset ? 1 : 0, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

TEST(Departures, InTheMiddleOfASubmissionLeaveOneExecutionOrNone) {
  std::mt19937_64 generator(announced_seed());
  const HearthServer server;
  server.create_js(Submitters::kFunction, {{"name", "f"}});
  store::ExecutionHistory history;
  std::size_t whole = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string word = fmt::format("w-{}", i);
    const std::string body = fmt::format(R"({{"nonce":"{}"}})", word);
    const std::string request = fmt::format(
        "POST /functions/f/invoke?mode=async HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\n\r\n{}",
        body.size(), body);
    const std::size_t sent = generator() % 2 == 0 ? request.size() : generator() % request.size();
    whole += sent == request.size() ? 1U : 0U;
    if (sent == request.size()) {
      history.asked(word);
    }
    send_and_leave(server.port(), std::string_view(request).substr(0, sent), generator() % 2 == 0);
  }
  const auto get = [&server](const std::string& target) { return server.get(target); };
  const auto seen = test::expect_all_done(get, history, {});
  EXPECT_LE(seen.stored, whole);
  EXPECT_GT(seen.stored, 0U) << "who had said all may leave";
}

}  // namespace
}  // namespace hearth::faults
