#include "sandbox/linux/spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "sandbox/linux/clone_onto.h"
#include "sandbox/linux/signals_blocked.h"

namespace hearth::sandbox {
namespace {

constexpr int kHighFd = 10;
constexpr std::size_t kChildStackBytes = 64UL << 10U;

// A process that has our memory while we wait for its exec: a copy of the memory would cost more than
// all the rest. A clone shares what CLONE_VM shares and gets the rest as a copy.
struct Clone {
  base::UniqueFd process;  // pidfd
  int error = 0;
  bool timed_out = false;
};

Clone clone_child(ChildPlan& plan, void (*run)(ChildPlan&), std::uint64_t namespaces, int clone_target,
                  StartWatch& watch) {
  alignas(16) std::array<std::byte, kChildStackBytes> stack;
  int process = -1;
  clone_args arguments{};
  arguments.flags = namespaces | CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&process);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<std::uint64_t>(stack.data());
  arguments.stack_size = stack.size();
  if (clone_target >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(clone_target);
  }
  const AllSignalsBlocked blocked;
  watch.begin(&process);
  const long pid = clone_onto(arguments, run, plan);
  const bool timed_out = watch.end();
  return pid < 0 ? Clone{{}, static_cast<int>(-pid), false} : Clone{base::UniqueFd(process), 0, timed_out};
}

// `child`: what became of the clone.
base::Result<base::UniqueFd> executed(Clone child, const ChildPlan& plan, std::span<const NamedStep> steps) {
  if (child.error != 0) {
    return describe_clone(child.error);
  }
  if (plan.failure.error == 0 && !child.timed_out) {
    return std::move(child.process);  // exec'ed (or killed before by somebody else: its end says so)
  }
  end_process(child.process.get());
  if (plan.failure.error != 0) {
    return describe(plan.failure, steps);
  }
  return describe_timeout();
}

}  // namespace

std::vector<char*> exec_list(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 2);
  for (const auto& text : texts) {
    list.push_back(const_cast<char*>(text.c_str()));
  }
  list.push_back(nullptr);
  return list;
}

std::vector<char*> exec_list(const std::string& program, const std::vector<std::string>& arguments) {
  auto list = exec_list(arguments);
  list.insert(list.begin(), const_cast<char*>(program.c_str()));
  return list;
}

base::Error describe(const ChildFailure& failure, std::span<const NamedStep> steps) {
  const auto index = static_cast<std::size_t>(failure.step);
  const bool known = index < steps.size();
  auto error = base::io_error(
      std::string("cannot start the sandbox at step \"") + (known ? steps[index].name : "?") + "\"",
      failure.error);
  if (known && steps[index].run == execute) {
    error.code = base::ErrorCode::kInvalidArgument;  // the program itself
  }
  return error;
}

base::Error describe_timeout() {
  return {base::ErrorCode::kTimeout, "the sandbox's process did not reach its program in time"};
}

base::Error describe_clone(int error_number) {
  auto error = base::io_error("cannot clone a process for the sandbox", error_number);
  if (error_number == EAGAIN || error_number == ENOMEM || error_number == ENOSPC) {
    error.code = base::ErrorCode::kExhausted;
  }
  return error;
}

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

base::Result<base::UniqueFd> spawn(ChildPlan& plan, int clone_target, StartWatch& watch) {
  plan.failure = {};
  return executed(clone_child(plan, run_child, kNamespaces, clone_target, watch), plan, child_steps());
}

base::Result<base::UniqueFd> spawn_zygote(ChildPlan& plan, StartWatch& watch) {
  plan.failure = {};
  return executed(clone_child(plan, run_zygote, 0, -1, watch), plan, zygote_steps());
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

void end_process(int process) {
  kill_process(process);
  WaitStatus ignored;
  reap(process, true, ignored);
}

}  // namespace hearth::sandbox
