// CPU time of a server's own processes, from /proc: what a call costs the machine. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace hearth::bench {

// `pid` and its children that run the same program: hearth's launcher and nginx's workers belong to the
// server, the instances of functions do not.
std::vector<pid_t> server_processes(pid_t pid);

// Of all their threads, user and system, in nanoseconds; those that are gone count as 0.
std::uint64_t cpu_ns(const std::vector<pid_t>& processes);

}  // namespace hearth::bench
