// Steps of the child: everything a process may have more than another is given up. See child.h for
// what may be called here. Raw calls where glibc's would change the launcher's other thread too.
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "sandbox/linux/child.h"

namespace hearth::sandbox {
namespace {

int result(long returned) { return returned < 0 ? errno : 0; }

}  // namespace

int drop_bounding_set(ChildPlan&) {
  for (unsigned long capability = 0;; ++capability) {
    const int held = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held < 0) {
      return errno == EINVAL && capability > 0 ? 0 : errno;  // EINVAL: beyond this kernel's last one
    }
    if (held != 0 && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      return errno;
    }
  }
}

// The kernel makes the memory undumpable with it, which is still the launcher's, and may stay so.
int become_user(ChildPlan& plan) {
  const auto id = plan.uid;  // the group of the same number
  if (::syscall(SYS_setgroups, 0, nullptr) != 0 || ::syscall(SYS_setresgid, id, id, id) != 0) {
    return errno;
  }
  return result(::syscall(SYS_setresuid, id, id, id));
}

// By its own user, that is: there is nothing of anybody else's in it.
int be_readable(ChildPlan&) { return result(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }

int drop_capabilities(ChildPlan&) {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return errno;
  }
  __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  const std::array<__user_cap_data_struct, 2> none{};
  return result(::syscall(SYS_capset, &header, none.data()));
}

int forbid_new_privileges(ChildPlan&) { return result(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

int die_with_parent(ChildPlan& plan) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
    return errno;
  }
  // The launcher may have died before.
  pollfd launcher{plan.launcher, POLLIN, 0};
  return ::poll(&launcher, 1, 0) == 0 ? 0 : ESRCH;
}

int leave_launcher(ChildPlan& plan) { return result(::close(plan.launcher)); }

int install_filter(ChildPlan& plan) {
  return result(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &plan.filter, 0, 0));
}

}  // namespace hearth::sandbox
