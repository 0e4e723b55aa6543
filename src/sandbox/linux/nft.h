// Runs nftables' own program once, with commands on its standard input. At start-up and at the end of a
// server only. Blocks; one thread.
#pragma once

#include <string>

#include "base/result.h"

namespace hearth::sandbox {

// The commands take effect together or not at all. kUnsupported when the program is not installed, kIo
// with its first words on an error.
base::Result<void> run_nft(const std::string& commands);

}  // namespace hearth::sandbox
