#include "sandbox/linux/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <utility>

#include "sandbox/linux/fork_request.h"
#include "sandbox/linux/spawn.h"

namespace hearth::sandbox {
namespace {

using std::chrono::milliseconds;

bool has_ended(const base::UniqueFd& process) {
  pollfd look{process.get(), POLLIN, 0};
  return ::poll(&look, 1, 0) == 1;
}

bool watch(int events, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  return ::epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

// What a request brings.
struct Zygote::Answers {
  base::UniqueFd process;
  pid_t pid = 0;
  int fork_error = 0;
  int open_error = 0;  // of the pidfd
  ChildFailure failure;
  bool forked = false, finished = false;
  bool died = false;  // before it finished

  bool complete() const { return fork_error != 0 || (forked && (finished || died)); }
  bool none() const { return pid == 0; }

  void add(const ReceivedAnswer& received) {
    if (received.answer.kind == ForkAnswerKind::kFinished) {
      finished = true;
      failure = received.answer.failure;
      open(received.sender);
    } else if (received.answer.value < 0) {
      fork_error = static_cast<int>(-received.answer.value);
    } else {
      forked = true;
      open(static_cast<pid_t>(received.answer.value));
    }
  }

  // Our own child: the number is its own until it is waited for.
  void open(pid_t its_pid) {
    if (pid == 0) {
      pid = its_pid;
      process.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      open_error = process.valid() ? 0 : errno;
    }
  }
  void end() const {
    if (pid != 0) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
};

base::Result<std::unique_ptr<Zygote>> Zygote::create(ZygoteProgram program, Surroundings surroundings) {
  base::UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer.valid() || !watch(surroundings.events, timer.get())) {
    return base::io_error("cannot make a timer for the zygote", errno);
  }
  return std::unique_ptr<Zygote>(new Zygote(std::move(program), surroundings, std::move(timer)));
}

Zygote::Zygote(ZygoteProgram program, Surroundings surroundings, base::UniqueFd timer)
    : program_(std::move(program)), surroundings_(surroundings), timer_(std::move(timer)) {}

Zygote::~Zygote() {
  end();
  for (const auto& process : ending_) {
    end_process(process.get());
  }
}

bool Zygote::fits(const Spec& spec) const {
  return spec.program == program_.program && spec.arguments == program_.arguments &&
         spec.environment == program_.environment;
}

void Zygote::tend() {
  std::uint64_t times = 0;
  [[maybe_unused]] const auto got = ::read(timer_.get(), &times, sizeof times);
  std::erase_if(ending_, [](const base::UniqueFd& process) {
    WaitStatus ignored;
    return reap(process.get(), false, ignored);
  });
  look();
  if (used_too_long()) {
    end();
  }
  if (!process_.valid() && Clock::now() >= next_attempt_) {
    if (const auto done = start(); !done) {
      give_up(done.error().message.c_str());
    }
  }
  arm();
}

void Zygote::prepare() {
  if (forked_too_often()) {
    end();
  }
  tend();
}

// What has become of it.
void Zygote::look() {
  if (!process_.valid()) {
    return;
  }
  ReceivedAnswer received;
  if (!booted_ && receive_answer(socket_.get(), received) == 0 &&
      received.answer.kind == ForkAnswerKind::kReady) {
    booted_ = true;
    pause_ = {};
  }
  if (has_ended(process_)) {
    give_up(booted_ ? "it has ended" : "it ended while it booted");
  } else if (!booted_ && Clock::now() - started_ >= program_.limits.boot) {
    give_up("it did not boot in time");
  }
}

base::Result<void> Zygote::start() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return base::io_error("cannot make a socket for the zygote", errno);
  }
  base::UniqueFd ours(ends[0]);
  auto theirs = move_high(base::UniqueFd(ends[1]));
  auto log = move_high(base::UniqueFd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)));
  if (!theirs || !log) {
    return !theirs ? theirs.error() : log.error();
  }
  if (const int error = tell_senders(ours.get()); error != 0) {
    return base::io_error("cannot ask for senders on the zygote's socket", error);
  }
  const auto arguments = exec_list(program_.program, program_.arguments);
  const auto environment = exec_list(program_.environment);
  ChildPlan plan;
  plan.root = surroundings_.root;
  plan.launcher = surroundings_.launcher;
  plan.requests = plan.answers = theirs->get();
  plan.out = plan.err = log->get();
  plan.program = program_.program.c_str();
  plan.arguments = arguments.data();
  plan.environment = environment.data();
  auto process = spawn_zygote(plan, *surroundings_.watch);
  if (!process) {
    return process.error();
  }
  process_ = std::move(*process);
  socket_ = std::move(ours);
  started_ = Clock::now();
  if (!watch(surroundings_.events, process_.get())) {
    return base::io_error("cannot watch the zygote", errno);
  }
  return {};
}

// Functions are started all the same, each booting by itself.
void Zygote::give_up(const char* why) {
  end();
  pause_ = std::clamp(pause_ * 2, program_.limits.first_pause, program_.limits.longest_pause);
  next_attempt_ = Clock::now() + pause_;
  std::fprintf(
      stderr, "hearth-launcher: no zygote of %s, each instance boots by itself: %s; tried again in %lld ms\n",
      program_.program.c_str(), why, static_cast<long long>(pause_.count()));
  arm();
}

bool Zygote::used_too_long() const {
  return forks_ > 0 && Clock::now() - first_fork_ >= program_.limits.longest_use;
}

// Without waiting: tend() looks after what is left.
void Zygote::end() {
  if (process_.valid()) {
    kill_process(process_.get());
    ending_.push_back(std::move(process_));
  }
  process_.reset();
  socket_.reset();
  booted_ = false;
  forks_ = 0;
}

// For the next time that tend() is needed, if nothing happens before.
void Zygote::arm() {
  auto next = Clock::time_point::max();
  if (!process_.valid()) {
    next = next_attempt_;
  } else if (!booted_) {
    next = started_ + program_.limits.boot;
  } else if (forks_ > 0) {
    next = first_fork_ + program_.limits.longest_use;
  }
  itimerspec when{};
  if (next != Clock::time_point::max()) {
    const auto left = std::max<std::chrono::nanoseconds>(next - Clock::now(), milliseconds(1));
    when.it_value.tv_sec = left.count() / 1'000'000'000;
    when.it_value.tv_nsec = left.count() % 1'000'000'000;
  }
  ::timerfd_settime(timer_.get(), 0, &when, nullptr);
}

base::Result<std::optional<base::UniqueFd>> Zygote::fork(const ChildPlan& plan, int clone_target) {
  using Nothing = std::optional<base::UniqueFd>;
  look();
  if (!booted_ || forked_too_often() || used_too_long()) {
    return Nothing();
  }
  if (const int error = send_request(socket_.get(), plan, clone_target); error != 0) {
    give_up(base::io_error("it takes no request", error).message.c_str());
    return Nothing();
  }
  if (forks_++ == 0) {
    first_fork_ = Clock::now();
    arm();
  }
  Answers answers;
  if (const auto told = await(Clock::now() + milliseconds(surroundings_.start_timeout_ms), answers); !told) {
    give_up(told.error().message.c_str());
    if (answers.none() && told.error().code != base::ErrorCode::kTimeout) {
      return Nothing();  // it ended before it forked
    }
    answers.end();
    return told.error();
  }
  if (answers.fork_error != 0) {
    return describe_clone(answers.fork_error);
  }
  if (answers.finished && answers.failure.error == 0 && answers.process.valid()) {
    return Nothing(std::move(answers.process));
  }
  answers.end();
  if (answers.failure.error != 0) {
    return describe(answers.failure, fork_steps());
  }
  return answers.died
             ? base::Error{base::ErrorCode::kIo, "the sandbox's process ended before its program began"}
             : base::io_error("cannot open the sandbox's process", answers.open_error);
}

// An error when not all answers came.
base::Result<void> Zygote::await(Clock::time_point deadline, Answers& answers) {
  while (!answers.complete()) {
    std::array<pollfd, 2> looks = {pollfd{socket_.get(), POLLIN, 0},
                                   pollfd{answers.process.get(), POLLIN, 0}};
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    const int ready = ::poll(looks.data(), looks.size(), static_cast<int>(std::max<long>(left.count(), 0)));
    ReceivedAnswer received;
    const int error = receive_answer(socket_.get(), received);
    if (error == 0) {
      answers.add(received);
    } else if (error != EAGAIN) {
      return base::Error{base::ErrorCode::kIo, "the zygote ended in the middle of a fork"};
    } else if (ready == 0) {
      return describe_timeout();
    } else if (looks[1].revents != 0) {
      answers.died = true;  // no word of it will come any more
    }
  }
  return {};
}

}  // namespace hearth::sandbox
