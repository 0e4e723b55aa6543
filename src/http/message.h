// HTTP messages as values. No domain words here, no sockets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::http {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
std::string_view to_string(Method method);

struct Header {
  std::string name;  // as received; compared without regard to case
  std::string value;

  bool operator==(const Header&) const = default;
};

// Everything before the body.
struct RequestHead {
  Method method = Method::kGet;
  std::string target;  // "/functions/x?y=z" as received, without "http://host" where a client sent that
  std::vector<Header> headers;
  std::optional<std::uint64_t> content_length;  // none: chunked, or no body
  bool chunked = false;

  std::string_view path() const;   // up to '?', not decoded
  std::string_view query() const;  // after '?', not decoded; empty when there is none
  // The first header of that name, or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::vector<Header> headers;  // Content-Length, Date, Connection are the server's own
  std::string_view content_type = "application/json";  // a literal; empty: no body at all (204)
  // Sent one after the other without being joined, so that a large part is never copied.
  std::array<std::string, 3> body;
  bool close = false;  // ends the connection after this answer

  std::size_t body_bytes() const { return body[0].size() + body[1].size() + body[2].size(); }
};

// "%2F" becomes '/'. Nothing for a malformed escape or an escaped NUL.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace hearth::http
