// The two lists behind syscall_filter.cc: calls that are allowed whatever their arguments, and calls
// that are known and forbidden. clone, socket, ioctl, mknod, prctl and personality depend on their arguments
// and have rules of their own there.
#pragma once

#include <array>

namespace hearth::sandbox {

inline constexpr std::array kAllowedCalls = {
    // files
    "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2",
    "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchown",
    "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr",
    "fstat", "fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr",
    "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "lchown", "lgetxattr", "link",
    "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir", "mkdirat",
    "newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev",
    "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat",
    "renameat2", "rmdir", "sendfile", "setxattr", "splice", "stat", "statfs", "statx", "symlink", "symlinkat",
    "sync_file_range", "tee", "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes",
    "vmsplice", "write", "writev",
    // waiting and notification
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd",
    "eventfd2", "pipe", "pipe2", "poll", "ppoll", "pselect6", "select", "signalfd", "signalfd4",
    // memory
    "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mlockall", "mmap",
    "mprotect", "mremap", "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free",
    "pkey_mprotect", "shmat", "shmctl", "shmdt", "shmget",
    // processes, threads, signals
    "alarm", "arch_prctl", "capget", "execve", "execveat", "exit", "exit_group", "fork", "futex",
    "futex_waitv", "get_robust_list", "get_thread_area", "getcpu", "getitimer", "getpgid", "getpgrp",
    "getpid", "getppid", "getpriority", "getrlimit", "getrusage", "getsid", "gettid", "ioprio_get", "kill",
    "pause", "pidfd_open", "pidfd_send_signal", "prlimit64", "restart_syscall", "rseq", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity",
    "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "semctl", "semget", "semop",
    "semtimedop", "set_robust_list", "set_thread_area", "set_tid_address", "setitimer", "setpgid",
    "setpriority", "setrlimit", "setsid", "sigaltstack", "tgkill", "tkill", "vfork", "wait4", "waitid",
    "msgctl", "msgget", "msgrcv", "msgsnd",
    // identity: without capabilities the kernel lets nobody become another
    "getegid", "geteuid", "getgid", "getgroups", "getresgid", "getresuid", "getuid", "setgid", "setgroups",
    "setregid", "setresgid", "setresuid", "setreuid", "setuid",
    // sockets
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
    "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    // time and the system
    "clock_getres", "clock_gettime", "clock_nanosleep", "getrandom", "gettimeofday", "nanosleep", "sysinfo",
    "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
    "timerfd_create", "timerfd_gettime", "timerfd_settime", "times", "uname"};

inline constexpr std::array kForbiddenCalls = {
    // mounts and roots
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "open_tree",
    "pivot_root", "umount", "umount2",
    // namespaces
    "setns", "unshare",
    // other processes' memory and descriptors
    "kcmp", "pidfd_getfd", "process_madvise", "process_mrelease", "process_vm_readv", "process_vm_writev",
    "ptrace",
    // wide surfaces of the kernel
    "bpf", "io_uring_enter", "io_uring_register", "io_uring_setup", "perf_event_open", "seccomp",
    "userfaultfd", "fanotify_init", "fanotify_mark", "memfd_secret", "remap_file_pages",
    // keys
    "add_key", "keyctl", "request_key",
    // files by handle, past every mount
    "name_to_handle_at", "open_by_handle_at",
    // the host: kernel, modules, clock, names, log, swap, accounts, ports
    "acct", "adjtimex", "clock_adjtime", "clock_settime", "create_module", "delete_module", "finit_module",
    "init_module", "ioperm", "iopl", "ioprio_set", "kexec_file_load", "kexec_load", "lookup_dcookie",
    "modify_ldt", "nfsservctl", "quotactl", "quotactl_fd", "reboot", "sethostname", "setdomainname",
    "settimeofday", "swapoff", "swapon", "syslog", "sysfs", "uselib", "ustat", "vhangup",
    // memory placement, privileges
    "get_mempolicy", "mbind", "migrate_pages", "move_pages", "set_mempolicy", "capset", "setfsgid",
    "setfsuid"};

}  // namespace hearth::sandbox
