// How a function and a platform may fail, and what the shim makes of it.
#include "conformance.h"

namespace hearth::conformance {
namespace {

using model::OutcomeKind;
using testing::HasSubstr;
using testing::IsEmpty;
using worker::protocol::FrameType;

TEST_P(Conformance, AHandlerThatThrows) {
  load("throws");
  const auto error = failure("1", OutcomeKind::kThrew);
  EXPECT_EQ(error.type, "TypeError");
  EXPECT_EQ(error.message, "thrown on purpose");
  EXPECT_THAT(error.stack, HasSubstr("handlers/index" + GetParam().extension));
}

TEST_P(Conformance, AHandlerThatRejects) {
  load("rejects");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).message, "rejected on purpose");
}

TEST_P(Conformance, ThrowingWhatCannotBeDescribed) {
  load("throwsHostile");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).type, "Error");
}

TEST_P(Conformance, ALongErrorIsCut) {
  load("throwsLong");
  EXPECT_LT(failure("1", OutcomeKind::kThrew).message.size(), 64'000U);
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
  for (const std::string& handler : GetParam().unencodable) {
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
  EXPECT_THAT(load_error("broken-nothing", "index").message, HasSubstr("no function"));
}

TEST_P(Conformance, ANameThatIsNotExported) {
  EXPECT_THAT(load_error("broken-nothing", "index.handler").message, HasSubstr(": value"));
}

TEST_P(Conformance, AFileThatIsNotThere) {
  EXPECT_THAT(load_error("echo", "missing.handler").message, HasSubstr("no missing" + GetParam().extension));
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

TEST_P(Conformance, TheShimEndsWithItsRequests) {
  load("echo");
  process_.close_requests();
  EXPECT_EQ(process_.wait_exit(), 0);
}

}  // namespace
}  // namespace hearth::conformance
