// Runs a program to its end and keeps what it wrote. One thread; blocks.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::bench {

struct ProgramEnd {
  int exit_code = 0;   // 128 + the signal that ended it
  std::string output;  // stdout and stderr
};

// In `folder`, with `environment` (NAME=VALUE) beside this process's own. kTimeout when it has not ended
// within `bound`; it is then killed, and so are its children of the same process group.
base::Result<ProgramEnd> run_to_end(const std::vector<std::string>& command, const std::string& folder,
                                    const std::vector<std::string>& environment, std::chrono::seconds bound);

}  // namespace hearth::bench
