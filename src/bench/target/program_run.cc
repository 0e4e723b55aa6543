#include "bench/target/program_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "base/text_units.h"
#include "base/unique_fd.h"

namespace hearth::bench {
namespace {

constexpr std::chrono::milliseconds kPoll{10};

// What execve() wants; the strings stay their owner's.
std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& one : strings) {
    result.push_back(const_cast<char*>(one.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> with_own_environment(std::vector<std::string> environment) {
  const std::size_t added = environment.size();
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    const std::string_view own(*variable);
    bool replaced = false;
    for (std::size_t i = 0; i < added; ++i) {
      const std::string_view name = std::string_view(environment[i]).substr(0, environment[i].find('=') + 1);
      replaced = replaced || own.starts_with(name);
    }
    if (!replaced) {
      environment.emplace_back(own);
    }
  }
  return environment;
}

std::string text_of(FILE* file) {
  std::string text;
  char buffer[4096];
  std::rewind(file);
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file)) {
    text.append(buffer, count);
  }
  return text;
}

}  // namespace

base::Result<ProgramEnd> run_to_end(const std::vector<std::string>& command, const std::string& folder,
                                    const std::vector<std::string>& environment, std::chrono::seconds bound) {
  const std::unique_ptr<FILE, int (*)(FILE*)> out(std::tmpfile(), &std::fclose);
  const base::UniqueFd in(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (out == nullptr || !in.valid()) {
    return base::io_error("cannot make a temporary file (TMPDIR)", errno);
  }
  const std::vector<std::string> variables = with_own_environment(environment);
  const auto arguments = pointers(command);
  const auto envp = pointers(variables);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    ::dup2(in.get(), STDIN_FILENO);
    ::dup2(::fileno(out.get()), STDOUT_FILENO);
    ::dup2(::fileno(out.get()), STDERR_FILENO);
    if (::chdir(folder.c_str()) == 0) {
      ::execvpe(arguments[0], arguments.data(), envp.data());
    }
    ::_exit(127);
  }
  if (pid < 0) {
    return base::io_error("cannot start a process", errno);
  }
  ::setpgid(pid, pid);  // here too: whoever comes first, so that the group is there to be killed
  int status = 0;
  const auto deadline = std::chrono::steady_clock::now() + bound;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      return base::Error{base::ErrorCode::kTimeout, fmt::format("{} has not ended within {}", command.front(),
                                                                base::format_duration(bound))};
    }
    std::this_thread::sleep_for(kPoll);
  }
  return ProgramEnd{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(out.get())};
}

}  // namespace hearth::bench
