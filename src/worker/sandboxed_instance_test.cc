// The shell over real sockets, pipes and processes, without walls around them. What the session decides is
// tested in instance_session_test.cc.
#include "worker/sandboxed_instance.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/asio_event_loop.h"
#include "worker/plain_process_host.h"

namespace hearth::worker {
namespace {

using model::OutcomeKind;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

std::string source_folder() {
  const char* const folder = std::getenv("HEARTH_SOURCE_DIR");
  return folder != nullptr ? folder : ".";
}

struct Finished {
  model::Outcome outcome;
  model::CapturedLogs logs;
  std::int64_t run_us = 0;
  std::int64_t handler_us = 0;
  bool reusable = false;
};

// Keeps what it is told.
class Recorder final : public InstanceEvents {
 public:
  void loaded(const std::string&, const model::ExecutionSteps& start_steps) override {
    loaded_count++;
    steps = start_steps;
  }
  void start_failed(const std::string&, model::Outcome outcome, model::CapturedLogs logs,
                    const model::ExecutionSteps& start_steps) override {
    steps = start_steps;
    failed = Finished{std::move(outcome), std::move(logs), 0, 0, false};
  }
  void finished(const std::string&, model::Outcome outcome, model::CapturedLogs logs, std::int64_t run_us,
                std::int64_t handler_us, bool reusable) override {
    finishes.push_back({std::move(outcome), std::move(logs), run_us, handler_us, reusable});
    if (when_finished) {
      when_finished();
    }
  }
  void ended(const std::string&) override { ended_count++; }

  int loaded_count = 0;
  std::optional<Finished> failed;
  std::vector<Finished> finishes;
  int ended_count = 0;
  model::ExecutionSteps steps;
  std::function<void()> when_finished;
};

std::string text_of(const model::CapturedLogs& logs, model::LogStream stream) {
  std::string text;
  for (const auto& chunk : logs.chunks) {
    text += chunk.stream == stream ? chunk.text : "";
  }
  return text;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::size_t resident_mb() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * 4'096 / base::kMiB;
}

class SandboxedInstanceTest : public testing::Test {
 protected:
  SandboxedInstanceTest() {
    options_.node.shim = source_folder() + "/runtimes/node/shim.js";
    options_.node.code = ".";
    version_.function_id = "f-1";
    version_.code_digest = "handlers";
    version_.memory_mb = 256;
  }

  // Fixture folders by name, in place of digests.
  void fetch(const std::string& digest, std::function<void(base::Result<CodeFolder>)> done) {
    const std::string folder = source_folder() + "/runtimes/conformance/fixtures/node/" + digest;
    const int fd = ::open(folder.c_str(), O_PATH | O_CLOEXEC);
    loop_.post([fd, done = std::move(done)] {
      auto held = std::make_shared<const base::UniqueFd>(fd);
      done(fd >= 0 ? base::Result<CodeFolder>(CodeFolder(std::move(held)))
                   : base::Error{base::ErrorCode::kNotFound, "no such code"});
    });
  }

  SandboxedInstanceFactory& factory() {
    if (!factory_) {
      factory_.emplace(
          context_, loop_, host_,
          [this](const std::string& digest, auto done) {
            if (answers_code_) {
              fetch(digest, std::move(done));
            }
          },
          options_);
    }
    return *factory_;
  }

  void start(const std::string& code, const std::string& handler, const std::string& name = "i-1") {
    version_.code_digest = code;
    version_.handler = handler;
    instance_ = factory().start({name, "orders", std::make_shared<model::Version>(version_)}, events_);
  }

  // An instance whose program is this line of shell; descriptor 3 is its socket.
  void start_script(const std::string& script) {
    host_.command = {"/bin/sh", "-c", script};
    start("handlers", "index.echo");
  }

  void load(const std::string& code, const std::string& handler) {
    start(code, handler);
    ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1 || events_.failed; }));
    ASSERT_FALSE(events_.failed) << events_.failed->outcome.error.message;
  }
  void load(const std::string& handler) { load("handlers", "index." + handler); }

  const Finished& call(const std::string& body) {
    const std::size_t before = events_.finishes.size();
    instance_->invoke({"request-1", std::make_shared<const std::string>(body)});
    EXPECT_EQ(events_.finishes.size(), before) << "no event comes from inside a call";
    EXPECT_TRUE(run_until([&] { return events_.finishes.size() > before; }));
    return events_.finishes.back();
  }

  void expect_failed(OutcomeKind kind, const std::string& message = "") {
    ASSERT_TRUE(run_until([this] { return events_.failed.has_value(); }));
    EXPECT_EQ(events_.failed->outcome.kind, kind) << events_.failed->outcome.error.message;
    EXPECT_THAT(events_.failed->outcome.error.message, HasSubstr(message));
    expect_end();
  }

  void expect_end() {
    EXPECT_TRUE(run_until([this] { return events_.ended_count == 1; }));
    EXPECT_EQ(host_.living(), 0U);
  }

  template <typename Condition>
  bool run_until(Condition condition, milliseconds wait = milliseconds(20'000)) {
    const auto until = base::Clock::now() + wait;
    context_.restart();
    while (!condition() && base::Clock::now() < until) {
      context_.run_one_until(until);
    }
    return condition();
  }

  void run_for(milliseconds time) {
    run_until([] { return false; }, time);
  }

  boost::asio::io_context context_;
  base::AsioEventLoop loop_{context_};
  PlainProcessHost host_{context_, loop_};
  SandboxedInstanceOptions options_;
  bool answers_code_ = true;
  model::Version version_;
  Recorder events_;
  std::optional<SandboxedInstanceFactory> factory_;
  std::unique_ptr<Instance> instance_;
};

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
  instance_->invoke({"request", nullptr});
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
  const std::size_t before = resident_mb();
  int turns = 0;
  std::function<void()> tick = [&] {
    turns++;
    loop_.at(loop_.now() + milliseconds(1), tick);
  };
  tick();
  const auto& finished = call("131072");
  EXPECT_EQ(finished.outcome.kind, OutcomeKind::kReturned);
  EXPECT_TRUE(finished.logs.truncated);
  EXPECT_EQ(text_of(finished.logs, model::LogStream::kOut).size(), options_.invocation.log_bytes);
  EXPECT_GT(turns, 20) << "the loop serves others meanwhile";
  EXPECT_LT(resident_mb(), before + 8);
  EXPECT_FALSE(call("1").logs.truncated);
}

TEST_F(SandboxedInstanceTest, AHandlerThatNeverAnswersTimesOutInTimeHoweverLongItsEndTakes) {
  version_.timeout_ms = 200;
  load("never");
  host_.kills = false;
  const auto& finished = call("1");
  EXPECT_EQ(finished.outcome.kind, OutcomeKind::kTimedOut);
  EXPECT_FALSE(finished.reusable);
  EXPECT_GE(finished.run_us, 200'000);
  EXPECT_LT(finished.run_us, 300'000);
  EXPECT_EQ(events_.ended_count, 0);
  host_.kills = true;
  host_.remove("i-1");
  expect_end();
}

TEST_F(SandboxedInstanceTest, AHandlerThatBlocksTimesOut) {
  version_.timeout_ms = 100;
  load("blocks");
  EXPECT_EQ(call("1").outcome.kind, OutcomeKind::kTimedOut);
  expect_end();
}

TEST_F(SandboxedInstanceTest, AHandlerThatFailsLeavesTheInstanceInUse) {
  load("throws");
  EXPECT_EQ(call("1").outcome.kind, OutcomeKind::kThrew);
  EXPECT_TRUE(events_.finishes.back().reusable);
  EXPECT_EQ(call("{").outcome.kind, OutcomeKind::kBadInput);
  EXPECT_EQ(call("1").outcome.error.message, "thrown on purpose");
}

TEST_F(SandboxedInstanceTest, AHandlerThatExits) {
  load("exits");
  const auto& finished = call("1");
  EXPECT_EQ(finished.outcome.kind, OutcomeKind::kExited);
  EXPECT_THAT(finished.outcome.error.message, HasSubstr("exit code 3"));
  expect_end();
}

TEST_F(SandboxedInstanceTest, AHandlerThatIsKilled) {
  load("aborts");
  EXPECT_THAT(call("1").outcome.error.message, HasSubstr("SIGKILL"));
  expect_end();
}

TEST_F(SandboxedInstanceTest, AStrayErrorIsInTheLogs) {
  load("strayException");
  const auto& finished = call("1");
  EXPECT_EQ(finished.outcome.kind, OutcomeKind::kExited);
  EXPECT_THAT(text_of(finished.logs, model::LogStream::kErr), HasSubstr("stray exception"));
}

TEST_F(SandboxedInstanceTest, AnIdleInstanceThatEndsSaysSo) {
  load("echo");
  call("1");
  ::kill(host_.pid_of("i-1"), SIGKILL);
  expect_end();
  EXPECT_EQ(events_.finishes.size(), 1U);
}

TEST_F(SandboxedInstanceTest, TheHeapLimitIsOutOfMemory) {
  version_.memory_mb = 128;
  load("memory", "index");
  EXPECT_EQ(call("1").outcome.kind, OutcomeKind::kOutOfMemory);
  expect_end();
}

TEST_F(SandboxedInstanceTest, AResponseOverTheLimit) {
  load("large");
  EXPECT_EQ(call("10000000").outcome.kind, OutcomeKind::kResponseTooLarge);
  expect_end();
}

TEST_F(SandboxedInstanceTest, CodeThatIsMissing) {
  start("nowhere", "index");
  expect_failed(OutcomeKind::kStartFailed, "no such code");
}

TEST_F(SandboxedInstanceTest, ASandboxThatCannotBeMade) {
  host_.start_result = base::Error{base::ErrorCode::kExhausted, "no uid"};
  start("echo", "index");
  expect_failed(OutcomeKind::kStartFailed, "no uid");
}

TEST_F(SandboxedInstanceTest, CodeThatNeverComes) {
  options_.start_timeout = milliseconds(50);
  answers_code_ = false;
  start("echo", "index");
  expect_failed(OutcomeKind::kStartFailed, "within 50 ms");
}

TEST_F(SandboxedInstanceTest, ARuntimeThatNeverBoots) {
  options_.start_timeout = milliseconds(50);
  start_script("sleep 100");
  expect_failed(OutcomeKind::kStartFailed, "not ready within 50 ms");
}

TEST_F(SandboxedInstanceTest, ARuntimeThatIsNotThere) {
  host_.command = {"/nonexistent"};
  start("echo", "index");
  expect_failed(OutcomeKind::kStartFailed, "exit code 127");
}

TEST_F(SandboxedInstanceTest, AHandlerThatCannotBeLoaded) {
  start("broken-throws", "index");
  expect_failed(OutcomeKind::kInitFailed, "thrown while loading");
}

TEST_F(SandboxedInstanceTest, AHandlerThatTakesTooLongToLoad) {
  options_.init_timeout = milliseconds(100);
  start("broken-never", "index");
  expect_failed(OutcomeKind::kInitTimedOut);
}

TEST_F(SandboxedInstanceTest, LogsOfAFailedStart) {
  start("broken-exit", "index");
  expect_failed(OutcomeKind::kExited, "exit code 9");
  EXPECT_EQ(text_of(events_.failed->logs, model::LogStream::kOut), "about to leave\n");
}

// Frames as a shell writes them: length, type, reserved, invocation, payload.
const std::string kReadyFrame = R"(printf '\016\0\0\0\201\0\0\0\0\0\0\0\0\0\0\0{"protocol":1}' >&3;)";
const std::string kLoadedFrame = R"(printf '\0\0\0\0\202\0\0\0\0\0\0\0\0\0\0\0' >&3;)";
const std::string kResultFrame = R"(printf '\005\0\0\0\204\0\0\0\001\0\0\0\0\0\0\0\0\0\0\0007' >&3;)";

TEST_F(SandboxedInstanceTest, AnEarlyLoaded) {
  start_script(
      R"(printf '\016\0\0\0\201\0\0\0\0\0\0\0\0\0\0\0{"protocol":1}\0\0\0\0\202\0\0\0\0\0\0\0\0\0\0\0' >&3; sleep 100)");
  expect_failed(OutcomeKind::kProtocolError, "ready");
}

TEST_F(SandboxedInstanceTest, GarbageInsteadOfFrames) {
  start_script("echo 'HTTP/1.1 200 OK and more' >&3; sleep 100");
  expect_failed(OutcomeKind::kProtocolError);
}

TEST_F(SandboxedInstanceTest, AnAnnouncedLengthOfFourGigabytes) {
  start_script(R"(printf '\377\377\377\377\204\0\0\0\0\0\0\0\0\0\0\0' >&3; sleep 100)");
  expect_failed(OutcomeKind::kProtocolError, "4294967295");
}

TEST_F(SandboxedInstanceTest, HalfAFrameThenTheEnd) {
  start_script("printf '\\016\\0\\0\\0\\201' >&3; exit 0");
  expect_failed(OutcomeKind::kProtocolError, "middle of a frame");
}

TEST_F(SandboxedInstanceTest, ASocketClosedByALivingProcess) {
  options_.start_timeout = milliseconds(200);
  start_script("exec 3>&-; sleep 100");
  expect_failed(OutcomeKind::kProtocolError, "closed its control socket");
}

class ForgedFramesTest : public SandboxedInstanceTest {
 protected:
  void call_script(const std::string& answer) {
    start_script(kReadyFrame + "dd bs=65536 count=1 <&3 >/dev/null 2>&1;" + kLoadedFrame +
                 "dd bs=65536 count=1 <&3 >/dev/null 2>&1;" + answer);
    ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1; }));
    call("1");
  }
};

TEST_F(ForgedFramesTest, AnHonestShimInShell) {
  call_script("echo a line; " + kResultFrame + "sleep 100");
  EXPECT_EQ(events_.finishes[0].outcome.output, "7");
  EXPECT_EQ(text_of(events_.finishes[0].logs, model::LogStream::kOut), "a line\n");
  EXPECT_EQ(events_.ended_count, 0);
}

TEST_F(ForgedFramesTest, TwoResults) {
  call_script(kResultFrame + kResultFrame + "sleep 100");
  expect_end();  // the second one meets the call or finds the instance idle
}

TEST_F(ForgedFramesTest, TwoResultsInOneWrite) {
  const std::string frame = R"(\005\0\0\0\204\0\0\0\001\0\0\0\0\0\0\0\0\0\0\0007)";
  call_script("printf '" + frame + frame + "' >&3; sleep 100");
  EXPECT_EQ(events_.finishes[0].outcome.kind, OutcomeKind::kProtocolError);
  expect_end();
}

TEST_F(ForgedFramesTest, AResultOfAnotherCall) {
  call_script(R"(printf '\005\0\0\0\204\0\0\0\002\0\0\0\0\0\0\0\0\0\0\0007' >&3; sleep 100)");
  EXPECT_EQ(events_.finishes[0].outcome.kind, OutcomeKind::kProtocolError);
  expect_end();
}

TEST_F(ForgedFramesTest, AnEndRightBehindTheResult) {
  call_script(kResultFrame + "exit 5");
  EXPECT_EQ(events_.finishes[0].outcome.kind, OutcomeKind::kReturned);
  expect_end();
  EXPECT_EQ(events_.finishes.size(), 1U);
}

TEST_F(SandboxedInstanceTest, StopFinishesTheCallAndTellsTheEnd) {
  load("never");
  instance_->invoke({"request", nullptr});
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
    context_.restart();
    for (int i = 0; i < turns; ++i) {
      context_.poll_one();
    }
    instance_->stop();
    EXPECT_TRUE(run_until([this] { return events_.ended_count == 1; }));
    EXPECT_EQ(events_.loaded_count + (events_.failed ? 1 : 0), 1);
    EXPECT_TRUE(run_until([this] { return host_.living() == 0; }));
  }
}

TEST_F(SandboxedInstanceTest, LettingGoEndsItWithoutAnEvent) {
  load("never");
  instance_->invoke({"request", nullptr});
  instance_.reset();
  EXPECT_TRUE(run_until([this] { return host_.living() == 0; }));
  run_for(milliseconds(20));
  EXPECT_TRUE(events_.finishes.empty());
  EXPECT_EQ(events_.ended_count, 0);
}

TEST_F(SandboxedInstanceTest, LettingGoFromInsideAnEvent) {
  load("echo");
  events_.when_finished = [this] { instance_.reset(); };
  instance_->invoke({"request", nullptr});
  EXPECT_TRUE(run_until([this] { return host_.living() == 0; }));
  EXPECT_EQ(events_.finishes.size(), 1U);
}

TEST_F(SandboxedInstanceTest, TheNextCallFromInsideAnEvent) {
  load("echo");
  events_.when_finished = [this] {
    if (events_.finishes.size() < 100) {
      instance_->invoke({"request", nullptr});
    }
  };
  instance_->invoke({"request", nullptr});
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
    instance->invoke({"request", std::make_shared<const std::string>("5")});
  }
  ASSERT_TRUE(run_until([this] { return events_.finishes.size() == 6; }));
  instances.clear();
  ASSERT_TRUE(run_until([this] { return host_.living() == 0; }));
  run_for(milliseconds(20));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(SandboxedInstanceTest, TheFactoryMayGoFirst) {
  load("never");
  instance_->invoke({"request", nullptr});
  factory_.reset();
  run_for(milliseconds(20));
  instance_.reset();
  EXPECT_TRUE(run_until([this] { return host_.living() == 0; }));
}

}  // namespace
}  // namespace hearth::worker
