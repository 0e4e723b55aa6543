#include "http/client_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

namespace hearth::http {
namespace {

using TimePoint = ClientSocket::TimePoint;
using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

base::Error timed_out() { return {base::ErrorCode::kTimeout, "the time-out has passed"}; }

// The events that came; none when the deadline passed.
short wait(int fd, short events, TimePoint deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd waited{fd, events, 0};
    const int ready = ::poll(&waited, 1, static_cast<int>(std::clamp<long>(left, 0, 60'000)));
    if (ready > 0) {
      return waited.revents;
    }
    if ((ready < 0 && errno != EINTR) || left <= 0) {
      return 0;
    }
  }
}

base::Result<Addresses> resolve(const HostPort& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) {
    return base::Error{base::ErrorCode::kIo,
                       "the host \"" + address.host + "\" is not known: " + gai_strerror(error)};
  }
  return Addresses(found, &freeaddrinfo);
}

// errno's value; 0 when connected, ETIMEDOUT when the deadline passed.
int connect_to(int fd, const addrinfo& address, TimePoint deadline) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) {
    return 0;
  }
  if (errno != EINPROGRESS) {
    return errno;
  }
  if (wait(fd, POLLOUT, deadline) == 0) {
    return ETIMEDOUT;
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

base::Result<void> ClientSocket::connect(const HostPort& address, TimePoint deadline, bool& nothing_listens) {
  close();
  const auto addresses = resolve(address);
  if (!addresses) {
    return addresses.error();
  }
  int error = EADDRNOTAVAIL;
  for (const addrinfo* each = addresses->get(); each != nullptr; each = each->ai_next) {
    base::UniqueFd fd(::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    error = fd.valid() ? connect_to(fd.get(), *each, deadline) : errno;
    if (error == 0) {
      fd_ = std::move(fd);
      return {};
    }
  }
  nothing_listens = error == ECONNREFUSED;
  return error == ETIMEDOUT ? timed_out() : base::io_error("connect", error);
}

bool ClientSocket::readable() const { return wait(fd_.get(), POLLIN, TimePoint{}) != 0; }

base::Result<ClientSocket::Sent> ClientSocket::send(std::string_view bytes, TimePoint deadline,
                                                    std::size_t& sent) {
  while (!bytes.empty()) {
    const ssize_t taken = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (taken >= 0) {
      sent += static_cast<std::size_t>(taken);
      bytes.remove_prefix(static_cast<std::size_t>(taken));
      continue;
    }
    if (errno == EPIPE || errno == ECONNRESET) {
      return Sent::kClosed;
    }
    if (errno != EAGAIN && errno != EINTR) {
      return base::io_error("send", errno);
    }
    const short ready = wait(fd_.get(), POLLIN | POLLOUT, deadline);
    if (ready == 0) {
      return timed_out();
    }
    if ((ready & POLLIN) != 0) {
      return Sent::kAnswered;
    }
  }
  return Sent::kAll;
}

base::Result<std::size_t> ClientSocket::receive(char* buffer, std::size_t size, TimePoint deadline) {
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), buffer, size, 0);
    if (got >= 0) {
      return static_cast<std::size_t>(got);
    }
    if (errno == ECONNRESET) {
      return std::size_t{0};
    }
    if (errno != EAGAIN && errno != EINTR) {
      return base::io_error("receive", errno);
    }
    if (wait(fd_.get(), POLLIN, deadline) == 0) {
      return timed_out();
    }
  }
}

}  // namespace hearth::http
