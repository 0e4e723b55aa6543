// What every Backend promises (sandbox/sandbox.h), checked on each adapter.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "sandbox/linux/private_mounts.h"
#include "sandbox/spec_check.h"
#include "sandbox/testing/adapters.h"
#include "sandbox/testing/driver.h"

namespace hearth::sandbox {

std::ostream& operator<<(std::ostream& out, ExitReason reason) { return out << to_string(reason); }

namespace testing {
namespace {

using base::ErrorCode;

class Conformance : public ::testing::TestWithParam<Adapter> {
 protected:
  void SetUp() override {
    auto made = GetParam().make(tag_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    backend_ = std::move(*made);
    driver_.emplace(*backend_);
    before_ = footprint(tag_);
  }
  void TearDown() override {
    if (backend_ != nullptr) {
      EXPECT_TRUE(eventually([&] { return footprint(tag_) == before_; }))
          << "before: " << before_ << "\nafter: " << footprint(tag_);
    }
  }

  ErrorCode start_error(const Spec& spec) {
    auto started = driver_->start(spec);
    return started.ok() ? ErrorCode::kInternal : started.error().code;
  }

  const std::string tag_ = unique_tag();
  std::unique_ptr<Backend> backend_;
  std::optional<Driver> driver_;
  Footprint before_;
};

TEST_P(Conformance, ArgumentsAndEnvironmentAreExact) {
  auto spec = driver_->probe_spec({"report", "", "two words", "$(x) 'y'"});
  spec.environment = {"A=1", "EMPTY=", "SPACED=a b=c"};
  const auto finished = driver_->run(spec);
  EXPECT_EQ(finished.out, "argv " + spec.program +
                              "\nargv report\nargv \nargv two words\nargv $(x) 'y'\nargv " + spec.name +
                              "\nenv A=1\nenv EMPTY=\nenv SPACED=a b=c\n");
  EXPECT_EQ(finished.err, "to err\n");
  EXPECT_EQ(finished.exit.reason, ExitReason::kExited);
  EXPECT_EQ(finished.exit.code, 0);
}

TEST_P(Conformance, RequestsGoInAndAnswersComeOut) {
  auto running = driver_->start(driver_->probe_spec({"echo"}));
  ASSERT_TRUE(running.ok()) << running.error().message;
  for (const std::string word : {"first\n", "second\n"}) {
    ASSERT_EQ(::write(running->requests.get(), word.data(), word.size()), static_cast<ssize_t>(word.size()));
    const auto answer = read_some(running->answers);
    EXPECT_STRCASEEQ(answer.c_str(), word.c_str());
    EXPECT_NE(answer, word);
  }
  running->requests.reset();
  const auto exit = driver_->wait_exit(running->name);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->reason, ExitReason::kExited);
}

TEST_P(Conformance, CodeFolderIsTheWorkingFolder) {
  const CodeFolder code;
  EXPECT_EQ(driver_->run(driver_->probe_spec({"cat", CodeFolder::kFile}), code.open()).out,
            CodeFolder::kText);
}

TEST_P(Conformance, DescriptorsAreZeroToFour) {
  const auto open = parse_lines(driver_->run_probe({"descriptors"}).out);
  ASSERT_EQ(open.size(), 5U);
  EXPECT_EQ(open.at("0"), "/dev/null");
  EXPECT_EQ(open.at("1").substr(0, 5), "pipe:");
  EXPECT_EQ(open.at("2").substr(0, 5), "pipe:");
  EXPECT_EQ(open.at("3").substr(0, 5), "pipe:");
  EXPECT_EQ(open.at("4").substr(0, 5), "pipe:");
}

TEST_P(Conformance, ExitStatusIsReportedOnce) {
  const auto finished = driver_->run_probe({"exit", "37"});
  EXPECT_EQ(finished.exit.reason, ExitReason::kExited);
  EXPECT_EQ(finished.exit.code, 37);
  EXPECT_TRUE(backend_->collect().empty());
  EXPECT_EQ(driver_->seen.at(finished.exit.name).size(), 1U);
}

TEST_P(Conformance, SignalIsReported) {
  const auto finished = driver_->run_probe({"trap"});
  EXPECT_EQ(finished.exit.reason, ExitReason::kSignaled);
  EXPECT_EQ(finished.exit.code, SIGILL);
}

TEST_P(Conformance, RemoveEndsIt) {
  auto running = driver_->start(driver_->probe_spec({"hang"}));
  ASSERT_TRUE(running.ok());
  EXPECT_EQ(read_some(running->out), "ready\n");
  backend_->remove(running->name);
  backend_->remove(running->name);  // twice does nothing
  const auto exit = driver_->wait_exit(running->name);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->reason, ExitReason::kRemoved);
  EXPECT_EQ(read_all(running->out), "");
  backend_->remove(running->name);  // nor after the end
  EXPECT_TRUE(backend_->collect().empty());
}

TEST_P(Conformance, RemoveOfUnknownNameIsSafe) {
  backend_->remove("never-started");
  backend_->remove("../../etc");
  EXPECT_TRUE(backend_->collect().empty());
}

TEST_P(Conformance, DaemonsDieWithARemovedSandbox) {
  auto running = driver_->start(driver_->probe_spec({"daemon", "0"}));
  ASSERT_TRUE(running.ok());
  EXPECT_EQ(read_some(running->out), "ready\n");
  EXPECT_GE(count_processes(running->name), 2);
  backend_->remove(running->name);
  ASSERT_TRUE(driver_->wait_exit(running->name).has_value());
  EXPECT_EQ(count_processes(running->name), 0);
}

TEST_P(Conformance, DaemonsDieWhenTheProgramExits) {
  const auto finished = driver_->run_probe({"daemon", "1"});
  EXPECT_EQ(finished.exit.reason, ExitReason::kExited);
  EXPECT_EQ(finished.out, "ready\n");
  EXPECT_EQ(count_processes(finished.exit.name), 0);
}

TEST_P(Conformance, MemoryOverTheLimitEndsIt) {
  auto spec = driver_->probe_spec({"eat", "256"});
  spec.limits.memory_bytes = 64ULL << 20U;
  const auto finished = driver_->run(spec);
  EXPECT_EQ(finished.exit.reason, ExitReason::kOutOfMemory);
}

TEST_P(Conformance, MemoryOfAChildEndsTheWholeSandbox) {
  auto spec = driver_->probe_spec({"eat-in-child", "256"});
  spec.limits.memory_bytes = 64ULL << 20U;
  EXPECT_EQ(driver_->run(spec).exit.reason, ExitReason::kOutOfMemory);
}

TEST_P(Conformance, MemoryWithinTheLimitIsFine) {
  auto running = driver_->start(driver_->probe_spec({"eat", "24"}));
  ASSERT_TRUE(running.ok());
  EXPECT_EQ(read_some(running->out), "eaten\n");
  backend_->remove(running->name);
  const auto exit = driver_->wait_exit(running->name);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->reason, ExitReason::kRemoved);
}

TEST_P(Conformance, LimitsOfALivingOneChange) {
  auto spec = driver_->probe_spec({"eat", "40"});
  auto running = driver_->start(spec);
  ASSERT_TRUE(running.ok());
  ASSERT_EQ(read_some(running->out), "eaten\n");
  auto limits = spec.limits;
  limits.memory_bytes = 256ULL << 20U;
  limits.cpu_millicores = 500;
  EXPECT_TRUE(backend_->set_limits(spec.name, limits).ok());
  limits.memory_bytes = 64ULL << 20U;
  EXPECT_TRUE(backend_->set_limits(spec.name, limits).ok());
  limits.memory_bytes = 16ULL << 20U;
  const auto refused = backend_->set_limits(spec.name, limits);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kBusy) << refused.error().message;
  EXPECT_EQ(count_processes(spec.name), 1);
  backend_->remove(spec.name);
  ASSERT_TRUE(driver_->wait_exit(spec.name).has_value());
  const auto unknown = backend_->set_limits(spec.name, spec.limits);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
}

TEST_P(Conformance, AnAssignmentIsMadeOrRefusedAsUnsupported) {
  const CodeFolder code;
  auto running = driver_->start(driver_->probe_spec({"hang"}));
  ASSERT_TRUE(running.ok());
  EXPECT_EQ(backend_->assign("nobody", {}, code.open()).error().code, ErrorCode::kNotFound);
  const auto assigned = backend_->assign(running->name, {}, code.open());
  EXPECT_EQ(assigned.ok() ? ErrorCode::kUnsupported : assigned.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(assigned.ok(), GetParam().name != "fake");
  backend_->remove(running->name);
  EXPECT_TRUE(driver_->wait_exit(running->name).has_value());
}

TEST_P(Conformance, SaysHowMuchMemoryIsUsed) {
  auto running = driver_->start(driver_->probe_spec({"eat", "24"}));
  ASSERT_TRUE(running.ok());
  ASSERT_EQ(read_some(running->out), "eaten\n");
  const auto control = backend_->control(running->name);
  if (control.memory.valid()) {
    const auto bytes = std::stoull(read_some(control.memory));
    EXPECT_GT(bytes, 24ULL << 20U);
    EXPECT_LT(bytes, 32ULL << 20U);
  }
  EXPECT_EQ(control.memory.valid(), GetParam().name != "fake");
  backend_->remove(running->name);
  EXPECT_TRUE(driver_->wait_exit(running->name).has_value());
}

TEST_P(Conformance, StandsStillAndGoesOn) {
  auto running = driver_->start(driver_->probe_spec({"echo"}));
  ASSERT_TRUE(running.ok());
  EXPECT_FALSE(backend_->control("nobody").freezer.valid());
  const auto freezer = std::move(backend_->control(running->name).freezer);
  if (!freezer.valid()) {
    backend_->remove(running->name);
    driver_->wait_exit(running->name);
    GTEST_SKIP() << "no cgroup.freeze here";
  }
  ASSERT_EQ(::write(running->requests.get(), "a\n", 2), 2);
  ASSERT_EQ(read_some(running->answers), "A\n");
  ASSERT_EQ(::write(freezer.get(), "1", 1), 1);
  ASSERT_EQ(::write(running->requests.get(), "b\n", 2), 2);
  pollfd answer{running->answers.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&answer, 1, 50), 0) << "it answers though it stands still";
  ASSERT_EQ(::write(freezer.get(), "0", 1), 1);
  EXPECT_EQ(read_some(running->answers), "B\n");
  ASSERT_EQ(::write(freezer.get(), "1", 1), 1);
  backend_->remove(running->name);
  const auto exit = driver_->wait_exit(running->name);
  ASSERT_TRUE(exit.has_value()) << "what stands still cannot be removed";
  EXPECT_EQ(exit->reason, ExitReason::kRemoved);
}

TEST_P(Conformance, ALivingNameIsRefused) {
  const auto spec = driver_->probe_spec({"hang"});
  auto running = driver_->start(spec);
  ASSERT_TRUE(running.ok());
  EXPECT_EQ(start_error(spec), ErrorCode::kAlreadyExists);
  backend_->remove(spec.name);
  ASSERT_TRUE(driver_->wait_exit(spec.name).has_value());
  auto again = driver_->start(spec);
  ASSERT_TRUE(again.ok()) << again.error().message;
  backend_->remove(spec.name);
  driver_->seen.clear();
  EXPECT_TRUE(driver_->wait_exit(spec.name).has_value());
}

TEST_P(Conformance, BadSpecsAreRefused) {
  const auto good = driver_->probe_spec({"report"});
  for (const std::string name : {"", ".", "..", "a/b", "UPPER", "a_b", "a b", "a\nb"}) {
    auto spec = good;
    spec.name = name;
    EXPECT_EQ(start_error(spec), ErrorCode::kInvalidArgument) << name;
  }
  auto spec = good;
  spec.name = std::string(kNameBytes + 1, 'a');
  EXPECT_EQ(start_error(spec), ErrorCode::kInvalidArgument);
  spec = good;
  spec.program = "bin/relative";
  EXPECT_EQ(start_error(spec), ErrorCode::kInvalidArgument);
  spec = good;
  spec.environment = {"NO_EQUALS"};
  EXPECT_EQ(start_error(spec), ErrorCode::kInvalidArgument);
  spec = good;
  spec.arguments.emplace_back("a\0b", 3);
  EXPECT_EQ(start_error(spec), ErrorCode::kInvalidArgument);
  spec = good;
  spec.limits.memory_bytes = 0;
  EXPECT_EQ(start_error(spec), ErrorCode::kInvalidArgument);
  spec = good;
  spec.limits.cpu_weight = kWeightMax + 1;
  EXPECT_EQ(start_error(spec), ErrorCode::kInvalidArgument);
}

TEST_P(Conformance, AFailedStartLeavesNothingAndFreesTheName) {
  auto spec = driver_->probe_spec({"exit", "0"});
  const auto program = spec.program;
  spec.program = "/no/such/program";
  EXPECT_EQ(start_error(spec), ErrorCode::kInvalidArgument);
  EXPECT_EQ(footprint(tag_), before_);
  spec.program = program;
  EXPECT_EQ(driver_->run(spec).exit.reason, ExitReason::kExited);
}

TEST_P(Conformance, AHundredCyclesLeaveNothing) {
  for (int i = 0; i < 100; ++i) {
    auto running = driver_->start(driver_->probe_spec({i % 2 == 0 ? "hang" : "report"}));
    ASSERT_TRUE(running.ok()) << running.error().message;
    if (i % 2 == 0) {
      backend_->remove(running->name);
    }
    ASSERT_TRUE(driver_->wait_exit(running->name).has_value());
  }
  EXPECT_EQ(footprint(tag_), before_);
}

TEST_P(Conformance, TwentyAtOnceEndWithTheirOwnStatus) {
  std::vector<Running> all;
  for (int i = 0; i < 20; ++i) {
    auto running = driver_->start(driver_->probe_spec({"exit", std::to_string(i)}));
    ASSERT_TRUE(running.ok()) << running.error().message;
    all.push_back(std::move(*running));
  }
  for (int i = 0; i < 20; ++i) {
    const auto exit = driver_->wait_exit(all[static_cast<std::size_t>(i)].name);
    ASSERT_TRUE(exit.has_value());
    EXPECT_EQ(exit->code, i);
  }
}

TEST_P(Conformance, TheEndOfTheBackendEndsItsSandboxes) {
  auto running = driver_->start(driver_->probe_spec({"daemon", "0"}));
  ASSERT_TRUE(running.ok());
  ASSERT_EQ(read_some(running->out), "ready\n");
  backend_.reset();
  EXPECT_EQ(count_processes(running->name), 0);
  EXPECT_TRUE(footprint(tag_).cgroups.empty());
}

// Runs in a forked child: starts three sandboxes, says so, and waits for its death.
[[noreturn]] void be_a_predecessor(const Adapter& adapter, const std::string& tag, int ready) {
  // A server has a mount namespace of its own.
  [[maybe_unused]] const bool entered = ::geteuid() == 0 && enter_private_mounts().ok();
  auto backend = adapter.make(tag);
  std::vector<Running> all;
  if (backend.ok()) {
    Driver driver(**backend);
    (*backend)->prepare();
    for (int i = 0; i < 3; ++i) {
      auto spec = driver.probe_spec({"daemon", "0", tag});
      spec.name = "left-" + std::to_string(i);
      auto running = driver.start(spec);
      if (running.ok() && read_some(running->out) == "ready\n") {
        all.push_back(std::move(*running));
      }
    }
    (*backend)->prepare();
  }
  const auto count = static_cast<char>(all.size());
  [[maybe_unused]] const auto written = ::write(ready, &count, 1);
  for (;;) {
    ::pause();
  }
}

TEST_P(Conformance, SweepRemovesWhatAKilledPredecessorLeft) {
  driver_.reset();
  backend_.reset();  // and its threads, if it has any, before the fork
  const auto old_tag = unique_tag();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const base::UniqueFd from(ends[0]);
  base::UniqueFd into(ends[1]);
  const pid_t predecessor = ::fork();
  if (predecessor == 0) {
    be_a_predecessor(GetParam(), old_tag, into.get());
  }
  into.reset();
  char count = 0;
  ASSERT_EQ(::read(from.get(), &count, 1), 1);
  ASSERT_EQ(count, 3);
  ::kill(predecessor, SIGKILL);
  ::waitpid(predecessor, nullptr, 0);

  auto successor = GetParam().make(old_tag);
  ASSERT_TRUE(successor.ok()) << successor.error().message;
  auto swept = (*successor)->sweep();
  ASSERT_TRUE(swept.ok()) << swept.error().message;
  EXPECT_LE(*swept, 4U) << "and what was prepared";
  EXPECT_EQ(count_processes(old_tag), 0);
  EXPECT_TRUE(footprint(old_tag).cgroups.empty());
  Driver driver(**successor);
  auto spec = driver.probe_spec({"exit", "0"});
  spec.name = "left-0";
  EXPECT_EQ(driver.run(spec).exit.reason, ExitReason::kExited);
}

INSTANTIATE_TEST_SUITE_P(Adapters, Conformance, ::testing::ValuesIn(adapters()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace testing
}  // namespace hearth::sandbox
