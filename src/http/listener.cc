#include "http/listener.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "http/endpoint.h"

namespace hearth::http {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

base::Result<Addresses> resolve(const std::string& host_port) {
  const auto parsed = split_host_port(host_port);
  if (!parsed) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       "\"" + host_port + "\" is no address to listen on: use HOST:PORT or [IPV6]:PORT"};
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (::getaddrinfo(parsed->host.c_str(), std::to_string(parsed->port).c_str(), &hints, &found) != 0) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       "the host of \"" + host_port + "\" is not known: use an address"};
  }
  return Addresses(found, &freeaddrinfo);
}

}  // namespace

base::Result<base::UniqueFd> open_listener(const std::string& host_port) {
  const auto addresses = resolve(host_port);
  if (!addresses) {
    return addresses.error();
  }
  const addrinfo& address = **addresses;
  base::UniqueFd socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  const bool listening = socket.valid() &&
                         ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                         ::bind(socket.get(), address.ai_addr, address.ai_addrlen) == 0 &&
                         ::listen(socket.get(), SOMAXCONN) == 0;
  if (!listening) {
    const int error = errno;
    const std::string advice = error == EADDRINUSE ? ": another server has the port" : "";
    return base::Error{base::ErrorCode::kIo,
                       fmt::format("cannot listen on {}: {}{}", host_port, std::strerror(error), advice)};
  }
  return socket;
}

}  // namespace hearth::http
