// What every language's shim must do, as runtimes/protocol.md says it. One suite: a runtime is a row
// of kRuntimes and a folder of fixtures with the same names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "runtime_process.h"

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

std::string source_folder() {
  const char* const folder = std::getenv("HEARTH_SOURCE_DIR");
  return folder != nullptr ? folder : ".";
}

struct Runtime {
  std::string name;
  std::vector<std::string> command;
};

void PrintTo(const Runtime& runtime, std::ostream* out) { *out << runtime.name; }

Runtime node() {
  const char* const program = std::getenv("HEARTH_NODE");
  return {"node",
          {program != nullptr ? program : "/usr/bin/node", source_folder() + "/runtimes/node/shim.js"}};
}

class Conformance : public testing::TestWithParam<Runtime> {
 protected:
  Conformance() : process_(GetParam().command, {"PATH=/usr/bin:/bin", "BASE=from the start"}) {}

  std::string fixture(const std::string& name) const {
    return source_folder() + "/runtimes/conformance/fixtures/" + GetParam().name + "/" + name;
  }

  Init init(const std::string& name, const std::string& handler) const {
    Init init;
    init.function_name = "orders";
    init.function_id = "0123";
    init.function_version = 7;
    init.handler = handler;
    init.memory_mb = 256;
    init.timeout_ms = 30'000;
    init.code_path = fixture(name);
    init.environment = {{"NAME", "value"}, {"EMPTY", ""}};
    return init;
  }

  void expect_ready() {
    const auto frame = process_.receive();
    ASSERT_TRUE(frame.has_value()) << process_.take_err();
    ASSERT_EQ(frame->type, FrameType::kReady);
    EXPECT_EQ(frame->invocation, 0U);
    const auto ready = worker::protocol::decode_ready(frame->payload);
    ASSERT_TRUE(ready.ok()) << ready.error().message;
    EXPECT_THAT(ready->runtime, StartsWith(GetParam().name + " "));
  }

  // Boots and initialises; the handler is loaded afterwards.
  void load(const std::string& name, const std::string& handler) {
    expect_ready();
    process_.send_init(init(name, handler));
    const auto frame = process_.receive();
    ASSERT_TRUE(frame.has_value()) << process_.take_err();
    ASSERT_EQ(frame->type, FrameType::kLoaded) << frame->payload;
  }
  void load(const std::string& handler) { load("handlers", "index." + handler); }

  model::FunctionError load_error(const std::string& name, const std::string& handler) {
    expect_ready();
    process_.send_init(init(name, handler));
    const auto frame = process_.receive();
    if (!frame || frame->type != FrameType::kInitError) {
      ADD_FAILURE() << "no init_error: " << process_.take_err();
      return {};
    }
    return worker::protocol::decode_init_error(frame->payload).value();
  }

  Answer call(std::string_view body) {
    process_.send_invoke(++invocation_, body);
    return answer();
  }

  Answer answer() {
    const auto frame = process_.receive();
    if (!frame) {
      ADD_FAILURE() << "no answer: " << process_.take_err();
      return {};
    }
    EXPECT_EQ(frame->invocation, invocation_);
    auto decoded = frame->type == FrameType::kResult ? worker::protocol::decode_result(frame->payload)
                                                     : worker::protocol::decode_error(frame->payload);
    if (!decoded) {
      ADD_FAILURE() << decoded.error().message;
      return {};
    }
    return *decoded;
  }

  std::string output(std::string_view body) {
    const Answer answered = call(body);
    EXPECT_EQ(answered.outcome.kind, OutcomeKind::kReturned) << answered.outcome.error.message;
    return answered.outcome.output;
  }

  // The call fails in this way, and the next call is served.
  model::FunctionError failure(std::string_view body, OutcomeKind kind) {
    Answer answered = call(body);
    EXPECT_EQ(answered.outcome.kind, kind);
    const Answer next = call(body);
    EXPECT_EQ(next.outcome.kind, kind);
    return answered.outcome.error;
  }

  RuntimeProcess process_;
  std::uint64_t invocation_ = 0;
};

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

TEST_P(Conformance, AModuleThatIsNoFunctionOffersItsDefault) {
  load("default-default", "index");
  EXPECT_EQ(output("1"), R"("default export")");
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

TEST_P(Conformance, EsModuleByName) {
  load("esm-mjs", "index");
  EXPECT_EQ(output("1"), R"("default 1")");
}

TEST_P(Conformance, EsModuleNamedExport) {
  load("esm-mjs", "index.named");
  EXPECT_EQ(output("1"), R"("named")");
}

TEST_P(Conformance, EsModuleByPackage) {
  load("esm-package", "index");
  EXPECT_EQ(output("1"), R"("index.js")");
}

TEST_P(Conformance, CommonJsInAModulePackage) {
  load("esm-package", "dir/old");
  EXPECT_EQ(output("1"), R"("CommonJS in a module package")");
}

TEST_P(Conformance, FilesAreLookedForInOrder) {
  load("order", "index");
  EXPECT_EQ(output("1"), R"("mjs")");
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

TEST_P(Conformance, AnEmptyBodyIsUndefined) {
  load("kind");
  EXPECT_EQ(output(""), R"("undefined")");
  EXPECT_EQ(output("null"), R"("object")");
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
  for (const std::string handler :
       {"promise", "resolved", "thenable", "callback", "callbackAtOnce", "callbackPromise"}) {
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

TEST_P(Conformance, AHandlerThatThrows) {
  load("throws");
  const auto error = failure("1", OutcomeKind::kThrew);
  EXPECT_EQ(error.type, "TypeError");
  EXPECT_EQ(error.message, "thrown on purpose");
  EXPECT_THAT(error.stack, HasSubstr("handlers/index.js"));
}

TEST_P(Conformance, AHandlerThatRejects) {
  load("rejects");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).message, "rejected on purpose");
}

TEST_P(Conformance, ACallbackWithAnError) {
  load("callbackError");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).type, "RangeError");
}

TEST_P(Conformance, ACallbackHandlerThatThrows) {
  load("callbackThrows");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).message, "before callback");
}

TEST_P(Conformance, ThrowingWhatIsNoError) {
  load("throwsText");
  const auto error = failure("1", OutcomeKind::kThrew);
  EXPECT_EQ(error.type, "string");
  EXPECT_EQ(error.message, "just text");
}

TEST_P(Conformance, ThrowingNothing) {
  load("throwsUndefined");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).type, "undefined");
}

TEST_P(Conformance, ThrowingWhatCannotBeDescribed) {
  load("throwsHostile");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).type, "Error");
}

TEST_P(Conformance, ALongErrorIsCut) {
  load("throwsLong");
  EXPECT_LT(failure("1", OutcomeKind::kThrew).message.size(), 64'000U);
}

TEST_P(Conformance, AHostileThen) {
  load("thenThrows");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).message, "hostile then");
}

TEST_P(Conformance, ABodyThatIsNotJson) {
  load("echo");
  EXPECT_THAT(failure("{\"a\":", OutcomeKind::kBadInput).message, testing::Not(IsEmpty()));
  EXPECT_EQ(output("1"), "1");
}

TEST_P(Conformance, ABodyThatIsNotUtf8) {
  load("echo");
  EXPECT_THAT(failure("\"\xff\"", OutcomeKind::kBadInput).message, HasSubstr("UTF-8"));
  EXPECT_EQ(output("\"\xef\xbf\xbd\""), "\"\xef\xbf\xbd\"");
}

TEST_P(Conformance, AnOutputThatJsonCannotHold) {
  for (const std::string handler : {"bigint", "cycle", "toJsonThrows", "returnsFunction", "returnsSymbol"}) {
    SCOPED_TRACE(handler);
    RuntimeProcess process(GetParam().command, {});
    ASSERT_TRUE(process.receive().has_value());
    process.send_init(init("handlers", "index." + handler));
    ASSERT_EQ(process.receive().value().type, FrameType::kLoaded);
    for (std::uint64_t id = 1; id <= 2; ++id) {
      process.send_invoke(id, "1");
      const auto frame = process.receive();
      ASSERT_TRUE(frame.has_value());
      const auto answered = worker::protocol::decode_error(frame->payload);
      ASSERT_TRUE(answered.ok());
      EXPECT_EQ(answered->outcome.kind, OutcomeKind::kBadOutput);
      EXPECT_THAT(answered->outcome.error.message, testing::Not(IsEmpty()));
    }
  }
}

TEST_P(Conformance, AModuleThatDoesNotParse) {
  EXPECT_EQ(load_error("broken-syntax", "index").type, "SyntaxError");
}

TEST_P(Conformance, AModuleThatThrows) {
  const auto error = load_error("broken-throws", "index");
  EXPECT_EQ(error.type, "RangeError");
  EXPECT_EQ(error.message, "thrown while loading");
}

TEST_P(Conformance, AModuleWithoutAHandler) {
  EXPECT_THAT(load_error("broken-nothing", "index").message, HasSubstr("exports no function"));
}

TEST_P(Conformance, ANameThatIsNotExported) {
  EXPECT_THAT(load_error("broken-nothing", "index.handler").message, HasSubstr("it exports: value"));
}

TEST_P(Conformance, AFileThatIsNotThere) {
  EXPECT_THAT(load_error("echo", "missing.handler").message, HasSubstr("no missing.js"));
}

TEST_P(Conformance, AManifestThatIsNotJson) {
  EXPECT_EQ(load_error("broken-type", "index").type, "SyntaxError");
}

TEST_P(Conformance, AModuleThatExits) {
  expect_ready();
  process_.send_init(init("broken-exit", "index"));
  EXPECT_FALSE(process_.receive().has_value());
  EXPECT_EQ(process_.wait_exit(), 9);
  EXPECT_EQ(process_.take_out(), "about to leave\n");
}

TEST_P(Conformance, AModuleThatNeverLoadsKeepsThePlatformWaiting) {
  expect_ready();
  process_.send_init(init("broken-never", "index"));
  EXPECT_FALSE(process_.receive(std::chrono::milliseconds(300)).has_value());
  EXPECT_FALSE(process_.wait_exit(std::chrono::milliseconds(1)).has_value());
}

TEST_P(Conformance, AHandlerThatNeverAnswersKeepsThePlatformWaiting) {
  load("never");
  process_.send_invoke(++invocation_, "1");
  EXPECT_FALSE(process_.receive(std::chrono::milliseconds(300)).has_value());
  EXPECT_FALSE(process_.wait_exit(std::chrono::milliseconds(1)).has_value());
}

TEST_P(Conformance, AHandlerThatExits) {
  load("exits");
  process_.send_invoke(++invocation_, "1");
  EXPECT_FALSE(process_.receive().has_value());
  EXPECT_EQ(process_.wait_exit(), 3);
}

TEST_P(Conformance, AHandlerThatIsKilled) {
  load("aborts");
  process_.send_invoke(++invocation_, "1");
  EXPECT_FALSE(process_.receive().has_value());
  EXPECT_EQ(process_.wait_exit(), -9);
}

TEST_P(Conformance, AStrayRejectionEndsTheProcess) {
  load("strayRejection");
  process_.send_invoke(++invocation_, "1");
  EXPECT_FALSE(process_.receive().has_value());
  EXPECT_EQ(process_.wait_exit(), 1);
  EXPECT_THAT(process_.take_err(), HasSubstr("stray rejection"));
}

TEST_P(Conformance, AStrayExceptionEndsTheProcess) {
  load("strayException");
  process_.send_invoke(++invocation_, "1");
  EXPECT_FALSE(process_.receive().has_value());
  EXPECT_EQ(process_.wait_exit(), 1);
  EXPECT_THAT(process_.take_err(), HasSubstr("stray exception"));
}

TEST_P(Conformance, AStrayRejectionAfterTheAnswerEndsTheProcessAtOnce) {
  load("strayRejectionAfter");
  EXPECT_EQ(output("1"), R"("answered")");
  EXPECT_EQ(process_.wait_exit(), 1);
  EXPECT_THAT(process_.take_err(), HasSubstr("stray after the answer"));
}

TEST_P(Conformance, LogsAreInThePipesBeforeTheAnswer) {
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

TEST_P(Conformance, TamperedGlobalsDoNotReachTheShim) {
  load("tampers");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(output(std::to_string(i)), std::to_string(i));
  }
  EXPECT_EQ(call("{").outcome.kind, OutcomeKind::kBadInput);
  EXPECT_EQ(output("\"ü\""), "\"ü\"");
}

TEST_P(Conformance, ASecondInitIsRefused) {
  load("echo");
  process_.send_init(init("handlers", "index.echo"));
  EXPECT_FALSE(process_.receive().has_value());
  EXPECT_EQ(process_.wait_exit(), 70);
  EXPECT_THAT(process_.take_err(), HasSubstr("second init"));
}

TEST_P(Conformance, AnInvokeBeforeInitIsRefused) {
  expect_ready();
  process_.send_invoke(1, "1");
  EXPECT_EQ(process_.wait_exit(), 70);
}

TEST_P(Conformance, AnUnknownFrameIsRefused) {
  expect_ready();
  process_.send(worker::protocol::encode_frame(static_cast<FrameType>(99), 0, "what"));
  EXPECT_EQ(process_.wait_exit(), 70);
}

TEST_P(Conformance, AnEndlessFrameIsRefused) {
  expect_ready();
  process_.send(std::string("\xff\xff\xff\xff\x02\0\0\0\0\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(process_.wait_exit(), 70);
}

TEST_P(Conformance, TheShimEndsWithItsSocket) {
  load("echo");
  process_.close_control();
  EXPECT_EQ(process_.wait_exit(), 0);
}

INSTANTIATE_TEST_SUITE_P(Runtimes, Conformance, testing::Values(node()),
                         [](const auto& runtime) { return runtime.param.name; });

}  // namespace
}  // namespace hearth::conformance
