// The baselines' handlers as text, written by the build from bench/baselines/*/index.js. Constants.
#pragma once

#include <string_view>

namespace hearth::bench {

extern const std::string_view kHelloCode;
extern const std::string_view kEchoCode;
extern const std::string_view kSleepCode;

}  // namespace hearth::bench
