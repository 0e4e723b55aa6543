#include "sandbox/linux/spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace hearth::sandbox {
namespace {

constexpr int kHighFd = 10;
constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &old_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { ::sigprocmask(SIG_SETMASK, &old_, nullptr); }

 private:
  sigset_t old_{};
};

// The pidfd, or -1 and errno. In the child it does not return.
int clone_child(ChildPlan& plan, int clone_target) {
  int process = -1;
  clone_args arguments{};
  arguments.flags = kNamespaces | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&process);
  arguments.exit_signal = SIGCHLD;
  if (clone_target >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(clone_target);
  }
  const AllSignalsBlocked blocked;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) {
    run_child(plan);
  }
  return pid < 0 ? -1 : process;
}

base::Error describe(const ChildFailure& failure) {
  const auto steps = child_steps();
  const auto index = static_cast<std::size_t>(failure.step);
  const bool known = index < steps.size();
  auto error = base::io_error(
      std::string("cannot start the sandbox at step \"") + (known ? steps[index].name : "?") + "\"",
      failure.error);
  if (index + 1 == steps.size()) {
    error.code = base::ErrorCode::kInvalidArgument;  // the program itself
  }
  return error;
}

// Waits until the child has exec'ed, or says why it has not.
base::Result<void> await_exec(int report, int timeout_ms) {
  pollfd waiting{report, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) {
    return base::Error{base::ErrorCode::kTimeout, "the sandbox's process did not reach its program in time"};
  }
  ChildFailure failure;
  const auto got = ::read(report, &failure, sizeof failure);
  if (got == static_cast<ssize_t>(sizeof failure)) {
    return describe(failure);
  }
  // End of file: exec closed the other end. (Or something killed the process before; its end says so.)
  return {};
}

}  // namespace

base::Result<base::UniqueFd> move_high(base::UniqueFd fd) {
  base::UniqueFd high(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kHighFd));
  if (!high.valid()) {
    return base::io_error("cannot duplicate a descriptor of the sandbox", errno);
  }
  return high;
}

base::Result<base::UniqueFd> clone_code_mount(int folder) {
  base::UniqueFd tree(
      ::open_tree(folder, "", OPEN_TREE_CLONE | static_cast<unsigned>(OPEN_TREE_CLOEXEC) | AT_EMPTY_PATH));
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  attributes.propagation = MS_PRIVATE;
  if (!tree.valid() || ::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       std::string("the code folder cannot be mounted (opened outside the server's mount "
                                   "namespace?): ") +
                           std::strerror(errno)};
  }
  return tree;
}

base::Result<base::UniqueFd> spawn(ChildPlan& plan, int clone_target, int timeout_ms) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return base::io_error("cannot make a pipe", errno);
  }
  const base::UniqueFd report(ends[0]);
  auto high = move_high(base::UniqueFd(ends[1]));
  if (!high) {
    return high.error();
  }
  plan.report = high->get();
  base::UniqueFd process(clone_child(plan, clone_target));
  if (!process.valid()) {
    auto error = base::io_error("cannot clone a process for the sandbox", errno);
    if (errno == EAGAIN || errno == ENOMEM || errno == ENOSPC) {
      error.code = base::ErrorCode::kExhausted;
    }
    return error;
  }
  high->reset();
  if (auto done = await_exec(report.get(), timeout_ms); !done) {
    kill_process(process.get());
    WaitStatus ignored;
    reap(process.get(), true, ignored);
    return done.error();
  }
  return process;
}

bool reap(int process, bool wait, WaitStatus& status) {
  siginfo_t info{};
  int done = 0;
  do {
    done = ::waitid(P_PIDFD, static_cast<id_t>(process), &info, wait ? WEXITED : WEXITED | WNOHANG);
  } while (done != 0 && errno == EINTR);
  if (done != 0 || info.si_pid == 0) {
    return false;
  }
  status = WaitStatus{info.si_code, info.si_status};
  return true;
}

void kill_process(int process) { ::syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0); }

}  // namespace hearth::sandbox
