// The baselines' handlers as text, written by the build from bench/baselines/*/index.{js,py}. Constants.
#pragma once

#include <string_view>

namespace hearth::bench {

// In the languages of the runtimes.
struct EmbeddedFunction {
  std::string_view node;
  std::string_view python;
};

extern const EmbeddedFunction kHelloCode;
extern const EmbeddedFunction kEchoCode;
extern const EmbeddedFunction kSleepCode;

}  // namespace hearth::bench
