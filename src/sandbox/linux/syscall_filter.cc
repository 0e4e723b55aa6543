#include "sandbox/linux/syscall_filter.h"

#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <span>

#include "sandbox/linux/filter_program.h"
#include "sandbox/linux/syscall_lists.h"

namespace hearth::sandbox {
namespace {

constexpr std::uint32_t kWhole = 0xFFFF'FFFF;
constexpr std::uint32_t kSocketTypeMask = 0xF;  // without SOCK_NONBLOCK and SOCK_CLOEXEC

constexpr std::uint32_t kNamespaceFlags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                          CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;

// What files, sockets and the interface list of getifaddrs need. No terminal can be had inside, and
// TIOCSTI and TIOCLINUX, which put words into another's mouth, are not here in any case.
constexpr std::array<std::uint32_t, 23> kIoctls = {
    FIONBIO,        FIOASYNC,     FIOCLEX,       FIONCLEX,      FIONREAD,       FIOQSIZE,
    TCGETS,         TIOCGWINSZ,   TIOCGPGRP,     TIOCOUTQ,      SIOCGIFCONF,    SIOCGIFNAME,
    SIOCGIFFLAGS,   SIOCGIFADDR,  SIOCGIFMTU,    SIOCGIFHWADDR, SIOCGIFNETMASK, SIOCGIFBRDADDR,
    SIOCGIFDSTADDR, SIOCGIFINDEX, SIOCGIFTXQLEN, SIOCGIFMETRIC, SIOCATMARK};

// Without PR_SET_PDEATHSIG, which ties a sandbox's life to the launcher's, and PR_SET_SECCOMP.
constexpr std::array<std::uint32_t, 17> kPrctls = {PR_SET_NAME,
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

constexpr std::uint32_t refuse(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }

// The table by names. One that this libseccomp or this architecture does not know is unknown inside, too.
class Rules {
 public:
  Rules() : table_(refuse(ENOSYS)) {}

  void set(const char* name, std::uint32_t action) {
    if (const int number = ::seccomp_syscall_resolve_name(name); number >= 0) {
      table_.set(static_cast<std::uint32_t>(number), action);
    }
  }
  void allow_when(const char* name, const Conditions& conditions) {
    if (const int number = ::seccomp_syscall_resolve_name(name); number >= 0) {
      table_.allow_when(static_cast<std::uint32_t>(number), conditions);
    }
  }
  void allow_values(const char* name, unsigned argument, std::span<const std::uint32_t> values) {
    for (const auto value : values) {
      allow_when(name, {{argument, kWhole, value}});
    }
  }
  const FilterTable& table() const { return table_; }

 private:
  FilterTable table_;
};

void add_lists(Rules& rules) {
  for (const auto* name : kAllowedCalls) {
    rules.set(name, SECCOMP_RET_ALLOW);
  }
  for (const auto* name : kForbiddenCalls) {
    rules.set(name, refuse(EPERM));
  }
  // Would make the whole host write its caches out; a sandbox's files are in memory.
  rules.set("sync", refuse(0));
  rules.set("syncfs", refuse(0));
}

void add_process_rules(Rules& rules) {
  // clone3 passes its flags in memory, where no filter can look. It is on no list: the default, ENOSYS,
  // makes the C library use clone.
  rules.allow_when("clone", {{0, kNamespaceFlags, 0}});
  constexpr std::array<std::uint32_t, 1> kQuery = {0xFFFF'FFFF};
  rules.allow_values("personality", 0, kQuery);
  rules.allow_values("prctl", 0, kPrctls);
  rules.allow_values("ioctl", 1, kIoctls);
}

// No devices, of which nobody needs a privilege for one that stands for a file that is not there (overlayfs).
void add_file_rules(Rules& rules) {
  for (const std::uint32_t type :
       {0U, std::uint32_t{S_IFREG}, std::uint32_t{S_IFIFO}, std::uint32_t{S_IFSOCK}}) {
    rules.allow_when("mknod", {{1, S_IFMT, type}});
    rules.allow_when("mknodat", {{2, S_IFMT, type}});
  }
}

void allow_sockets(Rules& rules, int family, int type, std::span<const int> protocols) {
  for (const int protocol : protocols) {
    rules.allow_when("socket", {{0, kWhole, static_cast<std::uint32_t>(family)},
                                {1, kSocketTypeMask, static_cast<std::uint32_t>(type)},
                                {2, kWhole, static_cast<std::uint32_t>(protocol)}});
  }
}

// Families and protocols that ordinary programs use; any other may load a kernel module.
void add_socket_rules(Rules& rules) {
  constexpr std::array kStream = {0, static_cast<int>(IPPROTO_TCP)};
  constexpr std::array kDatagram = {0, static_cast<int>(IPPROTO_UDP)};
  constexpr std::array kDefault = {0};
  for (const int family : {AF_INET, AF_INET6}) {
    allow_sockets(rules, family, SOCK_STREAM, kStream);
    allow_sockets(rules, family, SOCK_DGRAM, kDatagram);
  }
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    allow_sockets(rules, AF_UNIX, type, kDefault);
  }
  // NETLINK_ROUTE, protocol 0: how getifaddrs lists the interfaces (os.networkInterfaces of Node).
  allow_sockets(rules, AF_NETLINK, SOCK_RAW, kDefault);
  allow_sockets(rules, AF_NETLINK, SOCK_DGRAM, kDefault);
  constexpr std::array<std::uint32_t, 1> kUnix = {AF_UNIX};
  rules.allow_values("socketpair", 0, kUnix);
}

}  // namespace

base::Result<std::vector<sock_filter>> build_syscall_filter() {
  Rules rules;
  add_lists(rules);
  add_process_rules(rules);
  add_file_rules(rules);
  add_socket_rules(rules);
  return rules.table().compile(::seccomp_arch_native());
}

}  // namespace hearth::sandbox
