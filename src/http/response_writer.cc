#include "http/response_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text_writer.h"

namespace hearth::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kColon = ": ";
// What a head has beside its reason, its date, the content type and the handler's headers.
constexpr std::size_t kOwnHeadBytes = 160;

bool has_line_break(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= '\r' && (c == '\r' || c == '\n' || c == '\0');
  });
}

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

std::string_view DateLine::at(std::time_t now) {
  if (now != made_for_) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 48> text;
    // The C locale's names, which this process never changes.
    const std::size_t size =
        std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    line_.assign(text.data(), size);
    made_for_ = now;
  }
  return line_;
}

std::string_view response_fault(const Response& response) {
  if (response.status < 200 || response.status > 599) {
    return "its status is not one of 200 to 599";
  }
  if (has_line_break(response.content_type)) {
    return "its content type holds CR, LF or NUL";
  }
  for (const ResponseHeader& header : response.headers) {
    if (has_line_break(header.value)) {
      return "a header value holds CR, LF or NUL";
    }
  }
  return {};
}

bool carries_body(const Response& response) { return response.status != 204 && response.status != 304; }

void write_head(const Response& response, std::string_view date_line, Persistence persistence,
                std::string& head, Framing framing) {
  const std::string_view reason = reason_phrase(response.status);
  std::size_t most_bytes = kOwnHeadBytes + reason.size() + date_line.size() + response.content_type.size();
  for (const ResponseHeader& header : response.headers) {
    most_bytes += header.name.text().size() + kColon.size() + header.value.size() + kLineEnd.size();
  }
  head.clear();
  base::TextWriter out(head, most_bytes);
  out.put("HTTP/1.1 ").put_number(response.status).put(' ').put(reason).put(kLineEnd).put(date_line);
  if (carries_body(response)) {
    if (!response.content_type.empty()) {
      out.put("Content-Type: ").put(response.content_type).put(kLineEnd);
    }
    if (framing == Framing::kLength) {
      const std::size_t bytes = response.content_type.empty() ? 0 : response.body_bytes();
      out.put("Content-Length: ").put_number(static_cast<std::int64_t>(bytes)).put(kLineEnd);
    } else if (framing == Framing::kChunked) {
      out.put("Transfer-Encoding: chunked\r\n");
    }
  }
  for (const ResponseHeader& header : response.headers) {
    out.put(header.name.text()).put(kColon).put(header.value).put(kLineEnd);
  }
  switch (persistence) {
    case Persistence::kImplied:
      break;
    case Persistence::kKeepAlive:
      out.put("Connection: keep-alive\r\n");
      break;
    case Persistence::kClose:
      out.put("Connection: close\r\n");
      break;
  }
  out.put(kLineEnd);
}

void add_chunk(std::string& text, std::string_view piece) {
  if (!piece.empty()) {
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16).ptr;
    text.append(digits.data(), end).append(kLineEnd).append(piece).append(kLineEnd);
  }
}

}  // namespace hearth::http
