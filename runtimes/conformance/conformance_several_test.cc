// What a shim must do whose function takes several calls at once (runtimes/protocol.md).
#include <chrono>
#include <map>
#include <string>

#include "conformance.h"

namespace hearth::conformance {
namespace {

using model::OutcomeKind;
using testing::HasSubstr;
using worker::protocol::Frame;
using worker::protocol::FrameType;
namespace protocol = worker::protocol;

constexpr std::uint32_t kAtOnce = 16;

class Several : public Conformance {
 protected:
  void load_several(const std::string& handler) {
    process_.tell_logs();
    expect_ready();
    auto fields = init("handlers", "index." + handler);
    fields.concurrency = kAtOnce;
    process_.send_init(fields);
    const auto frame = process_.receive();
    ASSERT_TRUE(frame.has_value()) << process_.take_err();
    ASSERT_EQ(frame->type, FrameType::kLoaded) << frame->payload;
  }

  static std::string invoke_frame(std::uint64_t id, std::string_view body) {
    return std::string(protocol::encode_invoke_head(id, 30'000, "request", body.size()).view()) +
           std::string(body);
  }

  // The next frame that is no log; logs are gathered by their call.
  Frame next() {
    for (;;) {
      auto frame = process_.receive();
      if (!frame) {
        ADD_FAILURE() << "no frame: " << process_.take_err();
        return {};
      }
      if (frame->type != FrameType::kLog) {
        return *frame;
      }
      const auto log = protocol::decode_log(frame->payload).value();
      std::string& told = logs_[frame->invocation];
      if (told.empty() || log.stream != streams_[frame->invocation]) {
        told += log.stream == model::LogStream::kOut ? "out:" : "err:";
      }
      streams_[frame->invocation] = log.stream;
      told += log.text;
    }
  }

  // Of handlers that leave as many milliseconds of work to the event loop's next turn as they are asked for.
  void expect_answers_before_work() {
    const auto began = std::chrono::steady_clock::now();
    process_.send(invoke_frame(1, "1000") + invoke_frame(2, "1000"));
    EXPECT_EQ(result(next()), "1000");
    EXPECT_EQ(result(next()), "1000");
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(900));
  }

  std::string result(const Frame& frame) {
    EXPECT_EQ(frame.type, FrameType::kResult) << frame.payload;
    return protocol::decode_result(frame.payload).value().outcome.output;
  }

  std::map<std::uint64_t, std::string> logs_;
  std::map<std::uint64_t, model::LogStream> streams_;  // that the last of a call's logs was of
};

TEST_P(Several, FramesThatComeTogetherAreEachAnswered) {
  load_several("echo");
  std::string frames;
  for (std::uint64_t id = 1; id <= kAtOnce; ++id) {
    frames += invoke_frame(id, std::to_string(id * 10));
  }
  process_.send(frames);
  std::map<std::uint64_t, std::string> results;
  for (std::uint32_t i = 0; i < kAtOnce; ++i) {
    const Frame frame = next();
    results[frame.invocation] = result(frame);
  }
  ASSERT_EQ(results.size(), kAtOnce);
  for (const auto& [id, text] : results) {
    EXPECT_EQ(text, std::to_string(id * 10));
  }
}

TEST_P(Several, FramesMayBeCutAnywhere) {
  load_several("echo");
  const std::string large(100'000, 'x');
  const std::string frames = invoke_frame(1, "1") + invoke_frame(2, '"' + large + '"') + invoke_frame(3, "3");
  for (std::size_t at = 0; at < frames.size();) {
    const std::size_t part = at < 100 || at + 100 > frames.size() ? 1 : 30'011;
    process_.send(frames.substr(at, part));
    at += part;
  }
  EXPECT_EQ(result(next()), "1");
  EXPECT_EQ(result(next()).size(), large.size() + 2);
  EXPECT_EQ(result(next()), "3");
}

TEST_P(Several, CallsThatAwaitRunSideBySide) {
  load_several("wait");
  process_.send(invoke_frame(1, R"({"ms":200,"name":"slow"})") +
                invoke_frame(2, R"({"ms":1,"name":"quick"})"));
  Frame first = next();
  EXPECT_EQ(first.invocation, 2U);
  EXPECT_EQ(result(first), R"("quick")");
  // Another comes while the first still waits.
  process_.send(invoke_frame(3, R"({"ms":1,"name":"third"})"));
  EXPECT_EQ(next().invocation, 3U);
  EXPECT_EQ(result(next()), R"("slow")");
  // And the instance goes on when all have ended.
  process_.send(invoke_frame(4, R"({"ms":1,"name":"fourth"})"));
  EXPECT_EQ(result(next()), R"("fourth")");
}

TEST_P(Several, AnswersDoNotWaitForWhatHandlersLeaveBehind) {
  load_several("leavesWork");
  expect_answers_before_work();
}

TEST_P(Several, NorDoAnswersOfHandlersThatAwaitNothingThatTakesTime) {
  load_several("leavesWorkAsync");
  expect_answers_before_work();
}

TEST_P(Several, AnErrorIsThatOfItsCall) {
  load_several("wait");
  process_.send(invoke_frame(1, R"({"ms":1,"throws":"mine"})") + invoke_frame(2, "{") +
                invoke_frame(3, R"({"ms":5,"name":"well"})"));
  std::map<std::uint64_t, Frame> frames;
  for (int i = 0; i < 3; ++i) {
    Frame frame = next();
    frames[frame.invocation] = frame;
  }
  EXPECT_THAT(protocol::decode_error(frames.at(1).payload).value().outcome.error.message, HasSubstr("mine"));
  EXPECT_EQ(protocol::decode_error(frames.at(2).payload).value().outcome.kind, OutcomeKind::kBadInput);
  EXPECT_EQ(result(frames.at(3)), R"("well")");
}

TEST_P(Several, WhatAHandlerLogsIsToldByItsCall) {
  load_several("logsAround");
  process_.send(invoke_frame(1, R"("ü one")") + invoke_frame(2, R"("two")"));
  next();
  next();
  EXPECT_EQ(logs_.at(1), "out:ü one before\nerr:ü one after\n");
  EXPECT_EQ(logs_.at(2), "out:two before\nerr:two after\n");
  EXPECT_EQ(process_.take_out() + process_.take_err(), "");
}

TEST_P(Several, WhatIsLoggedBehindACallIsNobodys) {
  load_several("logsBehind");
  process_.send(invoke_frame(1, "1"));
  EXPECT_EQ(result(next()), "1");
  std::string out;
  // As long as it takes: a hundred quick calls may be over before the runtime's timer is due.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (out.empty() && std::chrono::steady_clock::now() < until) {
    process_.send(invoke_frame(2, "2"));
    EXPECT_EQ(result(next()), "2");
    out = process_.take_out();
  }
  EXPECT_THAT(out, HasSubstr("behind"));
  EXPECT_TRUE(logs_.empty());
}

INSTANTIATE_TEST_SUITE_P(Runtimes, Several, testing::Values(node(), python()),
                         [](const auto& runtime) { return runtime.param.name; });

}  // namespace
}  // namespace hearth::conformance
