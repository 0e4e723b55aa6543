#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>

#include "base/unique_fd.h"
#include "bench/report/report.h"

namespace hearth::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kComplaintBytes = 2000;

struct Pipe {
  base::UniqueFd from;
  base::UniqueFd into;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  return Pipe{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

int spawn(const std::string& path, int input, int complaints, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, complaints, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
  std::array<std::string, 6> words = {"rsvg-convert", "--format", "png", "--zoom", "2", "--output=" + path};
  std::array<char*, 7> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    arguments[i] = words[i].data();
  }
  const int failed = ::posix_spawnp(&pid, "rsvg-convert", &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return failed;
}

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

// A file without a name that reads as `text`: the program needs no feeding.
base::Result<base::UniqueFd> readable_text(const std::string& text) {
  base::UniqueFd file(::memfd_create("chart.svg", MFD_CLOEXEC));
  if (!file.valid()) {
    return base::io_error("cannot make a file in memory for rsvg-convert", errno);
  }
  for (std::string_view left = text; !left.empty();) {
    const ssize_t written = ::write(file.get(), left.data(), left.size());
    if (written < 0 && errno != EINTR) {
      return base::io_error("cannot hand the chart to rsvg-convert", errno);
    }
    left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Whether the process ended in time; `said` is the beginning of what it wrote.
bool wait_until(Clock::time_point deadline, int process, int complaints, std::string& said) {
  std::array<char, 4096> buffer{};
  std::array<pollfd, 2> events = {{{process, POLLIN, 0}, {complaints, POLLIN, 0}}};
  while (true) {
    const int ready = ::poll(events.data(), events.size(), milliseconds_until(deadline));
    if (ready == 0 || (ready < 0 && errno != EINTR)) {
      return false;
    }
    if (ready > 0 && events[1].revents != 0) {
      const ssize_t got = ::read(complaints, buffer.data(), buffer.size());
      const auto bytes = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
      said.append(buffer.data(), std::min(bytes, kComplaintBytes - said.size()));
      events[1].fd = got == 0 ? -1 : complaints;  // at its end, poll passes over it
    } else if (ready > 0 && events[0].revents != 0) {
      return true;
    }
  }
}

base::Result<void> judge(pid_t pid, bool ended, const std::string& said) {
  if (!ended) {
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) {
    return base::Error{base::ErrorCode::kTimeout, "rsvg-convert took too long and was ended"};
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return base::Error{base::ErrorCode::kIo, "rsvg-convert could not draw the chart: " + said};
  }
  return {};
}

}  // namespace

base::Result<void> write_png(const Chart& chart, const std::string& path, std::chrono::milliseconds allowed) {
  const auto input = readable_text(chart.svg);
  auto complaints = make_pipe();
  if (!input || !complaints) {
    return input ? base::io_error("cannot make a pipe to rsvg-convert", errno) : input.error();
  }
  pid_t pid = -1;
  const int failed = spawn(path, input->get(), complaints->into.get(), pid);
  if (failed == ENOENT) {
    return base::Error{base::ErrorCode::kUnsupported,
                       "PNG charts need the program rsvg-convert: install the package librsvg2-bin"};
  }
  if (failed != 0) {
    return base::io_error("cannot run rsvg-convert", failed);
  }
  complaints->into.reset();
  const base::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  std::string said;
  const bool ended =
      process.valid() && wait_until(Clock::now() + allowed, process.get(), complaints->from.get(), said);
  return judge(pid, ended, said);
}

}  // namespace hearth::bench
