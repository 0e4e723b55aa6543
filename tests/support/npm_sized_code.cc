#include "tests/support/npm_sized_code.h"

#include <fmt/format.h>

#include <random>
#include <string_view>

namespace hearth::test {
namespace {

std::string noise(std::minstd_rand& random, std::size_t bytes) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-";
  std::string text(bytes, ' ');
  for (char& letter : text) {
    letter = kLetters[random() % kLetters.size()];
  }
  return text;
}

// One of the functions of a module, of some 300 bytes.
std::string function_of(int number) {
  return fmt::format(
      "function f{0}(input, options) {{\n"
      "  const given = options === undefined ? {{ deep: false, limit: {0} }} : options;\n"
      "  const found = [];\n"
      "  for (const key of Object.keys(Object(input))) {{\n"
      "    if (found.length < given.limit && key.length !== {0}) {{ found.push([key, input[key]]); }}\n"
      "  }}\n"
      "  return given.deep ? found.map((pair) => pair.join('{0}:')) : found;\n"
      "}}\n"
      "exports.f{0} = f{0};\n",
      number);
}

}  // namespace

std::string large_module(std::size_t bytes, unsigned seed) {
  std::string source = fmt::format("'use strict';\nconst seed = {};\n", seed);
  int functions = 0;
  while (source.size() < bytes) {
    source += function_of(functions++);
  }
  return source +
         fmt::format(
             "const names = Object.keys(exports);\nexports.loaded = names.filter((name, i) => i % 4 === 0)\n"
             "  .map((name) => exports[name]({{ name, seed }}, {{ deep: true, limit: 2 }}).length).length;\n"
             "exports.functions = {};\n",
             functions);
}

std::map<std::string, std::string> npm_sized_code(unsigned seed, const NpmSize& size) {
  std::minstd_rand random(seed);
  std::map<std::string, std::string> files;
  std::string index = "let functions = 0;\n";
  std::size_t loaded = 0;
  for (std::size_t package = 0; package < size.packages; ++package) {
    for (std::size_t file = 0; file < size.files_each; ++file) {
      const std::string name = fmt::format("package-{}/lib/{}.js", package, file);
      const std::size_t code_bytes = size.file_bytes / 2;
      std::string text = large_module(code_bytes, static_cast<unsigned>(random()));
      text += "// " + noise(random, size.file_bytes - std::min(size.file_bytes, text.size())) + "\n";
      files["node_modules/" + name] = text;
      if (file < (size.loaded + size.packages - 1) / size.packages && loaded < size.loaded) {
        index += fmt::format("functions += require('{}').functions;\n", name);
        ++loaded;
      }
    }
    files[fmt::format("node_modules/package-{}/package.json", package)] = fmt::format(
        "{{\"name\": \"package-{}\", \"version\": \"1.0.0\", \"main\": \"lib/0.js\"}}\n", package);
  }
  files["index.js"] = index + "module.exports = () => functions;\n";
  return files;
}

}  // namespace hearth::test
