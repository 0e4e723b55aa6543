#include "base/testing/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "base/testing/free_port.h"

namespace hearth::base {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

UniqueFd make_socket() { return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

}  // namespace

TcpProxy::TcpProxy(int target_port)
    : target_port_(target_port), port_(free_port()), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  listen();
  thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
  become(Mode::kEnd);
  thread_.join();
}

void TcpProxy::be_silent() { become(Mode::kSilent); }

void TcpProxy::refuse() { become(Mode::kRefuse); }

void TcpProxy::forward() { become(Mode::kForward); }

void TcpProxy::listen() {
  listener_ = make_socket();
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port_);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 64) != 0) {
    throw std::runtime_error("the proxy cannot listen");
  }
}

void TcpProxy::become(Mode mode) {
  const std::lock_guard lock(mutex_);
  mode_ = mode;
  if (mode == Mode::kRefuse) {
    // Closed alone, it would listen for as long as the thread's poll holds it.
    ::shutdown(listener_.get(), SHUT_RDWR);
    listener_.reset();
    pairs_.clear();
  } else if (mode == Mode::kForward && !listener_.valid()) {
    listen();
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void TcpProxy::accept_one() {
  UniqueFd near(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  UniqueFd far = make_socket();
  const sockaddr_in address = loopback(target_port_);
  if (near.valid() &&
      ::connect(far.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    pairs_.push_back({std::move(near), std::move(far)});
  }
}

void TcpProxy::record() {
  const std::lock_guard lock(mutex_);
  records_ = true;
}

std::string TcpProxy::recorded() {
  const std::lock_guard lock(mutex_);
  return recorded_;
}

// What is there now; false when the connection has ended.
bool TcpProxy::pass_on(int from, int to) {
  std::array<char, 16'384> part;
  const ssize_t got = ::recv(from, part.data(), part.size(), MSG_DONTWAIT);
  if (got > 0 && records_) {
    recorded_.append(part.data(), static_cast<std::size_t>(got));
  }
  return got > 0 && ::send(to, part.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
}

void TcpProxy::run() {
  while (look()) {
  }
}

// One turn. Whatever was looked at may have changed while it waited, so it waits for a hint alone.
bool TcpProxy::look() {
  std::vector<pollfd> looks = {{wake_.get(), POLLIN, 0}};
  {
    const std::lock_guard lock(mutex_);
    if (mode_ == Mode::kForward) {
      looks.push_back({listener_.get(), POLLIN, 0});
      for (const Pair& pair : pairs_) {
        looks.push_back({pair.near.get(), POLLIN, 0});
        looks.push_back({pair.far.get(), POLLIN, 0});
      }
    }
  }
  ::poll(looks.data(), looks.size(), -1);
  std::uint64_t ignored = 0;
  [[maybe_unused]] const auto got = ::read(wake_.get(), &ignored, sizeof ignored);
  const std::lock_guard lock(mutex_);
  if (mode_ == Mode::kForward) {
    const auto readable = [](int socket) {
      pollfd look{socket, POLLIN, 0};
      return ::poll(&look, 1, 0) > 0;
    };
    std::erase_if(pairs_, [&](const Pair& pair) {
      return (readable(pair.near.get()) && !pass_on(pair.near.get(), pair.far.get())) ||
             (readable(pair.far.get()) && !pass_on(pair.far.get(), pair.near.get()));
    });
    if (readable(listener_.get())) {
      accept_one();
    }
  }
  return mode_ != Mode::kEnd;
}

}  // namespace hearth::base
