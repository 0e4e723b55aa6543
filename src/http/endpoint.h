// Addresses as people write them: HOST:PORT, [IPV6]:PORT and http://HOST:PORT/prefix, or https. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::http {

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  bool operator==(const HostPort&) const = default;
};

// Nothing when it is malformed.
std::optional<HostPort> split_host_port(std::string_view text);

struct Endpoint {
  HostPort address;
  std::string authority;  // as written, for the Host header
  std::string prefix;     // path without a slash at its end; mostly empty
  bool tls = false;       // https

  bool operator==(const Endpoint&) const = default;
};

// Port 80 when none is given. kInvalidArgument when malformed, kUnsupported for https: of what the blocking
// Client (client.h) speaks to.
base::Result<Endpoint> parse_endpoint(std::string_view text);
// The same of what ClientConnection speaks to, https too (port 443).
base::Result<Endpoint> parse_link_endpoint(std::string_view text);

}  // namespace hearth::http
