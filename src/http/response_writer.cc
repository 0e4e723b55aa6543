#include "http/response_writer.h"

#include <array>
#include <charconv>

#include "http/text.h"

namespace hearth::http {
namespace {

constexpr CharSet kOfOneLine([](char c) { return c != '\r' && c != '\n' && c != '\0'; });

bool has_line_break(std::string_view text) { return !kOfOneLine.has_all_of(text); }

void append_number(std::string& text, std::size_t number, int base = 10) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  text.append(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
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
  head.assign("HTTP/1.1 ");
  append_number(head, static_cast<std::size_t>(response.status));
  head.append(" ").append(reason_phrase(response.status)).append("\r\n").append(date_line);
  if (carries_body(response)) {
    if (!response.content_type.empty()) {
      head.append("Content-Type: ").append(response.content_type).append("\r\n");
    }
    if (framing == Framing::kLength) {
      head.append("Content-Length: ");
      append_number(head, response.content_type.empty() ? 0 : response.body_bytes());
      head.append("\r\n");
    } else if (framing == Framing::kChunked) {
      head.append("Transfer-Encoding: chunked\r\n");
    }
  }
  for (const ResponseHeader& header : response.headers) {
    head.append(header.name.text()).append(": ").append(header.value).append("\r\n");
  }
  switch (persistence) {
    case Persistence::kImplied:
      break;
    case Persistence::kKeepAlive:
      head.append("Connection: keep-alive\r\n");
      break;
    case Persistence::kClose:
      head.append("Connection: close\r\n");
      break;
  }
  head.append("\r\n");
}

void add_chunk(std::string& text, std::string_view piece) {
  if (!piece.empty()) {
    append_number(text, piece.size(), 16);
    text.append("\r\n").append(piece).append("\r\n");
  }
}

}  // namespace hearth::http
