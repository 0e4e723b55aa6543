// `hearth serve`, all roles in one process, and `hearth gateway`, `hearth worker` and `hearth monitor`, one
// each. The only code that names adapters.
#pragma once

#include "apps/hearth/serve_options.h"

namespace hearth {

// Runs until SIGTERM or SIGINT and returns the exit status: 0 after a clean stop, 1 when it could not
// start or lost its launcher, 2 for options that do not fit together. Errors go to stderr.
int serve(const ServeOptions& options);

}  // namespace hearth
