// How an invocation's log reads: a heading, then what the function wrote.
#pragma once

#include <iosfwd>

#include "cli/api_model.h"

namespace hearth::cli {

// "2026-01-31T12:00:00Z  returned  12.3 ms  cold  REQUEST-ID"
void print_log_heading(std::ostream& out, const LogEntry& entry);

// One line each: "  | text" from stdout, "  ! text" from stderr.
void print_log_lines(std::ostream& out, const LogEntry& entry);

}  // namespace hearth::cli
