#include "sandbox/linux/nft.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/unique_fd.h"

namespace hearth::sandbox {
namespace {

// Not looked for in PATH: it runs as root, and a user's PATH often lacks these folders.
constexpr std::array kPrograms = {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft"};
constexpr std::size_t kComplaintBytes = 512;

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

int spawn_nft(const char* program, int input, int complaints, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, complaints, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
  std::string name = "nft";
  std::string option = "-f";
  std::string standard_input = "-";
  std::array<char*, 4> arguments{name.data(), option.data(), standard_input.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  const int failed = ::posix_spawn(&pid, program, &actions, nullptr, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  return failed;
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
  pid_t pid = -1;
  if (const int failed = spawn_nft(*program, input->get(), complaints->into.get(), pid); failed != 0) {
    return base::io_error(std::string("cannot run ") + *program, failed);
  }
  complaints->into.reset();
  const auto complaint = read_complaint(complaints->from.get());
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) {
    return base::Error{base::ErrorCode::kIo,
                       "nft refuses the firewall's rules (does the kernel have nf_tables with nat, ct and "
                       "fib?): " +
                           complaint};
  }
  return {};
}

}  // namespace hearth::sandbox
