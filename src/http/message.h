// HTTP messages as values. No domain words here, no sockets.
#pragma once

#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/text.h"

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
  const void* connection = nullptr;  // the same for all requests of one; another may have it later
  // What TLS has at both ends of the connection, and nobody between (TlsSession::channel_binding()); empty
  // without TLS. Views memory of the connection's.
  std::string_view channel_binding;

  std::string_view path() const;   // up to '?', not decoded
  std::string_view query() const;  // after '?', not decoded; empty when there is none
  // The first header of that name, or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
};

// The name of a response's header, checked by the compiler: a token, and not one of the server's own.
class HeaderName {
 public:
  template <std::size_t kSize>
  consteval HeaderName(const char (&text)[kSize])  // NOLINT(*-explicit-*,*-avoid-c-arrays)
      : text_(text, kSize - 1) {
    if (!may_be_sent(text_)) {
      throw "no name for a header of a response";  // NOLINT(*-exception-*): stops the compiler
    }
  }

  constexpr std::string_view text() const { return text_; }

  static constexpr bool may_be_sent(std::string_view name) {
    constexpr std::array<std::string_view, 5> kServersOwn = {"Content-Length", "Connection", "Date",
                                                             "Transfer-Encoding", "Content-Type"};
    return is_token(name) && std::ranges::none_of(kServersOwn, [name](std::string_view own) {
             return equal_ignoring_case(own, name);
           });
  }

 private:
  std::string_view text_;
};

struct ResponseHeader {
  HeaderName name;
  std::string value;
};

using ResponseHeaders = boost::container::small_vector<ResponseHeader, 2>;  // as many as most answers have

struct Response {
  int status = 200;
  ResponseHeaders headers;  // Content-Length, Date, Connection are the server's own
  std::string_view content_type = "application/json";  // a literal; empty: no body at all (204)
  // Sent one after the other without being joined, so that a large part is never copied.
  std::array<std::string, 3> body;
  bool close = false;  // ends the connection after this answer

  std::size_t body_bytes() const { return body[0].size() + body[1].size() + body[2].size(); }
};

// "%2F" becomes '/'. Nothing for a malformed escape or an escaped NUL.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace hearth::http
