// Commands that try what a sandbox should deny: "name errno" a line, 0 where it succeeded. The same
// attempts run outside first, where they should succeed.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "sandbox/testing/probe.h"

namespace hearth::sandbox::probe {
namespace {

// Where each open descriptor leads.
int descriptors(const Arguments&) {
  for (int fd = 0; fd < 1024; ++fd) {
    char target[256] = {};
    const auto link = "/proc/self/fd/" + std::to_string(fd);
    if (::fcntl(fd, F_GETFD) >= 0 && ::readlink(link.c_str(), target, sizeof target - 1) > 0) {
      std::printf("%d %s\n", fd, target);
    }
  }
  return 0;
}

// Opens each path for writing, making it if need be, and says 0 or the errno.
int write_paths(const Arguments& arguments) {
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    const int fd = ::open(arguments[i].c_str(), O_WRONLY | O_CREAT, 0600);
    const long result = fd < 0 ? -1 : static_cast<long>(::write(fd, "1", 1));
    print_errno(arguments[i], result);
    if (fd >= 0) {
      ::close(fd);
    }
  }
  return 0;
}

// Every attempt in a process of its own, so that one that succeeds does not change the next.
template <typename Attempt>
void attempt(const char* name, Attempt&& call) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    errno = 0;
    print_errno(name, call());
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    std::printf("%s signal %d\n", name, WTERMSIG(status));
  }
}

long clone_user_namespace() {
  const long child = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    ::_exit(0);
  }
  return child;
}

int try_mounts(const Arguments&) {
  attempt("unshare", [] { return ::unshare(CLONE_NEWNS | CLONE_NEWNET); });
  attempt("unshare-user", [] { return ::unshare(CLONE_NEWUSER); });
  attempt("clone-user", clone_user_namespace);
  attempt("setns", [] { return ::setns(::open("/proc/self/ns/uts", O_RDONLY), 0); });
  attempt("mount", [] { return ::mount("", "/", nullptr, MS_PRIVATE, nullptr); });
  attempt("umount2", [] { return ::umount2("/proc/no-such", MNT_DETACH) != 0 && errno == ENOENT ? 0 : -1; });
  attempt("chroot", [] { return ::chroot("/tmp"); });
  attempt("open_tree", [] { return ::open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE); });
  attempt("fsopen", [] { return ::syscall(SYS_fsopen, "tmpfs", 0); });
  attempt("mknod", [] { return ::mknod("/tmp/hearth-probe-device", S_IFCHR | 0600, makedev(1, 3)); });
  ::unlink("/tmp/hearth-probe-device");
  return 0;
}

int try_kernel(const Arguments&) {
  attempt("ptrace", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); });
  attempt("process_vm_readv", [] {
    char from = 0;
    char into = 0;
    const iovec remote{&from, 1};
    const iovec local{&into, 1};
    return ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0);
  });
  attempt("bpf", [] {
    bpf_attr map{};
    map.map_type = BPF_MAP_TYPE_ARRAY;
    map.key_size = map.value_size = 4;
    map.max_entries = 1;
    return ::syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map);
  });
  attempt("perf_event_open", [] {
    perf_event_attr event{};
    event.size = sizeof event;
    event.type = PERF_TYPE_SOFTWARE;
    event.config = PERF_COUNT_SW_CPU_CLOCK;
    return ::syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
  });
  attempt("io_uring_setup", [] {
    io_uring_params parameters{};
    return ::syscall(SYS_io_uring_setup, 1, &parameters);
  });
  attempt("userfaultfd", [] { return ::syscall(SYS_userfaultfd, O_CLOEXEC); });
  attempt("keyctl", [] { return ::syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -3 /* session */, 1); });
  attempt("add_key", [] { return ::syscall(SYS_add_key, "user", "hearth-probe", "x", 1, -2 /* process */); });
  attempt("personality", [] { return ::syscall(SYS_personality, 0x0040000 /* ADDR_NO_RANDOMIZE */); });
  attempt("pdeathsig", [] { return ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0); });
  attempt("sethostname", [] {
    char name[65] = {};
    ::gethostname(name, sizeof name - 1);
    return ::sethostname(name, 0) == 0 ? ::sethostname(name, __builtin_strlen(name)) : -1;
  });
  attempt("open_by_handle_at", [] {
    struct {
      file_handle head;
      unsigned char bytes[MAX_HANDLE_SZ];
    } handle{};
    handle.head.handle_bytes = MAX_HANDLE_SZ;
    int mount = 0;
    const int root = ::open("/", O_RDONLY | O_DIRECTORY);
    return ::name_to_handle_at(AT_FDCWD, "/", &handle.head, &mount, 0) != 0
               ? -1
               : ::open_by_handle_at(root, &handle.head, O_RDONLY);
  });
  return 0;
}

int try_sockets(const Arguments&) {
  attempt("packet", [] { return ::socket(AF_PACKET, SOCK_RAW, 0); });
  attempt("alg", [] { return ::socket(AF_ALG, SOCK_SEQPACKET, 0); });
  attempt("vsock", [] { return ::socket(AF_VSOCK, SOCK_STREAM, 0); });
  attempt("raw", [] { return ::socket(AF_INET, SOCK_RAW, 1); });
  attempt("netlink-audit", [] { return ::socket(AF_NETLINK, SOCK_RAW, 9); });
  attempt("netlink-kobject", [] { return ::socket(AF_NETLINK, SOCK_RAW, 15); });
  attempt("unix", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); });
  attempt("inet", [] { return ::socket(AF_INET, SOCK_STREAM, 0); });
  attempt("inet6", [] { return ::socket(AF_INET6, SOCK_DGRAM, 0); });
  attempt("netlink-route", [] { return ::socket(AF_NETLINK, SOCK_RAW, 0); });
  return 0;
}

int try_identity(const Arguments&) {
  attempt("setuid", [] { return ::syscall(SYS_setuid, 0); });
  attempt("setgroups", [] { return ::syscall(SYS_setgroups, 0, nullptr); });
  attempt("chown", [] { return ::chown("/tmp", 0, 0); });
  attempt("nice", [] { return ::syscall(SYS_setpriority, 0, 0, -5); });
  attempt("real-time", [] {
    const sched_param priority{1};
    return ::sched_setscheduler(0, SCHED_FIFO, &priority);
  });
  return 0;
}

// getpid by the i386 gate and by the x32 number.
int try_architectures(const Arguments&) {
#ifdef __x86_64__
  attempt("i386", [] {
    long number = 20;
    asm volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
    return number > 0 ? 0L : -1L;
  });
  attempt("x32", [] { return ::syscall(0x40000000 | SYS_getpid); });
#endif
  return 0;
}

// Ordinary calls that a runtime needs: all 0.
int try_ordinary(const Arguments&) {
  attempt("memfd_create", [] { return ::syscall(SYS_memfd_create, "x", 0); });
  attempt("eventfd2", [] { return ::syscall(SYS_eventfd2, 0, 0); });
  attempt("prctl-name", [] { return ::prctl(PR_SET_NAME, "x", 0, 0, 0); });
  attempt("fork", [] {
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(0);
    }
    return child;
  });
  attempt("tmp", [] { return ::open("/tmp/x", O_WRONLY | O_CREAT, 0600); });
  attempt("shm", [] { return ::open("/dev/shm/x", O_WRONLY | O_CREAT, 0600); });
  attempt("pipe", [] {
    int ends[2];
    return ::pipe(ends);
  });
  attempt("personality-query", [] { return ::syscall(SYS_personality, 0xFFFFFFFF); });
  return 0;
}

}  // namespace

void add_attempts(Commands& commands) {
  commands["descriptors"] = descriptors;
  commands["write"] = write_paths;
  commands["try-mounts"] = try_mounts;
  commands["try-kernel"] = try_kernel;
  commands["try-sockets"] = try_sockets;
  commands["try-identity"] = try_identity;
  commands["try-architectures"] = try_architectures;
  commands["try-ordinary"] = try_ordinary;
}

}  // namespace hearth::sandbox::probe
