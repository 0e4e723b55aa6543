#include "sandbox/linux/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "sandbox/linux/fork_request.h"
#include "sandbox/linux/spawn.h"

namespace hearth::sandbox {
namespace {

constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{60};

void end_process(const base::UniqueFd& process) {
  kill_process(process.get());
  WaitStatus ignored;
  reap(process.get(), true, ignored);
}

base::Error broken(const char* how) {
  return base::Error{base::ErrorCode::kIo, std::string("cannot fork the sandbox's process: ") + how};
}

}  // namespace

// What a request brings.
struct Zygote::Answers {
  base::UniqueFd process;
  int error = 0;  // of the fork
  ChildFailure failure;
  bool finished = false;

  bool gone = false;  // the zygote, and whatever it forked and has not finished

  bool none() const { return gone && !finished && !process.valid(); }
  bool complete() const { return error != 0 || (finished && process.valid()); }

  void add(const ForkAnswer& answer) {
    if (answer.kind == ForkAnswerKind::kFinished) {
      finished = true;
      failure = answer.failure;
    } else if (answer.value < 0) {
      error = static_cast<int>(-answer.value);
    } else {
      // Our own child: the number is its own until it is waited for.
      process.reset(static_cast<int>(::syscall(SYS_pidfd_open, answer.value, 0)));
      error = process.valid() ? 0 : errno;
    }
  }
};

Zygote::Zygote(ZygoteProgram program, int root, int launcher, StartWatch& watch, int start_timeout_ms)
    : program_(std::move(program)),
      root_(root),
      launcher_(launcher),
      watch_(watch),
      start_timeout_(start_timeout_ms) {}

Zygote::~Zygote() { end(); }

bool Zygote::fits(const Spec& spec) const {
  return spec.program == program_.program && spec.arguments == program_.arguments &&
         spec.environment == program_.environment;
}

void Zygote::prepare() {
  if (process_.valid() && waits() && is_spent()) {
    end();
  }
  if (process_.valid() || Clock::now() < next_attempt_) {
    return;
  }
  if (const auto done = start(); !done) {
    started_badly(done.error().message.c_str());
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
  const auto arguments = exec_list(program_.program, program_.arguments);
  const auto environment = exec_list(program_.environment);
  ChildPlan plan;
  plan.root = root_;
  plan.launcher = launcher_;
  plan.requests = plan.answers = theirs->get();
  plan.out = plan.err = log->get();
  plan.program = program_.program.c_str();
  plan.arguments = arguments.data();
  plan.environment = environment.data();
  auto process = spawn_zygote(plan, watch_);
  if (!process) {
    return process.error();
  }
  process_ = std::move(*process);
  socket_ = std::move(ours);
  return {};
}

// Functions are started all the same, each booting by itself.
void Zygote::started_badly(const char* how) {
  end();
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
  next_attempt_ = Clock::now() + pause_;
  std::fprintf(stderr, "hearth: no zygote of %s, each instance boots by itself: %s; tried again in %lld s\n",
               program_.program.c_str(), how, static_cast<long long>(pause_.count()));
}

bool Zygote::waits() {
  if (process_.valid() && !booted_) {
    ForkAnswer answer;
    const int error = receive_answer(socket_.get(), answer);
    if (error == 0 && answer.kind == ForkAnswerKind::kReady) {
      booted_ = true;
      pause_ = {};
    } else if (error != EAGAIN) {
      started_badly("it ended while it booted");
    }
  }
  return booted_;
}

bool Zygote::is_spent() const {
  return forks_ >= kMostForks || (forks_ > 0 && Clock::now() - first_fork_ >= kLongestUse);
}

void Zygote::end() {
  if (process_.valid()) {
    end_process(process_);
  }
  process_.reset();
  socket_.reset();
  booted_ = false;
  forks_ = 0;
}

base::Result<std::optional<base::UniqueFd>> Zygote::fork(const ChildPlan& plan, int clone_target) {
  if (!waits() || is_spent()) {
    return std::optional<base::UniqueFd>();
  }
  if (const int error = send_request(socket_.get(), plan, clone_target); error != 0) {
    started_badly(base::io_error("it takes no request", error).message.c_str());
    return std::optional<base::UniqueFd>();
  }
  if (forks_++ == 0) {
    first_fork_ = Clock::now();
  }
  Answers answers;
  if (const auto complete = await(Clock::now() + start_timeout_, answers); !complete) {
    if (answers.none()) {
      started_badly(complete.error().message.c_str());
      return std::optional<base::UniqueFd>();
    }
    end();  // what it would say next is not known
    return complete.error();
  }
  if (answers.error != 0) {
    return describe_clone(answers.error);
  }
  if (answers.failure.error != 0) {
    end_process(answers.process);
    return describe(answers.failure, fork_steps());
  }
  return std::optional(std::move(answers.process));
}

base::Result<void> Zygote::await(Clock::time_point deadline, Answers& answers) {
  while (!answers.complete()) {
    std::array<pollfd, 2> looks = {pollfd{socket_.get(), POLLIN, 0},
                                   pollfd{answers.process.get(), POLLIN, 0}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const int ready = ::poll(looks.data(), looks.size(), static_cast<int>(std::max<long>(left.count(), 0)));
    ForkAnswer answer;
    const int error = receive_answer(socket_.get(), answer);
    if (error == 0) {
      answers.add(answer);
      continue;
    }
    answers.gone = error == ENOTCONN || error == ECONNRESET;
    const bool waiting = error == EAGAIN && ready != 0 && looks[1].revents == 0;  // poll() met a signal
    if (!waiting) {
      if (answers.process.valid()) {
        end_process(answers.process);
      }
      return ready == 0 ? base::Error{base::ErrorCode::kTimeout,
                                      "the sandbox's process did not reach its program in time"}
                        : broken(error == EAGAIN ? "it ended on its way" : "the zygote has ended");
    }
  }
  return {};
}

}  // namespace hearth::sandbox
