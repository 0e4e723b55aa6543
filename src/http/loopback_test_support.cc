#include "http/loopback_test_support.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "http/text.h"

namespace hearth::http::test {
namespace {

constexpr int kPatienceSeconds = 10;

}  // namespace

Response text_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.content_type = "text/plain";
  response.body[0] = std::move(body);
  return response;
}

FunctionHandler::FunctionHandler()
    : on_plan([](const RequestHead&) { return Buffer{1024 * 1024}; }),
      on_handle([](Request request, Responder responder) {
        std::string text(to_string(request.head.method));
        text.append(" ").append(request.head.target).append(" ").append(request.body);
        responder.send(text_response(200, std::move(text)));
      }) {}

Response FunctionHandler::refuse(int status, std::string_view reason, std::string_view) {
  return text_response(status, std::string(reason));
}

LoopbackServer::LoopbackServer(Handler& handler, ServerLimits limits, const std::string& host_port)
    : server_(std::make_unique<Server>(reactor_, limits, handler)) {
  if (const auto listening = server_->listen(host_port); !listening) {
    throw std::runtime_error(listening.error().message);
  }
  port_ = server_->port();
  server_->start();
  thread_ = std::thread([this] { reactor_.run(); });
}

LoopbackServer::~LoopbackServer() {  // NOLINT(bugprone-exception-escape)
  on_loop([this] { server_.reset(); });
  reactor_.stop();
  thread_.join();
}

void LoopbackServer::on_loop(const std::function<void()>& callback) {
  std::promise<void> ran;
  reactor_.post([&] {
    callback();
    ran.set_value();
  });
  ran.get_future().wait();
}

std::size_t LoopbackServer::connection_count() {
  std::size_t count = 0;
  on_loop([&] { count = server_->connection_count(); });
  return count;
}

bool LoopbackServer::wait_for_connections(std::size_t count) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kPatienceSeconds);
  while (connection_count() != count) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

std::string Answer::header(std::string_view name) const {
  for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = std::string_view(head).substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name)) {
      return std::string(trim(line.substr(colon + 1)));
    }
  }
  return {};
}

Peer::Peer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

void Peer::connect(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("the test's peer cannot connect");
  }
}

bool Peer::try_send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Peer::send(std::string_view bytes) {
  if (!try_send(bytes)) {
    throw std::runtime_error("the test's peer cannot send");
  }
}

void Peer::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

void Peer::shrink_receive_buffer() {
  const int bytes = 4096;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

bool Peer::fill() {
  char buffer[65536];
  const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
  if (got <= 0) {
    return false;
  }
  pending_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

Answer Peer::receive(bool head_only) {
  std::size_t end = 0;
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) {
      return {};
    }
  }
  Answer answer;
  answer.head = pending_.substr(0, end + 2);
  pending_.erase(0, end + 4);
  answer.status = std::stoi(answer.head.substr(9, 3));
  const std::string length = answer.header("Content-Length");
  const std::size_t bytes = length.empty() || head_only ? 0 : std::stoul(length);
  while (pending_.size() < bytes) {
    if (!fill()) {
      return {};
    }
  }
  answer.body = pending_.substr(0, bytes);
  pending_.erase(0, bytes);
  return answer;
}

std::string Peer::receive_all(bool* clean) {
  errno = 0;
  while (fill()) {
  }
  if (clean != nullptr) {
    *clean = errno == 0;
  }
  return std::exchange(pending_, {});
}

bool Peer::closed() {
  char byte = 0;
  const ssize_t got = pending_.empty() ? ::recv(fd_.get(), &byte, 1, 0) : 1;
  return got == 0 || (got < 0 && errno == ECONNRESET);
}

bool Peer::readable_within(int milliseconds) {
  pollfd waited{fd_.get(), POLLIN, 0};
  return !pending_.empty() || ::poll(&waited, 1, milliseconds) > 0;
}

std::string get(std::string_view target, std::string_view more_headers) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(more_headers) + "\r\n";
}

std::string post(std::string_view target, std::string_view body, std::string_view more_headers) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_headers) + "\r\n" + std::string(body);
}

}  // namespace hearth::http::test
