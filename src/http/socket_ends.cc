#include "http/socket_ends.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace hearth::http {
namespace {

using NameOf = int (*)(int, sockaddr*, socklen_t*);

std::string text_of(const in_addr& address, in_port_t port) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(port));
}

std::string text_of(const sockaddr_in6& name) {
  if (IN6_IS_ADDR_V4MAPPED(&name.sin6_addr)) {
    in_addr v4{};
    std::copy_n(name.sin6_addr.s6_addr + 12, sizeof v4, reinterpret_cast<unsigned char*>(&v4));
    return text_of(v4, name.sin6_port);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, &name.sin6_addr, text.data(), text.size());
  return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(name.sin6_port));
}

std::string end_of(int socket, NameOf name_of) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (name_of(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return {};
  }
  if (name.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&name);
    return text_of(v4->sin_addr, v4->sin_port);
  }
  return name.ss_family == AF_INET6 ? text_of(*reinterpret_cast<const sockaddr_in6*>(&name)) : std::string();
}

}  // namespace

SocketEnds ends_of(int socket) {
  SocketEnds ends{end_of(socket, &::getsockname), end_of(socket, &::getpeername)};
  return ends.here.empty() || ends.there.empty() ? SocketEnds() : ends;
}

}  // namespace hearth::http
