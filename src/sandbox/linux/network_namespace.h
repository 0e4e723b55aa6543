// Network namespaces, made before there is a process to run in them: the kernel takes longer for one than
// for the rest of a sandbox. Used by StartPool and NatNetwork, on the launcher's thread, which goes into
// the namespace and comes back to its own.
#pragma once

#include <functional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::sandbox {

// A new one, with its loopback interface up and nothing else. It lives as long as the descriptor, or a
// process in it. kIo, kExhausted (no memory).
base::Result<base::UniqueFd> make_network_namespace();

// Runs `work`, which returns 0 or errno, inside.
int run_inside(int network_namespace, const std::function<int()>& work);

}  // namespace hearth::sandbox
