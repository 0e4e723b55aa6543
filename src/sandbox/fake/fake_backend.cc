#include "sandbox/fake/fake_backend.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "sandbox/fake/process_table.h"
#include "sandbox/fake/supervisor.h"
#include "sandbox/spec_check.h"

namespace hearth::sandbox {
namespace {

constexpr std::size_t kProcessNameBytes = 15;  // prctl(2), PR_SET_NAME
constexpr int kSweepTimeoutMs = 5'000;
constexpr int kSweepPauseMs = 5;

bool read_message(int fd, SupervisorMessage& message) {
  ssize_t got = 0;
  do {
    got = ::read(fd, &message, sizeof message);
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof message);
}

base::Result<void> await_start(int status) {
  SupervisorMessage message;
  if (!read_message(status, message)) {
    return base::Error{base::ErrorCode::kInternal, "the fake sandbox's supervisor died"};
  }
  if (message.kind == SupervisorMessage::Kind::kFailed) {
    auto error = base::io_error("cannot start the sandbox's program", message.value);
    error.code = base::ErrorCode::kInvalidArgument;
    return error;
  }
  return {};
}

}  // namespace

FakeBackend::FakeBackend(const std::string& tag) : marker_(("fake-" + tag).substr(0, kProcessNameBytes)) {}

base::Result<std::unique_ptr<FakeBackend>> FakeBackend::create(const std::string& tag) {
  if (!valid_name(tag)) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       "the sandbox tag must be 1 to 63 of a-z, 0-9 and '-'"};
  }
  std::unique_ptr<FakeBackend> backend(new FakeBackend(tag));
  backend->events_.reset(::epoll_create1(EPOLL_CLOEXEC));
  backend->timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(backend->events_.get(), EPOLL_CTL_ADD, backend->timer_.get(), &event) != 0) {
    return base::io_error("cannot make the sandboxes' epoll descriptor", errno);
  }
  return backend;
}

FakeBackend::~FakeBackend() {
  for (auto& [name, sandbox] : sandboxes_) {
    ::kill(sandbox->pid, SIGTERM);
  }
  for (auto& [name, sandbox] : sandboxes_) {
    ::waitpid(sandbox->pid, nullptr, 0);
  }
}

base::Result<void> FakeBackend::start(const Spec& spec, Descriptors descriptors) {
  if (auto checked = check(spec, descriptors); !checked) {
    return checked;
  }
  if (sandboxes_.contains(spec.name)) {
    return base::Error{base::ErrorCode::kAlreadyExists, "a sandbox named " + spec.name + " lives"};
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return base::io_error("cannot make a pipe", errno);
  }
  auto sandbox = std::make_unique<Sandbox>();
  sandbox->name = spec.name;
  sandbox->memory_limit = spec.limits.memory_bytes;
  sandbox->status.reset(ends[0]);
  base::UniqueFd theirs(ends[1]);
  sandbox->pid = ::fork();
  if (sandbox->pid == 0) {
    supervise(marker_, spec, std::move(descriptors), std::move(theirs));
  }
  if (sandbox->pid < 0) {
    return base::io_error("cannot fork a process for the sandbox", errno);
  }
  theirs.reset();
  sandbox->process.reset(static_cast<int>(::syscall(SYS_pidfd_open, sandbox->pid, 0)));
  epoll_event event{};
  event.events = EPOLLIN;
  auto started = await_start(sandbox->status.get());
  if (started && ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, sandbox->process.get(), &event) != 0) {
    started = base::io_error("cannot watch the sandbox's process", errno);
    ::kill(sandbox->pid, SIGTERM);
  }
  if (!started) {
    ::waitpid(sandbox->pid, nullptr, 0);
    return started;
  }
  sandboxes_.emplace(spec.name, std::move(sandbox));
  set_pace();
  return {};
}

base::Result<void> FakeBackend::set_limits(const std::string& name, const Limits& limits) {
  if (auto checked = check(limits); !checked) {
    return checked;
  }
  const auto found = sandboxes_.find(name);
  if (found == sandboxes_.end()) {
    return base::Error{base::ErrorCode::kNotFound, "no sandbox named " + name + " lives"};
  }
  if (resident_below(read_process_table(), found->second->pid) > limits.memory_bytes) {
    return base::Error{base::ErrorCode::kBusy, "more memory than the new limit is in use"};
  }
  found->second->memory_limit = limits.memory_bytes;
  return {};
}

base::Result<void> FakeBackend::assign(const std::string& name, const Limits& limits,
                                       base::UniqueFd /*code_folder*/) {
  if (auto set = set_limits(name, limits); !set) {
    return set;
  }
  return base::Error{base::ErrorCode::kUnsupported, "a plain process gets its code when it is started"};
}

void FakeBackend::remove(const std::string& name) {
  const auto found = sandboxes_.find(name);
  if (found != sandboxes_.end() && !found->second->removal_asked) {
    found->second->removal_asked = true;
    ::kill(found->second->pid, SIGTERM);
  }
}

std::vector<Exit> FakeBackend::collect() {
  std::uint64_t times = 0;
  [[maybe_unused]] const auto ticked = ::read(timer_.get(), &times, sizeof times);
  enforce_memory();
  std::vector<Exit> exits;
  for (auto it = sandboxes_.begin(); it != sandboxes_.end();) {
    Exit exit;
    if (finish(*it->second, exit)) {
      exits.push_back(std::move(exit));
      it = sandboxes_.erase(it);
    } else {
      ++it;
    }
  }
  set_pace();
  return exits;
}

void FakeBackend::enforce_memory() {
  const auto now = std::chrono::steady_clock::now();
  if (sandboxes_.empty() || now < next_look_) {
    return;
  }
  next_look_ = now + std::chrono::milliseconds(kMemoryPeriodMs);
  const auto table = read_process_table();
  for (auto& [name, sandbox] : sandboxes_) {
    const auto bytes = resident_below(table, sandbox->pid);
    sandbox->peak_memory = std::max(sandbox->peak_memory, bytes);
    if (bytes > sandbox->memory_limit && !sandbox->removal_asked) {
      sandbox->out_of_memory = true;
      ::kill(sandbox->pid, SIGTERM);
    }
  }
}

bool FakeBackend::finish(Sandbox& sandbox, Exit& exit) {
  if (::waitpid(sandbox.pid, nullptr, WNOHANG) != sandbox.pid) {
    return false;
  }
  SupervisorMessage message{SupervisorMessage::Kind::kSignaled, SIGKILL};
  read_message(sandbox.status.get(), message);  // nothing when the supervisor itself was killed
  exit = Exit{sandbox.name, ExitReason::kSignaled, message.value, sandbox.peak_memory};
  if (sandbox.out_of_memory) {
    exit.reason = ExitReason::kOutOfMemory;
  } else if (sandbox.removal_asked) {
    exit.reason = ExitReason::kRemoved;
  } else if (message.kind == SupervisorMessage::Kind::kExited) {
    exit.reason = ExitReason::kExited;
  }
  return true;
}

void FakeBackend::set_pace() {
  itimerspec period{};
  if (!sandboxes_.empty()) {
    period.it_value.tv_nsec = period.it_interval.tv_nsec = kMemoryPeriodMs * 1'000'000L;
  }
  ::timerfd_settime(timer_.get(), 0, &period, nullptr);
}

base::Result<std::uint32_t> FakeBackend::sweep() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kSweepTimeoutMs);
  std::uint32_t most = 0;
  for (;;) {
    std::uint32_t left = 0;
    for (const auto& [pid, entry] : read_process_table()) {
      if (entry.name == marker_ && entry.parent != ::getpid() && entry.state != 'Z') {
        ::kill(pid, SIGTERM);
        ++left;
      }
    }
    most = std::max(most, left);
    if (left == 0) {
      return most;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return base::Error{base::ErrorCode::kBusy, "processes of a killed predecessor do not end"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kSweepPauseMs));
  }
}

}  // namespace hearth::sandbox
