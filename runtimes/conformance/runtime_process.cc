#include "runtime_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace hearth::conformance {
namespace {

using Clock = std::chrono::steady_clock;
using base::UniqueFd;
namespace protocol = worker::protocol;

constexpr std::uint64_t kMaxResponseBytes = 64 * base::kMiB;

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const auto& text : texts) {
    result.push_back(const_cast<char*>(text.c_str()));  // exec wants it so and does not write
  }
  result.push_back(nullptr);
  return result;
}

std::pair<UniqueFd, UniqueFd> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0 || ::fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
    throw std::runtime_error("pipe");
  }
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

int milliseconds_until(Clock::time_point until) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left) + 1;
}

}  // namespace

RuntimeProcess::RuntimeProcess(const std::vector<std::string>& command,
                               const std::vector<std::string>& environment)
    : reader_(kMaxResponseBytes) {
  ::signal(SIGPIPE, SIG_IGN);  // the test sees the end when it receives
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe");
  }
  const UniqueFd far_requests(ends[0]);
  requests_.reset(ends[1]);
  auto answers = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  const auto arguments = pointers(command);
  const auto variables = pointers(environment);
  pid_ = ::fork();
  if (pid_ == 0) {
    const int null = ::open("/dev/null", O_RDONLY);
    // Away from the numbers they are about to take.
    const int from[] = {::fcntl(null, F_DUPFD, 100), ::fcntl(out.second.get(), F_DUPFD, 100),
                        ::fcntl(err.second.get(), F_DUPFD, 100), ::fcntl(far_requests.get(), F_DUPFD, 100),
                        ::fcntl(answers.second.get(), F_DUPFD, 100)};
    ::signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 5; ++i) {
      ::dup2(from[i], i);
    }
    ::syscall(SYS_close_range, 5U, ~0U, 0U);
    if (::chdir("/") == 0) {
      ::execve(arguments[0], arguments.data(), variables.data());
    }
    ::_exit(127);
  }
  answers_ = std::move(answers.first);
  out_ = std::move(out.first);
  err_ = std::move(err.first);
}

RuntimeProcess::~RuntimeProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void RuntimeProcess::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(requests_.get(), bytes.data(), bytes.size());
    if (sent <= 0) {
      return;  // the test sees the end when it receives
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void RuntimeProcess::send_init(const protocol::Init& init, const std::string& compiled) {
  send(protocol::encode_init(init, compiled.size()).value());
  send(compiled);
}

void RuntimeProcess::send_collect(std::uint64_t most_bytes) {
  reader_.expect_compiled(most_bytes);
  send(protocol::encode_frame(protocol::FrameType::kCollect, 0, ""));
}

void RuntimeProcess::send_invoke(std::uint64_t invocation, std::string_view body, std::uint32_t remaining_ms,
                                 std::string_view request_id) {
  send(protocol::encode_invoke_head(invocation, remaining_ms, request_id, body.size()).view());
  send(body);
}

std::optional<protocol::Frame> RuntimeProcess::receive(std::chrono::milliseconds wait) {
  const auto until = Clock::now() + wait;
  std::array<char, 65'536> buffer;
  for (;;) {
    std::string_view bytes = unread_;
    auto frame = reader_.read(bytes);
    unread_.erase(0, unread_.size() - bytes.size());
    if (!frame) {
      std::fprintf(stderr, "no frame: %s\n", frame.error().message.c_str());
      return std::nullopt;
    }
    if (*frame && (*frame)->type == protocol::FrameType::kLog && !tells_logs_) {
      const auto log = protocol::decode_log((*frame)->payload).value();
      (log.stream == model::LogStream::kOut ? out_text_ : err_text_) += log.text;
      continue;
    }
    if (*frame) {
      return std::move(**frame);
    }
    if (!wait_for_bytes(until)) {
      return std::nullopt;
    }
    const ssize_t got = ::read(answers_.get(), buffer.data(), buffer.size());
    if (got > 0) {
      unread_.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return std::nullopt;
    }
  }
}

bool RuntimeProcess::wait_for_bytes(Clock::time_point until) {
  pollfd ready[] = {{answers_.get(), POLLIN, 0}, {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
  const int count = ::poll(ready, 3, milliseconds_until(until));
  gather(out_.get(), out_text_);
  gather(err_.get(), err_text_);
  return count > 0 || Clock::now() < until;
}

void RuntimeProcess::gather(int fd, std::string& into) {
  std::array<char, 65'536> buffer;
  ssize_t got = 0;
  while ((got = ::read(fd, buffer.data(), buffer.size())) > 0) {
    into.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string RuntimeProcess::take_out() {
  gather(out_.get(), out_text_);
  return std::exchange(out_text_, {});
}

std::string RuntimeProcess::take_err() {
  gather(err_.get(), err_text_);
  return std::exchange(err_text_, {});
}

std::optional<int> RuntimeProcess::wait_exit(std::chrono::milliseconds wait) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  const auto until = Clock::now() + wait;
  for (;;) {
    pollfd ready[] = {{process.get(), POLLIN, 0}, {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
    ::poll(ready, 3, milliseconds_until(until));
    gather(out_.get(), out_text_);
    gather(err_.get(), err_text_);
    if ((ready[0].revents & POLLIN) != 0) {
      break;
    }
    if (Clock::now() >= until) {
      return std::nullopt;
    }
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace hearth::conformance
