// A port of loopback that nobody has, for a server that a test starts. Tests only.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <random>
#include <stdexcept>

#include "base/unique_fd.h"

namespace hearth::base {

// Below those that the kernel gives to connections (32768 and above, unless told otherwise): one of these
// would be taken by a connection of anybody's before the test listens there, or while its server is away.
inline constexpr unsigned kFirstPort = 20'000;
inline constexpr unsigned kPorts = 12'000;

// Free when it returns, and one of many, so that two tests beside one another hardly choose the same.
inline std::uint16_t free_port() {
  std::random_device random;
  for (int tries = 0; tries < 100; ++tries) {
    const auto port = static_cast<std::uint16_t>(kFirstPort + random() % kPorts);
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      return port;
    }
  }
  throw std::runtime_error("no free port");
}

}  // namespace hearth::base
