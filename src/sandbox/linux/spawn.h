// One new process, up to its exec: a sandbox's, in new namespaces, or a zygote.
// Used by LinuxBackend. One thread.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/linux/child.h"
#include "sandbox/linux/start_watch.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {

// Returns the pidfd of the process, which has exec'ed the program; `clone_target` is a cgroup v2 folder or
// -1. After an error there is no process. kInvalidArgument when the program cannot be exec'ed, kTimeout
// (the watch's), kExhausted (no process, no memory), kIo with the step's name. The calling thread stands
// still meanwhile.
base::Result<base::UniqueFd> spawn(ChildPlan& plan, int clone_target, StartWatch& watch);
// The same for a zygote, in no cgroup and no namespaces but that of the root's mounts.
base::Result<base::UniqueFd> spawn_zygote(ChildPlan& plan, StartWatch& watch);

// As execve(2) takes them, which does not write to them: they point into the texts.
std::vector<char*> exec_list(const std::vector<std::string>& texts);
std::vector<char*> exec_list(const std::string& program, const std::vector<std::string>& arguments);

// Which step failed, and how. kInvalidArgument: the program itself.
base::Error describe(const ChildFailure& failure, std::span<const NamedStep> steps);
base::Error describe_clone(int error_number);
base::Error describe_timeout();

// waitid(2) on a pidfd. False while it runs.
struct WaitStatus {
  int code = 0;    // CLD_EXITED, CLD_KILLED or CLD_DUMPED
  int status = 0;  // exit status or signal
};
bool reap(int process, bool wait, WaitStatus& status);
void kill_process(int process);
// Kills it, and waits for its end.
void end_process(int process);

// The descriptor moved to 10 or above, where the child's own numbers cannot meet it.
base::Result<base::UniqueFd> move_high(base::UniqueFd fd);

// A detached, read-only mount of an open folder. kInvalidArgument when it cannot be cloned.
base::Result<base::UniqueFd> clone_code_mount(int folder);

}  // namespace hearth::sandbox
