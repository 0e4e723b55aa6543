#include "messaging/redis/redis_url.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/words.h"

namespace hearth::messaging {
namespace {

using base::number_of;
using base::take_word;

constexpr std::string_view kScheme = "redis://";
constexpr std::string_view kTlsScheme = "rediss://";

base::Error refuse(const std::string& what) {
  return {base::ErrorCode::kInvalidArgument,
          what + ": write redis://[USER:PASSWORD@]HOST[:PORT][/DB], for example redis://127.0.0.1:6379"};
}

// The text with each %XX as the byte that it stands for.
std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || parsed.ptr != digits.data() + 2) {
      return std::nullopt;
    }
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

base::Result<void> read_credentials(std::string_view text, RedisUrl& url) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return refuse("a Redis URL names a user without a password");
  }
  const auto user = decode(text.substr(0, colon));
  const auto password = decode(text.substr(colon + 1));
  if (!user || !password || password->empty()) {
    return refuse("a Redis URL's user or password cannot be read (other than letters and digits: as %XX)");
  }
  url.user = *user;
  url.password = *password;
  return {};
}

base::Result<void> read_address(std::string_view text, RedisUrl& url) {
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return refuse("a Redis URL's IPv6 address has no closing bracket");
    }
    url.host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    has_port = rest.starts_with(':');
    port = has_port ? rest.substr(1) : rest;
    if (!has_port && !rest.empty()) {
      return refuse("a Redis URL has something other than a port behind its address");
    }
  } else {
    const std::size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    has_port = colon != std::string_view::npos;
    port = has_port ? text.substr(colon + 1) : std::string_view();
  }
  const bool visible = std::ranges::all_of(url.host, [](unsigned char c) { return std::isgraph(c) != 0; });
  if (url.host.empty() || !visible) {
    return refuse("a Redis URL names no host");
  }
  const auto number = has_port ? number_of<std::uint16_t>(port) : url.port;
  if (!number || *number == 0) {
    return refuse("a Redis URL's port is no number from 1 to 65535");
  }
  url.port = *number;
  return {};
}

}  // namespace

base::Result<RedisUrl> parse_redis_url(std::string_view text) {
  if (text.starts_with(kTlsScheme)) {
    return base::Error{base::ErrorCode::kUnsupported,
                       "rediss:// (Redis over TLS) is not supported: use redis:// on a network that you "
                       "trust, or through a local tunnel"};
  }
  if (!text.starts_with(kScheme)) {
    return refuse("a Redis URL begins with redis://");
  }
  std::string_view rest = text.substr(kScheme.size());
  RedisUrl url;
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    if (const auto read = read_credentials(rest.substr(0, at), url); !read) {
      return read.error();
    }
    rest = rest.substr(at + 1);
  }
  if (const auto read = read_address(take_word(rest, '/'), url); !read) {
    return read.error();
  }
  if (!rest.empty()) {
    const auto db = number_of<std::uint32_t>(rest);
    if (!db) {
      return refuse("a Redis URL's database is no number");
    }
    url.db = *db;
  }
  return url;
}

std::string without_secret(const RedisUrl& url) {
  const bool bracketed = url.host.find(':') != std::string::npos;
  return "redis://" + (bracketed ? "[" + url.host + "]" : url.host) + ":" + std::to_string(url.port) + "/" +
         std::to_string(url.db);
}

}  // namespace hearth::messaging
