// What instances have compiled, between them and who keeps it.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "worker/testing/sandboxed_instance_fixture.h"

namespace hearth::worker {
namespace {

using model::OutcomeKind;

using enum protocol::FrameType;

// In shell: takes a frame; sends one.
constexpr const char* kTakes = "dd bs=65536 count=1 <&3 >/dev/null 2>&1; ";
std::string sends(protocol::FrameType type, std::uint64_t id, const std::string& payload) {
  std::string text;
  for (const char c : protocol::encode_frame(type, id, payload)) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\%03o", static_cast<unsigned char>(c));
    text += escaped;
  }
  return "printf '" + text + "' >&4; ";
}

// A shim in shell that is ready, and then does `rest`.
std::string ready(const std::string& compiles, const std::string& rest) {
  return sends(kReady, 0, R"({"protocol":2,"runtime":"test","compiles":")" + compiles + "\"}") + rest;
}

// One that is ready, loaded and answers one call, and then does `rest`.
std::string shim(const std::string& compiles, const std::string& rest) {
  return ready(compiles, kTakes + sends(kLoaded, 0, "") + kTakes +
                             sends(kResult, 1, std::string("\1\0\0\0true", 8)) + rest);
}

class CompiledInstance : public SandboxedInstanceTest {
 protected:
  CompiledInstance() {
    options_.pause_after = std::chrono::milliseconds(2);
    version_.code_digest = "compiled";
  }

  // One instance from its start to its end, with a call.
  std::string run(const std::string& handler) {
    Recorder events;
    const std::string name = "i-" + std::to_string(++started_);
    version_.handler = handler;
    instance_ = factory().start({name, "orders", std::make_shared<model::Version>(version_)}, events);
    EXPECT_TRUE(run_until([&] { return events.loaded_count == 1; }));
    instance_->invoke({0, "request-1", std::make_shared<const std::string>("")});
    EXPECT_TRUE(run_until([&] { return events.finishes.size() == 1; }));
    const std::size_t pauses = host_.frozen().size();
    EXPECT_TRUE(run_until([&] { return host_.frozen().size() > pauses; })) << "it stands still in the end";
    instance_->stop();
    EXPECT_TRUE(run_until([&] { return events.ended_count == 1; }));
    return events.finishes.empty() ? "" : events.finishes[0].outcome.output;
  }

  CompileCounts counts() { return factory().compile_counts(); }

  int started_ = 0;
};

TEST_F(CompiledInstance, OfNodeIsTakenOnceAndGivenFromThenOn) {
  const std::string first = run("index.facts");
  EXPECT_EQ(counts(), (CompileCounts{0, 1}));
  ASSERT_EQ(code_.compiled.size(), 1U);
  EXPECT_GT(code_.compiled.at("v-1").bytes.size(), 1'000U);
  EXPECT_EQ(run("index.facts"), first);
  EXPECT_EQ(run("index.facts"), first);
  EXPECT_EQ(counts(), (CompileCounts{2, 1}));
  EXPECT_EQ(code_.kept, 1);
}

// It is told that there is nothing, and nobody is asked again.
TEST_F(CompiledInstance, OfASmallFunctionNothingIsKeptAndIsKnown) {
  version_.code_digest = "echo";
  run("index");
  EXPECT_EQ(code_.compiled.at("v-1").bytes, "");
  run("index");
  EXPECT_EQ(code_.kept, 1);
  EXPECT_EQ(counts(), CompileCounts());
}

TEST_F(CompiledInstance, NothingIsGivenOrTakenWhereNothingMayBe) {
  options_.compile_cache_bytes = 0;
  code_.compiled["v-1"] = {"anything", "bytes"};
  run("index.facts");
  EXPECT_EQ(counts(), CompileCounts());
}

TEST_F(CompiledInstance, OfAnotherReleaseItGoesAndIsMadeAnew) {
  code_.compiled["v-1"] = {"node v1", "bytes"};
  run("index.facts");
  EXPECT_EQ(counts(), (CompileCounts{0, 1}));
  EXPECT_NE(code_.compiled.at("v-1").compiles, "node v1");
}

TEST_F(CompiledInstance, TwoOfAVersionAreNotBothAsked) {
  version_.handler = "index.facts";
  const auto version = std::make_shared<model::Version>(version_);
  Recorder events;
  const auto other = factory().start({"other", "orders", version}, events);
  instance_ = factory().start({"one", "orders", version}, events_);
  ASSERT_TRUE(run_until([&] { return events.loaded_count + events_.loaded_count == 2; }));
  for (Instance* instance : {other.get(), instance_.get()}) {
    instance->invoke({0, "request-1", std::make_shared<const std::string>("")});
  }
  ASSERT_TRUE(run_until([&] { return events.finishes.size() + events_.finishes.size() == 2; }));
  ASSERT_TRUE(run_until([&] {
    const std::string frozen = host_.frozen();
    return std::ranges::count(frozen, '1') == std::ranges::count(frozen, '0') + 2;
  })) << "both stand still";
  EXPECT_EQ(code_.kept, 1);
}

TEST_F(CompiledInstance, ARuntimeThatCompilesNothingIsNotAsked) {
  start_script(shim("", "sleep 100"));
  ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1; }));
  EXPECT_EQ(call("").outcome.output, "true");
  ASSERT_TRUE(run_until([this] { return !host_.frozen().empty(); }));
  EXPECT_EQ(counts(), CompileCounts());
}

// The question was in the pipe, unread, with the calls behind it.
TEST_F(CompiledInstance, WhoeverWasNotAskedAfterAllIsAskedAgain) {
  const base::UniqueFd held(::memfd_create("go", MFD_CLOEXEC));
  const std::string waits = "until [ -s /proc/" + std::to_string(::getpid()) + "/fd/" +
                            std::to_string(held.get()) + " ]; do sleep 0.01; done; ";
  start_script(shim("test code 1", waits + kTakes + sends(kCompiled, 0, "bytes") + "sleep 100"));
  ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1; }));
  EXPECT_EQ(call("").outcome.output, "true");
  run_for(std::chrono::milliseconds(50));  // it is asked
  const auto body = std::make_shared<const std::string>("");
  instance_->invoke({0, "request-2", body});
  ASSERT_TRUE(instance_->takes_behind());
  instance_->invoke({1, "request-3", body});
  instance_->take_back();
  ASSERT_TRUE(run_until([this] { return events_.finishes.size() == 3; }));
  EXPECT_FALSE(events_.finishes[1].started || events_.finishes[2].started);
  ASSERT_EQ(::write(held.get(), "go", 2), 2);
  EXPECT_TRUE(run_until([this] { return code_.kept == 1; }));
  EXPECT_EQ(code_.compiled["v-1"].bytes, "bytes");
}

// Each that is asked would end so, and no call would find an instance that waits.
TEST_F(CompiledInstance, WhoeverEndsWhenItIsAskedIsTheLastToBeAsked) {
  const std::string script = shim("test code 1", std::string(kTakes) + "exit 3");
  start_script(script);
  ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1; }));
  EXPECT_EQ(call("").outcome.output, "true");
  expect_end();
  EXPECT_EQ(code_.compiled.at("v-1"), (CompiledCode{"test code 1", ""}));
  EXPECT_EQ(counts(), CompileCounts());
  start_script(script);
  ASSERT_TRUE(run_until([this] { return events_.loaded_count == 2; }));
  EXPECT_EQ(call("").outcome.output, "true");
  EXPECT_TRUE(run_until([this] { return !host_.frozen().empty(); })) << "it stands still, unasked";
}

// It ends at what it was given: the next one does without.
TEST_F(CompiledInstance, WhatBreaksTheRuntimeGoes) {
  const std::string compiles = "test code 1";
  code_.compiled["v-1"] = {compiles, "bytes"};
  start_script(ready(compiles, std::string(kTakes) + "exit 3"));
  expect_failed(OutcomeKind::kExited);
  EXPECT_TRUE(code_.compiled.empty());
}

TEST_F(CompiledInstance, WhatBreaksTheFirstCallGoes) {
  const std::string compiles = "test code 1";
  code_.compiled["v-1"] = {compiles, "bytes"};
  start_script(ready(compiles, kTakes + sends(kLoaded, 0, "") + kTakes + "exit 3"));
  ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1; }));
  EXPECT_EQ(call("").outcome.kind, OutcomeKind::kExited);
  EXPECT_TRUE(code_.compiled.empty());
}

TEST_F(CompiledInstance, WhatHoldsUpTheLoadGoes) {
  const std::string compiles = "test code 1";
  code_.compiled["v-1"] = {compiles, "bytes"};
  options_.init_timeout = std::chrono::milliseconds(50);
  start_script(ready(compiles, std::string(kTakes) + "sleep 100"));
  expect_failed(OutcomeKind::kInitTimedOut);
  EXPECT_TRUE(code_.compiled.empty());
}

TEST_F(CompiledInstance, WhatServedACallStays) {
  const std::string compiles = "test code 1";
  code_.compiled["v-1"] = {compiles, "bytes"};
  start_script(shim(compiles, std::string(kTakes) + "exit 3"));
  ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1; }));
  EXPECT_EQ(call("").outcome.output, "true");
  EXPECT_EQ(call("").outcome.kind, OutcomeKind::kExited);
  EXPECT_EQ(code_.compiled.count("v-1"), 1U);
}

TEST_F(CompiledInstance, AnErrorOfTheFunctionsOwnLeavesIt) {
  version_.id = "v-2";
  run("index.facts");
  code_.compiled["v-1"] = code_.compiled.at("v-2");
  version_.id = "v-1";
  start("broken-throws", "index");
  expect_failed(OutcomeKind::kInitFailed);
  EXPECT_EQ(code_.compiled.count("v-1"), 1U);
}

}  // namespace
}  // namespace hearth::worker
