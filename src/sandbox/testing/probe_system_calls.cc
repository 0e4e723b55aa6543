// Every system call by its number.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "sandbox/testing/probe.h"

namespace hearth::sandbox::probe {
namespace {

constexpr long kNumbers = 512;
constexpr unsigned kLongestSeconds = 1;  // of one that waits

// sweep: each number with zeros, in a process of its own: "NUMBER ERRNO" a line, "NUMBER signal SIGNAL" where
// that ended it. Not for outside, where root would do what some of them say.
int sweep(const Arguments&) {
  if (::geteuid() == 0) {
    std::printf("not as root\n");
    return 1;
  }
  for (long number = 0; number < kNumbers; ++number) {
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(kLongestSeconds);
      errno = 0;
      ::_exit(::syscall(number, 0, 0, 0, 0, 0, 0) < 0 ? errno : 0);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) {
      std::printf("%ld untried\n", number);
    } else if (WIFSIGNALED(status)) {
      std::printf("%ld signal %d\n", number, WTERMSIG(status));
    } else {
      std::printf("%ld %d\n", number, WEXITSTATUS(status));
    }
  }
  return 0;
}

}  // namespace

void add_system_calls(Commands& commands) { commands["sweep"] = sweep; }

}  // namespace hearth::sandbox::probe
