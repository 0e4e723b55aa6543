// Where both ends of a connection are, as one of its hosts sees them. What ends connections of its own
// between two hosts, as a proxy does, or translates addresses, makes the two see different ends.
#pragma once

#include <string>

namespace hearth::http {

struct SocketEnds {
  std::string
      here;  // "10.0.0.7:4711", "[fd00::7]:4711"; an address of IPv4 is written so whatever the socket
  std::string there;  // the peer's. Both are empty when there is no connection (any more)

  bool operator==(const SocketEnds&) const = default;
};

SocketEnds ends_of(int socket);

}  // namespace hearth::http
