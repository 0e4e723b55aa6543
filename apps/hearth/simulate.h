// The command `hearth simulate`: flags to settings, progress to stderr, the report to stdout and into files.
// What is simulated is src/sim's.
#pragma once

#include "cli/command.h"

namespace hearth {

cli::Command simulate_command();

}  // namespace hearth
