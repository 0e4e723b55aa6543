#include "sandbox/linux/root_namespace.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include "sandbox/linux/clone_onto.h"
#include "sandbox/linux/signals_blocked.h"

namespace hearth::sandbox {
namespace {

constexpr std::size_t kStackBytes = 64UL << 10U;

struct Making {
  const char* path;
  int processes = -1;  // the host's /proc, which is out of sight afterwards
  int made = -1;
  int error = 0;
};

// pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one and is detached.
bool move_into(const char* path) {
  return ::unshare(CLONE_NEWNS) == 0 && ::chdir(path) == 0 && ::syscall(SYS_pivot_root, ".", ".") == 0 &&
         ::umount2(".", MNT_DETACH) == 0;
}

void make(Making& making) {
  if (move_into(making.path)) {
    making.made = ::openat(making.processes, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
  }
  making.error = errno;
  ::syscall(SYS_exit_group, 0);
}

}  // namespace

// A process of its own enters the namespace, as one that has left it cannot always come back to where it
// was (chroot). It shares memory and descriptors with this one, which waits for its end.
base::Result<base::UniqueFd> namespace_rooted_at(const std::string& path) {
  alignas(16) std::array<std::byte, kStackBytes> stack;
  const base::UniqueFd processes(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Making making{path.c_str(), processes.get()};
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES;
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<std::uint64_t>(stack.data());
  arguments.stack_size = stack.size();
  const AllSignalsBlocked blocked;  // the new process has our handlers and our memory
  const long pid = clone_onto(arguments, make, making);
  if (pid > 0) {
    while (::waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  base::UniqueFd made(making.made);
  if (!made.valid()) {
    return base::io_error("cannot make a mount namespace for the sandbox root",
                          pid < 0 ? static_cast<int>(-pid) : making.error);
  }
  return made;
}

}  // namespace hearth::sandbox
