#include "http/raw_server_test_support.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <stdexcept>
#include <utility>

namespace hearth::http::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Small pieces too.
void send_at_once(const base::UniqueFd& socket) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

std::unique_ptr<RawConnection> RawConnection::to(std::uint16_t port) {
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("the test cannot connect");
  }
  send_at_once(socket);
  return std::make_unique<RawConnection>(std::move(socket));
}

void RawConnection::send(std::string_view bytes) {
  if (send_some(bytes) != bytes.size()) {
    throw std::runtime_error("the test's server cannot send");
  }
}

std::size_t RawConnection::send_some(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t taken =
        ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken <= 0) {
      break;
    }
    sent += static_cast<std::size_t>(taken);
  }
  return sent;
}

const std::string& RawConnection::received() {
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got <= 0) {
      ended_ = ended_ || got == 0 || errno != EAGAIN;
      return received_;
    }
    received_.append(buffer, static_cast<std::size_t>(got));
  }
}

bool RawConnection::ended() {
  received();
  return ended_;
}

void RawConnection::half_close() { ::shutdown(socket_.get(), SHUT_WR); }

void RawConnection::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket_.reset();
}

RawServer::RawServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_.get(), 64) != 0 ||
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the test's server cannot listen");
  }
  port_ = ntohs(address.sin_port);
}

base::UniqueFd RawServer::accept_socket() const {
  return base::UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

std::unique_ptr<RawConnection> RawServer::accept() const {
  base::UniqueFd socket = accept_socket();
  if (!socket.valid()) {
    return nullptr;
  }
  send_at_once(socket);
  return std::make_unique<RawConnection>(std::move(socket));
}

}  // namespace hearth::http::test
