// For tests of a runtime's compile cache: instances one after the other, without one, making one, and with
// it.
#pragma once

#include <string>

#include "code_folder.h"
#include "conformance.h"

namespace hearth::conformance {

inline constexpr std::uint64_t kMostBytes = 8 * base::kMiB;

// One instance: its answers to two calls, and what it had compiled after the first.
struct Ran {
  std::string output;
  std::string second_output;
  std::string err;
  std::string compiled;
};

class CompileCache : public testing::Test {
 protected:
  CompileCache() {
    RuntimeProcess process(runtime_.command, {});
    const auto ready = worker::protocol::decode_ready(process.receive().value().payload).value();
    if (ready.compiles.empty()) {
      skipped_ = true;
    }
  }
  void SetUp() override {
    if (skipped_) {
      GTEST_SKIP() << "this Node has not got what the compile cache needs";
    }
  }

  static std::string fixture() { return source_folder() + "/runtimes/conformance/fixtures/node/compiled"; }

  Ran run(const std::string& folder, const std::string& handler, std::uint64_t most_bytes,
          const std::string& compiled = "") {
    RuntimeProcess process(runtime_.command, {"PATH=/usr/bin:/bin"});
    worker::protocol::Init init;
    init.handler = handler;
    init.code_path = folder;
    init.compile_cache_bytes = most_bytes;
    EXPECT_TRUE(process.receive().has_value());
    process.send_init(init, compiled);
    const auto loaded = process.receive();
    if (!loaded || loaded->type != worker::protocol::FrameType::kLoaded) {
      ADD_FAILURE() << (loaded ? loaded->payload : process.take_err());
      return {};
    }
    process.send_invoke(1, "");
    Ran ran;
    ran.output = process.receive().value().payload.substr(4);
    if (most_bytes > 0) {
      process.send_collect(most_bytes);
      ran.compiled = process.receive().value().payload;
    }
    process.send_invoke(2, "");
    ran.second_output = process.receive().value().payload.substr(4);
    ran.err = process.take_err();
    return ran;
  }

  // Without one, while one is made, and with it.
  void expect_the_same(const std::string& folder, const std::string& handler) {
    const Ran without = run(folder, handler, 0);
    const Ran first = run(folder, handler, kMostBytes);
    expect_equal(first, without);
    EXPECT_THAT(first.compiled, testing::Not(testing::IsEmpty()));
    const Ran second = run(folder, handler, kMostBytes, first.compiled);
    expect_equal(second, without);
    EXPECT_THAT(second.compiled, testing::IsEmpty()) << "what was given is not told again";
    EXPECT_THAT(without.output, testing::Not(testing::IsEmpty()));
  }
  void expect_the_same(const std::string& handler) { expect_the_same(fixture(), handler); }

  static void expect_equal(const Ran& ran, const Ran& other) {
    EXPECT_EQ(ran.output, other.output);
    EXPECT_EQ(ran.second_output, other.second_output);
    EXPECT_EQ(ran.err, other.err);
  }

  // As instances have it: the flags that limit the heap are the ones that V8 would mind.
  static Runtime node_as_instances_have_it() {
    Runtime runtime = node();
    runtime.command.insert(runtime.command.begin() + 1,
                           {"--max-old-space-size=64", "--max-semi-space-size=4", "--min-semi-space-size=4"});
    return runtime;
  }

  const Runtime runtime_ = node_as_instances_have_it();
  bool skipped_ = false;
};

// The source of a handler that answers `word`, so many bytes of it.
inline std::string answering(const std::string& word, std::size_t bytes = 8'000, char rest = ' ') {
  std::string text = "const one = 1; /* just a word in this place */ const word = '" + word +
                     "';\nmodule.exports = () => word;\n//";
  text.resize(bytes, rest);
  return text;
}

}  // namespace hearth::conformance
