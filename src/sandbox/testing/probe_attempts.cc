// Commands that try what a sandbox should deny: "name errno" a line, 0 where it succeeded. The same
// attempts run outside first, where they should succeed.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
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

// 0 where the kernel got as far as looking at what is wrong with the arguments.
long reached(long result, int wrong) { return result >= 0 || errno == wrong ? 0 : -1; }

int try_mounts(const Arguments&) {
  attempt("unshare", [] { return ::unshare(CLONE_NEWNS | CLONE_NEWNET); });
  attempt("unshare-user", [] { return ::unshare(CLONE_NEWUSER); });
  attempt("clone-user", clone_user_namespace);
  attempt("setns", [] { return ::setns(::open("/proc/self/ns/uts", O_RDONLY), 0); });
  attempt("mount", [] { return ::mount("", "/", nullptr, MS_PRIVATE, nullptr); });
  attempt("umount2", [] { return reached(::umount2("/proc/no-such", MNT_DETACH), ENOENT); });
  attempt("pivot_root", [] { return reached(::syscall(SYS_pivot_root, "/no-such", "/no-such"), ENOENT); });
  attempt("move_mount", [] { return reached(::syscall(SYS_move_mount, -1, "", -1, "", 4), EBADF); });
  attempt("fsmount", [] { return reached(::syscall(SYS_fsmount, -1, 0, 0), EBADF); });
  attempt("fspick", [] { return reached(::syscall(SYS_fspick, AT_FDCWD, "/no-such", 0), ENOENT); });
  attempt("mount_setattr", [] {
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    return reached(::syscall(SYS_mount_setattr, AT_FDCWD, "/no-such", 0, &attributes, sizeof attributes),
                   ENOENT);
  });
  attempt("chroot", [] { return ::chroot("/tmp"); });
  attempt("open_tree", [] { return ::open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE); });
  attempt("fsopen", [] { return ::syscall(SYS_fsopen, "tmpfs", 0); });
  attempt("mknod", [] { return ::mknod("/tmp/hearth-probe-device", S_IFCHR | 0600, makedev(1, 3)); });
  // Nobody needs a privilege for one that stands for a file that is not there (overlayfs).
  attempt("mknod-whiteout",
          [] { return ::mknod("/tmp/hearth-probe-whiteout", S_IFCHR | 0600, makedev(0, 0)); });
  ::unlink("/tmp/hearth-probe-device");
  ::unlink("/tmp/hearth-probe-whiteout");
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
  attempt("kexec_load", [] { return reached(::syscall(SYS_kexec_load, 0, 17, nullptr, 0), EINVAL); });
  attempt("init_module", [] { return reached(::syscall(SYS_init_module, "", 1, ""), ENOEXEC); });
  attempt("delete_module", [] { return reached(::syscall(SYS_delete_module, "no-such", 0), ENOENT); });
  attempt("userfaultfd", [] { return ::syscall(SYS_userfaultfd, O_CLOEXEC); });
  attempt("keyctl", [] { return ::syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -3 /* session */, 1); });
  attempt("add_key", [] { return ::syscall(SYS_add_key, "user", "hearth-probe", "x", 1, -2 /* process */); });
  attempt("tiocsti", [] { return reached(::ioctl(0, TIOCSTI, "x"), ENOTTY); });
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
  attempt("key", [] { return ::socket(AF_KEY, SOCK_RAW, 2); });
  attempt("xdp", [] { return ::socket(44 /* AF_XDP */, SOCK_RAW, 0); });
  attempt("netlink-netfilter", [] { return ::socket(AF_NETLINK, SOCK_RAW, 12); });
  attempt("vsock", [] { return ::socket(AF_VSOCK, SOCK_STREAM, 0); });
  attempt("raw", [] { return ::socket(AF_INET, SOCK_RAW, 1); });
  attempt("netlink-audit", [] { return ::socket(AF_NETLINK, SOCK_RAW, 9); });
  attempt("netlink-kobject", [] { return ::socket(AF_NETLINK, SOCK_RAW, 15); });
  return 0;
}

// Those that a runtime needs: all 0.
int try_ordinary_sockets(const Arguments&) {
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

// The parent: outside the test, inside the runtime.
int try_processes(const Arguments&) {
  attempt("ptrace-seize", [] { return ::ptrace(PTRACE_SEIZE, ::getppid(), nullptr, nullptr); });
  attempt("pidfd_getfd", [] {
    const long process = ::syscall(SYS_pidfd_open, ::getppid(), 0);
    return process < 0 ? 0 : ::syscall(SYS_pidfd_getfd, process, 0, 0);
  });
  attempt("kcmp",
          [] { return ::syscall(SYS_kcmp, ::getppid(), ::getpid(), 1 /* KCMP_VM */, 0, 0) < 0 ? -1 : 0; });
  attempt("process_madvise", [] {
    const long process = ::syscall(SYS_pidfd_open, ::getpid(), 0);
    static char page[8'192];
    const iovec range{page, sizeof page};
    return ::syscall(SYS_process_madvise, process, &range, 1, 20 /* MADV_COLD */, 0) < 0 ? -1 : 0;
  });
  return 0;
}

// What an unprivileged owner of a file cannot give it, or does not gain by it.
int try_file_privileges(const Arguments&) {
  static const char* const file = "/tmp/hearth-probe-privileged";
  ::close(::open(file, O_WRONLY | O_CREAT, 0755));
  attempt("file-capability", [] {
    // Version 2, effective, CAP_NET_RAW permitted.
    static const unsigned char raw[20] = {1, 0, 0, 2, 0, 0x20};
    return ::setxattr(file, "security.capability", raw, sizeof raw, 0);
  });
  attempt("chown-root", [] { return ::chown(file, 0, 0); });
  ::unlink(file);
  return 0;
}

// kill PID: with a signal that nobody survives.
int kill_process(const Arguments& arguments) {
  print_errno("kill", ::kill(number(arguments, 2), SIGKILL));
  return 0;
}

// overwrite PROGRAM: this one's file, once that is executed instead of it.
int overwrite(const Arguments& arguments) {
  constexpr int kItself = 9;
  const int itself = ::open("/proc/self/exe", O_PATH);
  ::dup2(itself, kItself);
  const std::string name = "/proc/self/fd/" + std::to_string(kItself);
  ::execl(arguments.at(2).c_str(), "probe", "write", name.c_str(), nullptr);
  return 1;
}

// connect NAME: to a Unix socket, an abstract one where the name begins with @.
int connect_to(const Arguments& arguments) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = arguments.at(2);
  name.copy(address.sun_path, sizeof address.sun_path - 1);
  if (name[0] == '@') {
    address.sun_path[0] = 0;
  }
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  print_errno("connect",
              ::connect(::socket(AF_UNIX, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&address), size));
  return 0;
}

int dump(const Arguments&) { ::abort(); }

int raise_core(const Arguments&) {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  print_errno("raise-core", ::setrlimit(RLIMIT_CORE, &unlimited));
  return 0;
}

int effective_uid(const Arguments&) {
  std::printf("%u\n", ::geteuid());
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
  commands["try-ordinary-sockets"] = try_ordinary_sockets;
  commands["try-identity"] = try_identity;
  commands["try-processes"] = try_processes;
  commands["try-file-privileges"] = try_file_privileges;
  commands["kill"] = kill_process;
  commands["overwrite"] = overwrite;
  commands["connect"] = connect_to;
  commands["dump"] = dump;
  commands["raise-core"] = raise_core;
  commands["effective-uid"] = effective_uid;
  commands["try-architectures"] = try_architectures;
  commands["try-ordinary"] = try_ordinary;
}

}  // namespace hearth::sandbox::probe
