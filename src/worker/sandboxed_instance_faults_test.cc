// What an instance may do to the platform.
#include "worker/testing/sandboxed_instance_fixture.h"

namespace hearth::worker {
namespace {

using model::OutcomeKind;
using std::chrono::milliseconds;
using testing::HasSubstr;

TEST_F(SandboxedInstanceTest, AHandlerThatNeverAnswersTimesOutInTimeHoweverLongItsEndTakes) {
  version_.timeout_ms = 200;
  load("never");
  host_.kills = false;
  const auto& finished = call("1");
  EXPECT_EQ(finished.outcome.kind, OutcomeKind::kTimedOut);
  EXPECT_FALSE(finished.reusable);
  EXPECT_GE(finished.run_us, 200'000);
  EXPECT_LT(finished.run_us, 1'000'000) << "the wait for the end is not part of it";
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
  code_.answers = false;
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
const std::string kReadyFrame = R"(printf '\016\0\0\0\201\0\0\0\0\0\0\0\0\0\0\0{"protocol":2}' >&4;)";
const std::string kLoadedFrame = R"(printf '\0\0\0\0\202\0\0\0\0\0\0\0\0\0\0\0' >&4;)";
const std::string kResultFrame = R"(printf '\005\0\0\0\204\0\0\0\001\0\0\0\0\0\0\0\0\0\0\0007' >&4;)";

TEST_F(SandboxedInstanceTest, AnEarlyLoaded) {
  start_script(
      R"(printf '\016\0\0\0\201\0\0\0\0\0\0\0\0\0\0\0{"protocol":2}\0\0\0\0\202\0\0\0\0\0\0\0\0\0\0\0' >&4; sleep 100)");
  expect_failed(OutcomeKind::kProtocolError, "ready");
}

TEST_F(SandboxedInstanceTest, GarbageInsteadOfFrames) {
  start_script("echo 'HTTP/1.1 200 OK and more' >&4; sleep 100");
  expect_failed(OutcomeKind::kProtocolError);
}

TEST_F(SandboxedInstanceTest, AnAnnouncedLengthOfFourGigabytes) {
  start_script(R"(printf '\377\377\377\377\204\0\0\0\0\0\0\0\0\0\0\0' >&4; sleep 100)");
  expect_failed(OutcomeKind::kProtocolError, "4294967295");
}

TEST_F(SandboxedInstanceTest, HalfAFrameThenTheEnd) {
  start_script("printf '\\016\\0\\0\\0\\201' >&4; exit 0");
  expect_failed(OutcomeKind::kProtocolError, "middle of a frame");
}

TEST_F(SandboxedInstanceTest, AnswersClosedByALivingProcess) {
  options_.start_timeout = milliseconds(200);
  start_script("exec 4>&-; sleep 100");
  expect_failed(OutcomeKind::kProtocolError, "closed its answers");
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
  call_script("printf '" + frame + frame + "' >&4; sleep 100");
  EXPECT_EQ(events_.finishes[0].outcome.kind, OutcomeKind::kProtocolError);
  expect_end();
}

TEST_F(ForgedFramesTest, AResultOfAnotherCall) {
  call_script(R"(printf '\005\0\0\0\204\0\0\0\002\0\0\0\0\0\0\0\0\0\0\0007' >&4; sleep 100)");
  EXPECT_EQ(events_.finishes[0].outcome.kind, OutcomeKind::kProtocolError);
  expect_end();
}

TEST_F(ForgedFramesTest, AnEndRightBehindTheResult) {
  call_script(kResultFrame + "exit 5");
  EXPECT_EQ(events_.finishes[0].outcome.kind, OutcomeKind::kReturned);
  expect_end();
  EXPECT_EQ(events_.finishes.size(), 1U);
}

// The exit may be told before the loop has looked at the answers.
TEST_F(ForgedFramesTest, AnExitThatOvertakesTheResult) {
  start_script(kReadyFrame + "dd bs=65536 count=1 <&3 >/dev/null 2>&1;" + kLoadedFrame +
               "dd bs=65536 count=1 <&3 >/dev/null 2>&1; echo logged;" + kResultFrame + "exit 0");
  ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1; }));
  instance_->invoke({0, "request", nullptr});
  host_.reap("i-1");
  ASSERT_EQ(events_.finishes.size(), 1U);
  EXPECT_EQ(events_.finishes[0].outcome.kind, OutcomeKind::kReturned);
  EXPECT_EQ(text_of(events_.finishes[0].logs, model::LogStream::kOut), "logged\n");
  EXPECT_FALSE(events_.finishes[0].reusable);
  EXPECT_EQ(events_.ended_count, 1);
}

}  // namespace
}  // namespace hearth::worker
