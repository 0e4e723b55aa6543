// The machine that figures are taken on, from /proc. Blocks: it asks node for its version. One thread.
#pragma once

#include <string>

#include "bench/result.h"

namespace hearth::bench {

Machine this_machine();

// RFC 3339, in UTC.
std::string time_text(std::int64_t unix_ms);
// This process's command line, without the value of --api-key.
std::string command_text();

}  // namespace hearth::bench
