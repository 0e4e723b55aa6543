// Code as large as npm makes it: a node_modules of 2,000 files that are a zip of 10 MB, of which a handler
// loads some, for tests and measurements.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace hearth::test {

struct NpmSize {
  std::size_t packages = 100;
  std::size_t files_each = 20;
  std::size_t file_bytes = 12'000;  // half of it code, the rest text that hardly shrinks in a zip
  std::size_t loaded = 100;         // modules that the handler loads
};

// index.js and what it loads. `seed`: others are other code.
std::map<std::string, std::string> npm_sized_code(unsigned seed = 1, const NpmSize& size = {});

// Source of one module, so many bytes of it, as a large library is one: many functions, some of which run
// when it is loaded. Exports an object of functions.
std::string large_module(std::size_t bytes, unsigned seed = 1);

}  // namespace hearth::test
