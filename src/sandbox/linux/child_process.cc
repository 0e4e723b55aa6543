// Steps of the child: the process itself. See child.h for what may be called here.
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>

#include "sandbox/linux/child.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {
namespace {

constexpr const char* kHostName = "hearth";  // in the composed /etc/hosts
constexpr std::size_t kHostNameBytes = 6;
constexpr const char* kOomScore = "500";  // of 1,000: half the memory of the host
constexpr std::size_t kOomScoreBytes = 3;
constexpr rlim_t kLockedBytes = 64UL << 10U;  // enough for a library that locks its keys
constexpr rlim_t kStackBytes = 8UL << 20U;    // the usual default, whatever the server was started with
constexpr int kLauncherFd = kAnswersFd + 1;   // closed by exec
constexpr int kReportFd = kLauncherFd + 1;

// The kernel's own layout: glibc refuses to touch the signals it keeps for itself.
struct KernelSigaction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  std::uint64_t mask;
};

int result(long returned) { return returned < 0 ? errno : 0; }

int set_limit(unsigned resource, rlim_t soft, rlim_t hard) {
  const rlimit limit{soft, hard};
  return result(::syscall(SYS_prlimit64, 0, resource, &limit, nullptr));
}

}  // namespace

int reset_signals(ChildPlan&) {
  const KernelSigaction initial{};
  for (int number = 1; number <= 64; ++number) {
    ::syscall(SYS_rt_sigaction, number, &initial, nullptr,
              sizeof initial.mask);  // fails for SIGKILL and SIGSTOP
  }
  const std::uint64_t none = 0;
  return result(::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none));
}

int start_session(ChildPlan&) { return result(::setsid()); }

int raise_oom_score(ChildPlan&) {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return errno;
  }
  const int error = result(::write(fd, kOomScore, kOomScoreBytes));
  ::close(fd);
  return error;
}

int set_host_name(ChildPlan&) { return result(::sethostname(kHostName, kHostNameBytes)); }

int arrange_descriptors(ChildPlan& plan) {
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0) {
    return errno;
  }
  if (::dup2(null, 0) < 0 || ::dup2(plan.out, 1) < 0 || ::dup2(plan.err, 2) < 0 ||
      ::dup2(plan.requests, kRequestsFd) < 0 || ::dup2(plan.answers, kAnswersFd) < 0 ||
      ::dup3(plan.launcher, kLauncherFd, O_CLOEXEC) < 0) {
    return errno;
  }
  plan.launcher = kLauncherFd;
  int last = kLauncherFd;
  if (plan.report >= 0) {
    if (::dup3(plan.report, kReportFd, O_CLOEXEC) < 0) {
      return errno;
    }
    plan.report = last = kReportFd;
  }
  return result(::syscall(SYS_close_range, last + 1, ~0U, 0));
}

int set_limits(ChildPlan& plan) {
  ::umask(022);
  struct {
    unsigned resource;
    rlim_t soft, hard;
  } const limits[] = {
      {RLIMIT_NOFILE, plan.open_files, plan.open_files},
      {RLIMIT_CORE, 0, 0},
      {RLIMIT_MEMLOCK, kLockedBytes, kLockedBytes},
      {RLIMIT_NICE, 0, 0},
      {RLIMIT_RTPRIO, 0, 0},
      {RLIMIT_MSGQUEUE, 0, 0},
  };
  for (const auto& limit : limits) {
    if (const int error = set_limit(limit.resource, limit.soft, limit.hard); error != 0) {
      return error;
    }
  }
  return set_stack_limit(plan);
}

int set_stack_limit(ChildPlan&) { return set_limit(RLIMIT_STACK, kStackBytes, RLIM_INFINITY); }

int execute(ChildPlan& plan) {
  ::execve(plan.program, plan.arguments, plan.environment);
  return errno;
}

}  // namespace hearth::sandbox
