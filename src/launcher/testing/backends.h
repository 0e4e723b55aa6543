// Sandbox backends for the launcher's own tests: one that does what the test says, one that runs plain
// child processes. Neither isolates anything.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/sandbox.h"

namespace hearth::launcher {

// Runs nothing. The server's thread drives it while the test looks at it and ends sandboxes.
class ScriptedBackend : public sandbox::Backend {
 private:
  template <typename Body>
  auto locked(Body body) {
    const std::lock_guard lock(mutex_);
    return body();
  }

 public:
  base::Result<void> start(const sandbox::Spec& spec, sandbox::Descriptors descriptors) override {
    const std::lock_guard lock(mutex_);
    if (!refusal_.message.empty()) {
      return refusal_;
    }
    started_.push_back(spec);
    ++work_;
    prepared_before_starts_.push_back(prepared_);
    descriptors_ = std::move(descriptors);
    return {};
  }

  base::Result<void> set_limits(const std::string& name, const sandbox::Limits& limits) override {
    const std::lock_guard lock(mutex_);
    limits_[name] = limits;
    return refusal_.message.empty() ? base::Result<void>() : base::Result<void>(refusal_);
  }

  base::Result<void> assign(const std::string& name, const sandbox::Limits& limits,
                            base::UniqueFd code_folder) override {
    const std::lock_guard lock(mutex_);
    limits_[name] = limits;
    descriptors_.code_folder = std::move(code_folder);
    return refusal_.message.empty() ? base::Result<void>() : base::Result<void>(refusal_);
  }

  // Files that the test may look at.
  sandbox::Control control(const std::string& /*name*/) override {
    const std::lock_guard lock(mutex_);
    sandbox::Control control;
    if (freezer_.valid()) {
      control.freezer.reset(::fcntl(freezer_.get(), F_DUPFD_CLOEXEC, 0));
      control.memory.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    return control;
  }
  void freeze_by(base::UniqueFd file) {
    locked([&] { freezer_ = std::move(file); });
  }

  // The end shows only at the third collect(), as if a process took its time to die.
  void remove(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    removed_.push_back(name);
    if (removal_works_) {
      ending_.push_back({{name, sandbox::ExitReason::kRemoved, 0, 0}, 3});
    }
  }

  std::vector<sandbox::Exit> collect() override {
    const std::lock_guard lock(mutex_);
    eventfd_t ignored = 0;
    ::eventfd_read(ready_.get(), &ignored);
    std::vector<sandbox::Exit> ended;
    std::erase_if(ending_, [&](auto& ending) {
      const bool over = --ending.second <= 0;
      if (over) {
        ended.push_back(ending.first);
      }
      return over;
    });
    return ended;
  }

  int ready_fd() const override { return ready_.get(); }
  base::Result<std::uint32_t> sweep() override { return 0U; }
  // As many pieces of work as the test says, and one more after each start.
  bool prepare() override {
    const std::lock_guard lock(mutex_);
    ++prepared_;
    prepared_more_.notify_all();
    return prepared_ < work_;
  }

  void end(sandbox::Exit exit, int collects = 1) {
    const std::lock_guard lock(mutex_);
    ending_.emplace_back(std::move(exit), collects);
    ::eventfd_write(ready_.get(), 1);
  }
  void refuse_with(base::Error error) {
    locked([&] { refusal_ = std::move(error); });
  }
  void break_removal() {
    locked([&] { removal_works_ = false; });
  }
  void give_work(int pieces) {
    locked([&] { work_ = pieces; });
  }
  // Waits until so many have been done; false when they are not.
  bool await_prepared(int pieces) {
    std::unique_lock lock(mutex_);
    return prepared_more_.wait_for(lock, std::chrono::seconds(10), [&] { return prepared_ >= pieces; });
  }
  int prepared() {
    return locked([&] { return prepared_; });
  }
  // How many had been done when each start came.
  std::vector<int> prepared_before_starts() {
    return locked([&] { return prepared_before_starts_; });
  }
  std::vector<sandbox::Spec> started() {
    return locked([&] { return started_; });
  }
  std::vector<std::string> removed() {
    return locked([&] { return removed_; });
  }
  std::map<std::string, sandbox::Limits> limits() {
    return locked([&] { return limits_; });
  }
  sandbox::Descriptors take_descriptors() {
    return locked([&] { return std::move(descriptors_); });
  }

 private:
  base::UniqueFd ready_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex_;  // guards what follows
  std::vector<sandbox::Spec> started_;
  std::vector<std::string> removed_;
  std::map<std::string, sandbox::Limits> limits_;
  std::vector<std::pair<sandbox::Exit, int>> ending_;
  sandbox::Descriptors descriptors_;
  base::UniqueFd freezer_;
  base::Error refusal_;
  bool removal_works_ = true;
  int work_ = 0;
  int prepared_ = 0;
  std::vector<int> prepared_before_starts_;
  std::condition_variable prepared_more_;
};

// Each sandbox is a child process with the descriptors where the port says that they are.
class ProcessBackend final : public sandbox::Backend {
 public:
  explicit ProcessBackend(std::uint32_t swept = 0) : swept_(swept) {}

  base::Result<void> start(const sandbox::Spec& spec, sandbox::Descriptors descriptors) override {
    pid_t pid = -1;
    if (const int failure = spawn_process(spec, descriptors, pid); failure != 0) {
      return base::io_error("cannot start " + spec.program, failure);
    }
    Process process{pid, base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))), false};
    epoll_event event{.events = EPOLLIN, .data = {}};
    ::epoll_ctl(ready_.get(), EPOLL_CTL_ADD, process.pidfd.get(), &event);
    processes_.emplace(spec.name, std::move(process));
    return {};
  }

  base::Result<void> set_limits(const std::string& /*name*/, const sandbox::Limits& /*limits*/) override {
    return base::Error{base::ErrorCode::kUnsupported, "plain processes have no limits"};
  }

  // "bad" in a name: it fails.
  base::Result<void> assign(const std::string& name, const sandbox::Limits& /*limits*/,
                            base::UniqueFd code_folder) override {
    if (name.find("bad") != std::string::npos || !code_folder.valid()) {
      return base::Error{base::ErrorCode::kBusy, "it does not fit"};
    }
    return {};
  }

  sandbox::Control control(const std::string& /*name*/) override { return {}; }

  void remove(const std::string& name) override {
    if (const auto found = processes_.find(name); found != processes_.end()) {
      found->second.removed = true;
      ::kill(found->second.pid, SIGKILL);
    }
  }

  std::vector<sandbox::Exit> collect() override {
    std::vector<sandbox::Exit> ended;
    std::erase_if(processes_, [&](auto& entry) {
      auto& [name, process] = entry;
      int status = 0;
      if (::waitpid(process.pid, &status, WNOHANG) != process.pid) {
        return false;
      }
      const bool exited = WIFEXITED(status);
      const auto by_itself = exited ? sandbox::ExitReason::kExited : sandbox::ExitReason::kSignaled;
      ended.push_back({name, process.removed ? sandbox::ExitReason::kRemoved : by_itself,
                       exited ? WEXITSTATUS(status) : WTERMSIG(status), 0});
      return true;
    });
    return ended;
  }

  int ready_fd() const override { return ready_.get(); }
  base::Result<std::uint32_t> sweep() override { return swept_; }
  bool prepare() override { return false; }

 private:
  struct Process {
    pid_t pid;
    base::UniqueFd pidfd;
    bool removed;
  };

  static int spawn_process(const sandbox::Spec& spec, const sandbox::Descriptors& descriptors, pid_t& pid) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    std::vector<base::UniqueFd> high;  // out of the way of the numbers that they are to take
    const auto place = [&](const base::UniqueFd& from, int number) {
      if (from.valid()) {
        high.emplace_back(::fcntl(from.get(), F_DUPFD_CLOEXEC, 10));
        ::posix_spawn_file_actions_adddup2(&actions, high.back().get(), number);
      }
    };
    place(descriptors.requests, sandbox::kRequestsFd);
    place(descriptors.answers, sandbox::kAnswersFd);
    place(descriptors.out, STDOUT_FILENO);
    place(descriptors.err, STDERR_FILENO);
    std::vector<char*> arguments = {const_cast<char*>(spec.program.c_str())};
    std::ranges::transform(spec.arguments, std::back_inserter(arguments),
                           [](const auto& text) { return const_cast<char*>(text.c_str()); });
    arguments.push_back(nullptr);
    std::vector<char*> environment;
    std::ranges::transform(spec.environment, std::back_inserter(environment),
                           [](const auto& text) { return const_cast<char*>(text.c_str()); });
    environment.push_back(nullptr);
    const int failure =
        ::posix_spawn(&pid, spec.program.c_str(), &actions, nullptr, arguments.data(), environment.data());
    ::posix_spawn_file_actions_destroy(&actions);
    return failure;
  }

  const std::uint32_t swept_;
  base::UniqueFd ready_{::epoll_create1(EPOLL_CLOEXEC)};
  std::map<std::string, Process> processes_;
};

}  // namespace hearth::launcher
