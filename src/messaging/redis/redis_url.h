// Where a Redis server is, as people write it: redis://[user:password@]host[:port][/db]. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::messaging {

struct RedisUrl {
  std::string host;  // a name or an address; IPv6 without its brackets
  std::uint16_t port = 6379;
  std::string user;      // empty: Redis's default user
  std::string password;  // empty: none is asked for
  std::uint32_t db = 0;

  bool operator==(const RedisUrl&) const = default;
};

// User and password may hold percent-encoded bytes. kInvalidArgument says what is taken; kUnsupported: TLS
// (rediss://), which Debian's hiredis 0.14 does not have. No message holds the password.
base::Result<RedisUrl> parse_redis_url(std::string_view text);

// redis://host:port/db, for messages, and as the server's name: the same text for the same URL.
std::string without_secret(const RedisUrl& url);

}  // namespace hearth::messaging
