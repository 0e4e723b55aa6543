// A mount namespace of which a folder is the root, and which holds what is mounted there and nothing
// else. Used by RootImage, once. One thread.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::sandbox {

// `path` is a mount point. The namespace lives as long as the descriptor, or a process in it. kIo.
base::Result<base::UniqueFd> namespace_rooted_at(const std::string& path);

}  // namespace hearth::sandbox
