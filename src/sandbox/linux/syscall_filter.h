// The system calls a sandboxed process may make, as a classic BPF program for seccomp(2). Built once at
// start-up, installed by the child as its last step. Pure.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "base/result.h"

namespace hearth::sandbox {

// The native architecture only; a call of another (i386, x32) ends the process. What is not on the
// list answers ENOSYS, so that a C library newer than the list falls back to older calls; what is
// known and forbidden answers EPERM.
base::Result<std::vector<sock_filter>> build_syscall_filter();

}  // namespace hearth::sandbox
