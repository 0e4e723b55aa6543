// What a new process does before it is a sandbox's: a flat list of named steps, in an order that matters
// (docs/sandbox.md has the same lists with the reasons). The first step that fails is reported, and the
// process ends. There are three lists: of a process that the launcher clones and that executes a program, of
// one that a zygote forks (zygote.h), and of the zygote itself.
//
// The first and the last run in the launcher's memory, on a stack of their own, while the launcher's thread
// stands still (CLONE_VFORK): plain system calls only, no allocation, no lock, nothing changed but the plan.
// Everything they need is prepared in the ChildPlan beforehand.
#pragma once

#include <linux/filter.h>
#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <span>

namespace hearth::sandbox {

// A sandbox's process is cloned into these. It enters those of the network, the mounts and the cgroups
// itself.
inline constexpr std::uint64_t kNamespaces = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;

// A path below /proc, relative to the root, that an empty file or folder covers.
struct ProcMask {
  const char* path;
  bool is_folder;
};

struct ChildFailure {
  int step = 0;   // index into the list
  int error = 0;  // 0: none
};

struct ChildPlan {
  std::span<const int> task_files;  // cgroup v1 files to write "0" into
  int root = -1;                    // RootImage::mounts()
  std::span<const ProcMask> masks;
  int code_mount = -1;  // a detached mount for /code; -1: stays an empty folder
  const char* tmp_options = nullptr;
  int network = -1;                                     // the network namespace
  int launcher = -1;                                    // its pidfd
  int requests = -1, answers = -1, out = -1, err = -1;  // these and the launcher's are 6 or greater
  int report = -1;                                      // of a fork: stays open until the last step is done
  rlim_t open_files = 0;
  uid_t uid = 0;
  sock_fprog filter{};
  const char* program = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  ChildFailure failure;  // written by the child
};

using ChildStep = int (*)(ChildPlan& plan);  // 0, or errno

struct NamedStep {
  const char* name;
  ChildStep run;
};

// In the order of execution; the last one of the first and of the third does not return when it succeeds.
std::span<const NamedStep> child_steps();
std::span<const NamedStep> fork_steps();
std::span<const NamedStep> zygote_steps();

// Up to the first that fails, which plan.failure says.
void run_steps(std::span<const NamedStep> steps, ChildPlan& plan);
// The first and the third list. Do not return.
void run_child(ChildPlan& plan);
void run_zygote(ChildPlan& plan);

// The steps, by file: child_mounts.cc,
int join_cgroups(ChildPlan& plan);
int enter_root(ChildPlan& plan);
int share_root(ChildPlan& plan);
int mount_proc(ChildPlan& plan);
int mount_code(ChildPlan& plan);
int mount_tmp(ChildPlan& plan);
int join_network(ChildPlan& plan);
int enter_working_folder(ChildPlan& plan);
// child_privileges.cc,
int drop_bounding_set(ChildPlan& plan);
int become_user(ChildPlan& plan);
int be_readable(ChildPlan& plan);
int drop_capabilities(ChildPlan& plan);
int forbid_new_privileges(ChildPlan& plan);
int die_with_parent(ChildPlan& plan);
int leave_launcher(ChildPlan& plan);
int install_filter(ChildPlan& plan);
// child_landlock.cc,
int restrict_files(ChildPlan& plan);
// and child_process.cc.
int reset_signals(ChildPlan& plan);
int start_session(ChildPlan& plan);
int raise_oom_score(ChildPlan& plan);
int set_host_name(ChildPlan& plan);
int arrange_descriptors(ChildPlan& plan);
int set_limits(ChildPlan& plan);
int set_stack_limit(ChildPlan& plan);
int execute(ChildPlan& plan);

}  // namespace hearth::sandbox
