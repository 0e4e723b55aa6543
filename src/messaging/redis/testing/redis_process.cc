#include "messaging/redis/testing/redis_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "base/testing/free_port.h"

namespace hearth::messaging {
namespace {

constexpr int kAttempts = 5;
constexpr std::chrono::seconds kReady{10};
constexpr int kAnswerMs = 5'000;

sockaddr_in local(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Whether the text comes before the deadline or the end.
bool wait_for(int fd, std::string_view text, std::chrono::steady_clock::time_point until) {
  std::string seen;
  std::array<char, 4'096> buffer;
  while (seen.find(text) == std::string::npos) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd at{fd, POLLIN, 0};
    if (left <= 0 || ::poll(&at, 1, static_cast<int>(left)) <= 0) {
      return false;
    }
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) {
      return false;
    }
    seen.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace

RedisProcess::RedisProcess(std::vector<std::string> more_arguments)
    : more_arguments_(std::move(more_arguments)) {
  std::string pattern = std::filesystem::temp_directory_path() / "hearth-redis-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("no temporary folder");
  }
  folder_ = pattern;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    port_ = base::free_port();
    if (try_start()) {
      return;
    }
  }
  throw std::runtime_error("redis-server does not start (tools/dev installs it)");
}

RedisProcess::~RedisProcess() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RedisProcess::start() {
  if (!try_start()) {
    throw std::runtime_error("redis-server does not start again");
  }
}

bool RedisProcess::try_start() {
  std::vector<std::string> words = {
      "redis-server", "--port", std::to_string(port_), "--save", "",     "--appendonly",
      "no",           "--bind", "127.0.0.1",           "--dir",  folder_};
  words.insert(words.end(), more_arguments_.begin(), more_arguments_.end());
  std::vector<char*> arguments(words.size() + 1);  // the last is null
  std::ranges::transform(words, arguments.begin(), [](std::string& word) { return word.data(); });
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return false;
  }
  output_ = base::UniqueFd(pipe[0]);
  const base::UniqueFd input(pipe[1]);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(input.get(), STDOUT_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  if (pid_ > 0 &&
      wait_for(output_.get(), "eady to accept connections", std::chrono::steady_clock::now() + kReady)) {
    return true;
  }
  kill();
  return false;
}

void RedisProcess::kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
}

void RedisProcess::freeze() const {
  ::kill(pid_, SIGSTOP);
  ::waitpid(pid_, nullptr, WUNTRACED);
}

void RedisProcess::thaw() const { ::kill(pid_, SIGCONT); }

std::string RedisProcess::ask(std::string_view command) const {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = local(port_);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("redis-server takes no connection");
  }
  // It closes behind the answer.
  const std::string line = std::string(command) + "\r\nQUIT\r\n";
  [[maybe_unused]] const auto sent = ::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL);
  std::string answer;
  std::array<char, 16'384> buffer;
  pollfd at{socket.get(), POLLIN, 0};
  while (::poll(&at, 1, kAnswerMs) > 0) {
    const ssize_t got = ::read(socket.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      break;
    }
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return answer;
}

}  // namespace hearth::messaging
