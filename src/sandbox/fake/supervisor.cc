#include "sandbox/fake/supervisor.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>
#include <vector>

namespace hearth::sandbox {
namespace {

constexpr int kHighFd = 10;
constexpr int kStatusFd = 10;
constexpr int kFailureFd = 11;

void send(SupervisorMessage::Kind kind, int value) {
  const SupervisorMessage message{kind, value};
  [[maybe_unused]] const auto written = ::write(kStatusFd, &message, sizeof message);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& text : texts) {
    result.push_back(const_cast<char*>(text.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

// The same numbers as in a real sandbox, in the supervisor, which hands them to the program: 0 to 4,
// the pipe to the backend, and nothing else.
bool arrange_descriptors(Descriptors given, base::UniqueFd status) {
  if (given.code_folder.valid() ? ::fchdir(given.code_folder.get()) != 0 : ::chdir("/") != 0) {
    return false;
  }
  std::array<int, 5> high{};
  std::size_t next = 0;
  for (const int fd :
       {given.out.get(), given.err.get(), given.requests.get(), given.answers.get(), status.get()}) {
    high[next++] = ::fcntl(fd, F_DUPFD, kFailureFd + 1);
  }
  const int null = ::open("/dev/null", O_RDWR);
  const bool done = ::dup2(null, 0) >= 0 && ::dup2(high[0], 1) >= 0 && ::dup2(high[1], 2) >= 0 &&
                    ::dup2(high[2], kRequestsFd) >= 0 && ::dup2(high[3], kAnswersFd) >= 0 &&
                    ::dup3(high[4], kStatusFd, O_CLOEXEC) >= 0;
  for (auto* fd : {&given.out, &given.err, &given.requests, &given.answers, &given.code_folder, &status}) {
    (void)fd->release();  // closed below, or by now another descriptor's number
  }
  ::syscall(SYS_close_range, kAnswersFd + 1, kStatusFd - 1, 0);
  ::syscall(SYS_close_range, kStatusFd + 1, ~0U, 0);
  return done;
}

[[noreturn]] void run_program(const Spec& spec, int failure) {
  std::vector<std::string> arguments = spec.arguments;
  arguments.insert(arguments.begin(), spec.program);
  const rlimit files{spec.limits.open_files, spec.limits.open_files};
  const rlimit no_core{0, 0};
  sigset_t none;
  ::sigemptyset(&none);
  ::signal(SIGPIPE, SIG_DFL);
  ::setsid();
  ::umask(022);
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  ::execve(spec.program.c_str(), pointers(arguments).data(), pointers(spec.environment).data());
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(failure, &error, sizeof error);
  ::_exit(127);
}

// The program's pid once it has been exec'ed, or -1 after the failure has been sent.
pid_t start_program(const Spec& spec) {
  std::array<int, 2> failure{};
  if (::pipe2(failure.data(), O_CLOEXEC) != 0) {
    send(SupervisorMessage::Kind::kFailed, errno);
    return -1;
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    run_program(spec, failure[1]);
  }
  int error = pid < 0 ? errno : 0;
  ::close(failure[1]);
  if (error == 0 && ::read(failure[0], &error, sizeof error) != static_cast<ssize_t>(sizeof error)) {
    error = 0;  // end of file: exec closed the other end
  }
  ::close(failure[0]);
  send(error == 0 ? SupervisorMessage::Kind::kStarted : SupervisorMessage::Kind::kFailed, error);
  return error == 0 ? pid : -1;
}

// Kills children until none is left: the killed ones' children become ours, as we are their subreaper.
void end_tree() {
  for (;;) {
    const int fd = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    std::array<char, 4096> text{};
    const auto got = fd < 0 ? 0 : ::read(fd, text.data(), text.size() - 1);
    ::close(fd);
    for (char* at = text.data(); got > 0;) {
      const long pid = std::strtol(at, &at, 10);
      if (pid <= 0) {
        break;
      }
      ::kill(static_cast<pid_t>(pid), SIGKILL);
    }
    if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) {
      return;
    }
  }
}

void send_end(int status) {
  if (WIFEXITED(status)) {
    send(SupervisorMessage::Kind::kExited, WEXITSTATUS(status));
  } else {
    send(SupervisorMessage::Kind::kSignaled, WTERMSIG(status));
  }
}

// Until the program ends or SIGTERM comes.
void wait_for_end(pid_t program, const sigset_t& signals) {
  for (;;) {
    int status = 0;
    for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended == program) {
        send_end(status);
        return;
      }
    }
    if (::sigwaitinfo(&signals, nullptr) == SIGTERM) {
      send(SupervisorMessage::Kind::kSignaled, SIGKILL);
      return;
    }
  }
}

}  // namespace

void supervise(const std::string& marker, const Spec& spec, Descriptors descriptors, base::UniqueFd status) {
  for (int number = 1; number < NSIG; ++number) {
    ::signal(number, SIG_DFL);
  }
  ::signal(SIGPIPE, SIG_IGN);  // the backend may be gone when there is an end to tell
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  ::prctl(PR_SET_NAME, marker.c_str(), 0, 0, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  ::setsid();
  if (!arrange_descriptors(std::move(descriptors), std::move(status))) {
    send(SupervisorMessage::Kind::kFailed, errno);
    ::_exit(1);
  }
  const pid_t program = start_program(spec);
  if (program > 0) {
    // Only the program may hold these open, or a reader would wait for us.
    ::syscall(SYS_close_range, 0, kAnswersFd, 0);
    wait_for_end(program, signals);
  }
  end_tree();
  ::_exit(0);
}

}  // namespace hearth::sandbox
