// Finds function bodies by their braces and measures them. No parser: it knows enough C++ to tell a
// function from a type, a namespace and an initializer, as this repository writes them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::structure {

struct FunctionSize {
  std::string header;    // what stands before its body, on one line
  std::size_t line = 0;  // of its first word, from 1
  std::size_t lines = 0;

  bool operator==(const FunctionSize&) const = default;
};

// Functions of a file outside of other functions, in their order.
std::vector<FunctionSize> function_sizes(std::string_view text);

}  // namespace hearth::structure
