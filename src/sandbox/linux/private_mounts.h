// The server's own mount namespace. main calls this once, as root, before it forks the launcher and
// starts threads: every mount the launcher makes then vanishes with the last process of the server,
// and a code folder opened by the unprivileged worker is in the same namespace as the launcher, which
// open_tree(2) asks for.
#pragma once

#include "base/result.h"

namespace hearth::sandbox {

// Mounts of the host still arrive here (slave); mounts made here stay here. kIo without CAP_SYS_ADMIN.
base::Result<void> enter_private_mounts();

// False where a mount made below "/" would spread to the host's namespace (mount_namespaces(7), shared
// subtrees): enter_private_mounts() has not been called.
bool mounts_are_private();

}  // namespace hearth::sandbox
