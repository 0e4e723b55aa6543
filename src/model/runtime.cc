#include "model/runtime.h"

#include <algorithm>
#include <array>

namespace hearth::model {
namespace {

using namespace std::string_view_literals;

constexpr std::array kNodeEndings = {".js"sv, ".mjs"sv, ".cjs"sv};
constexpr std::array kPythonEndings = {".py"sv};
constexpr std::array kRuntimes = {Runtime{kNode, kNodeEndings}, Runtime{kPython, kPythonEndings}};

std::string with_ending(std::string_view file, std::string_view ending) {
  return std::string(file).append(ending);
}

}  // namespace

std::span<const Runtime> runtimes() { return kRuntimes; }

const Runtime* find_runtime(std::string_view name) {
  const auto* const found = std::find_if(kRuntimes.begin(), kRuntimes.end(),
                                         [name](const Runtime& runtime) { return runtime.name == name; });
  return found == kRuntimes.end() ? nullptr : found;
}

bool has_source(const Runtime& runtime, const std::vector<std::string>& paths, std::string_view file) {
  return std::any_of(runtime.endings.begin(), runtime.endings.end(), [&](std::string_view ending) {
    return std::find(paths.begin(), paths.end(), with_ending(file, ending)) != paths.end();
  });
}

std::string sources_of(const Runtime& runtime, std::string_view file) {
  std::string text;
  for (std::size_t i = 0; i < runtime.endings.size(); ++i) {
    const bool last = i + 1 == runtime.endings.size();
    text.append(i == 0 ? "" : last ? " or " : ", ").append(with_ending(file, runtime.endings[i]));
  }
  return text;
}

std::string handler_file(std::string_view handler) {
  const std::size_t slash = handler.rfind('/');
  const std::size_t dot = handler.find('.', slash == std::string_view::npos ? 0 : slash);
  return std::string(handler.substr(0, dot));
}

}  // namespace hearth::model
