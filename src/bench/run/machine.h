// The machine that figures are taken on, from /proc. Blocks: it asks node for its version. One thread.
#pragma once

#include <string>

#include "bench/result.h"

namespace hearth::bench {

Machine this_machine();

// RFC 3339, in UTC.
std::string time_text(std::int64_t unix_ms);
// A command line as /proc/…/cmdline has it, as it would be typed: the program without its folder, the value
// of --api-key left out. Pure.
std::string command_text(const std::string& arguments);
// This process's.
std::string command_text();

}  // namespace hearth::bench
