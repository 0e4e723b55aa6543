#include "store/postgres/direct_way.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/unique_fd.h"

namespace hearth::store::postgres {
namespace {

using std::chrono::steady_clock;
using namespace std::string_view_literals;

// As the server sees the connection; nothing of one over a Unix socket.
constexpr Statement kEnds{"way_ends",
                          "SELECT COALESCE(host(inet_client_addr()), ''), COALESCE(inet_client_port(), 0), "
                          "COALESCE(host(inet_server_addr()), ''), COALESCE(inet_server_port(), 0)"};

// The first message of a client (PostgreSQL's protocol 3.0): its length, the version, the user. The server
// looks whether it serves anybody before it looks who asks.
constexpr std::string_view kHello = "\0\0\0\x15\0\3\0\0user\0hearth\0\0"sv;
static_assert(kHello.size() == 0x15);
// "cannot_connect_now": it starts, recovers from a crash, or shuts down.
constexpr std::string_view kCannotConnectNow = "C57P03\0"sv;

struct End {
  std::string address;
  std::int64_t port = 0;

  bool operator==(const End&) const = default;
};

End end_of(const sockaddr* name) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (name->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(name);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return {text.data(), ntohs(v4->sin_port)};
  }
  if (name->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(name);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    return {text.data(), ntohs(v6->sin6_port)};
  }
  return {};
}

using NameOf = int (*)(int, sockaddr*, socklen_t*);

End end_of(int socket, NameOf name_of) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  return name_of(socket, reinterpret_cast<sockaddr*>(&name), &size) == 0
             ? end_of(reinterpret_cast<const sockaddr*>(&name))
             : End{};
}

bool wait_for(int socket, short events, steady_clock::time_point deadline) {
  pollfd look{socket, events, 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
  return ::poll(&look, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) > 0;
}

// What a server that nobody can connect to answers: an error with its code among others.
bool says_cannot_connect(int socket, steady_clock::time_point deadline) {
  if (::send(socket, kHello.data(), kHello.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(kHello.size())) {
    return false;
  }
  std::string answer;
  std::array<char, 1'024> part{};
  while (wait_for(socket, POLLIN, deadline)) {
    const ssize_t got = ::recv(socket, part.data(), part.size(), 0);
    if (got <= 0) {
      break;  // having said why, it closes
    }
    answer.append(part.data(), static_cast<std::size_t>(got));
    if (answer.front() != 'E' || answer.size() > 16 * part.size()) {
      return false;
    }
  }
  return answer.find(kCannotConnectNow) != std::string::npos;
}

bool refuses_at(const addrinfo& target, steady_clock::time_point deadline) {
  const base::UniqueFd socket(
      ::socket(target.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, target.ai_protocol));
  if (!socket.valid()) {
    return false;
  }
  int error = ::connect(socket.get(), target.ai_addr, target.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    socklen_t size = sizeof error;
    if (!wait_for(socket.get(), POLLOUT, deadline) ||
        ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
      return false;
    }
  }
  return error == ECONNREFUSED || (error == 0 && says_cannot_connect(socket.get(), deadline));
}

}  // namespace

base::Result<std::optional<DirectWay>> find_direct_way(Connection& connection) {
  const auto seen = connection.run(kEnds, {});
  if (!seen) {
    return seen.error();
  }
  const End here = end_of(connection.socket(), &::getsockname);
  const End there = end_of(connection.socket(), &::getpeername);
  const std::string host = connection.host();
  const bool direct = !there.address.empty() && here == End{seen->text(0, 0), seen->number(0, 1)} &&
                      there == End{seen->text(0, 2), seen->number(0, 3)};
  if (!direct || host.find(',') != std::string::npos) {
    return std::optional<DirectWay>();
  }
  return std::optional<DirectWay>({host, connection.port(), there.address});
}

bool refuses_everybody(const DirectWay& way, std::chrono::milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(way.host.c_str(), way.port.c_str(), &wanted, &found) != 0) {
    return false;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> held(found, &::freeaddrinfo);
  bool known = false;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    known = known || end_of(each->ai_addr).address == way.address;
    if (!refuses_at(*each, deadline)) {
      return false;
    }
  }
  return known;
}

}  // namespace hearth::store::postgres
