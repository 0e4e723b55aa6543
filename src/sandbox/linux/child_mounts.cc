// Steps of the child: cgroups, mounts and the network. See child.h for what may be called here.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/linux/child.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {
namespace {

int result(long returned) { return returned < 0 ? errno : 0; }

}  // namespace

int join_cgroups(ChildPlan& plan) {
  for (const int file : plan.task_files) {
    if (::write(file, "0", 1) != 1) {
      return errno;
    }
  }
  return result(::unshare(CLONE_NEWCGROUP));
}

int enter_root(ChildPlan& plan) {
  if (::setns(plan.root, CLONE_NEWNS) != 0) {
    return errno;
  }
  return result(::unshare(CLONE_NEWNS));
}

// Not a copy: what a zygote has mapped keeps its name when the zygote has gone.
int share_root(ChildPlan& plan) { return result(::setns(plan.root, CLONE_NEWNS)); }

// Read-only as a whole: neither /proc/sys nor another file of it can be written.
int mount_proc(ChildPlan& plan) {
  if (::mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, nullptr) != 0) {
    return errno;
  }
  for (const auto& mask : plan.masks) {
    if (::mount(mask.is_folder ? "tmp" : "dev/null", mask.path, nullptr, MS_BIND, nullptr) != 0) {
      return errno;
    }
  }
  return 0;
}

int mount_code(ChildPlan& plan) {
  if (plan.code_mount < 0) {
    return 0;
  }
  return result(::move_mount(plan.code_mount, "", AT_FDCWD, kCodePath + 1, MOVE_MOUNT_F_EMPTY_PATH));
}

int mount_tmp(ChildPlan& plan) {
  return result(::mount("tmp", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, plan.tmp_options));
}

int join_network(ChildPlan& plan) { return result(::setns(plan.network, CLONE_NEWNET)); }

int enter_working_folder(ChildPlan&) { return result(::chdir(kCodePath)); }

}  // namespace hearth::sandbox
