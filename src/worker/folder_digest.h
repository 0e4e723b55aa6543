// A digest of all that a folder holds, so that what has changed on the disk is found: names, kinds, modes,
// content, and where symlinks lead. Blocking pool.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace hearth::worker {

// 64 hex digits (SHA-256). The order in which the disk has it does not matter. kIo.
base::Result<std::string> folder_digest(const std::filesystem::path& folder);

}  // namespace hearth::worker
