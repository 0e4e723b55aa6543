// What only the python runtime's shim must do: what Python can return and raise, its ways to end, and what
// threads, tasks and forked children do.
#include "conformance.h"

namespace hearth::conformance {
namespace {

using model::OutcomeKind;
using testing::HasSubstr;
using testing::Not;

class Python : public Conformance {
 protected:
  void expect_exit(const std::string& handler, int code) {
    load(handler);
    process_.send_invoke(++invocation_, "1");
    EXPECT_FALSE(process_.receive().has_value());
    EXPECT_EQ(process_.wait_exit(), code);
  }
};

TEST_P(Python, AnEmptyBodyIsNone) {
  load("kind");
  EXPECT_EQ(output(""), R"("NoneType")");
  EXPECT_EQ(output("null"), R"("NoneType")");
  EXPECT_EQ(output(" [1, 2]\n"), R"("list")");
}

TEST_P(Python, WhatPythonAloneTakesForJsonIsBadInput) {
  load("echo");
  for (const std::string body : {"NaN", "[Infinity]", "-Infinity", "1 2", "'a'",
                                 "\xef\xbb\xbf"
                                 "1",
                                 "[1,]"}) {
    SCOPED_TRACE(body);
    EXPECT_THAT(failure(body, OutcomeKind::kBadInput).message, Not(testing::IsEmpty()));
  }
  EXPECT_EQ(call(std::string(100'000, '[')).outcome.kind, OutcomeKind::kBadInput);
  EXPECT_EQ(output("1"), "1");
}

TEST_P(Python, HalfOfASurrogatePairIsEscaped) {
  load("surrogate");
  EXPECT_EQ(output("1"), R"("\ud800\u00fc")");
}

TEST_P(Python, TheStackIsTheHandlersAndHasTheCause) {
  load("throwsBecause");
  const auto error = failure("1", OutcomeKind::kThrew);
  EXPECT_EQ(error.type, "TypeError");
  EXPECT_THAT(error.stack, HasSubstr("RangeError: the cause"));
  EXPECT_THAT(error.stack, HasSubstr("raise TypeError('the effect') from cause"));
  EXPECT_THAT(error.stack, Not(HasSubstr("shim.py")));
}

TEST_P(Python, EndlessRecursionIsAnError) {
  load("recursesForEver");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).type, "RecursionError");
}

TEST_P(Python, AnInterruptIsAnError) {
  load("interrupts");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).type, "KeyboardInterrupt");
}

TEST_P(Python, AnAwaitedHandlerThatExits) { expect_exit("exitsLater", 3); }

TEST_P(Python, AHandlerThatExitsAtOnce) { expect_exit("exitsAtOnce", 3); }

TEST_P(Python, AHandlerThatExitsWithTextAndLeavesAThread) {
  expect_exit("exitsWithText", 1);
  EXPECT_EQ(process_.take_err(), "leaving with these words\n");
}

TEST_P(Python, AStrayExceptionInAThreadIsReportedAndTheInstanceGoesOn) {
  load("strayException");
  EXPECT_EQ(output("1"), "1");
  EXPECT_THAT(process_.take_err(), HasSubstr("RangeError: stray exception"));
  EXPECT_EQ(output("2"), "2");
}

TEST_P(Python, ATaskGoesOnBetweenCalls) {
  load("taskThenTicks");
  EXPECT_EQ(output("\"start\""), R"("started")");
  EXPECT_FALSE(process_.receive(std::chrono::milliseconds(100)).has_value());
  EXPECT_GT(std::stoi(output("1")), 5);
}

TEST_P(Python, AForkedChildHasNoPartInTheProtocol) {
  load("forkLogs");
  EXPECT_EQ(output("1"), "0");
  EXPECT_EQ(process_.take_out(), "from a fork\n");
}

TEST_P(Python, ASpawnedChildIsNoSecondShim) {
  load("spawns");
  EXPECT_EQ(output("1"), "1") << process_.take_err();
}

TEST_P(Python, WhateverIsWrittenIsLogged) {
  load("oddLogs");
  output("1");
  EXPECT_EQ(process_.take_out(), "\\ud800\nbytes\nby another name\n");
}

TEST_P(Python, AFileNamedLikeALoadedModuleIsRefused) {
  EXPECT_THAT(load_error("named-io", "io").message, HasSubstr("io.py has the name of a module"));
}

INSTANTIATE_TEST_SUITE_P(Runtimes, Python, testing::Values(python()),
                         [](const auto& runtime) { return runtime.param.name; });

}  // namespace
}  // namespace hearth::conformance
