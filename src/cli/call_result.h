// What a call came to, as `invoke` tells it: what the function returned on stdout, its error on stderr.
#pragma once

#include <iosfwd>
#include <string>

#include "cli/api.h"
#include "cli/api_model.h"
#include "cli/command.h"

namespace hearth::cli {

// `reply`: {"output": …} or {"error": {…}}; in JSON mode all of it is printed. Returns the exit code.
int print_call_result(Context& context, const Reply& reply, const std::string& function);

// "Type: message", then the frames of the stack.
void print_error_text(std::ostream& out, const ApiFailure& failure);

}  // namespace hearth::cli
