// What a person wants to know first of a run, in sentences; the report opens with them. Pure. Any thread.
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"

namespace hearth::bench {

// Plain text, not escaped. Of each run: how each target did, how it stands to the first, what failed and
// whether the client itself may have been the limit. Never empty.
std::vector<std::string> headlines(const std::vector<RunResult>& runs);

}  // namespace hearth::bench
