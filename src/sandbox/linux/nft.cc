#include "sandbox/linux/nft.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include "base/unique_fd.h"
#include "sandbox/linux/bounding_set.h"
#include "sandbox/linux/child.h"
#include "sandbox/linux/clone_onto.h"
#include "sandbox/linux/signals_blocked.h"

namespace hearth::sandbox {
namespace {

// Not looked for in PATH: it runs as root, and a user's PATH often lacks these folders.
constexpr std::array kPrograms = {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft"};
constexpr std::size_t kComplaintBytes = 512;
constexpr std::size_t kStackBytes = 64UL << 10U;

struct Pipe {
  base::UniqueFd from, into;
};

base::Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return base::io_error("cannot make a pipe for nft", errno);
  }
  return Pipe{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

// Before nft runs: a pipe that nobody reads yet holds far more than the rules are long.
base::Result<base::UniqueFd> readable_text(const std::string& text) {
  auto pipe = make_pipe();
  if (!pipe) {
    return pipe.error();
  }
  ::fcntl(pipe->into.get(), F_SETFL, O_NONBLOCK);
  if (::write(pipe->into.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return base::io_error("cannot hand the firewall's rules to nft", errno);
  }
  return std::move(pipe->from);
}

struct Start {
  const char* program;
  char* const* arguments;
  int input, complaints;
  int error = 0;
};

// In our memory, while we wait. Of our rights it gets the one that it needs.
void execute_nft(Start& start) {
  constexpr std::array kRights = {CAP_NET_ADMIN};
  char* const environment[] = {nullptr};
  if (::dup2(start.input, STDIN_FILENO) >= 0 && ::dup2(start.complaints, STDOUT_FILENO) >= 0 &&
      ::dup2(start.complaints, STDERR_FILENO) >= 0) {
    keep_in_bounding_set(kRights);
    ChildPlan nothing;
    reset_signals(nothing);  // they are blocked for the clone
    ::execve(start.program, start.arguments, environment);
  }
  start.error = errno;
  ::syscall(SYS_exit_group, 127);
}

// Its pid, or a negative errno.
long spawn_nft(const char* program, int input, int complaints) {
  std::string name = "nft";
  std::string option = "-f";
  std::string standard_input = "-";
  const std::array<char*, 4> arguments{name.data(), option.data(), standard_input.data(), nullptr};
  Start start{program, arguments.data(), input, complaints};
  alignas(16) std::array<std::byte, kStackBytes> stack;
  clone_args clone{};
  clone.flags = CLONE_VM | CLONE_VFORK;
  clone.exit_signal = SIGCHLD;
  clone.stack = reinterpret_cast<std::uint64_t>(stack.data());
  clone.stack_size = stack.size();
  const AllSignalsBlocked blocked;
  const long pid = clone_onto(clone, execute_nft, start);
  if (pid > 0 && start.error != 0) {
    ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
    return -start.error;
  }
  return pid;
}

std::string read_complaint(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), std::min(static_cast<std::size_t>(n), kComplaintBytes - text.size()));
  }
  return text;
}

}  // namespace

base::Result<void> run_nft(const std::string& commands) {
  const auto* const program = std::find_if(kPrograms.begin(), kPrograms.end(),
                                           [](const char* path) { return ::access(path, X_OK) == 0; });
  if (program == kPrograms.end()) {
    return base::Error{base::ErrorCode::kUnsupported,
                       "--network nat needs the program nft: install the package nftables"};
  }
  auto input = readable_text(commands);
  auto complaints = make_pipe();
  if (!input || !complaints) {
    return input ? complaints.error() : input.error();
  }
  const long pid = spawn_nft(*program, input->get(), complaints->into.get());
  if (pid < 0) {
    return base::io_error(std::string("cannot run ") + *program, static_cast<int>(-pid));
  }
  complaints->into.reset();
  const auto complaint = read_complaint(complaints->from.get());
  int status = 0;
  if (::waitpid(static_cast<pid_t>(pid), &status, 0) != pid || status != 0) {
    return base::Error{base::ErrorCode::kIo,
                       "nft refuses the firewall's rules (does the kernel have nf_tables with nat, ct and "
                       "fib?): " +
                           complaint};
  }
  return {};
}

}  // namespace hearth::sandbox
