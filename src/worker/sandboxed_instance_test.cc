// What an instance does when all goes well, and when its owner changes its mind.
#include "worker/testing/sandboxed_instance_fixture.h"

namespace hearth::worker {
namespace {

using model::OutcomeKind;
using std::chrono::milliseconds;

TEST_F(SandboxedInstanceTest, StandsStillAfterAWhileUntilItIsUsed) {
  options_.pause_after = std::chrono::milliseconds(2);
  host_.used_bytes = 19 * base::kMiB + 1;
  load("echo");
  ASSERT_TRUE(run_until([this] { return host_.frozen() == "1"; }));
  EXPECT_EQ(call("1").outcome.output, "1");
  EXPECT_EQ(call("2").outcome.output, "2");
  EXPECT_EQ(host_.frozen(), "10") << "one call after the other";
  EXPECT_EQ(events_.paused_mb, std::vector<std::uint32_t>{20});
  ASSERT_TRUE(run_until([this] { return host_.frozen() == "101"; }));
  instance_->stop();
  expect_end();
}

TEST_F(SandboxedInstanceTest, DoesNotStandStillWhereItNeverShould) {
  options_.pause_after = std::chrono::milliseconds(0);
  load("echo");
  run_for(std::chrono::milliseconds(30));
  EXPECT_EQ(host_.frozen(), "");
}

TEST_F(SandboxedInstanceTest, LoadsAndServes) {
  load("echo");
  EXPECT_TRUE(events_.steps.cold);
  EXPECT_GT(events_.steps.boot_us, 0);
  EXPECT_GT(events_.steps.init_us, 0);
  for (int i = 0; i < 200; ++i) {
    const auto& finished = call(std::to_string(i));
    ASSERT_EQ(finished.outcome.kind, OutcomeKind::kReturned);
    ASSERT_EQ(finished.outcome.output, std::to_string(i));
    ASSERT_TRUE(finished.reusable);
    ASSERT_GE(finished.run_us, finished.handler_us);
  }
  instance_->stop();
  instance_->stop();
  expect_end();
  EXPECT_EQ(events_.finishes.size(), 200U);
}

TEST_F(SandboxedInstanceTest, TheSandboxFollowsTheVersionAndIsCappedOnceLoaded) {
  version_.memory_mb = 512;
  start("echo", "index");
  ASSERT_TRUE(run_until([this] { return !host_.specs.empty(); }));
  const auto& limits = host_.specs[0].limits;
  EXPECT_EQ(limits.memory_bytes, 512 * base::kMiB);
  EXPECT_EQ(limits.cpu_weight, 512U);
  EXPECT_EQ(limits.cpu_millicores, 0U);
  EXPECT_EQ(limits.tmp_bytes, 256 * base::kMiB);
  EXPECT_TRUE(host_.limits.empty());
  ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1; }));
  ASSERT_EQ(host_.limits.size(), 1U);
  auto capped = limits;
  capped.cpu_millicores = 1'000;
  EXPECT_EQ(host_.limits[0], (std::pair<std::string, sandbox::Limits>{"i-1", capped}));
}

TEST_F(SandboxedInstanceTest, LargeBodiesBothWays) {
  load("echo");
  const std::string large = '"' + std::string(options_.invocation.response_bytes - 2, 'b') + '"';
  EXPECT_EQ(call(large).outcome.output, large);
  EXPECT_EQ(call("1").outcome.output, "1");
}

TEST_F(SandboxedInstanceTest, AnEmptyBodyIsUndefined) {
  load("kind");
  EXPECT_EQ(call("").outcome.output, R"("undefined")");
  instance_->invoke({0, "request", nullptr});
  ASSERT_TRUE(run_until([this] { return events_.finishes.size() == 2; }));
  EXPECT_EQ(events_.finishes[1].outcome.output, R"("undefined")");
}

TEST_F(SandboxedInstanceTest, LogsBelongToTheirCall) {
  load("logs");
  for (int i = 0; i < 50; ++i) {
    const auto& finished = call(std::to_string(i));
    ASSERT_EQ(text_of(finished.logs, model::LogStream::kOut), "out " + std::to_string(i) + "\nno newline");
    ASSERT_EQ(text_of(finished.logs, model::LogStream::kErr), "err " + std::to_string(i) + "\n");
    ASSERT_FALSE(finished.logs.truncated);
  }
}

TEST_F(SandboxedInstanceTest, AFloodOfLogsIsCutAndTakesNoMemoryOrTime) {
  load("floods");
  call("100");
  [[maybe_unused]] const std::size_t before = resident_mb();
  int turns = 0;
  std::function<void()> tick = [&] {
    turns++;
    reactor_.at(reactor_.now() + milliseconds(1), tick);
  };
  tick();
  const auto& finished = call("131072");
  EXPECT_EQ(finished.outcome.kind, OutcomeKind::kReturned);
  EXPECT_TRUE(finished.logs.truncated);
  EXPECT_EQ(text_of(finished.logs, model::LogStream::kOut).size(), options_.invocation.log_bytes);
  EXPECT_GT(turns, 20) << "the loop serves others meanwhile";
#ifndef __SANITIZE_ADDRESS__  // which keeps what was freed for a while
  EXPECT_LT(resident_mb(), before + 8);
#endif
  EXPECT_FALSE(call("1").logs.truncated);
}

TEST_F(SandboxedInstanceTest, StopFinishesTheCallAndTellsTheEnd) {
  load("never");
  instance_->invoke({0, "request", nullptr});
  instance_->stop();
  EXPECT_TRUE(events_.finishes.empty()) << "no event comes from inside a call";
  expect_end();
  ASSERT_EQ(events_.finishes.size(), 1U);
  EXPECT_EQ(events_.finishes[0].outcome.kind, OutcomeKind::kExited);
}

TEST_F(SandboxedInstanceTest, StopAtEveryMomentOfTheStart) {
  for (int turns = 0; turns < 12; ++turns) {
    SCOPED_TRACE(turns);
    events_ = {};
    start("echo", "index");
    for (int i = 0; i < turns; ++i) {
      reactor_.run_one_until(base::TimePoint::min());
    }
    instance_->stop();
    EXPECT_TRUE(run_until([this] { return events_.ended_count == 1; }));
    EXPECT_EQ(events_.loaded_count + (events_.failed ? 1 : 0), 1);
    EXPECT_TRUE(run_until([this] { return host_.living() == 0; }));
  }
}

TEST_F(SandboxedInstanceTest, LettingGoEndsItWithoutAnEvent) {
  load("never");
  instance_->invoke({0, "request", nullptr});
  instance_.reset();
  EXPECT_TRUE(run_until([this] { return host_.living() == 0; }));
  run_for(milliseconds(20));
  EXPECT_TRUE(events_.finishes.empty());
  EXPECT_EQ(events_.ended_count, 0);
}

TEST_F(SandboxedInstanceTest, LettingGoFromInsideAnEvent) {
  load("echo");
  events_.when_finished = [this] { instance_.reset(); };
  instance_->invoke({0, "request", nullptr});
  EXPECT_TRUE(run_until([this] { return host_.living() == 0; }));
  EXPECT_EQ(events_.finishes.size(), 1U);
}

TEST_F(SandboxedInstanceTest, TheNextCallFromInsideAnEvent) {
  load("echo");
  events_.when_finished = [this] {
    if (events_.finishes.size() < 100) {
      instance_->invoke({0, "request", nullptr});
    }
  };
  instance_->invoke({0, "request", nullptr});
  EXPECT_TRUE(run_until([this] { return events_.finishes.size() == 100; }));
}

TEST_F(SandboxedInstanceTest, ManyAtOnceAndNoDescriptorIsLeft) {
  load("echo");
  instance_->stop();
  expect_end();
  const std::size_t before = open_descriptors();
  std::vector<std::unique_ptr<Instance>> instances;
  events_ = {};
  for (int i = 0; i < 6; ++i) {
    start("echo", "index", "many-" + std::to_string(i));
    instances.push_back(std::move(instance_));
  }
  ASSERT_TRUE(run_until([this] { return events_.loaded_count == 6; }));
  for (const auto& instance : instances) {
    instance->invoke({0, "request", std::make_shared<const std::string>("5")});
  }
  ASSERT_TRUE(run_until([this] { return events_.finishes.size() == 6; }));
  instances.clear();
  ASSERT_TRUE(run_until([this] { return host_.living() == 0; }));
  run_for(milliseconds(20));
  EXPECT_LE(open_descriptors(), before);
}

TEST_F(SandboxedInstanceTest, TheFactoryMayGoFirst) {
  load("never");
  instance_->invoke({0, "request", nullptr});
  factory_.reset();
  run_for(milliseconds(20));
  instance_.reset();
  EXPECT_TRUE(run_until([this] { return host_.living() == 0; }));
}

}  // namespace
}  // namespace hearth::worker
