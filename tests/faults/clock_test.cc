// The server's time of day jumps by an hour and by a year, forward and back, and callers leave in the middle
// of their requests, under load of asynchronous executions: none is lost, and each ends. HEARTH_FAULT_ROUNDS:
// how often (6), HEARTH_FAULT_SEED: when and where to.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>

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
  ClockJumps() : generator_(announced_seed()), system_(folder_.path()) {
    HearthServer::Options options;
    options.flags = {"--async-lease", "1s", "--async-retry-delay", "20ms", "--async-retention", "99999h"};
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

TEST_F(ClockJumps, BackLeaveNothingWaiting) {
  wait_for_accepted(50);
  system_.faults().clock_ahead_ms = kHourMs;
  wait_for_accepted(300);
  system_.faults().clock_ahead_ms = 0;
  wait_for_accepted(50);
  check();
}

}  // namespace
}  // namespace hearth::faults
