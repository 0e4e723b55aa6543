// The functions that are measured: what each is sent, what it answers, and its code, which is the baselines'
// own (bench/baselines/*/index.{js,py}, put in by the build). Pure, but for writing code into a folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/target/target_spec.h"

namespace hearth::bench {

struct TestFunction {
  FunctionKind kind = FunctionKind::kHello;
  std::uint32_t sleep_ms = 50;
  std::uint64_t body_bytes = 0;  // 0: the function's own small body

  bool operator==(const TestFunction&) const = default;
};

// JSON; of `body_bytes` in all when that is more than the smallest body.
std::string request_body(const TestFunction& function);

// Whether `body` is what the function answers to its request; `wrapped`: as Hearth does, {"output": …}.
// kCorrupt says what came instead.
base::Result<void> check_answer(const TestFunction& function, std::string_view body, bool wrapped);

// The one file that a function consists of.
struct SourceFile {
  std::string_view name;
  std::string_view code;
  std::string_view comment;  // what begins one in its language
};

// `runtime`: "node", which it is when empty too, or "python".
SourceFile source_of(FunctionKind kind, std::string_view runtime = {});

}  // namespace hearth::bench
