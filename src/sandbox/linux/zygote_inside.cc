#include "sandbox/linux/zygote_inside.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "sandbox/linux/fork_request.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {
namespace {

constexpr int kSocket = kRequestsFd;
constexpr int kLeastInRequest = kAnswersFd + 2;  // ChildPlan: 6 or greater
constexpr int kReportAt = 100;                   // above all that a request brings

struct Zygote {
  int* thread_id = nullptr;  // where the C library has this thread's, which a fork has to set
  int report = -1;
  ForkRequest request;
};

// Of the C library's, what the kernel forgets in a fork; fork(3) has it set too.
struct RobustList {
  robust_list_head* head = nullptr;
  std::size_t size = 0;
};

// As fork(3), but into new namespaces, into a cgroup, and as a child of the launcher's. The pid, 0 or a
// negative errno.
long fork_into(const Zygote& zygote) {
  clone_args arguments{};
  arguments.flags = kNamespaces | CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  arguments.child_tid = reinterpret_cast<std::uint64_t>(zygote.thread_id);
  if (zygote.request.clone_target >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(zygote.request.clone_target);
  }
  RobustList robust;
  ::syscall(SYS_get_robust_list, 0, &robust.head, &robust.size);
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) {
    ::syscall(SYS_set_robust_list, robust.head, robust.size);
  }
  return pid < 0 ? -errno : pid;
}

void become_sandbox(Zygote& zygote) {
  ChildPlan& plan = zygote.request.plan;
  plan.report = zygote.report;
  run_steps(fork_steps(), plan);
  const int sent = send_answer(plan.report, {ForkAnswerKind::kFinished, 0, plan.failure});
  ::close(plan.report);
  forget(zygote.request);
  if (plan.failure.error != 0 || sent != 0) {
    ::_exit(127);
  }
}

// Waits for a request. True in the process that it forks, false in the zygote.
bool serve_one(Zygote& zygote, const ForkHooks& hooks) {
  if (receive_request(kSocket, zygote.request) != 0) {
    ::_exit(0);
  }
  hooks.before();
  const long pid = fork_into(zygote);
  if (pid == 0) {
    hooks.in_child();
    become_sandbox(zygote);
    return true;
  }
  hooks.in_parent();
  close_all(zygote.request);
  if (send_answer(kSocket, {ForkAnswerKind::kForked, pid, {}}) != 0) {
    ::_exit(0);
  }
  return false;
}

int prepare(Zygote& zygote) {
  if (::prctl(PR_GET_TID_ADDRESS, &zygote.thread_id, 0, 0, 0) != 0) {
    return errno;
  }
  for (int fd = kAnswersFd + 1; fd < kLeastInRequest; ++fd) {
    if (::dup3(kSocket, fd, O_CLOEXEC) < 0) {
      return errno;
    }
  }
  zygote.report = ::fcntl(kSocket, F_DUPFD_CLOEXEC, kReportAt);
  return zygote.report < 0 ? errno : send_answer(kSocket, {ForkAnswerKind::kReady, 0, {}});
}

}  // namespace

int serve_forks(const ForkHooks& hooks) {
  static Zygote zygote;
  if (const int error = prepare(zygote); error != 0) {
    return error;
  }
  while (!serve_one(zygote, hooks)) {
  }
  return 0;
}

}  // namespace hearth::sandbox
