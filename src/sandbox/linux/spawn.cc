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

#include "sandbox/linux/signals_blocked.h"

namespace hearth::sandbox {
namespace {

constexpr int kHighFd = 10;
// The child enters those of the mounts and the cgroups by itself.
constexpr std::uint64_t kNamespaces = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;

struct Clone {
  base::UniqueFd process;  // pidfd
  pid_t pid = -1;          // -1 and errno
};

// In the child it does not return.
Clone clone_child(ChildPlan& plan, int clone_target) {
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
  return Clone{base::UniqueFd(pid < 0 ? -1 : process), static_cast<pid_t>(pid)};
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

struct Pipe {
  base::UniqueFd from, into;
};

// The end that the child may still hold when it arranges its descriptors stands clear of their numbers.
base::Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return base::io_error("cannot make a pipe", errno);
  }
  Pipe pipe{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
  auto high = move_high(std::move(pipe.into));
  if (!high) {
    return high.error();
  }
  pipe.into = std::move(*high);
  return pipe;
}

base::Result<void> lay_wire(const Connect& connect, pid_t process, int ready) {
  if (auto connected = connect(process); !connected) {
    return connected;
  }
  if (::write(ready, "1", 1) != 1) {
    return base::io_error("cannot tell the sandbox that it is connected", errno);
  }
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

base::Result<base::UniqueFd> spawn(ChildPlan& plan, int clone_target, int timeout_ms,
                                   const Connect& connect) {
  auto report = make_pipe();
  auto ready = plan.joins_network ? make_pipe() : base::Result<Pipe>(Pipe());
  if (!report || !ready) {
    return report ? ready.error() : report.error();
  }
  plan.report = report->into.get();
  plan.network_ready = ready->from.get();
  plan.network_ready_writer = ready->into.get();
  Clone child = clone_child(plan, clone_target);
  if (child.pid < 0) {
    auto error = base::io_error("cannot clone a process for the sandbox", errno);
    if (errno == EAGAIN || errno == ENOMEM || errno == ENOSPC) {
      error.code = base::ErrorCode::kExhausted;
    }
    return error;
  }
  report->into.reset();
  auto done = plan.joins_network ? lay_wire(connect, child.pid, ready->into.get()) : base::Result<void>();
  if (done) {
    done = await_exec(report->from.get(), timeout_ms);
  }
  if (!done) {
    kill_process(child.process.get());
    WaitStatus ignored;
    reap(child.process.get(), true, ignored);
    // A child that fails leaves nothing to connect: its own words come first.
    auto said = await_exec(report->from.get(), 0);
    return said ? done.error() : said.error();
  }
  return std::move(child.process);
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
