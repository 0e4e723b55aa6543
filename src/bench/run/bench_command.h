// `hearth bench`: measures a serverless platform as the paper does (section III), and more. main adds it
// beside the commands of src/cli. One thread.
#pragma once

#include "cli/command.h"

namespace hearth::bench {

cli::Command bench_command();

}  // namespace hearth::bench
