#include "sandbox/linux/syscall_filter.h"

#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <span>

#include "base/unique_fd.h"
#include "sandbox/linux/syscall_lists.h"

namespace hearth::sandbox {
namespace {

// The kernel reads these arguments as 32 bits: the upper half must not decide.
constexpr std::uint64_t kLowHalf = 0xFFFF'FFFF;
constexpr std::uint64_t kSocketTypeMask = 0xF;  // without SOCK_NONBLOCK and SOCK_CLOEXEC

constexpr std::uint64_t kNamespaceFlags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                          CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;

// What files, sockets and the interface list of getifaddrs need. No terminal can be had inside, and
// TIOCSTI and TIOCLINUX, which put words into another's mouth, are not here in any case.
constexpr std::array<std::uint64_t, 23> kIoctls = {
    FIONBIO,        FIOASYNC,     FIOCLEX,       FIONCLEX,      FIONREAD,       FIOQSIZE,
    TCGETS,         TIOCGWINSZ,   TIOCGPGRP,     TIOCOUTQ,      SIOCGIFCONF,    SIOCGIFNAME,
    SIOCGIFFLAGS,   SIOCGIFADDR,  SIOCGIFMTU,    SIOCGIFHWADDR, SIOCGIFNETMASK, SIOCGIFBRDADDR,
    SIOCGIFDSTADDR, SIOCGIFINDEX, SIOCGIFTXQLEN, SIOCGIFMETRIC, SIOCATMARK};

// Without PR_SET_PDEATHSIG, which ties a sandbox's life to the launcher's, and PR_SET_SECCOMP.
constexpr std::array<std::uint64_t, 17> kPrctls = {PR_SET_NAME,
                                                   PR_GET_NAME,
                                                   PR_GET_DUMPABLE,
                                                   PR_SET_DUMPABLE,
                                                   PR_GET_PDEATHSIG,
                                                   PR_GET_KEEPCAPS,
                                                   PR_GET_SECCOMP,
                                                   PR_CAPBSET_READ,
                                                   PR_GET_TIMERSLACK,
                                                   PR_SET_TIMERSLACK,
                                                   PR_SET_NO_NEW_PRIVS,
                                                   PR_GET_NO_NEW_PRIVS,
                                                   PR_SET_CHILD_SUBREAPER,
                                                   PR_GET_CHILD_SUBREAPER,
                                                   PR_GET_THP_DISABLE,
                                                   PR_SET_THP_DISABLE,
                                                   PR_SET_VMA};

class Rules {
 public:
  explicit Rules(scmp_filter_ctx context) : context_(context) {}

  // A name that this libseccomp does not know stays with the default.
  void add(std::uint32_t action, const char* name, std::span<const scmp_arg_cmp> conditions = {}) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || failed_ != 0) {
      return;
    }
    failed_ = ::seccomp_rule_add_array(context_, action, number, static_cast<unsigned>(conditions.size()),
                                       conditions.data());
  }
  void allow_values(const char* name, unsigned argument, std::span<const std::uint64_t> values) {
    for (const auto value : values) {
      const scmp_arg_cmp equal{argument, SCMP_CMP_MASKED_EQ, kLowHalf, value};
      add(SCMP_ACT_ALLOW, name, std::span(&equal, 1));
    }
  }
  int failed() const { return failed_; }

 private:
  scmp_filter_ctx context_;
  int failed_ = 0;
};

void add_lists(Rules& rules) {
  for (const auto* name : kAllowedCalls) {
    rules.add(SCMP_ACT_ALLOW, name);
  }
  for (const auto* name : kForbiddenCalls) {
    rules.add(SCMP_ACT_ERRNO(EPERM), name);
  }
  // Would make the whole host write its caches out; a sandbox's files are in memory.
  rules.add(SCMP_ACT_ERRNO(0), "sync");
  rules.add(SCMP_ACT_ERRNO(0), "syncfs");
}

void add_process_rules(Rules& rules) {
  // clone3 passes its flags in memory, where no filter can look. It is on no list: the default, ENOSYS,
  // makes the C library use clone.
  const scmp_arg_cmp no_namespaces{0, SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0};
  rules.add(SCMP_ACT_ALLOW, "clone", std::span(&no_namespaces, 1));
  constexpr std::array<std::uint64_t, 1> kQuery = {0xFFFF'FFFF};
  rules.allow_values("personality", 0, kQuery);
  rules.allow_values("prctl", 0, kPrctls);
  rules.allow_values("ioctl", 1, kIoctls);
}

void allow_socket(Rules& rules, int family, int type, int protocol) {
  const std::array<scmp_arg_cmp, 3> conditions = {
      scmp_arg_cmp{0, SCMP_CMP_MASKED_EQ, kLowHalf, static_cast<std::uint64_t>(family)},
      scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, kSocketTypeMask, static_cast<std::uint64_t>(type)},
      scmp_arg_cmp{2, SCMP_CMP_MASKED_EQ, kLowHalf, static_cast<std::uint64_t>(protocol)}};
  rules.add(SCMP_ACT_ALLOW, "socket", conditions);
}

// Families and protocols that ordinary programs use; any other may load a kernel module.
void add_socket_rules(Rules& rules) {
  for (const int family : {AF_INET, AF_INET6}) {
    allow_socket(rules, family, SOCK_STREAM, 0);
    allow_socket(rules, family, SOCK_STREAM, IPPROTO_TCP);
    allow_socket(rules, family, SOCK_DGRAM, 0);
    allow_socket(rules, family, SOCK_DGRAM, IPPROTO_UDP);
  }
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    allow_socket(rules, AF_UNIX, type, 0);
  }
  // NETLINK_ROUTE, protocol 0: how getifaddrs lists the interfaces (os.networkInterfaces of Node).
  allow_socket(rules, AF_NETLINK, SOCK_RAW, 0);
  allow_socket(rules, AF_NETLINK, SOCK_DGRAM, 0);
  constexpr std::array<std::uint64_t, 1> kUnix = {AF_UNIX};
  rules.allow_values("socketpair", 0, kUnix);
}

base::Result<std::vector<sock_filter>> export_program(scmp_filter_ctx context) {
  const base::UniqueFd file(::memfd_create("syscall-filter", MFD_CLOEXEC));
  if (!file.valid() || ::seccomp_export_bpf(context, file.get()) != 0) {
    return base::io_error("cannot export the system call filter", errno);
  }
  const auto bytes = static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END));
  std::vector<sock_filter> program(bytes / sizeof(sock_filter));
  if (::pread(file.get(), program.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
    return base::io_error("cannot read the system call filter", errno);
  }
  return program;
}

}  // namespace

base::Result<std::vector<sock_filter>> build_syscall_filter() {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> context(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)),
                                                                 ::seccomp_release);
  if (context == nullptr) {
    return base::Error{base::ErrorCode::kExhausted, "no memory for the system call filter"};
  }
  ::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree rather than a chain
  Rules rules(context.get());
  add_lists(rules);
  add_process_rules(rules);
  add_socket_rules(rules);
  if (rules.failed() != 0) {
    return base::io_error("cannot build the system call filter", -rules.failed());
  }
  return export_program(context.get());
}

}  // namespace hearth::sandbox
