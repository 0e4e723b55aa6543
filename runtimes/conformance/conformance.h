// The fixture of the conformance suite: one runtime in its own process, and the steps that most tests take.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "runtime_process.h"

namespace hearth::conformance {

inline std::string source_folder() {
  const char* const folder = std::getenv("HEARTH_SOURCE_DIR");
  return folder != nullptr ? folder : ".";
}

struct Runtime {
  std::string name;
  std::vector<std::string> command;
  std::string extension;                 // of its source files
  std::vector<std::string> answering;    // handlers that return their input, each in its way
  std::vector<std::string> unencodable;  // handlers that return what JSON cannot hold
};

inline Runtime node() {
  const char* const program = std::getenv("HEARTH_NODE");
  return {"node",
          {program != nullptr ? program : "/usr/bin/node", source_folder() + "/runtimes/node/shim.js"},
          ".js",
          {"promise", "resolved", "thenable", "callback", "callbackAtOnce", "callbackPromise"},
          {"bigint", "cycle", "toJsonThrows", "returnsFunction", "returnsSymbol"}};
}

inline Runtime python() {
  const char* const program = std::getenv("HEARTH_PYTHON");
  return {"python",
          {program != nullptr ? program : "/usr/bin/python3", "-I", "-S", "-B", "-X", "utf8",
           source_folder() + "/runtimes/python/shim.py"},
          ".py",
          {"echo", "awaits", "awaitsNothing", "returnsCoroutine", "returnsAwaitable", "takesEvent",
           "takesEventAsMethod", "takesEventAndAwaits", "takesAny", "takesNothing", "isCallable"},
          {"isSet", "isBytes", "isNan", "isInfinite", "isDeep", "hasTupleKey", "cycle", "returnsFunction"}};
}

inline void PrintTo(const Runtime& runtime, std::ostream* out) { *out << runtime.name; }

class Conformance : public testing::TestWithParam<Runtime> {
 protected:
  Conformance() : process_(GetParam().command, {"PATH=/usr/bin:/bin", "BASE=from the start"}) {}

  std::string fixture(const std::string& name) const {
    return source_folder() + "/runtimes/conformance/fixtures/" + GetParam().name + "/" + name;
  }

  worker::protocol::Init init(const std::string& name, const std::string& handler) const {
    worker::protocol::Init init;
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
    ASSERT_EQ(frame->type, worker::protocol::FrameType::kReady);
    EXPECT_EQ(frame->invocation, 0U);
    const auto ready = worker::protocol::decode_ready(frame->payload);
    ASSERT_TRUE(ready.ok()) << ready.error().message;
    EXPECT_THAT(ready->runtime, testing::StartsWith(GetParam().name + " "));
  }

  // Boots and initialises; the handler is loaded afterwards.
  void load(const std::string& name, const std::string& handler) {
    expect_ready();
    process_.send_init(init(name, handler));
    const auto frame = process_.receive();
    ASSERT_TRUE(frame.has_value()) << process_.take_err();
    ASSERT_EQ(frame->type, worker::protocol::FrameType::kLoaded) << frame->payload;
  }
  void load(const std::string& handler) { load("handlers", "index." + handler); }

  model::FunctionError load_error(const std::string& name, const std::string& handler) {
    expect_ready();
    process_.send_init(init(name, handler));
    const auto frame = process_.receive();
    if (!frame || frame->type != worker::protocol::FrameType::kInitError) {
      ADD_FAILURE() << "no init_error: " << process_.take_err();
      return {};
    }
    return worker::protocol::decode_init_error(frame->payload).value();
  }

  worker::protocol::Answer call(std::string_view body) {
    process_.send_invoke(++invocation_, body);
    return answer();
  }

  worker::protocol::Answer answer() {
    const auto frame = process_.receive();
    if (!frame) {
      ADD_FAILURE() << "no answer: " << process_.take_err();
      return {};
    }
    EXPECT_EQ(frame->invocation, invocation_);
    auto decoded = frame->type == worker::protocol::FrameType::kResult
                       ? worker::protocol::decode_result(frame->payload)
                       : worker::protocol::decode_error(frame->payload);
    if (!decoded) {
      ADD_FAILURE() << decoded.error().message;
      return {};
    }
    return *decoded;
  }

  std::string output(std::string_view body) {
    const worker::protocol::Answer answered = call(body);
    EXPECT_EQ(answered.outcome.kind, model::OutcomeKind::kReturned) << answered.outcome.error.message;
    return answered.outcome.output;
  }

  // The call fails in this way, and the next call is served.
  model::FunctionError failure(std::string_view body, model::OutcomeKind kind) {
    worker::protocol::Answer answered = call(body);
    EXPECT_EQ(answered.outcome.kind, kind);
    const worker::protocol::Answer next = call(body);
    EXPECT_EQ(next.outcome.kind, kind);
    return answered.outcome.error;
  }

  RuntimeProcess process_;
  std::uint64_t invocation_ = 0;
};

}  // namespace hearth::conformance
