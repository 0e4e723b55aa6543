// The languages that functions are written in. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::model {

struct Runtime {
  std::string_view name;
  std::span<const std::string_view> endings;  // of the file that a handler names, in the order of the search
};

// kNode is the default.
inline constexpr std::string_view kNode = "node";
inline constexpr std::string_view kPython = "python";

// All of them.
std::span<const Runtime> runtimes();

// Null when it is none of ours.
const Runtime* find_runtime(std::string_view name);

// Whether one of `paths` is the file that the runtime loads for `file` ("lib/orders").
bool has_source(const Runtime& runtime, const std::vector<std::string>& paths, std::string_view file);

// "index.js, index.mjs or index.cjs", for messages.
std::string sources_of(const Runtime& runtime, std::string_view file);

// The handler's file, without its ending: "index.handler" is in "index", "lib/orders.total" in "lib/orders".
std::string handler_file(std::string_view handler);

}  // namespace hearth::model
