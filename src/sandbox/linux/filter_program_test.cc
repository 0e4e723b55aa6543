// The filter does what its table says, for every number that there is. A small BPF machine runs it: the
// kernel would install it, and could be asked about few calls only.
#include "sandbox/linux/filter_program.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "sandbox/linux/syscall_filter.h"
#include "sandbox/linux/syscall_lists.h"

namespace hearth::sandbox {
namespace {

constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;
constexpr std::uint32_t kForbidden = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t kNumbersEnd = 1'024;  // beyond every call that a kernel has

std::uint32_t run(const std::vector<sock_filter>& program, const seccomp_data& call) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& step = program[at];
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + step.k, sizeof accumulator);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= step.k;
        break;
      case BPF_JMP | BPF_JA:
        at += step.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += accumulator == step.k ? step.jt : step.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += accumulator >= step.k ? step.jt : step.jf;
        break;
      case BPF_RET | BPF_K:
        return step.k;
      default:
        ADD_FAILURE() << "instruction " << step.code;
        return 0;
    }
  }
  ADD_FAILURE() << "the program has no end";
  return 0;
}

seccomp_data call_of(std::uint32_t number, std::uint64_t first = 0, std::uint64_t second = 0,
                     std::uint64_t third = 0) {
  seccomp_data call{};
  call.nr = static_cast<int>(number);
  call.arch = kArchitecture;
  call.args[0] = first;
  call.args[1] = second;
  call.args[2] = third;
  return call;
}

std::vector<sock_filter> compiled(const FilterTable& table) {
  auto program = table.compile(kArchitecture);
  EXPECT_TRUE(program.ok());
  return program.ok() ? *program : std::vector<sock_filter>();
}

TEST(FilterProgram, AnswersByNumber) {
  FilterTable table(kUnknown);
  table.set(0, SECCOMP_RET_ALLOW);
  table.set(1, SECCOMP_RET_ALLOW);
  table.set(7, kForbidden);
  const auto program = compiled(table);
  for (std::uint32_t number = 0; number < kNumbersEnd; ++number) {
    const auto expected = number < 2 ? std::uint32_t{SECCOMP_RET_ALLOW} : number == 7 ? kForbidden : kUnknown;
    EXPECT_EQ(run(program, call_of(number)), expected) << number;
  }
  EXPECT_EQ(run(program, call_of(0xFFFF'FFFF)), kUnknown) << "one that a tracer has taken back";
}

TEST(FilterProgram, ForeignArchitecturesEndTheProcess) {
  FilterTable table(kUnknown);
  table.set(1, SECCOMP_RET_ALLOW);
  const auto program = compiled(table);
  auto call = call_of(1);
  call.arch = AUDIT_ARCH_I386;
  EXPECT_EQ(run(program, call), SECCOMP_RET_KILL_PROCESS);
  for (const std::uint32_t x32 : {0x4000'0000U, 0x4000'0001U, 0x4000'0200U, 0xFFFF'FFFEU}) {
    EXPECT_EQ(run(program, call_of(x32)), SECCOMP_RET_KILL_PROCESS) << x32;
  }
}

// Every second number below `end` has an answer of its own.
void check_alternating(std::uint32_t end) {
  FilterTable table(kUnknown);
  const auto named = [](std::uint32_t number) {
    return number % 3 == 0 ? std::uint32_t{SECCOMP_RET_ALLOW} : kForbidden;
  };
  for (std::uint32_t number = 0; number < end; number += 2) {
    table.set(number, named(number));
  }
  table.allow_when(end + 1, {{0, 0xFFFF'FFFF, 5}});
  const auto program = compiled(table);
  for (std::uint32_t number = 0; number <= end; ++number) {
    const auto expected = number % 2 == 0 && number < end ? named(number) : kUnknown;
    ASSERT_EQ(run(program, call_of(number)), expected) << number << " of " << end;
  }
  ASSERT_EQ(run(program, call_of(end + 1, 5)), SECCOMP_RET_ALLOW);
  ASSERT_EQ(run(program, call_of(end + 1, 6)), kUnknown);
}

// A conditional jump reaches 255 instructions: the lengths around the edge, and one far beyond it.
TEST(FilterProgram, LongProgramsJumpFar) {
  for (std::uint32_t end = 200; end < 600; ++end) {
    ASSERT_NO_FATAL_FAILURE(check_alternating(end));
  }
  check_alternating(kNumbersEnd);
}

TEST(FilterProgram, OneThatIsTooLongIsRefused) {
  FilterTable table(kUnknown);
  for (std::uint32_t number = 0; number < 2 * BPF_MAXINSNS; number += 2) {
    table.set(number, SECCOMP_RET_ALLOW);
  }
  EXPECT_EQ(table.compile(kArchitecture).error().code, base::ErrorCode::kTooLarge);
}

TEST(FilterProgram, ConditionsAreLookedAtInOrder) {
  FilterTable table(kUnknown);
  table.allow_when(5, {{0, 0xFFFF'FFFF, 1}, {1, 0xF, 2}});
  table.allow_when(5, {{0, 0xFFFF'FFFF, 1}, {1, 0xF, 3}});
  table.allow_when(5, {{0, 0xFFFF'FFFF, 4}, {1, 0xF, 2}});
  const auto program = compiled(table);
  for (std::uint64_t first = 0; first < 8; ++first) {
    for (std::uint64_t second = 0; second < 64; ++second) {
      const auto type = second & 0xFU;
      const bool allowed = (first == 1 && (type == 2 || type == 3)) || (first == 4 && type == 2);
      const auto expected = allowed ? std::uint32_t{SECCOMP_RET_ALLOW} : kUnknown;
      EXPECT_EQ(run(program, call_of(5, first, second)), expected) << first << " " << second;
      const auto upper = std::uint64_t{7} << 32U;
      EXPECT_EQ(run(program, call_of(5, first | upper, second | upper)), expected)
          << "the upper half decides";
    }
  }
}

// Of the real filter: everything that it answers whatever the arguments are.
TEST(SyscallFilter, AnswersAsTheListsSay) {
  if (::seccomp_arch_native() != kArchitecture) {
    GTEST_SKIP() << "the machine of this test knows x86-64 only";
  }
  std::map<std::uint32_t, std::uint32_t> expected;
  const auto add = [&](const char* name, std::uint32_t action) {
    expected[static_cast<std::uint32_t>(::seccomp_syscall_resolve_name(name))] = action;
  };
  for (const auto* name : kAllowedCalls) {
    add(name, SECCOMP_RET_ALLOW);
  }
  for (const auto* name : kForbiddenCalls) {
    add(name, kForbidden);
  }
  add("sync", SECCOMP_RET_ERRNO);
  add("syncfs", SECCOMP_RET_ERRNO);
  const auto program = build_syscall_filter().value();
  const std::set<std::string> by_argument = {"clone", "socket",      "socketpair", "ioctl",
                                             "prctl", "personality", "mknod",      "mknodat"};
  for (std::uint32_t number = 0; number < kNumbersEnd; ++number) {
    const std::unique_ptr<char, void (*)(void*)> name(
        ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number)), ::free);
    if (name != nullptr && by_argument.contains(name.get())) {
      continue;
    }
    const auto found = expected.find(number);
    const auto action = found == expected.end() ? kUnknown : found->second;
    for (const std::uint64_t argument : {0ULL, 1ULL, 0xFFFF'FFFFULL, ~0ULL}) {
      EXPECT_EQ(run(program, call_of(number, argument, argument, argument)), action) << number;
    }
  }
}

TEST(SyscallFilter, SomeCallsDependOnTheirArguments) {
  if (::seccomp_arch_native() != kArchitecture) {
    GTEST_SKIP() << "the machine of this test knows x86-64 only";
  }
  const auto program = build_syscall_filter().value();
  const auto allows = [&](const char* name, std::uint64_t first, std::uint64_t second = 0,
                          std::uint64_t third = 0) {
    const auto number = static_cast<std::uint32_t>(::seccomp_syscall_resolve_name(name));
    return run(program, call_of(number, first, second, third)) == SECCOMP_RET_ALLOW;
  };
  EXPECT_TRUE(allows("clone", SIGCHLD));
  EXPECT_TRUE(allows("clone", CLONE_VM | CLONE_FS | CLONE_THREAD | SIGCHLD));
  for (const std::uint64_t flag : {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
                                   CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWTIME}) {
    EXPECT_FALSE(allows("clone", flag | SIGCHLD)) << flag;
  }
  for (const std::uint64_t type : {0, S_IFREG, S_IFIFO, S_IFSOCK}) {
    EXPECT_TRUE(allows("mknod", 1, type | 0600)) << type;
    EXPECT_TRUE(allows("mknodat", 1, 1, type | 0600)) << type;
  }
  for (const std::uint64_t type : {S_IFCHR, S_IFBLK}) {
    EXPECT_FALSE(allows("mknod", 1, type | 0600)) << type;
    EXPECT_FALSE(allows("mknodat", 1, 1, type | 0600)) << type;
  }
  EXPECT_TRUE(allows("prctl", PR_SET_NAME));
  EXPECT_FALSE(allows("prctl", PR_SET_PDEATHSIG));
  EXPECT_FALSE(allows("prctl", PR_SET_SECCOMP));
  EXPECT_TRUE(allows("ioctl", 0, 0x541B)) << "FIONREAD";
  EXPECT_FALSE(allows("ioctl", 0, 0x5412)) << "TIOCSTI";
  EXPECT_FALSE(allows("ioctl", 0x541B, 0)) << "the request is the second argument";
  EXPECT_TRUE(allows("socket", AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 6));
  EXPECT_TRUE(allows("socket", AF_INET6, SOCK_DGRAM, 17));
  EXPECT_FALSE(allows("socket", AF_INET, SOCK_STREAM, 132)) << "SCTP";
  EXPECT_FALSE(allows("socket", AF_INET, SOCK_RAW, 1));
  EXPECT_FALSE(allows("socket", AF_UNIX, SOCK_STREAM, 6));
  EXPECT_TRUE(allows("socket", AF_NETLINK, SOCK_RAW, 0));
  EXPECT_FALSE(allows("socket", AF_NETLINK, SOCK_RAW, 9)) << "audit";
  EXPECT_FALSE(allows("socket", AF_PACKET, SOCK_DGRAM, 0));
  EXPECT_TRUE(allows("socketpair", AF_UNIX));
  EXPECT_FALSE(allows("socketpair", AF_INET));
  EXPECT_TRUE(allows("personality", 0xFFFF'FFFF));
  EXPECT_FALSE(allows("personality", 0x0040'0000)) << "ADDR_NO_RANDOMIZE and its like";
}

}  // namespace
}  // namespace hearth::sandbox
