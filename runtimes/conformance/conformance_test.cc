// What every language's shim must do, as runtimes/protocol.md says it. One suite: a runtime is one of
// conformance.h's and a folder of fixtures with the same names. What is of one language alone has a file of
// its own.
#include "conformance.h"

namespace hearth::conformance {
namespace {

using model::OutcomeKind;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using worker::protocol::Answer;
using worker::protocol::Frame;
using worker::protocol::FrameType;
using worker::protocol::Init;

TEST_P(Conformance, SpeaksFirst) { expect_ready(); }

TEST_P(Conformance, TheModuleItselfIsTheHandler) {
  load("echo", "index");
  EXPECT_EQ(output(R"({"a":[1,2.5,"ü€😀",null,true]})"), R"({"a":[1,2.5,"ü€😀",null,true]})");
  EXPECT_EQ(output("17"), "17");
}

TEST_P(Conformance, AModuleThatIsNoFunctionOffersItsHandler) {
  load("default-handler", "index");
  EXPECT_EQ(output("1"), R"("handler export")");
}

TEST_P(Conformance, AHandlerInAFolder) {
  load("handlers", "dir/file.name");
  EXPECT_EQ(output("1"), R"("dir/file.name")");
}

TEST_P(Conformance, AHandlerWithinAnExport) {
  load("nested.deep.handler");
  EXPECT_EQ(output("1"), R"("deep")");
}

TEST_P(Conformance, ANamedHandlerKnowsItsOwner) {
  load("owner");
  EXPECT_EQ(output("1"), "true");
}

TEST_P(Conformance, ContextSaysWhereTheCallStands) {
  load("context");
  process_.send_invoke(++invocation_, "1", 5'000, "b4c1");
  const std::string text = answer().outcome.output;
  EXPECT_THAT(
      text, StartsWith(
                R"({"requestId":"b4c1","functionName":"orders","functionVersion":7,"memoryLimitInMB":256,)"));
  const double remaining = std::stod(text.substr(text.find("remaining") + 11));
  EXPECT_LE(remaining, 5'000);
  EXPECT_GT(remaining, 3'000);
}

TEST_P(Conformance, NothingIsNull) {
  load("nothing");
  EXPECT_EQ(output("1"), "null");
}

TEST_P(Conformance, TheEnvironmentIsExactlyWhatWasGiven) {
  load("environment");
  EXPECT_EQ(output(""), R"({"PATH":"/usr/bin:/bin","BASE":"from the start","EMPTY":"","NAME":"value"})");
}

TEST_P(Conformance, TheCodeIsTheWorkingFolder) {
  load("folder");
  EXPECT_EQ(output(""), R"({"cwd":")" + fixture("handlers") +
                            R"(","note":"read by a handler through the working folder"})");
}

TEST_P(Conformance, ChildrenDoNotInheritTheControlSocket) {
  load("childDescriptors");
  EXPECT_EQ(output(""), R"("closed")");
}

TEST_P(Conformance, StateStaysBetweenCalls) {
  load("count");
  EXPECT_EQ(output(""), "1");
  EXPECT_EQ(output(""), "2");
}

TEST_P(Conformance, ManyCallsKeepTheirAnswersApart) {
  load("echo");
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_EQ(output(std::to_string(i)), std::to_string(i));
  }
}

TEST_P(Conformance, LargeBodiesOfEverySizeAroundTheBuffers) {
  load("length");
  for (const std::size_t length : {1'000U, 65'400U, 65'450U, 65'484U, 65'485U, 65'486U, 65'487U, 65'488U,
                                   65'489U, 65'500U, 65'536U, 131'072U, 1'000'000U, 6'291'454U}) {
    ASSERT_EQ(output('"' + std::string(length, 'b') + '"'), std::to_string(length));
  }
}

TEST_P(Conformance, LargeResults) {
  load("large");
  for (const std::size_t length : {10U, 21'000U, 65'000U, 65'516U, 70'000U, 6'000'000U}) {
    ASSERT_EQ(output(std::to_string(length)).size(), length + 2);
  }
}

TEST_P(Conformance, AFrameMayComeByteByByte) {
  load("echo");
  std::string frame(worker::protocol::encode_invoke_head(++invocation_, 1'000, "id", 4).view());
  frame += "true";
  for (const char byte : frame) {
    process_.send({&byte, 1});
  }
  EXPECT_EQ(answer().outcome.output, "true");
}

TEST_P(Conformance, EveryWayToAnswer) {
  for (const std::string& handler : GetParam().answering) {
    SCOPED_TRACE(handler);
    RuntimeProcess process(GetParam().command, {});
    ASSERT_TRUE(process.receive().has_value());
    process.send_init(init("handlers", "index." + handler));
    ASSERT_EQ(process.receive().value().type, FrameType::kLoaded);
    for (std::uint64_t id = 1; id <= 3; ++id) {
      process.send_invoke(id, R"({"n":1})");
      const auto frame = process.receive();
      ASSERT_TRUE(frame.has_value());
      EXPECT_EQ(frame->invocation, id);
      EXPECT_EQ(worker::protocol::decode_result(frame->payload)->outcome.output, R"({"n":1})");
    }
  }
}

TEST_P(Conformance, LogsAreToldBeforeTheAnswer) {
  load("logs");
  for (int i = 0; i < 100; ++i) {
    output(std::to_string(i));
    ASSERT_EQ(process_.take_out(), "out " + std::to_string(i) + "\nno newline");
    ASSERT_EQ(process_.take_err(), "err " + std::to_string(i) + "\n");
  }
}

TEST_P(Conformance, MoreLogsThanAPipeHoldsAreAllThereBeforeTheAnswer) {
  load("floods");
  EXPECT_EQ(output("4000"), "4000");
  EXPECT_EQ(process_.take_out().size(), 4'000U * 1'024U);
}

TEST_P(Conformance, AChildProcessWritesIntoTheSameLogs) {
  load("childLogs");
  output("1");
  EXPECT_EQ(process_.take_out(), "from a child\n");
}

TEST_P(Conformance, BackgroundWorkGoesOnBetweenCalls) {
  load("backgroundThenTicks");
  EXPECT_EQ(output("\"start\""), R"("started")");
  EXPECT_FALSE(process_.receive(std::chrono::milliseconds(100)).has_value());
  EXPECT_GT(std::stoi(output("1")), 5);
}

TEST_P(Conformance, AModuleWithATimerIsServed) {
  load("stray-timer", "index");
  const std::string large = '"' + std::string(3'000'000, 'b') + '"';
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(output(std::to_string(i)), std::to_string(i));
    EXPECT_EQ(output(large), large);
  }
}

INSTANTIATE_TEST_SUITE_P(Runtimes, Conformance, testing::Values(node(), python()),
                         [](const auto& runtime) { return runtime.param.name; });

}  // namespace
}  // namespace hearth::conformance
