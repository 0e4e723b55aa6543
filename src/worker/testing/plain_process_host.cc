#include "worker/testing/plain_process_host.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace hearth::worker {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const auto& text : texts) {
    result.push_back(const_cast<char*>(text.c_str()));  // exec wants it so and does not write
  }
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void become(char* const* arguments, char* const* environment,
                         const sandbox::Descriptors& descriptors) {
  ::setpgid(0, 0);
  const int null = ::open("/dev/null", O_RDONLY);
  // Away from the numbers they are about to take.
  const int from[] = {::fcntl(null, F_DUPFD, 100), ::fcntl(descriptors.out.get(), F_DUPFD, 100),
                      ::fcntl(descriptors.err.get(), F_DUPFD, 100),
                      ::fcntl(descriptors.requests.get(), F_DUPFD, 100),
                      ::fcntl(descriptors.answers.get(), F_DUPFD, 100)};
  const int folder = descriptors.code_folder.get();
  if (folder >= 0 && ::fchdir(folder) != 0) {
    ::_exit(126);
  }
  for (int i = 0; i < 5; ++i) {
    ::dup2(from[i], i);
  }
  ::syscall(SYS_close_range, 5U, ~0U, 0U);
  ::execve(arguments[0], arguments, environment);
  ::_exit(127);
}

}  // namespace

struct PlainProcessHost::Process {
  pid_t pid = -1;
  bool removed = false;
  base::UniqueFd ended;  // a pidfd: readable at the end
  base::Reactor::Watch watch;
};

PlainProcessHost::PlainProcessHost(base::Reactor& reactor)
    : reactor_(reactor), freezer_(::memfd_create("freezer", MFD_CLOEXEC)) {}

PlainProcessHost::~PlainProcessHost() {
  for (const auto& [name, process] : processes_) {
    ::kill(-process->pid, SIGKILL);
    ::waitpid(process->pid, nullptr, 0);
  }
}

void PlainProcessHost::start(sandbox::Spec spec, sandbox::Descriptors descriptors, StartDone done) {
  specs.push_back(spec);
  if (!answers_start) {
    return;
  }
  if (!start_result) {
    reactor_.post([done = std::move(done), error = start_result.error()] { done(error); });
    return;
  }
  std::vector<std::string> program = command;
  if (program.empty()) {
    program = {spec.program};
    program.insert(program.end(), spec.arguments.begin(), spec.arguments.end());
  }
  const auto arguments = pointers(program);
  const auto environment = pointers(spec.environment);
  auto process = std::make_unique<Process>();
  process->pid = ::fork();
  if (process->pid == 0) {
    become(arguments.data(), environment.data(), descriptors);
  }
  process->ended.reset(static_cast<int>(::syscall(SYS_pidfd_open, process->pid, 0)));
  processes_[spec.name] = std::move(process);
  reactor_.post([this, name = spec.name, done = std::move(done)] {
    done(control());
    watch(name);  // its end comes after its start
  });
}

// Files of ours in place of the kernel's.
sandbox::Control PlainProcessHost::control() const {
  sandbox::Control control;
  control.freezer.reset(::fcntl(freezer_.get(), F_DUPFD_CLOEXEC, 0));
  control.memory.reset(::memfd_create("memory", MFD_CLOEXEC));
  const std::string bytes = std::to_string(used_bytes);
  [[maybe_unused]] const auto written = ::write(control.memory.get(), bytes.data(), bytes.size());
  return control;
}

std::string PlainProcessHost::frozen() const {
  std::string text(64, '\0');
  text.resize(
      static_cast<std::size_t>(std::max<ssize_t>(::pread(freezer_.get(), text.data(), text.size(), 0), 0)));
  return text;
}

void PlainProcessHost::watch(const std::string& name) {
  Process& process = *processes_.at(name);
  process.watch = reactor_.watch(process.ended.get(), [this, name](base::Readiness ready) {
    if (ready.readable) {
      reap(name);
    }
  });
}

void PlainProcessHost::reap(const std::string& name) {
  const auto process = std::move(processes_.at(name));
  processes_.erase(name);
  int status = 0;
  ::waitpid(process->pid, &status, 0);
  ::kill(-process->pid, SIGKILL);  // what it started
  sandbox::Exit exit{name, sandbox::ExitReason::kExited, WEXITSTATUS(status), 0};
  if (WIFSIGNALED(status)) {
    exit.reason = process->removed ? sandbox::ExitReason::kRemoved : sandbox::ExitReason::kSignaled;
    exit.code = WTERMSIG(status);
  }
  handler_(exit);
}

void PlainProcessHost::assign(const std::string& name, const sandbox::Limits& new_limits,
                              base::UniqueFd /*code_folder*/, AssignDone done) {
  assigned.emplace_back(name, new_limits);
  reactor_.post([done = std::move(done), result = assign_result] { done(result); });
}

void PlainProcessHost::set_limits(const std::string& name, const sandbox::Limits& new_limits) {
  limits.emplace_back(name, new_limits);
}

void PlainProcessHost::remove(const std::string& name) {
  const auto found = processes_.find(name);
  if (found != processes_.end() && kills) {
    found->second->removed = true;
    ::kill(-found->second->pid, SIGKILL);
    ::kill(found->second->pid, SIGKILL);
  }
}

pid_t PlainProcessHost::pid_of(const std::string& name) const { return processes_.at(name)->pid; }

}  // namespace hearth::worker
