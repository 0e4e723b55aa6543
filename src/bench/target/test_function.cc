#include "bench/target/test_function.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "bench/target/embedded_functions.h"
#include "model/runtime.h"

namespace hearth::bench {
namespace {

namespace json = boost::json;

// A field that brings `text`, an object, up to `bytes`.
std::string padded(std::string text, std::uint64_t bytes) {
  constexpr std::string_view kField = R"(,"padding":"")";
  if (bytes <= text.size() + kField.size()) {
    return text;
  }
  const std::string padding(bytes - text.size() - kField.size(), 'x');
  text.insert(text.size() - 1, fmt::format(R"(,"padding":"{}")", padding));
  return text;
}

json::value expected_answer(const TestFunction& function) {
  switch (function.kind) {
    case FunctionKind::kHello:
      return json::object{{"message", "Hello, Ada!"}};
    case FunctionKind::kEcho:
      return json::parse(request_body(function));
    case FunctionKind::kSleep:
      return json::object{{"sleptMs", function.sleep_ms}};
  }
  return nullptr;
}

const EmbeddedFunction& embedded(FunctionKind kind) {
  switch (kind) {
    case FunctionKind::kEcho:
      return kEchoCode;
    case FunctionKind::kSleep:
      return kSleepCode;
    case FunctionKind::kHello:
      break;
  }
  return kHelloCode;
}

}  // namespace

std::string request_body(const TestFunction& function) {
  const std::string own = function.kind == FunctionKind::kSleep
                              ? fmt::format(R"({{"sleepMs":{}}})", function.sleep_ms)
                              : R"({"name":"Ada"})";
  return padded(own, function.body_bytes);
}

base::Result<void> check_answer(const TestFunction& function, std::string_view body, bool wrapped) {
  boost::system::error_code failed;
  json::value answer = json::parse(body, failed);
  const json::value* output = &answer;
  if (!failed && wrapped) {
    output = answer.is_object() ? answer.as_object().if_contains("output") : nullptr;
  }
  const json::value expected = expected_answer(function);
  if (failed || output == nullptr || *output != expected) {
    return base::Error{base::ErrorCode::kCorrupt,
                       fmt::format("it answered {} and not {}", body.substr(0, 200),
                                   json::serialize(expected).substr(0, 200))};
  }
  return {};
}

SourceFile source_of(FunctionKind kind, std::string_view runtime) {
  const EmbeddedFunction& function = embedded(kind);
  if (runtime == model::kPython) {
    return {"index.py", function.python, "#"};
  }
  return {"index.js", function.node, "//"};
}

}  // namespace hearth::bench
