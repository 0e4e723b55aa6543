// The checks on a request's head that make its meaning certain: RFC 9112, sections 3.2, 6.1 and 6.3, and
// RFC 9110, section 10.1.1.
#include <algorithm>
#include <string>
#include <utility>

#include "http/request_parser.h"
#include "http/text.h"

namespace hearth::http {
namespace {

constexpr CharSet kHostChars([](char c) {
  return is_visible(c) && std::string_view("/\\?#@,").find(c) == std::string_view::npos;
});

}  // namespace

Refusal RequestParser::start_line_refusal(std::string_view bytes) const {
  const std::string_view line = bytes.substr(0, bytes.find('\r'));
  if (line == "PRI * HTTP/2.0") {
    return {505, "http_version", "HTTP/2 is not spoken here; use HTTP/1.1"};
  }
  const std::size_t version = line.rfind(' ');
  if (version != std::string_view::npos && line.find(' ') != version) {
    const std::string_view word = line.substr(version + 1);
    if (word.starts_with("HTTP/") && word != "HTTP/1.0" && word != "HTTP/1.1") {
      return {505, "http_version", "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    }
  } else if (version != std::string_view::npos) {
    return {400, "bad_request_line", "the request line has no version; HTTP/0.9 is not spoken here"};
  }
  return {400, "bad_request_line",
          "the request line must read METHOD TARGET HTTP/1.1, without other characters"};
}

bool RequestParser::check_head() {
  return check_target() && check_host() && check_body_headers() && check_expect();
}

// Leaves the origin form ("/path?query", "*"); the authority of an absolute form is not looked at,
// as there is one host here only.
bool RequestParser::check_target() {
  std::string& target = head_.target;
  if (target.size() > limits_.target_bytes) {
    return refuse(414, "target_too_long",
                  "the request target is longer than " + std::to_string(limits_.target_bytes) + " bytes");
  }
  if (!std::all_of(target.begin(), target.end(), is_visible)) {
    return refuse(400, "bad_target", "the request target holds a character that must be percent-encoded");
  }
  if (target.front() == '/' || (target == "*" && head_.method == Method::kOptions)) {
    return true;
  }
  constexpr std::string_view kScheme = "http://";
  if (!equal_ignoring_case(std::string_view(target).substr(0, kScheme.size()), kScheme)) {
    return refuse(400, "bad_target", "the request target must begin with a slash");
  }
  const std::size_t path = target.find_first_of("/?", kScheme.size());
  target.erase(0, path);  // npos: everything
  if (!target.starts_with('/')) {
    target.insert(0, 1, '/');
  }
  return true;
}

bool RequestParser::check_host() {
  if (facts_.hosts > 1 || (facts_.hosts == 0 && facts_.http11)) {
    return refuse(400, "bad_host", "a request of HTTP/1.1 must have exactly one Host header");
  }
  const std::string_view host = head_.header("Host").value_or(std::string_view());
  if (!kHostChars.has_all_of(host)) {
    return refuse(400, "bad_host", "the Host header must be HOST or HOST:PORT");
  }
  return true;
}

bool RequestParser::check_body_headers() {
  if (facts_.lengths > 0) {
    const std::string_view length = *head_.header("Content-Length");
    const bool plain = std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (facts_.lengths > 1 || !plain) {
      return refuse(400, "bad_content_length", "Content-Length must be one plain number, given once");
    }
  }
  return facts_.codings == 0 || check_transfer_coding(*head_.header("Transfer-Encoding"));
}

bool RequestParser::check_transfer_coding(std::string_view codings) {
  if (facts_.codings > 1 || facts_.lengths > 0 || !facts_.http11) {
    return refuse(400, "bad_transfer_encoding",
                  "Transfer-Encoding must be given once, in HTTP/1.1 and not beside Content-Length");
  }
  if (equal_ignoring_case(codings, "chunked")) {
    return true;
  }
  const std::size_t comma = codings.rfind(',');
  const bool ends_chunked =
      comma != std::string_view::npos && equal_ignoring_case(trim(codings.substr(comma + 1)), "chunked");
  if (ends_chunked && is_token(trim(codings.substr(0, comma))) &&
      !equal_ignoring_case(trim(codings.substr(0, comma)), "chunked")) {
    return refuse(501, "unknown_transfer_coding", "no transfer coding but \"chunked\" is understood here");
  }
  // Without "chunked" at the end nobody can tell where the body ends (RFC 9112, section 6.3).
  return refuse(400, "bad_transfer_encoding", "Transfer-Encoding must be exactly \"chunked\"");
}

bool RequestParser::check_expect() {
  if (facts_.expectations == 0 || !facts_.http11) {
    return true;
  }
  if (facts_.expectations > 1 || !equal_ignoring_case(*head_.header("Expect"), "100-continue")) {
    return refuse(417, "unknown_expectation", "no expectation but \"100-continue\" can be met");
  }
  expects_continue_ = true;
  return true;
}

}  // namespace hearth::http
