#include "cli/shell_command.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/unique_fd.h"

namespace hearth::cli {
namespace {

constexpr std::chrono::milliseconds kGrace{2'000};
constexpr int kNoShell = 127;

[[noreturn]] void become_shell(const ShellCommand& command) {
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const auto& [name, value] : command.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  ::execl("/bin/sh", "sh", "-c", command.line.c_str(), static_cast<char*>(nullptr));
  ::_exit(kNoShell);
}

// Whether it ends within so long.
bool ends_within(int child, std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  pollfd at{child, POLLIN, 0};
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    const int ready = ::poll(&at, 1, static_cast<int>(std::max<long>(left, 0)));
    if (ready >= 0 || errno != EINTR) {
      return ready > 0;
    }
  }
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

ShellResult run_shell(const ShellCommand& command) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    become_shell(command);
  }
  if (pid < 0) {
    return {errno, false, false};
  }
  ::setpgid(pid, pid);  // by whichever of the two comes first
  const base::UniqueFd child(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ShellResult result;
  if (child.valid() && !ends_within(child.get(), command.timeout)) {
    result.timed_out = true;
    ::kill(-pid, SIGTERM);
    if (!ends_within(child.get(), kGrace)) {
      ::kill(-pid, SIGKILL);
    }
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = exit_code(status);
  return result;
}

}  // namespace hearth::cli
