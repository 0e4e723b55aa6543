// Which files a host program needs to start: its dynamic loader and its shared libraries. Asked once
// at start-up, while the root is composed; blocks for the few milliseconds that the loader takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::sandbox {

// Absolute paths as the loader opens them; empty for a statically linked program. The program itself
// is not run. kNotFound, kUnsupported (not an ELF file), kIo (a library is missing).
base::Result<std::vector<std::string>> library_closure(const std::string& program);

// What the shared objects in `folder`, which the program loads by itself, need beside it: absolute paths too,
// some of them the program's. What the host lacks is left out, for they are optional to the program. The
// errors are of the program.
base::Result<std::vector<std::string>> extension_closure(const std::string& program,
                                                         const std::string& folder);

// The paths in what `ld.so --list` prints.
std::vector<std::string> parse_loader_list(std::string_view text);

}  // namespace hearth::sandbox
